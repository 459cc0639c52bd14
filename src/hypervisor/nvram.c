/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/nvram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

/* The largest that QEMU takes for both halves of its flash. */
#define TEMPLATE_MAX (8u << 20)

static char *
directory(const SvirtConnection *connection)
{
    return g_build_filename(connection->state_dir, "nvram", NULL);
}

char *
svirt_nvram_path(const SvirtConnection *connection, const SvirtUuid *uuid)
{
    g_autofree char *dir = directory(connection);
    char text[SVIRT_UUID_TEXT];

    svirt_uuid_format(uuid, text);
    return g_strdup_printf("%s/%s.fd", dir, text);
}

void
svirt_nvram_complete(const SvirtConnection *connection, SvirtDomain *domain)
{
    g_autofree char *path = svirt_nvram_path(connection, &domain->uuid);
    SvirtXmlNode *os = svirt_xml_find(domain->document->root, "os");
    SvirtXmlNode *node = os != NULL ? svirt_xml_find(os, "nvram") : NULL;

    if (node != NULL && node->text == NULL && node->first_child == NULL) {
        node->text = svirt_arena_text(domain->document->arena, path,
                                      strlen(path));
    }
}

bool
svirt_nvram_exists(const SvirtConnection *connection, const SvirtUuid *uuid)
{
    g_autofree char *path = svirt_nvram_path(connection, uuid);
    struct stat st;

    return lstat(path, &st) == 0;
}

bool
svirt_nvram_remove(const SvirtConnection *connection, const SvirtUuid *uuid,
                   GError **error)
{
    g_autofree char *path = svirt_nvram_path(connection, uuid);

    return unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR ||
           svirt_raise_errno(error, errno, NULL,
                             "cannot remove the variables '%s'", path);
}

bool
svirt_nvram_reset(const SvirtConnection *connection,
                  const SvirtDefinition *definition, GError **error)
{
    g_autofree char *path = svirt_nvram_path(connection, &definition->uuid);

    if (strstr(definition->xml, path) == NULL) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "start it without --reset-nvram",
                           "domain '%s' has no firmware's variables that svirt "
                           "made",
                           definition->name);
    }
    return svirt_nvram_remove(connection, &definition->uuid, error);
}

static bool
open_template(SvirtPrepared *prepared, SvirtState *state, int *ret,
              GError **error)
{
    const SvirtOs *os = &prepared->domain->os;
    SvirtRefusals refusals = svirt_prepared_refusals(prepared, state);
    g_autoptr(SvirtObject) object = NULL;
    GError *cause = NULL;

    if (os->nvram_template == NULL) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "give <nvram template='/usr/share/OVMF/"
                           "OVMF_VARS_4M.fd'>",
                           "line %u: <nvram> has no template to make its "
                           "variables from",
                           os->nvram.info.line);
    }
    if (!svirt_object_open(os->nvram_template, prepared->author,
                           SVIRT_OBJECT_WANT(REGULAR),
                           SVIRT_OBJECT_NO_IDENTITY, &object, &cause) ||
        !svirt_refusals_check(&refusals, object, os->nvram_template, NULL,
                              SVIRT_REFUSAL_USE_BOOT, &cause) ||
        !svirt_object_reopen(object, prepared->author, O_RDONLY, ret,
                             &cause)) {
        return svirt_refusals_raise_use(error, cause, "nvram template",
                                        os->nvram_template,
                                        os->nvram.info.line);
    }
    return true;
}

/* Whole or not at all: a half file would be a guest's firmware for good. */
static bool
make_own(SvirtManager *manager, SvirtPrepared *prepared, SvirtState *state,
         const char *path, GError **error)
{
    g_autofree char *dir_path = directory(svirt_manager_connection(manager));
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *block = g_malloc(TEMPLATE_MAX + 1);
    char link_path[SVIRT_OBJECT_PROC_PATH_BYTES];
    SVIRT_AUTO_FD source = -1;
    SVIRT_AUTO_FD dir = -1;
    SVIRT_AUTO_FD fd = -1;
    ssize_t size;

    if (!open_template(prepared, state, &source, error) ||
        !svirt_connection_open_dir(dir_path, true, &dir, error)) {
        return false;
    }
    size = svirt_read_full(source, block, TEMPLATE_MAX + 1);
    if (size <= 0 || (size_t)size > TEMPLATE_MAX) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "name a file with a firmware's variables",
                           "nvram template '%s' is empty or larger than 8 MiB",
                           prepared->domain->os.nvram_template);
    }
    fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    (void)g_snprintf(link_path, sizeof(link_path), "/proc/self/fd/%d", fd);
    if (fd < 0 || !svirt_write_full(fd, block, (size_t)size) ||
        fsync(fd) < 0 ||
        linkat(AT_FDCWD, link_path, dir, name, AT_SYMLINK_FOLLOW) < 0) {
        return svirt_raise_errno(error, errno, "free space there",
                                 "cannot make the variables '%s'", path);
    }
    return true;
}

static uint64_t
size_of(const SvirtDiskImages *images)
{
    const SvirtImage *image = images->images->pdata[0];

    return image->object->size_bytes;
}

bool
svirt_nvram_open(SvirtManager *manager, SvirtPrepared *prepared,
                 SvirtState *state, SvirtPrepareMode mode, GError **error)
{
    const SvirtConnection *connection = svirt_manager_connection(manager);
    const SvirtUuid *uuid = &prepared->definition->uuid;
    const SvirtDisk *nvram = &prepared->domain->os.nvram;
    SvirtRefusals refusals = svirt_prepared_refusals(prepared, state);
    g_autofree char *own = svirt_nvram_path(connection, uuid);
    SvirtDiskImages *images = NULL;
    GError *problem = NULL;
    bool can_be_waived = false;
    const char *path;

    if (prepared->domain->os.nvram_node == NULL) {
        return true;
    }
    path = nvram->images[0].path;
    prepared->own_nvram = path != NULL && strcmp(path, own) == 0;
    if (prepared->own_nvram) {
        /* The directory is svirt's alone, the name this VM's. */
        refusals.own_path = own;
        if (!svirt_nvram_exists(connection, uuid)) {
            if (mode != SVIRT_PREPARE_START) {
                g_ptr_array_add(prepared->disks, NULL);
                return true;
            }
            if (!make_own(manager, prepared, state, own, error)) {
                return false;
            }
            prepared->made = prepared->dry_run ? g_strdup(own) : NULL;
        }
    }
    refusals.can_be_waived = &can_be_waived;
    if (!svirt_disk_images_open(
            &refusals, prepared->own_nvram ? NULL : prepared->author, nvram,
            NULL, &images, &problem) &&
        !svirt_prepared_put_off(prepared, mode, can_be_waived, problem)) {
        g_propagate_error(error, problem);
        return false;
    }
    if (prepared->own_nvram && images != NULL &&
        size_of(images) > TEMPLATE_MAX) {
        svirt_disk_images_free(images);
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL,
                           "svirt start --reset-nvram makes them anew",
                           "the variables '%s' have grown over 8 MiB", own);
    }
    g_ptr_array_add(prepared->disks, images);
    return true;
}
