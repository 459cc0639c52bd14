/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"
#include "domain/parse.h"

#include <string.h>

/*
 * <loader>, <nvram> and what chooses them: the firmware and where it keeps
 * its variables.
 */

static SvirtSwitch
read_switch(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    if (svirt_reader_attribute(reader, node, name) == NULL) {
        return SVIRT_SWITCH_UNSET;
    }
    return svirt_reader_yes_no(reader, node, name, false) ? SVIRT_SWITCH_ON
                                                          : SVIRT_SWITCH_OFF;
}

/* <firmware>: what the chosen one must have, or must not. */
static void
parse_wishes(SvirtReader *reader, SvirtXmlNode *node, SvirtOs *os)
{
    SvirtXmlNode *wishes = svirt_reader_child(reader, node, "firmware");
    SvirtXmlNode *wish = NULL;

    SVIRT_READ_ENUM(reader, node, "firmware", svirt_firmware, &os->firmware);
    os->firmware_line = node->line;
    if (wishes == NULL) {
        return;
    }
    if (os->firmware != SVIRT_FIRMWARE_EFI) {
        svirt_reader_fail(reader, wishes->line, SVIRT_ERROR_INVALID,
                          "add firmware='efi' to <os>",
                          "<firmware> stands in an <os> that chooses none");
    }
    while ((wish = svirt_reader_next(reader, wishes, wish, "feature"))) {
        const char *name = svirt_reader_required(reader, wish, "name");
        SvirtSwitch value;

        (void)svirt_reader_required(reader, wish, "enabled");
        value = read_switch(reader, wish, "enabled");
        if (strcmp(name, "secure-boot") == 0) {
            os->secure_boot = value;
        } else if (strcmp(name, "enrolled-keys") == 0) {
            os->enrolled_keys = value;
        } else {
            svirt_reader_bad_word(reader, wish, "name", name);
        }
    }
}

/* The text of <nvram>, or of newer libvirt a <source>. */
static const char *
read_nvram_path(SvirtReader *reader, SvirtXmlNode *nvram)
{
    const char *type = svirt_reader_attribute(reader, nvram, "type");
    SvirtXmlNode *source;

    if (type == NULL) {
        return nvram->text != NULL ? svirt_reader_path(reader, nvram, NULL)
                                   : NULL;
    }
    source = svirt_reader_child(reader, nvram, "source");
    if (strcmp(type, "file") != 0) {
        svirt_reader_bad_word(reader, nvram, "type", type);
        nvram->unread = true;
    } else if (source == NULL) {
        svirt_reader_fail(reader, nvram->line, SVIRT_ERROR_INVALID,
                          "add <source file='...'/>",
                          "<nvram type='file'> has no <source>");
    }
    return reader->error == NULL ? svirt_reader_path(reader, source, "file")
                                 : NULL;
}

static void
parse_nvram(SvirtReader *reader, SvirtXmlNode *node, SvirtOs *os)
{
    SvirtXmlNode *nvram = svirt_reader_child(reader, node, "nvram");
    SvirtDiskImage *image =
        svirt_arena_alloc(reader->arena, sizeof(*image));

    if (nvram == NULL) {
        return;
    }
    os->nvram_node = nvram;
    if (svirt_reader_attribute(reader, nvram, "template") != NULL) {
        os->nvram_template = svirt_reader_path(reader, nvram, "template");
    }
    image->format = SVIRT_DISK_FORMAT_RAW;
    image->line = nvram->line;
    image->path = read_nvram_path(reader, nvram);
    os->nvram.info.line = nvram->line;
    os->nvram.info.node = nvram;
    os->nvram.target = SVIRT_NVRAM_TARGET;
    os->nvram.images = image;
    os->nvram.image_count = 1;
    os->nvram.chain_complete = true;
}

/* What a <loader> without a path may say: of the one that is chosen. */
static void
check_unnamed(SvirtReader *reader, SvirtXmlNode *loader, SvirtOs *os)
{
    const char *type = loader != NULL
                           ? svirt_reader_attribute(reader, loader, "type")
                           : NULL;

    if (type != NULL && strcmp(type, "pflash") != 0) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_UNSUPPORTED,
                          "use type='pflash'",
                          "type='%.80s' of <loader> is not what firmware='efi' "
                          "chooses",
                          type);
    } else if (loader != NULL &&
               !svirt_reader_yes_no(reader, loader, "readonly", true)) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_UNSUPPORTED,
                          "remove readonly=",
                          "a <loader> that the guest may write is not built");
    } else if (os->loader_stateless && os->nvram_node != NULL) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "remove <nvram>",
                          "a stateless <loader> has no variables to keep");
    }
}

