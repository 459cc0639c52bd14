/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

/* <loader> and <nvram>: the firmware and where it keeps its variables. */

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
    if (nvram->text != NULL) {
        image->path = svirt_reader_path(reader, nvram, NULL);
    }
    os->nvram.info.line = nvram->line;
    os->nvram.info.node = nvram;
    os->nvram.target = SVIRT_NVRAM_TARGET;
    os->nvram.images = image;
    os->nvram.image_count = 1;
    os->nvram.chain_complete = true;
}

void
svirt_parse_firmware(SvirtReader *reader, SvirtXmlNode *node, SvirtOs *os)
{
    SvirtXmlNode *loader = svirt_reader_child(reader, node, "loader");
    const char *type;

    parse_nvram(reader, node, os);
    if (loader == NULL) {
        if (os->nvram_node != NULL) {
            svirt_reader_fail(reader, os->nvram_node->line,
                              SVIRT_ERROR_INVALID,
                              "add <loader readonly='yes' type='pflash'>",
                              "<nvram> stands without a <loader>");
        }
        return;
    }
    os->loader = svirt_reader_path(reader, loader, NULL);
    os->loader_line = loader->line;
    type = svirt_reader_attribute(reader, loader, "type");
    os->loader_flash = type != NULL && strcmp(type, "pflash") == 0;
    os->loader_secure = svirt_reader_yes_no(reader, loader, "secure", false);
    if (type != NULL && !os->loader_flash && strcmp(type, "rom") != 0) {
        svirt_reader_bad_word(reader, loader, "type", type);
    } else if (os->loader_flash &&
               !svirt_reader_yes_no(reader, loader, "readonly", false)) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_UNSUPPORTED,
                          "add readonly='yes', and an <nvram> for what the "
                          "guest writes",
                          "a <loader> that the guest may write is not built");
    } else if (os->loader_flash && os->nvram_node == NULL) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "add <nvram template='/usr/share/OVMF/"
                          "OVMF_VARS_4M.fd'/>, its variables' first state",
                          "<loader type='pflash'> has no <nvram>");
    } else if (!os->loader_flash && os->nvram_node != NULL) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "add type='pflash', or remove <nvram>",
                          "a <loader> of type rom has no variables to keep");
    } else if (os->loader_secure &&
               (os->machine == NULL || strstr(os->machine, "q35") == NULL ||
                !os->loader_flash)) {
        svirt_reader_fail(reader, loader->line, SVIRT_ERROR_INVALID,
                          "use the machine q35 and type='pflash', or remove "
                          "secure=",
                          "this machine has no secure <loader>");
    }
    if (!os->loader_flash) {
        (void)svirt_reader_yes_no(reader, loader, "readonly", true);
    }
}
