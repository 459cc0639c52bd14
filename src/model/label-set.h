/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/uuid.h"
#include "label/category-set.h"
#include "label/model-kind.h"

/* What a VMM does with an object it opens by name. */
#define SVIRT_MODEL_PATH_READ 1u
#define SVIRT_MODEL_PATH_WRITE 2u
#define SVIRT_MODEL_PATH_EXECUTE 4u
/* Everything below a directory too. */
#define SVIRT_MODEL_PATH_TREE 8u

typedef struct SvirtModelPath {
    const char *path; /* absolute, as the VMM's own root has it */
    unsigned access;  /* SVIRT_MODEL_PATH_* */
} SvirtModelPath;

/* What a VM's labels are made from. All borrowed. */
typedef struct SvirtLabelSeed {
    SvirtUuid uuid;
    const SvirtCategorySet *categories;
    bool emulated;     /* the VMM makes code at run time (TCG) */
    const char *base;  /* baselabel; NULL: none */
    const char *given; /* a static label, taken as it is; NULL: derive */
    /* Opened by name, not handed over: models that confine by label pass
     * them by. */
    const SvirtModelPath *paths;
    size_t path_count;
} SvirtLabelSeed;

/*
 * A VM's labels under one model, each the model's own text; NULL: none, what
 * has it is left as it is. All owned.
 */
typedef struct SvirtLabelSet {
    char *vmm;     /* the VMM's process */
    char *monitor; /* the monitor's */
    char *helper;  /* passt's */
    char *socket;  /* sockets made for the VMM */
    char *image;   /* private writable objects */
    char *shared;  /* <shareable/>: several VMs write */
    char *content; /* read-only: bases, cdroms, kernels */
    char *log;     /* the log files that its monitor writes and rotates */
} SvirtLabelSet;

void svirt_label_set_clear(SvirtLabelSet *set);
/* A copy of each text; *ret is overwritten. */
void svirt_label_set_copy(const SvirtLabelSet *set, SvirtLabelSet *ret);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtLabelSet, svirt_label_set_clear)
