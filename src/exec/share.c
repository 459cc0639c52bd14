/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/share.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "hypervisor/image-lock.h"
#include "launch/mount.h"
#include "launch/userns.h"
#include "model/model.h"

SVIRT_ENUM_TABLE(SvirtShareWay, svirt_share_way, SVIRT_SHARE_MAX,
                 [SVIRT_SHARE_AS_IS] = "as it is",
                 [SVIRT_SHARE_IDMAP] = "idmapped mount",
                 [SVIRT_SHARE_ACL] = "acl",
                 [SVIRT_SHARE_CHOWN] = "chown",
                 [SVIRT_SHARE_NODE] = "own node",
                 [SVIRT_SHARE_FD] = "descriptor")

void
svirt_share_free(SvirtShare *share)
{
    if (share == NULL) {
        return;
    }
    g_clear_pointer(&share->seclabels, g_ptr_array_unref);
    svirt_object_free(share->object);
    svirt_fd_close(&share->mount);
    svirt_fd_close(&share->fd);
    svirt_fd_close(&share->lock);
    g_free(share->path);
    g_free(share);
}

static unsigned
needed(const SvirtShare *share)
{
    return 4 | (share->write ? 2 : 0) | (share->execute ? 1 : 0);
}

static bool
may(const SvirtShare *share, unsigned shift)
{
    return (share->object->mode >> shift & needed(share)) == needed(share);
}

static bool
detach(SvirtShare *share, int userns)
{
    share->mount = svirt_mount_detach(
        share->object->path_fd,
        SVIRT_MOUNT_NO_DEVICES |
            (share->write ? 0 : SVIRT_MOUNT_READ_ONLY) |
            (share->execute ? 0 : SVIRT_MOUNT_NO_EXEC),
        userns);
    return share->mount >= 0;
}

static bool
by_idmap(SvirtShare *share, const SvirtCompartment *compartment)
{
    const SvirtSpecIds from = { share->object->uid, share->object->gid };
    const SvirtSpecIds to = { compartment->vmm_uid, compartment->vmm_gid };
    SVIRT_AUTO_FD userns = -1;

    if (!may(share, 6)) {
        return false;
    }
    userns = svirt_userns_for_owner(&from, &to);
    return userns >= 0 && detach(share, userns);
}

static void
write_label(SvirtShare *share, SvirtModelKind model, char *label)
{
    SvirtSeclabel *seclabel = svirt_seclabel_new();

    seclabel->has_model = true;
    seclabel->model = model;
    seclabel->relabel = SVIRT_SECLABEL_RELABEL_YES;
    seclabel->label = label;
    share->seclabels =
        g_ptr_array_new_with_free_func((GDestroyNotify)svirt_seclabel_free);
    g_ptr_array_add(share->seclabels, seclabel);
}

static bool
by_acl(SvirtShare *share, const SvirtCompartment *compartment)
{
    g_autofree char *now = NULL;
    char *wanted;

    if (share->object->fs_read_only || share->execute ||
        !svirt_model_acl.read_label(share->object, &now, NULL)) {
        return false;
    }
    wanted = svirt_model_acl_with_user(now, compartment->vmm_uid,
                                       share->write, NULL);
    if (wanted == NULL) {
        return false;
    }
    write_label(share, SVIRT_MODEL_ACL, wanted);
    return true;
}

static bool
by_chown(SvirtShare *share, const SvirtCompartment *compartment)
{
    if (share->object->fs_read_only || !may(share, 6)) {
        return false;
    }
    /* The group stays: what it may do, it may still. */
    write_label(share, SVIRT_MODEL_DAC,
                g_strdup_printf("+%u:+%u", compartment->vmm_uid,
                                share->object->gid));
    return true;
}

static bool
no_way(const SvirtShare *share, GError **error)
{
    g_autofree char *mode = g_strdup_printf("chmod u+rw%s '%s'",
                                            share->execute ? "x" : "",
                                            share->path);

    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       may(share, 6) ? "copy it to another file system" : mode,
                       "'%s' cannot be made the program's: mode %04o, and no "
                       "idmapped mount, access control list or owner to give",
                       share->path, share->object->mode);
}

