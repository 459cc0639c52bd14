/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/disk-images.h"
#include "hypervisor/image-lock.h"
#include "image/qcow2-create.h"

/* Room for what a format adds to the guest's data: tables, bitmaps. */
#define FORMAT_OVERHEAD_BYTES (64ull << 20)

static bool
give_to_vmm(SvirtDiskHandOver *to, int *fd, unsigned set, GError **error)
{
    SvirtSpecFd entry = {
        .to = SVIRT_TO_VMM,
        .vmm = svirt_launch_fds_next(to->fds),
        .monitor = -1,
        .passt = -1,
        .role = SVIRT_FD_IMAGE,
        .index = set,
    };
    SvirtQemuAddFd add = { set, entry.vmm };

    if (!svirt_launch_fds_take(to->fds, fd, &entry, error)) {
        return false;
    }
    g_array_append_val(to->add_fds, add);
    return true;
}

/*
 * A description of its own, for reading only: what the VMM inherits of it can
 * neither write nor (its filter has no lock calls) change the lock.
 */
static bool
lock_image(const SvirtImage *image, const SvirtCredentials *author,
           SvirtDiskHandOver *to, GError **error)
{
    SvirtImageLock lock = image->access == SVIRT_ACCESS_READ_ONLY
                              ? SVIRT_IMAGE_LOCK_READ
                          : image->access == SVIRT_ACCESS_SHARED
                              ? SVIRT_IMAGE_LOCK_SHARED
                              : SVIRT_IMAGE_LOCK_EXCLUSIVE;
    /* The one by which its header and its labels were read, if it is kept. */
    SVIRT_AUTO_FD fd = svirt_fd_steal(&image->object->read_fd);

    return (fd >= 0 ||
            svirt_object_reopen(image->object, author, O_RDONLY, &fd,
                                error)) &&
           svirt_image_lock_take(fd, lock, image->object->shown_path, error) &&
           svirt_launch_fds_take_lock(to->fds, &fd,
                                      svirt_image_lock_bytes(lock), error);
}

static uint64_t
size_of(const SvirtImage *image, const SvirtChainMember *member)
{
    uint64_t size = image->object->size_bytes;

    if (member->header != NULL &&
        member->header->virtual_size_bytes > size) {
        size = member->header->virtual_size_bytes;
    }
    return size;
}

/* Never from what the file has grown to: it would creep up at every start. */
static uint64_t
limit_of(const SvirtImage *image, const SvirtChainMember *member)
{
    uint64_t size = member->header != NULL
                        ? member->header->virtual_size_bytes
                        : 0;

    if (image->format != SVIRT_IMAGE_FORMAT_RAW && size > 0) {
        size += size / 64 + FORMAT_OVERHEAD_BYTES;
    }
    return MAX(size, image->object->size_bytes);
}

static bool
hand_over_image(const SvirtImage *image, const SvirtChainMember *member,
                const SvirtCredentials *author, SvirtDiskHandOver *to,
                unsigned set, GError **error)
{
    SVIRT_AUTO_FD read_only = -1;
    SVIRT_AUTO_FD read_write = -1;

    if (!lock_image(image, author, to, error) ||
        !svirt_object_reopen(image->object, author, O_RDONLY, &read_only,
                             error) ||
        !give_to_vmm(to, &read_only, set, error)) {
        return false;
    }
    if (image->access == SVIRT_ACCESS_READ_ONLY) {
        return true;
    }
    if (!image->block) {
        to->largest_bytes = MAX(to->largest_bytes, limit_of(image, member));
    }
    return svirt_object_reopen(image->object, author, O_RDWR, &read_write,
                               error) &&
           give_to_vmm(to, &read_write, set, error);
}

static uint64_t
virtual_size(const SvirtDiskImages *images)
{
    const SvirtImage *active = images->images->pdata[0];
    uint64_t size = size_of(active, images->chain->members->pdata[0]);
    SVIRT_AUTO_FD fd = -1;

    if (active->block &&
        svirt_object_reopen(active->object, NULL, O_RDONLY, &fd, NULL)) {
        (void)ioctl(fd, BLKGETSIZE64, &size);
    }
    return size;
}

