/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include <sys/types.h>

#include "launch/failure.h"
#include "launch/spec.h"

/* A file or tree of the host that appears at the same path, read-only but for
 * a MOUNT or a DEVICE. */
typedef struct SvirtRootFile {
    const char *path; /* borrowed, absolute, normal form */
    uint32_t flags;   /* SVIRT_FILE_* */
    int mount;        /* MOUNT: borrowed, a detached mount */
    dev_t device;     /* DEVICE */
} SvirtRootFile;

/* What one process's root directory holds. */
typedef struct SvirtRootPlan {
    const SvirtRootFile *files; /* borrowed */
    size_t n_files;
    uint32_t device_nodes;      /* SVIRT_NODE_* in /dev; 0: no /dev */
    SvirtSpecIds kvm_owner;     /* of /dev/kvm and DEVICEs, mode 0600 */
    const char *cwd;            /* borrowed; made where missing; NULL */
    const char *node_label;     /* borrowed; their Smack label; NULL: none */
    bool proc;                  /* /proc of the pid namespace, read-only */
} SvirtRootPlan;

/*
 * SVIRT_STEP_MOUNT_PRIVATE: in a mount namespace of one's own, no mount event
 * leaves or enters. mount_namespaces(7).
 */
bool svirt_root_make_private(SvirtLaunchFailure *failure);

/*
 * SVIRT_STEP_ROOT: a small tmpfs (no setuid, no devices, no execution) with
 * the plan's files bound read-only (of a tree only its own file system, never
 * what is mounted below), the links a merged /usr has (/bin, /lib...), /proc
 * and a private /dev. Leaves the working directory in it. Needs Linux 5.6
 * (openat2).
 */
bool svirt_root_build(const SvirtRootPlan *plan, SvirtLaunchFailure *failure);

/*
 * SVIRT_STEP_PIVOT: the working directory becomes the root, read-only; the old
 * one is gone from the namespace. pivot_root(2).
 */
bool svirt_root_enter(SvirtLaunchFailure *failure);
