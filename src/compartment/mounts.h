/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* A row of proc(5) mountinfo. */
typedef struct SvirtMount {
    uint64_t id;
    dev_t device;     /* the file system's, as the kernel numbers it */
    char *root;       /* owned; what of the file system is mounted: "/" */
    char *mountpoint; /* owned */
    char *type;       /* owned; "ext4" */
} SvirtMount;

typedef struct SvirtMounts {
    GPtrArray *rows; /* owned SvirtMount *, in the order mounted */
    unsigned stalls; /* lookups given up: see svirt_object_open_bounded */
} SvirtMounts;

/* Of this process's mount namespace. SYSTEM. Owned by the caller. */
bool svirt_mounts_read(SvirtMounts **ret, GError **error);
/* Pure: the text of mountinfo. CORRUPT for a line that is none. */
bool svirt_mounts_parse(const char *text, SvirtMounts **ret, GError **error);
void svirt_mounts_free(SvirtMounts *mounts);
/* NULL when there is none. Borrowed. */
const SvirtMount *svirt_mounts_by_id(const SvirtMounts *mounts, uint64_t id);

/*
 * Where `path`, which lies in `mount`, is within its file system: the same for
 * every bind mount it is reached through. NULL when it does not lie in it.
 * Owned by the caller.
 */
char *svirt_mount_inner_path(const SvirtMount *mount, const char *path);
/* Every name the file has through the mounts of one file system, `path` the
 * first. Owned by the caller. */
GStrv svirt_mounts_aliases(const SvirtMounts *mounts, const SvirtMount *mount,
                           const char *path);

/* `path` is `directory` or lies below it; both absolute and clean. */
bool svirt_path_is_below(const char *path, const char *directory);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtMounts, svirt_mounts_free)
