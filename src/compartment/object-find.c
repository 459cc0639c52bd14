/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/object-find.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define WANT_ANY ((1u << SVIRT_OBJECT_MAX) - 1)

/* NULL in *ret when what is there is another object, or nothing. */
static bool
find_by_path(const SvirtIdentity *identity, const char *path,
             SvirtObject **ret, GError **error)
{
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) cause = NULL;

    if (path == NULL ||
        !svirt_object_open(path, NULL, WANT_ANY, SVIRT_OBJECT_FOLLOW, &object,
                           &cause)) {
        /* Whatever keeps it from being there: it may be elsewhere. */
        return true;
    }
    if (svirt_identity_same(&object->identity, identity)) {
        *ret = g_steal_pointer(&object);
    }
    return true;
}

static bool
may_wait(const SvirtMount *mount)
{
    static const char *const types[] = { "nfs",  "nfs4", "cifs", "smb3",
                                         "9p",   "ceph", "afs",  "autofs",
                                         "coda", "gfs2", "ocfs2", "lustre" };

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(mount->type, types[i]) == 0) {
            return true;
        }
    }
    return g_str_has_prefix(mount->type, "fuse");
}

static bool
is_file_system_of(const SvirtIdentity *root, const SvirtIdentity *identity)
{
    if (root->fs_uuid_size > 0 && identity->fs_uuid_size > 0) {
        return root->fs_uuid_size == identity->fs_uuid_size &&
               memcmp(root->fs_uuid, identity->fs_uuid,
                      root->fs_uuid_size) == 0;
    }
    return root->fsid != 0 && root->fsid == identity->fsid;
}

/* A directory in the object's file system, -1 when none is mounted. */
static int
open_file_system(const SvirtMounts *mounts, const SvirtIdentity *identity)
{
    for (unsigned i = 0; i < mounts->rows->len; i++) {
        const SvirtMount *mount = mounts->rows->pdata[i];
        SVIRT_AUTO_FD fd = -1;
        SvirtIdentity root;

        if (may_wait(mount)) {
            continue;
        }
        fd = open(mount->mountpoint,
                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && svirt_identity_read(fd, &root, NULL) &&
            is_file_system_of(&root, identity)) {
            return svirt_fd_steal(&fd);
        }
    }
    return -1;
}

static int
open_handle(int mount_fd, const SvirtIdentity *identity)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + SVIRT_IDENTITY_HANDLE_MAX];
    } u;

    memset(&u, 0, sizeof(u));
    u.handle.handle_bytes = identity->handle_size;
    u.handle.handle_type = identity->handle_type;
    memcpy(u.handle.f_handle, identity->handle, identity->handle_size);
    return open_by_handle_at(mount_fd, &u.handle, O_PATH | O_CLOEXEC);
}

static bool
find_by_handle(const SvirtMounts *mounts, const SvirtIdentity *identity,
               const char *path, SvirtFound *ret_found, SvirtObject **ret,
               GError **error)
{
    SVIRT_AUTO_FD mount_fd = open_file_system(mounts, identity);
    g_autoptr(SvirtObject) object = NULL;
    g_autofree char *now = NULL;
    SVIRT_AUTO_FD fd = -1;

    if (mount_fd < 0) {
        *ret_found = SVIRT_FOUND_MOVED;
        return true;
    }
    fd = open_handle(mount_fd, identity);
    if (fd < 0) {
        *ret_found =
            errno == ESTALE ? SVIRT_FOUND_GONE : SVIRT_FOUND_MOVED;
        return true;
    }
    if (!svirt_object_from_fd(fd, path != NULL ? path : "?", WANT_ANY, 0,
                              &object, error)) {
        return false;
    }
    if (!svirt_identity_same(&object->identity, identity)) {
        *ret_found = SVIRT_FOUND_GONE;
        return true;
    }
    now = svirt_object_current_path(object);
    if (now != NULL) {
        g_free(object->shown_path);
        object->shown_path = g_steal_pointer(&now);
    }
    *ret_found = SVIRT_FOUND_OBJECT;
    *ret = g_steal_pointer(&object);
    return true;
}

bool
svirt_object_find(const SvirtMounts *mounts, const SvirtIdentity *identity,
                  const char *path, SvirtFound *ret_found,
                  SvirtObject **ret_object, GError **error)
{
    g_autoptr(SvirtObject) object = NULL;

    if (!find_by_path(identity, path, &object, error)) {
        return false;
    }
    if (object != NULL) {
        *ret_found = SVIRT_FOUND_OBJECT;
        *ret_object = g_steal_pointer(&object);
        return true;
    }
    /* A node made anew (each boot, on devtmpfs) is the former one no more. */
    if (S_ISBLK(identity->format) || S_ISCHR(identity->format)) {
        *ret_found = SVIRT_FOUND_GONE;
        return true;
    }
    if (identity->handle_size == 0) {
        *ret_found = SVIRT_FOUND_MOVED;
        return true;
    }
    return find_by_handle(mounts, identity, path, ret_found, ret_object,
                          error);
}
