/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <stdio.h>
#include <string.h>

#define ENTRY_BYTES_MAX 1024u
#define FWCFG_NAME_BYTES_MAX 55u /* FW_CFG_MAX_FILE_PATH without its NUL */

typedef struct Word {
    const char *name;   /* libvirt's */
    const char *option; /* QEMU's */
} Word;

typedef struct Block {
    const char *element;
    unsigned table;
    Word words[8];
} Block;

/* libvirt's "SMBIOS System Information"; QEMU's -smbios. */
static const Block blocks[] = {
    { "bios", 0,
      { { "vendor", "vendor" }, { "version", "version" }, { "date", "date" },
        { "release", "release" } } },
    { "system", 1,
      { { "manufacturer", "manufacturer" }, { "product", "product" },
        { "version", "version" }, { "serial", "serial" }, { "uuid", "uuid" },
        { "sku", "sku" }, { "family", "family" } } },
    { "baseBoard", 2,
      { { "manufacturer", "manufacturer" }, { "product", "product" },
        { "version", "version" }, { "serial", "serial" },
        { "asset", "asset" }, { "location", "location" } } },
    { "chassis", 3,
      { { "manufacturer", "manufacturer" }, { "version", "version" },
        { "serial", "serial" }, { "asset", "asset" }, { "sku", "sku" } } },
};

static const char *
read_value(SvirtReader *reader, SvirtXmlNode *entry)
{
    const char *value = svirt_reader_raw_text(reader, entry);
    bool ok = strlen(value) <= ENTRY_BYTES_MAX;

    for (const char *p = value; *p != '\0'; p++) {
        ok = ok && !g_ascii_iscntrl(*p);
    }
    if (!ok) {
        svirt_reader_fail(reader, entry->line, SVIRT_ERROR_INVALID,
                          "write up to 1024 bytes on one line",
                          "the value of an <entry> is too long, or has a "
                          "control character");
    }
    return value;
}

static bool
is_release(const char *value)
{
    unsigned major, minor;
    char rest;

    return sscanf(value, "%3u.%3u%c", &major, &minor, &rest) == 2 &&
           major < 256 && minor < 256 && strspn(value, "0123456789.") ==
                                             strlen(value);
}

/* "01/02/2003", or "01/02/03" as the specification once had it. */
static bool
is_date(const char *value)
{
    static const char form[] = "dd/dd/dddd";
    size_t length = strlen(value);

    for (size_t i = 0; i < length && i < sizeof(form) - 1; i++) {
        if (form[i] == 'd' ? !g_ascii_isdigit(value[i])
                           : value[i] != form[i]) {
            return false;
        }
    }
    return (length == 8 || length == 10) &&
           g_ascii_strtoull(value, NULL, 10) - 1 < 12 &&
           g_ascii_strtoull(value + 3, NULL, 10) - 1 < 31;
}

static void
check_value(SvirtReader *reader, const SvirtXmlNode *entry,
            const SvirtSmbiosString *string, const SvirtDomain *domain)
{
    bool uuid = strcmp(string->option, "uuid") == 0;
    SvirtUuid value;

    if (uuid && domain->uuid_given &&
        (!svirt_uuid_parse(string->value, &value) ||
         memcmp(&value, &domain->uuid, sizeof(value)) != 0)) {
        svirt_reader_fail(reader, entry->line, SVIRT_ERROR_INVALID,
                          "remove the entry",
                          "the uuid in <sysinfo> is not that of the domain");
    } else if (strcmp(string->option, "date") == 0 &&
               !is_date(string->value)) {
        svirt_reader_fail(reader, entry->line, SVIRT_ERROR_INVALID,
                          "write it as 12/31/2003",
                          "'%.80s' is no date of a BIOS", string->value);
    } else if (strcmp(string->option, "release") == 0 &&
               !is_release(string->value)) {
        svirt_reader_fail(reader, entry->line, SVIRT_ERROR_INVALID,
                          "write it as 1.2",
                          "'%.80s' is no release of a BIOS", string->value);
    }
}

static void
read_block(SvirtReader *reader, SvirtXmlNode *node, const Block *block,
           const SvirtDomain *domain, GArray *strings)
{
    SvirtXmlNode *entry = NULL;

    while ((entry = svirt_reader_next(reader, node, entry, "entry"))) {
        const char *name = svirt_reader_required(reader, entry, "name");
        SvirtSmbiosString string = { .table = block->table };

        for (const Word *word = block->words; word->name != NULL; word++) {
            if (strcmp(word->name, name) == 0) {
                string.option = word->option;
            }
        }
        for (guint i = 0; string.option != NULL && i < strings->len; i++) {
            const SvirtSmbiosString *other =
                &g_array_index(strings, SvirtSmbiosString, i);

            if (other->table == string.table &&
                strcmp(other->option, string.option) == 0) {
                svirt_reader_fail(reader, entry->line, SVIRT_ERROR_INVALID,
                                  "keep one of the two",
                                  "second <entry name='%s'> in <%s>", name,
                                  node->name);
            }
        }
        string.value = read_value(reader, entry);
        if (string.option == NULL) {
            svirt_reader_fail(reader, entry->line, SVIRT_ERROR_INVALID,
                              "libvirt's formatdomain lists them",
                              "<entry name='%.80s'> in <%s> is unknown", name,
                              node->name);
        } else {
            check_value(reader, entry, &string, domain);
            g_array_append_val(strings, string);
        }
        (void)svirt_reader_part(reader);
    }
}

