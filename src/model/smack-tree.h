/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "base/error.h"

/*
 * What a host's own files are labelled with, so that Smack's floor, which
 * every subject may read, holds them no more. No VM is ever given it.
 */
#define SVIRT_SMACK_HOST "svirt-host"
#define SVIRT_SMACK_FLOOR "_"

typedef struct SvirtSmackTreeCount {
    uint64_t changed;
    /* What could not be changed, or whose other names may lie elsewhere (hard
     * links); behind its directory it is out of reach all the same. */
    uint64_t left;
    char *first_left;  /* owned; the first of them, NULL: none */
    GPtrArray *mounts; /* owned char *: file systems below, not entered */
} SvirtSmackTreeCount;

/*
 * Directories and regular files at and below `path` that have the floor label
 * get SVIRT_SMACK_HOST, a directory before what is in it, and directories pass
 * it on to what is made in them (SMACK64TRANSMUTE). Other labels stay. What
 * was done before is not done again, so that it can be broken off and begun
 * anew. Mounts below are not entered. `again`: `path` was labelled before, and
 * passes on what it was given then. `dry_run` only counts. *ret is overwritten;
 * svirt_smack_tree_count_clear.
 *
 * NOT_FOUND, REFUSED: `path` itself is none, is no directory, or takes no
 * label. UNSUPPORTED: its file system stores none. SYSTEM.
 */
bool svirt_smack_tree_label(const char *path, bool again, bool dry_run,
                            SvirtSmackTreeCount *ret, GError **error);
/* The reverse: what has SVIRT_SMACK_HOST has the floor label again. */
bool svirt_smack_tree_unlabel(const char *path, bool dry_run,
                              SvirtSmackTreeCount *ret, GError **error);
/* Has the directory itself the label? SYSTEM. */
bool svirt_smack_tree_is_labelled(const char *path, bool *ret_labelled,
                                  GError **error);
void svirt_smack_tree_count_clear(SvirtSmackTreeCount *count);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtSmackTreeCount,
                                 svirt_smack_tree_count_clear)
