/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "label/derive.h"

#define SVIRT_DOI_NAME_BYTES 128

/* A domain of interpretation: hosts that share the key agree on labels. */
typedef struct SvirtDoi {
    char *name; /* owned */
    uint8_t key[SVIRT_DOI_KEY_BYTES];
} SvirtDoi;

/*
 * Read DIRECTORY/NAME.key. `name` NULL: the host's only one, else
 * `local.<digest of machine_id>`, whose key is made from getrandom(2) when
 * there is none yet.
 *
 * REFUSED: directory or key file with another owner than the caller, a key
 * file that others may touch (mode beyond 0600), is no regular file or has
 * several links. CORRUPT: its size is not 32. NOT_FOUND: a named DOI without
 * a key. INVALID: a name that is no DNS-like name. STATE: several keys and no
 * name. Owned by the caller, wiped by svirt_doi_free.
 */
bool svirt_doi_open(const char *directory, const char *name,
                    const char *machine_id, SvirtDoi **ret, GError **error);
void svirt_doi_free(SvirtDoi *doi);

/* `local.<16 hex digits>`; the digest does not give machine_id away. */
char *svirt_doi_local_name(const char *machine_id);
/* Letters, digits, `-`, `_` and single inner dots, under the size limit. */
bool svirt_doi_name_is_valid(const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtDoi, svirt_doi_free)
