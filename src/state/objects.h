/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"
#include "base/identity.h"
#include "state/claims.h"

/*
 * What an object was before svirt first labelled it. One row per object (by
 * identity, never by path) and model; kept while any VM claims the object,
 * and until its value was given back.
 *
 * Values are the model's own text; NULL is "has none" (no xattr).
 */
typedef struct SvirtRemembered {
    int64_t id;
    SvirtIdentity identity;
    char *shown_path; /* owned; where it was last seen, for messages */
    SvirtModelKind model;
    char *original;      /* owned; NULL: it had none */
    GPtrArray *written;  /* owned char *: what svirt wrote, oldest first */
    unsigned claim_count;
} SvirtRemembered;

void svirt_remembered_free(SvirtRemembered *remembered);

/*
 * Before `owner`'s label `to_write` goes on an object that now carries
 * `current`: remember the original if nobody has, add the owner's claim, note
 * what will be written. Committed before the write.
 *
 * An object that is remembered already keeps its original, unless `current`
 * is nothing svirt wrote: then somebody else changed it meanwhile and
 * `current` is the new original. *ret_id names the record. Doing it again
 * with nothing new writes nothing.
 *
 * An object that only must be known as this VM's, without a label, is a
 * record of model NONE with `current` and `to_write` NULL: nothing is ever
 * given back, svirt_objects_owners shows it, undefine drops it.
 *
 * Whether a VM of another author may claim the same object is the caller's
 * question (svirt_objects_owners): a waiver may allow it.
 */
bool svirt_objects_remember(SvirtState *state, const SvirtIdentity *identity,
                            const char *shown_path, SvirtModelKind model,
                            const SvirtOwner *owner, const char *current,
                            const char *to_write, int64_t *ret_id,
                            GError **error);

/* NULL in *ret when this object is not remembered. Owned by the caller. */
bool svirt_objects_find(SvirtState *state, const SvirtIdentity *identity,
                        SvirtModelKind model, SvirtRemembered **ret,
                        GError **error);
bool svirt_objects_by_id(SvirtState *state, int64_t id, SvirtRemembered **ret,
                         GError **error);
/* SvirtRemembered *, owned by the caller: what a UUID has claims on; for NULL
 * every one, also those without any claim left (not given back yet). */
bool svirt_objects_list(SvirtState *state, const SvirtUuid *uuid,
                        GPtrArray **ret, GError **error);
/* char *, owned by the caller: each value of `model` once that svirt wrote to
 * an object it remembers. */
bool svirt_objects_written(SvirtState *state, SvirtModelKind model,
                           GPtrArray **ret, GError **error);
/* SvirtOwner *, owned by the caller: who claims the object's storage, under
 * any model. */
bool svirt_objects_owners(SvirtState *state, const SvirtIdentity *identity,
                          GPtrArray **ret, GError **error);
/* Those of them that may write it: who has a record of model NONE. */
bool svirt_objects_writers(SvirtState *state, const SvirtIdentity *identity,
                           GPtrArray **ret, GError **error);

/*
 * Drop a VM's claim on one record; *ret_remaining is what is left: at 0 the
 * caller decides (svirt_restore_decide), gives back, and forgets. Dropping
 * what is not there succeeds.
 */
bool svirt_objects_drop(SvirtState *state, int64_t id, const SvirtUuid *uuid,
                        unsigned *ret_remaining, GError **error);
/* The value was given back or the object is gone. STATE while claimed. */
bool svirt_objects_forget(SvirtState *state, int64_t id, GError **error);
/* What is remembered of `model` as `from` was `to`: a label that the host has
 * no use for any more is never given back. */
bool svirt_objects_rename_original(SvirtState *state, SvirtModelKind model,
                                   const char *from, const char *to,
                                   GError **error);

typedef enum SvirtRestore {
    SVIRT_RESTORE_GIVE_BACK,     /* write the original */
    SVIRT_RESTORE_NOTHING,       /* it already carries the original */
    SVIRT_RESTORE_STILL_CLAIMED, /* another VM claims it */
    SVIRT_RESTORE_OTHER_OBJECT,  /* not the object that was labelled */
    SVIRT_RESTORE_CHANGED,       /* somebody else changed the value */
    SVIRT_RESTORE_MAX
} SvirtRestore;

SVIRT_ENUM_DECLARE(SvirtRestore, svirt_restore)

/* Pure: what to do with an object found as `now` carrying `current`. */
SvirtRestore svirt_restore_decide(const SvirtRemembered *remembered,
                                  const SvirtIdentity *now,
                                  const char *current);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtRemembered, svirt_remembered_free)
