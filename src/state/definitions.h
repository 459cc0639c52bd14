/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/uuid.h"
#include "state/state.h"

/* libvirt's limit is the file name's; ours too. */
#define SVIRT_DEFINITION_NAME_BYTES 256
#define SVIRT_DEFINITION_XML_BYTES (4u << 20)

typedef struct SvirtDefinition {
    SvirtUuid uuid;
    char *name; /* owned */
    uid_t author;
    /* Grows with every add: tells a UUID defined again from its former self.
     * Set by svirt_definitions_add. */
    uint64_t incarnation;
    char *xml;         /* owned; NULL in lists */
    int64_t created_s; /* seconds since the epoch, supplied by the caller */
    int64_t changed_s;
    char *tainted;     /* owned; why, NULL: it is not */
} SvirtDefinition;

SvirtDefinition *svirt_definition_new(const SvirtUuid *uuid, const char *name,
                                      uid_t author, const char *xml,
                                      int64_t created_s);
void svirt_definition_free(SvirtDefinition *definition);

/*
 * A new definition; its incarnation is stored in *definition. EXISTS: the
 * name or UUID is taken (the other domain is named). REFUSED: the UUID has a
 * claim of, or objects labelled for, another author. INVALID: name or XML too
 * long, or empty.
 */
bool svirt_definitions_add(SvirtState *state, SvirtDefinition *definition,
                           GError **error);
/*
 * New XML for a defined UUID; incarnation, creation time and taint stay.
 * NOT_FOUND; EXISTS: the UUID is defined under another name; REFUSED: by
 * another author.
 */
bool svirt_definitions_replace(SvirtState *state,
                               const SvirtDefinition *definition,
                               GError **error);
/* Another name, which `xml` has as well. NOT_FOUND; EXISTS: it is taken. */
bool svirt_definitions_rename(SvirtState *state, const SvirtUuid *uuid,
                              const char *name, const char *xml,
                              GError **error);
/*
 * Drops the definition and, in the same transaction, its label claims,
 * chains and waivers. Objects still labelled for it keep their record (they
 * are what `release` gives back) and keep the UUID from another author.
 * NOT_FOUND.
 */
bool svirt_definitions_remove(SvirtState *state, const SvirtUuid *uuid,
                              GError **error);
/* `reason` NULL clears it. NOT_FOUND. */
bool svirt_definitions_set_tainted(SvirtState *state, const SvirtUuid *uuid,
                                   const char *reason, GError **error);

/* NOT_FOUND. Owned by the caller. */
bool svirt_definitions_by_uuid(SvirtState *state, const SvirtUuid *uuid,
                               SvirtDefinition **ret, GError **error);
bool svirt_definitions_by_name(SvirtState *state, const char *name,
                               SvirtDefinition **ret, GError **error);
/* A name, or a UUID in any spelling; the name wins. NOT_FOUND. */
bool svirt_definitions_find(SvirtState *state, const char *name_or_uuid,
                            SvirtDefinition **ret, GError **error);
/* SvirtDefinition * without xml, by name; owned by the caller. */
bool svirt_definitions_list(SvirtState *state, GPtrArray **ret,
                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtDefinition, svirt_definition_free)