static bool
find_way(const SvirtShareRequest *request, SvirtShare *share, GError **error)
{
    if (share->number >= 0) {
        share->way = SVIRT_SHARE_FD;
        return svirt_object_reopen(share->object, request->author,
                                   share->write ? O_RDWR : O_RDONLY,
                                   &share->fd, error);
    }
    if (share->object->type == SVIRT_OBJECT_BLOCK) {
        share->way = SVIRT_SHARE_NODE;
        return g_str_has_prefix(share->path, "/dev/") ||
               svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "name its node in /dev, or use --fd",
                           "block device '%s' has no name below /dev",
                           share->path);
    }
    if (may(share, 0) || (request->own_ids && may(share, 6) &&
                          share->object->uid == geteuid())) {
        share->way = SVIRT_SHARE_AS_IS;
    } else if (by_idmap(share, request->compartment)) {
        share->way = SVIRT_SHARE_IDMAP;
        return true;
    } else if (by_acl(share, request->compartment)) {
        share->way = SVIRT_SHARE_ACL;
    } else if (by_chown(share, request->compartment)) {
        share->way = SVIRT_SHARE_CHOWN;
    } else {
        return no_way(share, error);
    }
    return detach(share, -1) ||
           svirt_raise_errno(error, errno, "svirt exec needs Linux 5.12",
                             "cannot mount '%s' by itself", share->path);
}

static SvirtRefusalUse
use_of(const SvirtShare *share)
{
    return share->execute ? SVIRT_REFUSAL_USE_EMULATOR
         : share->write   ? SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE
                          : SVIRT_REFUSAL_USE_IMAGE_READ_ONLY;
}

/* The mount shows more than a descriptor would: the author must have it. */
static bool
check_author(const SvirtShareRequest *request, const SvirtShare *share,
             GError **error)
{
    SVIRT_AUTO_FD fd = -1;

    return svirt_object_reopen(share->object, request->author,
                               share->write ? O_RDWR : O_RDONLY, &fd, error);
}

static bool
lock(const SvirtShareRequest *request, SvirtShare *share, GError **error)
{
    if (request->locks || share->execute) {
        return true;
    }
    return svirt_object_reopen(share->object, request->author, O_RDONLY,
                               &share->lock, error) &&
           svirt_image_lock_take(share->lock,
                                 share->write ? SVIRT_IMAGE_LOCK_EXCLUSIVE
                                              : SVIRT_IMAGE_LOCK_READ,
                                 share->path, error);
}

bool
svirt_share_open(const SvirtShareRequest *request, const char *path,
                 bool write, bool execute, int number, SvirtShare **ret,
                 GError **error)
{
    g_autoptr(SvirtShare) share = g_new0(SvirtShare, 1);
    const unsigned want = execute ? SVIRT_OBJECT_WANT(REGULAR)
                                  : SVIRT_OBJECT_WANT_DISK;
    GError *cause = NULL;

    share->path = g_canonicalize_filename(path, NULL);
    share->write = write;
    share->execute = execute;
    share->number = number;
    share->mount = -1;
    share->fd = -1;
    share->lock = -1;
    if (!svirt_object_open(share->path, request->author, want,
                           SVIRT_OBJECT_FOLLOW, &share->object, error)) {
        return false;
    }
    if (!svirt_refusals_check(request->refusals, share->object, share->path,
                              NULL, use_of(share), &cause)) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, cause,
                           "use another file; a rule is waived for a defined "
                           "domain alone",
                           "cannot give '%s' to a program", share->path);
    }
    if (!check_author(request, share, error) ||
        !lock(request, share, error) || !find_way(request, share, error)) {
        return false;
    }
    *ret = g_steal_pointer(&share);
    return true;
}

SvirtRelabelItem
svirt_share_item(const SvirtShare *share)
{
    return (SvirtRelabelItem){
        .object = share->object,
        .kind = SVIRT_RESOURCE_DISK,
        .access = share->write ? SVIRT_ACCESS_EXCLUSIVE
                               : SVIRT_ACCESS_READ_ONLY,
        .seclabels = share->seclabels,
    };
}

bool
svirt_share_add(const SvirtShare *share, SvirtLaunchSpec **spec)
{
    const bool node = share->way == SVIRT_SHARE_NODE;
    const SvirtSpecFile file = {
        .flags = (share->write ? SVIRT_FILE_WRITE : 0) |
                 (share->execute ? SVIRT_FILE_EXECUTE : 0) |
                 (node ? SVIRT_FILE_DEVICE : SVIRT_FILE_MOUNT),
        .mount = node ? -1 : share->mount,
        .major = node ? major(share->object->rdev) : 0,
        .minor = node ? minor(share->object->rdev) : 0,
    };

    return svirt_spec_add_shared(spec, share->path, &file);
}
