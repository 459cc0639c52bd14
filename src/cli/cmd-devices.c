/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "hypervisor/prepare.h"
#include "hypervisor/qemu.h"
#include "hypervisor/tap.h"

static bool
load(const SvirtCli *cli, SvirtDefinition **ret, SvirtDomain **ret_domain,
     GError **error)
{
    return svirt_cli_domain(cli, ret, error) &&
           svirt_manager_parse(*ret, ret_domain, error);
}

/* Of one that runs the device it has, else the one it asks for. */
bool
svirt_cmd_domiflist(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Interface", "Type", "Source",
                                           "Model", "MAC", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    SVIRT_AUTO_FD run = -1;

    (void)ret_exit;
    if (!load(cli, &definition, &domain, error)) {
        return false;
    }
    (void)svirt_manager_open_run(cli->manager, &definition->uuid,
                                 definition->name, &run, NULL);
    for (size_t i = 0; i < domain->interface_count; i++) {
        const SvirtInterface *interface = &domain->interfaces[i];
        g_autofree char *tap = run >= 0 ? svirt_tap_name(run, i) : NULL;
        char mac[SVIRT_MAC_TEXT];

        svirt_qemu_mac_text(domain, i, mac);
        svirt_table_add(table, tap != NULL ? tap : interface->target,
                        svirt_interface_type_to_string(interface->type),
                        interface->source, interface->model, mac, NULL);
    }
    svirt_cli_print_table(cli, table);
    return true;
}

bool
svirt_cmd_domblklist(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Target", "Source", NULL };
    static const char *const details[] = { "Type", "Device", "Target",
                                           "Source", NULL };
    bool all = svirt_arguments_flag(cli->args, "details");
    g_autoptr(SvirtTable) table = svirt_table_new(all ? details : columns);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;

    (void)ret_exit;
    if (!load(cli, &definition, &domain, error)) {
        return false;
    }
    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];
        const char *const cells[] = {
            disk->images[0].block ? "block" : "file",
            svirt_disk_device_to_string(disk->device),
            disk->target,
            disk->images[0].path,
        };

        svirt_table_add_row(table, all ? cells : cells + 2);
    }
    svirt_cli_print_table(cli, table);
    return true;
}

/* Allocation and physical size of a file or a block device. */
static bool
measure(const SvirtPrepared *prepared, const SvirtImage *image,
        uint64_t *ret_allocated, uint64_t *ret_physical, GError **error)
{
    SVIRT_AUTO_FD fd = -1;
    struct stat st;
    off_t size;

    if (!svirt_object_reopen(image->object, prepared->author, O_RDONLY, &fd,
                             error)) {
        return false;
    }
    size = lseek(fd, 0, SEEK_END);
    if (fstat(fd, &st) < 0 || size < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot examine '%s'",
                                 image->object->shown_path);
    }
    *ret_allocated = S_ISBLK(st.st_mode) ? (uint64_t)size
                                         : (uint64_t)st.st_blocks * 512;
    *ret_physical = (uint64_t)size;
    return true;
}

static bool
print_sizes(const SvirtCli *cli, const SvirtPrepared *prepared,
            const SvirtDiskImages *images, GError **error)
{
    static const char *const columns[] = { "Name", "Value", NULL };
    static const char *const names[] = { "Capacity", "Allocation",
                                         "Physical" };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autofree char *text = NULL;
    const SvirtChainMember *member;
    uint64_t sizes[3] = { 0 };

    if (images->images->len > 0) {
        member = images->chain->members->pdata[0];
        if (!measure(prepared, images->images->pdata[0], &sizes[1],
                     &sizes[2], error)) {
            return false;
        }
        sizes[0] = member->format == SVIRT_IMAGE_FORMAT_RAW
                       ? sizes[2] : member->size_now_bytes;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *value = g_strdup_printf("%" PRIu64, sizes[i]);

        svirt_table_add(table, names[i], value, NULL);
    }
    text = cli->json ? svirt_table_to_object(table)
                     : svirt_table_to_list(table);
    (void)fputs(text, stdout);
    return true;
}

bool
svirt_cmd_domblkinfo(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *device = svirt_arguments_text(cli->args, "device");
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtPrepared) prepared = NULL;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_prepare(cli->manager, definition, SVIRT_PREPARE_LOOK,
                       time(NULL), &prepared, error)) {
        return false;
    }
    for (size_t i = 0; i < prepared->domain->disk_count; i++) {
        const SvirtDisk *disk = &prepared->domain->disks[i];

        if (strcmp(disk->target, device) != 0 &&
            g_strcmp0(disk->images[0].path, device) != 0) {
            continue;
        }
        if (prepared->disks->pdata[i] != NULL) {
            return print_sizes(cli, prepared, prepared->disks->pdata[i],
                               error);
        }
        /* It could not be opened, which is the only warning that matters. */
        if (prepared->warnings->len > 0) {
            g_propagate_error(error, g_error_copy(
                                         prepared->warnings->pdata[0]));
            return false;
        }
    }
    return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "svirt domblklist shows them",
                       "domain '%s' has no disk '%s'", definition->name,
                       device);
}
