/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The user namespace this process is in, by its uid_map: whether it is the
 * host's first, and up to which uid, from `first` on, ids are mapped (below
 * `first`: none). user_namespaces(7). What cannot be read is taken for the
 * host's first.
 */
typedef struct SvirtUserNamespace {
    bool initial;
    bool mapped;    /* `first` is */
    uint32_t last;  /* of that row of the map */
} SvirtUserNamespace;

void svirt_user_namespace_read(uint32_t first, SvirtUserNamespace *ret);
/* Neither root of the host nor in a namespace of ours: what a user is. */
bool svirt_user_namespace_is_own(void);
