/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * One error type for the whole project: a GError whose code says what the
 * caller can act on (and is the program's exit code), whose message is one
 * phrase naming the object and the value, and which carries its cause as an
 * object and a hint: the one thing to do.
 *
 * Every function that takes a GError ** returns false/NULL/-1 exactly when it
 * set the error, and writes its ret_* outputs only on success.
 */
#define SVIRT_ERROR (svirt_error_quark())

typedef enum SvirtErrorCode {
    SVIRT_ERROR_FAILED = 1,       /* anything without a better code */
    SVIRT_ERROR_USAGE = 2,        /* command line: unknown option, bad value */
    SVIRT_ERROR_INVALID = 3,      /* input text is wrong: XML, header, label */
    SVIRT_ERROR_NOT_FOUND = 4,    /* no such domain, file, device */
    SVIRT_ERROR_EXISTS = 5,       /* name, UUID or claim is taken */
    SVIRT_ERROR_REFUSED = 6,      /* svirt's own rules say no */
    SVIRT_ERROR_BUSY = 7,         /* in use by another VM or process */
    SVIRT_ERROR_UNSUPPORTED = 8,  /* known, but svirt, QEMU or host cannot */
    SVIRT_ERROR_STATE = 9,        /* wrong state for this verb: not running */
    SVIRT_ERROR_SYSTEM = 10,      /* a system call failed */
    SVIRT_ERROR_UNVERIFIED = 11,  /* read-back differs from what was planned */
    SVIRT_ERROR_CORRUPT = 12,     /* state, journal or reply damaged */
    SVIRT_ERROR_TIMEOUT = 13,     /* somebody did not answer in time */
    SVIRT_ERROR_LAUNCH = 14,      /* the VMM or a launch step failed */
} SvirtErrorCode;

GQuark svirt_error_quark(void);

/*
 * Set *error and return false. `cause` (owned here from now on, may be NULL)
 * becomes the next link of the chain; `hint` (copied, may be NULL) is the one
 * thing to do, as a command or setting.
 */
bool svirt_raise(GError **error, SvirtErrorCode code, GError *cause,
                 const char *hint, const char *format, ...)
    G_GNUC_PRINTF(5, 6);

/*
 * The same for a failed system call: the cause is the text of `errnum`.
 * Code: NOT_FOUND for ENOENT, BUSY for EBUSY and ETXTBSY, else SYSTEM.
 */
bool svirt_raise_errno(GError **error, int errnum, const char *hint,
                       const char *format, ...) G_GNUC_PRINTF(4, 5);

/* Borrowed; NULL when there is none. Work on any GError. */
const char *svirt_error_hint(const GError *error);
const GError *svirt_error_cause(const GError *error);
/* The hint that is shown: the outermost one of the chain. */
const char *svirt_error_shown_hint(const GError *error);

/*
 * "error: message\n  caused by: cause\n  hint: hint\n", owned by the caller.
 * The hint shown is the outermost one present in the chain.
 */
char *svirt_error_render(const GError *error);

/* The documented exit code for this error: 1 for foreign domains. */
int svirt_error_exit_code(const GError *error);
