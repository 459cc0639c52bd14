/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/redefine.h"
#include "hypervisor/life.h"
#include "hypervisor/qemu.h"

/* svirt blkdeviotune: what a disk may do, of the definition or as it runs. */

#define LIMIT(name, help) { name, SVIRT_OPTION_TEXT, "NUMBER", help }

const SvirtOption svirt_blkdeviotune_options[] = {
    { "domain", SVIRT_OPTION_REQUIRED, "DOMAIN",
      "name, UUID or id of the domain" },
    { "device", SVIRT_OPTION_REQUIRED, "DEVICE", "target of the disk: vda" },
    LIMIT("total-bytes-sec", "bytes a second; 0: no limit"),
    LIMIT("read-bytes-sec", "those read"),
    LIMIT("write-bytes-sec", "those written"),
    LIMIT("total-iops-sec", "operations a second"),
    LIMIT("read-iops-sec", "those that read"),
    LIMIT("write-iops-sec", "those that write"),
    LIMIT("total-bytes-sec-max", "bytes a second, in a burst"),
    LIMIT("read-bytes-sec-max", "those read"),
    LIMIT("write-bytes-sec-max", "those written"),
    LIMIT("total-iops-sec-max", "operations a second, in a burst"),
    LIMIT("read-iops-sec-max", "those that read"),
    LIMIT("write-iops-sec-max", "those that write"),
    LIMIT("total-bytes-sec-max-length", "seconds that a burst may last"),
    LIMIT("read-bytes-sec-max-length", "one of reading"),
    LIMIT("write-bytes-sec-max-length", "one of writing"),
    LIMIT("total-iops-sec-max-length", "one of operations"),
    LIMIT("read-iops-sec-max-length", "one of those that read"),
    LIMIT("write-iops-sec-max-length", "one of those that write"),
    LIMIT("size-iops-sec", "bytes that count as one operation"),
    { "live", SVIRT_OPTION_FLAG, NULL, "of the running domain" },
    { "config", SVIRT_OPTION_FLAG, NULL, "of the definition" },
    { "current", SVIRT_OPTION_FLAG, NULL,
      "of the running domain, or of the definition: the default" },
    { NULL, SVIRT_OPTION_FLAG, NULL, NULL },
};

typedef struct Tuning {
    const SvirtCli *cli;
    const SvirtDefinition *definition;
    SvirtDomain *domain;
    size_t index; /* of the disk */
} Tuning;

static const SvirtDisk *
disk_of(const Tuning *tuning)
{
    return &tuning->domain->disks[tuning->index];
}

static bool
find_disk(Tuning *tuning, GError **error)
{
    const char *target = svirt_arguments_text(tuning->cli->args, "device");

    for (size_t i = 0; i < tuning->domain->disk_count; i++) {
        if (strcmp(tuning->domain->disks[i].target, target) == 0) {
            tuning->index = i;
            return true;
        }
    }
    return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "svirt domblklist shows its disks",
                       "domain '%s' has no disk '%s'",
                       tuning->definition->name, target);
}

/* "total_bytes_sec" is --total-bytes-sec. */
static char *
option_name(SvirtIotuneLimit limit)
{
    return g_strdelimit(g_strdup(svirt_iotune_limit_to_string(limit)), "_",
                        '-');
}

/* The limits that were given, over those there are. */
static bool
read_given(const Tuning *tuning, SvirtIotune *iotune, bool *ret_any,
           GError **error)
{
    const char *fault;

    *ret_any = false;
    for (int i = 0; i < SVIRT_IOTUNE_MAX; i++) {
        g_autofree char *name = option_name((SvirtIotuneLimit)i);
        const char *text = svirt_arguments_text(tuning->cli->args, name);
        guint64 value;

        if (text == NULL) {
            continue;
        }
        if (!g_ascii_string_to_unsigned(text, 10, 0,
                                        UINT64_C(1000000000000000), &value,
                                        NULL)) {
            return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                               "give a number; 0 is no limit",
                               "--%s '%s' is no limit", name, text);
        }
        iotune->limits[i] = value;
        *ret_any = true;
    }
    fault = *ret_any ? svirt_iotune_fault(iotune) : NULL;
    return fault == NULL ||
           svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "change one of the two; 0 takes a limit away",
                       "the limits of disk '%s' %s", disk_of(tuning)->target,
                       fault);
}

/* What QEMU calls a limit of a device that no throttle group holds back. */
static char *
device_word(SvirtIotuneLimit limit)
{
    g_auto(GStrv) parts = g_strsplit(svirt_qemu_throttle_word(limit), "-", -1);
    GString *word = g_string_new(parts[0]);

    for (char **part = parts + 1; *part != NULL; part++) {
        if (strcmp(*part, "total") == 0) {
            continue;
        }
        g_string_append_printf(word, "_%s",
                               strcmp(*part, "read") == 0    ? "rd"
                               : strcmp(*part, "write") == 0 ? "wr"
                                                             : *part);
    }
    return g_string_free(word, FALSE);
}

static char *
group_path(const Tuning *tuning)
{
    g_autofree char *id =
        svirt_qemu_throttle_id(disk_of(tuning), tuning->index);

    return g_strdup_printf("/objects/%s", id);
}

static void
take_limits(const json_t *said, bool group, SvirtIotune *iotune)
{
    for (int i = 0; i < SVIRT_IOTUNE_MAX; i++) {
        SvirtIotuneLimit limit = (SvirtIotuneLimit)i;
        g_autofree char *word = group
                                    ? g_strdup(svirt_qemu_throttle_word(limit))
                                    : device_word(limit);
        json_int_t value =
            json_integer_value(json_object_get(said, word));

        iotune->limits[i] = value > 0 ? (uint64_t)value : 0;
    }
}

