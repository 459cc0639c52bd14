/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/object.h"
#include "compartment/mounts.h"

typedef enum SvirtFound {
    SVIRT_FOUND_OBJECT, /* the very one */
    SVIRT_FOUND_GONE,   /* it exists no more */
    SVIRT_FOUND_MOVED,  /* it cannot be told: not at its path, and its file
                           system is not mounted or opens no handles */
} SvirtFound;

/*
 * The object that had this identity when it was recorded: at `path` (NULL:
 * unknown), whatever that leads to now, else by its file handle in every file
 * system of its id that is mounted (an overlay has the id of its upper one).
 * GONE is the word of one that opens such handles. File systems that may keep a
 * caller waiting (network, FUSE) are not asked for handles, and nothing that
 * lies on FUSE is asked at all. *ret_object is set for OBJECT alone, owned by
 * the caller; its shown_path is where it is now.
 */
bool svirt_object_find(SvirtMounts *mounts,
                       const SvirtIdentity *identity, const char *path,
                       SvirtFound *ret_found, SvirtObject **ret_object,
                       GError **error);