static void
check_flash(SvirtReader *reader, SvirtXmlNode *loader, SvirtOs *os)
{
    if (!svirt_reader_yes_no(reader, loader, "readonly",
                             os->loader_stateless)) {
        svirt_obstacle_add(reader, loader->line, SVIRT_VERDICT_UNBUILT,
                           "add readonly='yes', and an <nvram> for what the "
                           "guest writes",
                           "a <loader> that the guest may write");
        if (reader->error == NULL) {
            svirt_obstacle_list(reader, loader, SVIRT_RESOURCE_LOADER,
                                SVIRT_ACCESS_EXCLUSIVE, os->loader);
        }
        os->loader = NULL;
        os->loader_flash = false;
    } else if (os->loader_stateless && os->nvram_node != NULL) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "remove <nvram>",
                          "a stateless <loader> has no variables to keep");
    } else if (!os->loader_stateless && os->nvram_node == NULL) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "add <nvram template='/usr/share/OVMF/"
                          "OVMF_VARS_4M.fd'/>, its variables' first state",
                          "<loader type='pflash'> has no <nvram>");
    }
}

static void
check_secure(SvirtReader *reader, const SvirtXmlNode *loader,
             const SvirtOs *os)
{
    if (os->loader_secure == SVIRT_SWITCH_ON &&
        (os->machine == NULL || strstr(os->machine, "q35") == NULL ||
         !(os->loader_flash || os->loader == NULL))) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "use the machine q35 and type='pflash', or remove "
                          "secure=",
                          "this machine has no secure <loader>");
    }
}

static void
parse_loader(SvirtReader *reader, SvirtXmlNode *loader, SvirtOs *os)
{
    const char *type = svirt_reader_attribute(reader, loader, "type");

    os->loader = svirt_reader_path(reader, loader, NULL);
    os->loader_line = loader->line;
    os->loader_flash = type != NULL && strcmp(type, "pflash") == 0;
    if (type != NULL && !os->loader_flash && strcmp(type, "rom") != 0) {
        svirt_reader_bad_word(reader, loader, "type", type);
    } else if (!os->loader_flash &&
               (os->firmware == SVIRT_FIRMWARE_EFI ||
                svirt_reader_attribute(reader, loader, "stateless") !=
                    NULL)) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "add type='pflash' and readonly='yes'",
                          "a <loader> of type rom is no UEFI firmware");
    } else if (os->loader_flash) {
        check_flash(reader, loader, os);
        return;
    } else if (os->nvram_node != NULL) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "add type='pflash', or remove <nvram>",
                          "a <loader> of type rom has no variables to keep");
    }
    (void)svirt_reader_yes_no(reader, loader, "readonly", true);
}

void
svirt_parse_firmware(SvirtReader *reader, SvirtXmlNode *node, SvirtOs *os)
{
    SvirtXmlNode *loader = svirt_reader_child(reader, node, "loader");
    bool chosen;

    parse_wishes(reader, node, os);
    (void)svirt_reader_part(reader);
    parse_nvram(reader, node, os);
    if (loader != NULL) {
        os->loader_secure = read_switch(reader, loader, "secure");
        os->loader_stateless =
            svirt_reader_yes_no(reader, loader, "stateless", false);
    }
    chosen = os->firmware == SVIRT_FIRMWARE_EFI &&
             (loader == NULL || loader->text == NULL);
    if (chosen) {
        check_unnamed(reader, loader, os);
    } else if (loader != NULL) {
        parse_loader(reader, loader, os);
    } else if (os->nvram_node != NULL) {
        svirt_reader_fail(reader, os->nvram_node->line, SVIRT_ERROR_INVALID,
                          "add firmware='efi' to <os>, or a <loader "
                          "readonly='yes' type='pflash'>",
                          "<nvram> stands without a <loader>");
    }
    if (loader != NULL) {
        check_secure(reader, loader, os);
    }
}
