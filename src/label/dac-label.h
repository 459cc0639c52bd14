/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/* `user:group`: who a process is, or who owns a file. */
typedef struct SvirtDacLabel {
    uid_t uid;
    gid_t gid;
} SvirtDacLabel;

/*
 * How names become numbers, supplied by the caller so that parsing stays
 * pure. Each returns false when there is no such name (ret untouched).
 */
typedef struct SvirtDacLookup {
    bool (*user)(const char *name, uid_t *ret, void *data);
    bool (*group)(const char *name, gid_t *ret, void *data);
    void *data;
} SvirtDacLookup;

/*
 * libvirt's rule: each half is tried as a name first and then as a number; a
 * leading `+` forces the number. `lookup` NULL: numbers only. INVALID for a
 * missing colon, an empty half, a number that is no id (2^32 - 1 included);
 * NOT_FOUND for an unknown name.
 */
bool svirt_dac_label_parse(const char *text, const SvirtDacLookup *lookup,
                           SvirtDacLabel *ret, GError **error);
/* Without resolving: could the text be a DAC label at all? */
bool svirt_dac_label_is_wellformed(const char *text);
/* `+107:+107`, owned by the caller. */
char *svirt_dac_label_format(const SvirtDacLabel *label);