/* For verify, which knows a VMM's files by their lock descriptions: nobody
 * else can have a nameless file open, so there is nothing to lock. */
static bool
keep_known(SvirtDiskHandOver *to, const char *path, GError **error)
{
    SVIRT_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    const SvirtLockBytes none = { 0, 0 };

    return fd >= 0 ? svirt_launch_fds_take_lock(to->fds, &fd, none, error)
                   : svirt_raise_errno(error, errno, NULL,
                                       "cannot open the scratch file '%s'",
                                       path);
}

/* What a transient disk's guest writes: a nameless file that dies with it. */
static bool
hand_over_overlay(const SvirtDiskImages *images, SvirtDiskHandOver *to,
                  unsigned set, GError **error)
{
    uint64_t size = virtual_size(images);
    SVIRT_AUTO_FD write = openat(to->scratch_dir_fd, ".",
                                 O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    SVIRT_AUTO_FD read = -1;
    char path[SVIRT_OBJECT_PROC_PATH_BYTES];

    if (write < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make a scratch file for transient "
                                 "disk '%s'",
                                 images->disk->target);
    }
    if (!svirt_qcow2_create(write, size, error)) {
        return false;
    }
    (void)g_snprintf(path, sizeof(path), "/proc/self/fd/%d", write);
    read = open(path, O_RDONLY | O_CLOEXEC);
    if (read < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot open the scratch file of disk '%s'",
                                 images->disk->target);
    }
    to->largest_bytes =
        MAX(to->largest_bytes, size + size / 64 + FORMAT_OVERHEAD_BYTES);
    return keep_known(to, path, error) &&
           give_to_vmm(to, &read, set, error) &&
           give_to_vmm(to, &write, set, error);
}

static void
link_nodes(const SvirtDiskImages *images, GArray *nodes, unsigned first)
{
    for (unsigned i = 0; i < images->images->len; i++) {
        const SvirtImage *image = images->images->pdata[i];
        SvirtQemuNode *parent;

        if (image->parent < 0) {
            continue;
        }
        parent = &g_array_index(nodes, SvirtQemuNode,
                                first + (unsigned)image->parent);
        if (image->role == SVIRT_CHAIN_BACKING) {
            parent->backing = (int)(first + i);
        } else if (image->role == SVIRT_CHAIN_DATA) {
            parent->data_file = (int)(first + i);
        }
    }
}

static void
append_node(GArray *nodes, const SvirtImage *image, unsigned set)
{
    SvirtQemuNode node = {
        .fdset = set,
        .read_only = image->access == SVIRT_ACCESS_READ_ONLY,
        .block = image->block,
        .format = image->format,
        .backing = -1,
        .data_file = -1,
        .is_data_file = image->role == SVIRT_CHAIN_DATA ||
                        image->role == SVIRT_CHAIN_EXTENT,
    };

    g_array_append_val(nodes, node);
}

bool
svirt_disk_images_hand_over(const SvirtDiskImages *images,
                            const SvirtCredentials *author,
                            SvirtDiskHandOver *to, GArray *ret_nodes,
                            GError **error)
{
    unsigned first = 0;

    if (images->images->len == 0) {
        return true;
    }
    if (images->disk->transient) {
        SvirtQemuNode overlay = {
            .fdset = to->next_set,
            .format = SVIRT_IMAGE_FORMAT_QCOW2,
            .backing = 1,
            .data_file = -1,
        };

        if (!hand_over_overlay(images, to, to->next_set++, error)) {
            return false;
        }
        g_array_append_val(ret_nodes, overlay);
        first = 1;
    }
    for (unsigned i = 0; i < images->images->len; i++) {
        const SvirtImage *image = images->images->pdata[i];

        if (image->role == SVIRT_CHAIN_EXTENT) {
            return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                               "convert it: qemu-img convert -O qcow2",
                               "image '%s' is a piece of a vmdk of several "
                               "files, which QEMU cannot take by descriptor",
                               image->object->shown_path);
        }
        append_node(ret_nodes, image, to->next_set);
        if (!hand_over_image(image, images->chain->members->pdata[i],
                             author, to, to->next_set++, error)) {
            return false;
        }
    }
    link_nodes(images, ret_nodes, first);
    return true;
}
