/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What the guest reads of its machine: <sysinfo>. Owned by the domain. */

typedef struct SvirtSmbiosString {
    unsigned table;     /* of the SMBIOS specification: 0, 1, 2, 3, 11 */
    const char *option; /* QEMU's word; "value" of table 11 */
    const char *value;  /* without control characters */
} SvirtSmbiosString;

typedef struct SvirtFwcfgString {
    const char *name; /* "opt/com.example/what" */
    const char *value;
} SvirtFwcfgString;

typedef struct SvirtSysinfo {
    /* By table; none where <smbios> of <os> leaves them to QEMU. */
    const SvirtSmbiosString *smbios;
    size_t smbios_count;
    const SvirtFwcfgString *fwcfg;
    size_t fwcfg_count;
} SvirtSysinfo;
