/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "model/model.h"
#include "verify/verify.h"

/* One running VM as the host sees it, whoever started it. */
typedef struct SvirtSubject {
    char *name; /* owned */
    bool ours;
    /* What its VMM carries under each model, owned; NULL: none. */
    char *label[SVIRT_MODEL_MAX];
    /* Its objects' label; NULL: not known. Owned. */
    char *image[SVIRT_MODEL_MAX];
    /* The definition spells the label out: others may have it, too. */
    bool given[SVIRT_MODEL_MAX];
    GPtrArray *rows; /* borrowed; the findings go here */
} SvirtSubject;

void svirt_subject_free(SvirtSubject *subject);

/*
 * What only shows by comparing the VMs of a host, a row per VM and model, in
 * its rows: "unique MODEL": nobody else has the label or, under SELinux, one
 * that dominates it or is dominated (CVE-2021-3631); a static label that
 * several share is named and right. "separates MODEL": the *loaded* policy
 * keeps it from the next VM of its type; a policy may have no MCS constraint
 * at all (bottlerocket#1712).
 */
void svirt_verify_compare(GPtrArray *subjects);
