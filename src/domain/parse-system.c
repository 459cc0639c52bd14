/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

static void
parse_boot_order(SvirtReader *reader, SvirtXmlNode *node, SvirtOs *os)
{
    SvirtXmlNode *boot = NULL;

    while ((boot = svirt_reader_next(reader, node, boot, "boot"))) {
        SvirtBootDevice device = SVIRT_BOOT_DEVICE_HD;

        (void)svirt_reader_required(reader, boot, "dev"); /* error is kept */
        SVIRT_READ_ENUM(reader, boot, "dev", svirt_boot_device, &device);
        for (size_t i = 0; i < os->boot_count; i++) {
            if (os->boot[i] == device) {
                svirt_reader_fail(reader, boot->line, SVIRT_ERROR_INVALID,
                                  "keep one of the two",
                                  "second <boot dev='%s'>",
                                  svirt_boot_device_to_string(device));
            }
        }
        if (svirt_reader_part(reader)) {
            os->boot[os->boot_count++] = device;
        }
    }
}

static void
parse_boot_menu(SvirtReader *reader, SvirtXmlNode *node, SvirtOs *os)
{
    SvirtXmlNode *menu = svirt_reader_child(reader, node, "bootmenu");

    if (menu == NULL) {
        return;
    }
    os->boot_menu = svirt_reader_yes_no(reader, menu, "enable", false)
                        ? SVIRT_SWITCH_ON
                        : SVIRT_SWITCH_OFF;
    os->boot_menu_timeout_ms =
        (unsigned)svirt_reader_number(reader, menu, "timeout", 0, 65535, 0);
}

/* Templates leave them empty, which libvirt takes for absent. */
static SvirtXmlNode *
filled_child(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    SvirtXmlNode *child = svirt_reader_child(reader, node, name);

    return child != NULL && child->text != NULL ? child : NULL;
}

static void
parse_direct_boot(SvirtReader *reader, SvirtXmlNode *node, SvirtOs *os)
{
    SvirtXmlNode *kernel = filled_child(reader, node, "kernel");
    SvirtXmlNode *initrd = filled_child(reader, node, "initrd");
    SvirtXmlNode *cmdline = filled_child(reader, node, "cmdline");

    if (kernel != NULL) {
        os->kernel = svirt_reader_path(reader, kernel, NULL);
        os->kernel_line = kernel->line;
    }
    if (initrd != NULL) {
        os->initrd = svirt_reader_path(reader, initrd, NULL);
        os->initrd_line = initrd->line;
    }
    if (cmdline != NULL) {
        os->cmdline = svirt_reader_text(reader, cmdline);
    }
    if (kernel == NULL && (initrd != NULL || cmdline != NULL)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <kernel>",
                          "<os> has an <initrd> or <cmdline> and no <kernel>");
    }
}

void
svirt_parse_os(SvirtReader *reader, SvirtXmlNode *root, SvirtDomain *domain)
{
    SvirtOs *os = &domain->os;
    SvirtXmlNode *node = svirt_reader_child(reader, root, "os");
    SvirtXmlNode *type = svirt_reader_child(reader, node, "type");

    if (node == NULL || type == NULL) {
        svirt_reader_fail(reader, node != NULL ? node->line : root->line,
                          SVIRT_ERROR_INVALID, "add <os><type>hvm</type></os>",
                          "no <os> with a <type>");
        return;
    }
    if (strcmp(svirt_reader_text(reader, type), "hvm") != 0) {
        svirt_reader_bad_word(reader, type, NULL,
                              svirt_reader_text(reader, type));
    }
    os->arch = svirt_reader_word(reader, type, "arch");
    if (os->arch != NULL && strcmp(os->arch, "x86_64") != 0 &&
        strcmp(os->arch, "i686") != 0) {
        svirt_reader_fail(reader, type->line, SVIRT_ERROR_UNSUPPORTED,
                          "use x86_64 or i686",
                          "architecture '%s' is not built", os->arch);
    }
    os->machine = svirt_reader_word(reader, type, "machine");
    (void)svirt_reader_part(reader);
    parse_direct_boot(reader, node, os);
    (void)svirt_reader_part(reader);
    svirt_parse_firmware(reader, node, os);
    (void)svirt_reader_part(reader);
    parse_boot_order(reader, node, os);
    parse_boot_menu(reader, node, os);
}

static void
read_action(SvirtReader *reader, SvirtXmlNode *root, const char *name,
            SvirtLifecycleAction *action)
{
    SvirtXmlNode *node = svirt_reader_child(reader, root, name);

    if (node != NULL) {
        SVIRT_READ_ENUM_TEXT(reader, node, svirt_lifecycle_action,
                             action);
    }
}

static SvirtSwitch
read_suspend(SvirtReader *reader, SvirtXmlNode *pm, const char *name)
{
    SvirtXmlNode *node = svirt_reader_child(reader, pm, name);

    if (node == NULL) {
        return SVIRT_SWITCH_UNSET;
    }
    return svirt_reader_yes_no(reader, node, "enabled", true)
               ? SVIRT_SWITCH_ON
               : SVIRT_SWITCH_OFF;
}

void
svirt_parse_lifecycle(SvirtReader *reader, SvirtXmlNode *root,
                      SvirtDomain *domain)
{
    SvirtXmlNode *pm = svirt_reader_child(reader, root, "pm");

    domain->on_poweroff = SVIRT_ACTION_DESTROY;
    domain->on_reboot = SVIRT_ACTION_RESTART;
    domain->on_crash = SVIRT_ACTION_DESTROY;
    read_action(reader, root, "on_poweroff", &domain->on_poweroff);
    read_action(reader, root, "on_reboot", &domain->on_reboot);
    read_action(reader, root, "on_crash", &domain->on_crash);
    domain->suspend_to_mem = read_suspend(reader, pm, "suspend-to-mem");
    domain->suspend_to_disk = read_suspend(reader, pm, "suspend-to-disk");
}
