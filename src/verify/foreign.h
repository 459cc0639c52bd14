/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "label/model-kind.h"

/* Where libvirt's QEMU driver keeps NAME.pid and NAME.xml of what runs. */
#define SVIRT_LIBVIRT_RUN_DIR "/run/libvirt/qemu"

/* A VM that svirt did not start. Only looked at. */
typedef struct SvirtForeign {
    char *name; /* owned; libvirt's, or "pid N" */
    pid_t pid;
    /* What libvirt says it gave, owned; NULL: not known. */
    char *claim[SVIRT_MODEL_MAX];
    char *image[SVIRT_MODEL_MAX];
    bool given[SVIRT_MODEL_MAX]; /* type='static' */
} SvirtForeign;

void svirt_foreign_free(SvirtForeign *foreign);

/*
 * SvirtForeign *, owned by the caller: the VMs of `libvirt_dir` (a file that is
 * damaged or stale is passed by), then every other process of a program
 * qemu-system-*, qemu-kvm, kvm. `own`: pids (of pid_t) that are svirt's.
 * SYSTEM: /proc cannot be listed.
 */
bool svirt_foreign_list(const char *libvirt_dir, const GArray *own,
                        GPtrArray **ret, GError **error);
/* One, by its pid: any program. */
SvirtForeign *svirt_foreign_new(const char *name, pid_t pid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtForeign, svirt_foreign_free)
