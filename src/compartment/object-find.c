/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/object-find.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "compartment/object-bounded.h"

#define WANT_ANY ((1u << SVIRT_OBJECT_MAX) - 1)
/* File systems of one id: clones and overlays of one; more are not asked. */
#define ASKED_MAX 64u

/* NULL in *ret when what is there is another object, or nothing. */
static void
find_by_path(SvirtMounts *mounts, const SvirtIdentity *identity,
             const char *path, SvirtObject **ret)
{
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) cause = NULL;

    /* Whatever keeps it from being there: it may be elsewhere. */
    if (path != NULL &&
        svirt_object_open_bounded(mounts, path, NULL, WANT_ANY, &object,
                                  &cause) &&
        svirt_identity_same(&object->identity, identity)) {
        *ret = g_steal_pointer(&object);
    }
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
    return svirt_mount_is_fuse(mount);
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

/*
 * Does a file system open handles such as the object's? An overlay has the id
 * of its upper file system but handles of another type, or none to be opened,
 * and calls every one of them stale: it cannot say that the object is gone.
 */
static bool
can_tell(int mount_fd, const SvirtIdentity *root,
         const SvirtIdentity *identity)
{
    SVIRT_AUTO_FD again = -1;

    if (root->handle_size == 0 || root->handle_type != identity->handle_type) {
        return false;
    }
    again = open_handle(mount_fd, root);
    return again >= 0;
}

/* What one file system of the object's id says. */
static bool
ask_file_system(int mount_fd, const SvirtIdentity *root,
                const SvirtIdentity *identity, const char *path,
                SvirtFound *ret_found, SvirtObject **ret, GError **error)
{
    SVIRT_AUTO_FD fd = open_handle(mount_fd, identity);
    g_autoptr(SvirtObject) object = NULL;
    g_autofree char *now = NULL;

    if (fd < 0) {
        if (errno == ESTALE && can_tell(mount_fd, root, identity)) {
            *ret_found = SVIRT_FOUND_GONE;
        }
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

/*
 * Every file system with the object's id is asked, for an id may be that of
 * several, each by the first of its mounts that can be opened.
 */
static bool
find_by_handle(SvirtMounts *mounts, const SvirtIdentity *identity,
               const char *path, SvirtFound *ret_found, SvirtObject **ret,
               GError **error)
{
    g_autoptr(GHashTable) done = g_hash_table_new_full(
        g_int64_hash, g_int64_equal, g_free, NULL);
    SvirtFound found = SVIRT_FOUND_MOVED;
    unsigned asked = 0;

    for (unsigned i = 0; i < mounts->rows->len && asked < ASKED_MAX &&
                         found != SVIRT_FOUND_OBJECT;
         i++) {
        const SvirtMount *mount = mounts->rows->pdata[i];
        const gint64 device = (gint64)mount->device;
        SVIRT_AUTO_FD fd = -1;
        SvirtIdentity root;

        if (may_wait(mount) || g_hash_table_contains(done, &device)) {
            continue;
        }
        fd = svirt_mount_open_bounded(mounts, mount);
        if (fd < 0 || !svirt_identity_read(fd, &root, NULL)) {
            continue;
        }
        /* Something may be mounted over it: then this is not that device. */
        if (makedev(root.dev_major, root.dev_minor) == mount->device) {
            g_hash_table_add(done, g_memdup2(&device, sizeof(device)));
        }
        if (!is_file_system_of(&root, identity)) {
            continue;
        }
        asked++;
        if (!ask_file_system(fd, &root, identity, path, &found, ret, error)) {
            return false;
        }
    }
    *ret_found = found;
    return true;
}

bool
svirt_object_find(SvirtMounts *mounts, const SvirtIdentity *identity,
                  const char *path, SvirtFound *ret_found,
                  SvirtObject **ret_object, GError **error)
{
    g_autoptr(SvirtObject) object = NULL;

    find_by_path(mounts, identity, path, &object);
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
