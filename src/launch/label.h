/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/failure.h"
#include "launch/spec.h"

/*
 * SVIRT_STEP_LABEL: the labels a process gives itself before it executes its
 * program. Two halves, because the attributes are opened in the host's procfs,
 * while it is there, and written once no other descriptor is left.
 */
typedef struct SvirtLabelFiles {
    int fds[SVIRT_SPEC_MAX_LABELS]; /* owned; one per label `which` gets */
    uint32_t label[SVIRT_SPEC_MAX_LABELS]; /* index in spec->labels */
    uint32_t count;
} SvirtLabelFiles;

/* Fails when /proc is no procfs or something is mounted over an attribute
 * (CVE-2025-52881), and when the kernel has no such attribute. */
bool svirt_label_open(const SvirtLaunchSpec *spec, SvirtProcess which,
                      SvirtLabelFiles *ret, SvirtLaunchFailure *failure);
/* Writes and closes them all. */
bool svirt_label_write(const SvirtLaunchSpec *spec, SvirtProcess which,
                       SvirtLabelFiles *files, SvirtLaunchFailure *failure);
/* What files that are made for `which` get: Smack's label, since it has none
 * for files to be made, as SELinux has, nor asks for one, as AppArmor does not.
 * Borrowed from `spec`; NULL: none. */
const char *svirt_label_of_nodes(const SvirtLaunchSpec *spec,
                                 SvirtProcess which);