static bool
read_live(const Tuning *tuning, SvirtIotune *iotune, GError **error)
{
    bool group = disk_of(tuning)->iotune.line != 0;
    g_autofree char *path = group_path(tuning);
    g_autofree char *id =
        g_strdup_printf("/machine/peripheral/disk%zu/", tuning->index);
    const json_t *each;
    json_t *said = NULL;
    size_t i;

    if (!svirt_life_call(tuning->cli->manager, tuning->definition,
                         group ? "qom-get" : "query-block",
                         group ? json_pack("{s:s,s:s}", "path", path,
                                           "property", "limits")
                               : NULL,
                         -1, &said, error)) {
        return false;
    }
    if (group) {
        take_limits(said, true, iotune);
    }
    json_array_foreach(said, i, each) {
        const char *device =
            json_string_value(json_object_get(each, "qdev"));
        g_autofree char *whole = g_strdup_printf("%s/", device);

        if (device != NULL && g_str_has_prefix(whole, id)) {
            take_limits(json_object_get(each, "inserted"), false, iotune);
        }
    }
    json_decref(said);
    return true;
}

static bool
set_live(const Tuning *tuning, const SvirtIotune *iotune, GError **error)
{
    json_t *limits = svirt_qemu_throttle_limits(iotune);
    json_t *arguments;

    if (disk_of(tuning)->iotune.line != 0) {
        g_autofree char *path = group_path(tuning);

        return svirt_life_call(tuning->cli->manager, tuning->definition,
                               "qom-set",
                               json_pack("{s:s,s:s,s:o}", "path", path,
                                         "property", "limits", "value",
                                         limits),
                               -1, NULL, error);
    }
    arguments = json_object();
    json_object_set_new(arguments, "id",
                        json_sprintf("/machine/peripheral/disk%zu%s",
                                     tuning->index,
                                     disk_of(tuning)->bus ==
                                             SVIRT_DISK_BUS_VIRTIO
                                         ? "/virtio-backend"
                                         : ""));
    for (int i = 0; i < SVIRT_IOTUNE_MAX; i++) {
        SvirtIotuneLimit limit = (SvirtIotuneLimit)i;
        g_autofree char *word = device_word(limit);

        json_object_set(arguments, word,
                        json_object_get(limits,
                                        svirt_qemu_throttle_word(limit)));
    }
    json_decref(limits);
    return svirt_life_call(tuning->cli->manager, tuning->definition,
                           "block_set_io_throttle", arguments, -1, NULL,
                           error);
}

static void
write_limits(SvirtXmlDocument *document, SvirtXmlNode *disk,
             const SvirtIotune *iotune)
{
    SvirtXmlNode *node = svirt_xml_ensure(document, disk, "iotune");

    for (int i = 0; i < SVIRT_IOTUNE_MAX; i++) {
        const char *name = svirt_iotune_limit_to_string((SvirtIotuneLimit)i);

        if (iotune->limits[i] != 0 || svirt_xml_find(node, name) != NULL) {
            svirt_cli_set_text(document,
                               svirt_xml_ensure(document, node, name),
                               iotune->limits[i]);
        }
    }
}

/* The disks of a group must say the same. */
static bool
set_config(const Tuning *tuning, const SvirtIotune *iotune, GError **error)
{
    SvirtDomain *domain = tuning->domain;

    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];

        if (i == tuning->index ||
            (iotune->group != NULL &&
             g_strcmp0(disk->iotune.group, iotune->group) == 0)) {
            write_limits(domain->document, disk->info.node, iotune);
        }
    }
    return svirt_cli_redefine(tuning->cli, tuning->definition, domain, error);
}

static void
print_limits(const SvirtCli *cli, const SvirtIotune *iotune)
{
    static const char *const columns[] = { "Name", "Value", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autofree char *text = NULL;

    for (int i = 0; i < SVIRT_IOTUNE_MAX; i++) {
        g_autofree char *value =
            g_strdup_printf("%" G_GUINT64_FORMAT, iotune->limits[i]);

        svirt_table_add(table,
                        svirt_iotune_limit_to_string((SvirtIotuneLimit)i),
                        value, NULL);
    }
    if (iotune->group != NULL) {
        svirt_table_add(table, "group_name", iotune->group, NULL);
    }
    text = cli->json ? svirt_table_to_object(table)
                     : svirt_table_to_list(table);
    (void)fputs(text, stdout);
}

bool
svirt_cmd_blkdeviotune(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    Tuning tuning = { .cli = cli };
    SvirtIotune iotune;
    bool live = false, any = false;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_manager_parse(definition, &domain, error)) {
        return false;
    }
    tuning.definition = definition;
    tuning.domain = domain;
    if (!find_disk(&tuning, error) ||
        !svirt_cli_live_or_config(cli, definition, &live, error)) {
        return false;
    }
    iotune = disk_of(&tuning)->iotune;
    if ((live && !read_live(&tuning, &iotune, error)) ||
        !read_given(&tuning, &iotune, &any, error)) {
        return false;
    }
    if (!any) {
        print_limits(cli, &iotune);
        return true;
    }
    if (!(live ? set_live(&tuning, &iotune, error)
               : set_config(&tuning, &iotune, error))) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "Limits of disk '%s' set",
                   disk_of(&tuning)->target);
    return true;
}
