/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "compartment/compartment.h"
#include "compartment/relabel-plan.h"
#include "hypervisor/disk-images.h"
#include "hypervisor/manager.h"
#include "hypervisor/network.h"
#include "hypervisor/refusals.h"

/*
 * A definition with everything it names opened, judged and labelled on paper:
 * what define records and start launches. Nothing is changed by making one,
 * but that missing claims are taken.
 */
typedef struct SvirtPrepared {
    const SvirtDefinition *definition; /* borrowed */
    SvirtDomain *domain;               /* owned, as all below */
    SvirtCredentials *author;          /* NULL: root */
    SvirtRefusalFacts *facts;
    GPtrArray *waivers;     /* SvirtWaiver *: made use of */
    GPtrArray *nets;        /* SvirtNet *, one per interface; NULL: not yet */
    GPtrArray *disks;       /* SvirtDiskImages *, one per disk, then that of
                               <nvram> where there is one; entry NULL:
                               missing or put off, and only being defined */
    GPtrArray *warnings;    /* GError *: what is missing or must be waived
                               before a start, what images make one doubt */
    SvirtObject *kernel;    /* NULL: none */
    SvirtObject *initrd;
    SvirtObject *loader;
    bool own_nvram; /* the variables' file is svirt's, not the author's */
    bool dry_run;   /* what is made for it goes again with it */
    char *made;     /* so: a file's path; NULL: none */
    SvirtObject *emulator;  /* NULL: only being defined */
    SvirtCompartment *compartment;
    SvirtRelabelPlan *plan;
    int64_t now_s;
} SvirtPrepared;

typedef enum SvirtPrepareMode {
    SVIRT_PREPARE_START,
    /* What is missing, or refused by a rule that can be waived (which takes
     * a definition to waive it for), is looked at again by start. */
    SVIRT_PREPARE_DEFINE,
    SVIRT_PREPARE_ACCEPT,  /* recorded chains are not compared */
    /* Disks alone; what is wrong with one is a warning. Nothing is claimed. */
    SVIRT_PREPARE_LOOK,
} SvirtPrepareMode;

/* What the definition says, parsed; nothing is opened. INVALID. */
bool svirt_prepared_new(const SvirtDefinition *definition, int64_t now_s,
                        SvirtPrepared **ret, GError **error);
/* What carries its interfaces; DEFINE: with what is missing as warnings. */
bool svirt_prepared_plan_nets(SvirtManager *manager, SvirtPrepared *prepared,
                              SvirtPrepareMode mode, GError **error);
/* Opens and judges. Errors of every opening, each naming device and line. */
bool svirt_prepared_open(SvirtManager *manager, SvirtPrepared *prepared,
                         SvirtPrepareMode mode, GError **error);
/*
 * Whose it is and what that changes: the compartment, claimed where it is
 * missing, and the plan. With `use` (svirt_compartment_look) within the
 * caller's transaction, else in one of its own.
 */
bool svirt_prepared_label(SvirtManager *manager, SvirtPrepared *prepared,
                          SvirtUidUse *use, bool within, GError **error);
/* All three. */
bool svirt_prepare(SvirtManager *manager, const SvirtDefinition *definition,
                   SvirtPrepareMode mode, int64_t now_s, SvirtPrepared **ret,
                   GError **error);
void svirt_prepared_free(SvirtPrepared *prepared);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtPrepared, svirt_prepared_free)

/* Writes down what is new: chains of disks not recorded yet, claims on
 * objects; within the caller's transaction. */
bool svirt_prepared_record_within(SvirtState *state,
                                  const SvirtPrepared *prepared,
                                  GError **error);
/* The same in a transaction of its own; none when there is nothing new. */
bool svirt_prepared_record(SvirtManager *manager,
                           const SvirtPrepared *prepared, GError **error);

/* What was recorded of a disk; NULL in *ret: nothing, or of another file. */
bool svirt_prepared_recorded_chain(SvirtState *state, const SvirtUuid *uuid,
                                   const SvirtDisk *disk, SvirtChain **ret,
                                   GError **error);

/* For prepare.c and nvram.c: may the start deal with it? Then it is the
 * caller's no longer. */
bool svirt_prepared_put_off(SvirtPrepared *prepared, SvirtPrepareMode mode,
                            bool can_be_waived, GError *problem);

/* For prepare.c: what `images` make one doubt, among the warnings. */
void svirt_prepared_warn_of_images(SvirtPrepared *prepared,
                                   const SvirtDiskImages *images);

/* The refusals to open further things of this VM with. Borrows. */
SvirtRefusals svirt_prepared_refusals(const SvirtPrepared *prepared,
                                      SvirtState *state);
