/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "compartment/mounts.h"
#include "compartment/refusal.h"

/* An inode, within this boot. */
typedef struct SvirtRefusalInode {
    dev_t dev;
    ino_t ino;
} SvirtRefusalInode;

/* A directory of svirt's own. */
typedef struct SvirtRefusalOwn {
    char *path; /* owned; resolved, as far as it exists */
    const char *what; /* static: "state", "configuration", ... */
    const char *store; /* static; a subdirectory images may lie in, NULL */
    bool takes_output; /* VMs' logs are made in it */
} SvirtRefusalOwn;

typedef struct SvirtRefusalLoop {
    SvirtRefusalInode file;
    dev_t device;
    char *name; /* owned: "loop0" */
} SvirtRefusalLoop;

struct SvirtRefusalFacts {
    SvirtMounts *mounts; /* owned */
    GPtrArray *own;      /* owned SvirtRefusalOwn * */
    GArray *swap_files;  /* SvirtRefusalInode */
    GPtrArray *loops;    /* owned SvirtRefusalLoop * */
    GStrv roots;         /* owned; image_roots as given and as resolved */
};

/* Is it another name of a file of svirt's own? Only what has several names is
 * looked for. Errors: a directory of svirt's own cannot be read. */
bool svirt_refusal_is_own(const SvirtRefusalFacts *facts,
                          const SvirtObject *object, bool *ret_own,
                          GError **error);
bool svirt_refusal_inode_is_in(const GArray *inodes,
                               const SvirtObject *object);

typedef enum SvirtRefusalPlace {
    SVIRT_REFUSAL_PLACE_FREE,  /* in no directory that svirt knows */
    SVIRT_REFUSAL_PLACE_GIVEN, /* in one made for this use */
    SVIRT_REFUSAL_PLACE_SYSTEM,
} SvirtRefusalPlace;

/*
 * Pure: which it is for an absolute, resolved path. `roots`: NULL-terminated,
 * may be NULL. *ret_directory: the system directory it lies in (static), set
 * for SYSTEM alone.
 */
SvirtRefusalPlace svirt_refusal_place(const char *path, SvirtRefusalUse use,
                                      char *const *roots,
                                      const char **ret_directory);
