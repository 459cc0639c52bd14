/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "domain/domain.h"
#include "host/connection.h"

/*
 * <os firmware='efi'>: which firmware that is on this host, decided once, by
 * define. Descriptors (QEMU's docs/interop/firmware.json) are the files *.json
 * of, first that wins, CONFIG/firmware, /etc/qemu/firmware and
 * /usr/share/qemu/firmware; they are tried in the order of their names, and an
 * empty one hides those of its name behind it.
 */

/* What a descriptor must say. */
typedef struct SvirtFirmwareWish {
    const char *arch;    /* "x86_64" */
    const char *machine; /* "pc-q35-7.2" */
    const char *executable; /* NULL: any */
    SvirtSwitch secure_boot;
    SvirtSwitch enrolled_keys;
    SvirtSwitch smm; /* OFF: the guest has none */
    SvirtSwitch secure_loader;
    bool stateless;
} SvirtFirmwareWish;

typedef struct SvirtFirmwareChoice {
    char *executable; /* owned, absolute */
    char *variables;  /* the same; NULL: stateless */
    bool secure;      /* only firmware in SMM may write the variables */
} SvirtFirmwareChoice;

void svirt_firmware_choice_clear(SvirtFirmwareChoice *choice);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtFirmwareChoice,
                                 svirt_firmware_choice_clear)

/*
 * The descriptor `text`: INVALID when it is none; else *ret_fits says whether
 * it is what is wished for, and *ret (zeroed) is then filled. Pure.
 */
bool svirt_firmware_read(const char *text, size_t length,
                         const SvirtFirmwareWish *wish, bool *ret_fits,
                         SvirtFirmwareChoice *ret, GError **error);

/*
 * Writes <loader> and <nvram> into a definition that leaves them to the host;
 * of a <loader> that is named a descriptor must say what <feature> asks for.
 * `machine` is what its machine stands for; NULL: not known. INVALID: a
 * descriptor that cannot be read, or whose files are not what it says; REFUSED:
 * others could change it or them; NOT_FOUND: none fits.
 */
bool svirt_firmware_complete(const SvirtConnection *connection,
                             SvirtDomain *domain, const char *machine,
                             GError **error);