static void
read_oem_strings(SvirtReader *reader, SvirtXmlNode *node, GArray *strings)
{
    SvirtXmlNode *entry = NULL;

    while ((entry = svirt_reader_next(reader, node, entry, "entry"))) {
        SvirtSmbiosString string = { 11, "value", read_value(reader, entry) };

        g_array_append_val(strings, string);
    }
}

static void
read_smbios(SvirtReader *reader, SvirtXmlNode *node, bool wanted,
            SvirtDomain *domain)
{
    g_autoptr(GArray) strings =
        g_array_new(FALSE, FALSE, sizeof(SvirtSmbiosString));
    SvirtXmlNode *oem = svirt_reader_child(reader, node, "oemStrings");
    SvirtSmbiosString *copy;

    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        SvirtXmlNode *block =
            svirt_reader_child(reader, node, blocks[i].element);

        if (block != NULL) {
            read_block(reader, block, &blocks[i], domain, strings);
        }
    }
    if (oem != NULL) {
        read_oem_strings(reader, oem, strings);
    }
    copy = svirt_arena_array(reader->arena, strings->len, sizeof(*copy));
    if (strings->len > 0) {
        memcpy(copy, strings->data, strings->len * sizeof(*copy));
    }
    domain->sysinfo.smbios = copy;
    domain->sysinfo.smbios_count = wanted ? strings->len : 0;
}

/* QEMU keeps the rest of the names for itself and its firmware. */
static void
check_fwcfg_name(SvirtReader *reader, const SvirtXmlNode *entry,
                 const char *name)
{
    bool ok = g_str_has_prefix(name, "opt/") &&
              !g_str_has_prefix(name, "opt/ovmf/") &&
              !g_str_has_prefix(name, "opt/org.qemu/") &&
              strlen(name) <= FWCFG_NAME_BYTES_MAX;

    for (const char *p = name; *p != '\0'; p++) {
        ok = ok && (g_ascii_isalnum(*p) || strchr("-_.+/", *p) != NULL);
    }
    if (!ok) {
        svirt_reader_fail(reader, entry->line, SVIRT_ERROR_INVALID,
                          "name it opt/com.example/what, up to 55 bytes",
                          "<entry name='%.80s'> is no name for fwcfg", name);
    }
}

static void
read_fwcfg(SvirtReader *reader, SvirtXmlNode *node, SvirtDomain *domain)
{
    size_t count = svirt_reader_count(node, "entry");
    SvirtFwcfgString *strings =
        svirt_arena_array(reader->arena, count, sizeof(*strings));
    SvirtXmlNode *entry = NULL;

    for (size_t i = 0; i < count; i++) {
        entry = svirt_reader_next(reader, node, entry, "entry");
        strings[i].name = svirt_reader_required(reader, entry, "name");
        if (reader->error == NULL) {
            check_fwcfg_name(reader, entry, strings[i].name);
        }
        strings[i].value = read_value(reader, entry);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(strings[j].name, strings[i].name) == 0) {
                svirt_reader_fail(reader, entry->line, SVIRT_ERROR_INVALID,
                                  "give each its own",
                                  "second <entry name='%.80s'>",
                                  strings[i].name);
            }
        }
        (void)svirt_reader_part(reader);
    }
    domain->sysinfo.fwcfg = strings;
    domain->sysinfo.fwcfg_count = count;
}

static bool
wants_smbios(SvirtReader *reader, SvirtXmlNode *root)
{
    SvirtXmlNode *os = svirt_reader_child(reader, root, "os");
    SvirtXmlNode *smbios =
        os != NULL ? svirt_reader_child(reader, os, "smbios") : NULL;
    const char *mode = smbios != NULL
                           ? svirt_reader_attribute(reader, smbios, "mode")
                           : NULL;

    if (mode != NULL && strcmp(mode, "emulate") != 0 &&
        strcmp(mode, "sysinfo") != 0) {
        svirt_reader_bad_word(reader, smbios, "mode", mode);
    }
    return g_strcmp0(mode, "sysinfo") == 0;
}

void
svirt_parse_sysinfo(SvirtReader *reader, SvirtXmlNode *root,
                    SvirtDomain *domain)
{
    bool wanted = wants_smbios(reader, root);
    SvirtXmlNode *node = NULL;
    bool seen[2] = { false };

    (void)svirt_reader_part(reader);
    while ((node = svirt_reader_next(reader, root, node, "sysinfo"))) {
        const char *type = svirt_reader_required(reader, node, "type");
        bool fwcfg = strcmp(type, "fwcfg") == 0;

        if (reader->error == NULL && !fwcfg && strcmp(type, "smbios") != 0) {
            svirt_reader_bad_word(reader, node, "type", type);
        }
        if (reader->error == NULL && seen[fwcfg]) {
            svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                              "keep one of the two",
                              "second <sysinfo type='%s'>", type);
        }
        if (reader->error != NULL) {
            node->unread = true;
            (void)svirt_reader_part(reader);
            continue;
        }
        seen[fwcfg] = true;
        if (fwcfg) {
            read_fwcfg(reader, node, domain);
        } else {
            read_smbios(reader, node, wanted, domain);
        }
        (void)svirt_reader_part(reader);
    }
    if (wanted && !seen[0]) {
        svirt_reader_fail(reader, root->line, SVIRT_ERROR_INVALID,
                          "add <sysinfo type='smbios'>",
                          "<smbios mode='sysinfo'> has no <sysinfo>");
    }
}
