/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "domain/domain.h"
#include "domain/resource.h"
#include "hypervisor/launch-fds.h"
#include "hypervisor/qemu.h"
#include "hypervisor/refusals.h"
#include "image/chain.h"

/* One file or device of a disk's chain, opened under the author's rights. */
typedef struct SvirtImage {
    SvirtObject *object; /* owned */
    SvirtImageFormat format;
    SvirtChainRole role;
    int parent;          /* index of the image that needs it, -1 */
    SvirtAccess access;
    bool block;
} SvirtImage;

/* A disk of a definition with everything below it. */
typedef struct SvirtDiskImages {
    const SvirtDisk *disk; /* borrowed */
    SvirtChain *chain;     /* owned, as recorded or as found;
                              NULL: empty drive */
    GPtrArray *images;     /* owned SvirtImage *, as chain->members */
    bool recorded;         /* the chain was in the state database */
} SvirtDiskImages;

void svirt_disk_images_free(SvirtDiskImages *images);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtDiskImages, svirt_disk_images_free)

/*
 * Opens the chain of `disk`. With `recorded` (taken over) the headers are
 * compared with it and nothing but what it names is opened; without, the chain
 * is followed and stands in (*ret)->chain, to be recorded. Errors of
 * svirt_chain_*, svirt_object_open and svirt_refusal_check, below one that
 * names the disk.
 */
bool svirt_disk_images_open(const SvirtRefusals *refusals,
                            const SvirtCredentials *author,
                            const SvirtDisk *disk, SvirtChain *recorded,
                            SvirtDiskImages **ret, GError **error);

/* What the VM may do with member `index` of the disk's chain, and what it is
 * to be relabelled as. */
SvirtAccess svirt_disk_images_access(const SvirtDisk *disk,
                                     const SvirtChain *chain, unsigned index);
SvirtResourceKind svirt_disk_images_kind(SvirtChainRole role);

/*
 * Locks the images and hands their descriptors to the VMM: one set for each,
 * read-write and read-only for what it may write, read-only alone for the
 * rest. A transient disk gets an unlinked overlay below `scratch_dir_fd`.
 * `ret_nodes` (one entry per image, and one for an overlay) and `add_fds` are
 * appended to. BUSY: an image is in use.
 */
typedef struct SvirtDiskHandOver {
    SvirtLaunchFds *fds;
    GArray *add_fds;    /* SvirtQemuAddFd */
    unsigned next_set;  /* number of the next descriptor set */
    int scratch_dir_fd;
    uint64_t largest_bytes; /* largest file the VMM may write */
} SvirtDiskHandOver;

bool svirt_disk_images_hand_over(const SvirtDiskImages *images,
                                 const SvirtCredentials *author,
                                 SvirtDiskHandOver *to, GArray *ret_nodes,
                                 GError **error);
