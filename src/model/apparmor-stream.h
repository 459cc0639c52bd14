/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * The elements of a profile as the kernel reads it: an optional tag, a code,
 * the value; little-endian, unaligned (security/apparmor/policy_unpack.c).
 */
typedef enum SvirtStreamCode {
    SVIRT_CODE_U8,
    SVIRT_CODE_U16,
    SVIRT_CODE_U32,
    SVIRT_CODE_U64,
    SVIRT_CODE_TAG, /* u16 length with the NUL, text, NUL; then the element */
    SVIRT_CODE_STRING, /* u16 length with the NUL, text, NUL */
    SVIRT_CODE_BLOB,   /* u32 length, bytes */
    SVIRT_CODE_STRUCT,
    SVIRT_CODE_STRUCT_END,
    SVIRT_CODE_LIST,
    SVIRT_CODE_LIST_END,
    SVIRT_CODE_ARRAY, /* u16 count */
    SVIRT_CODE_ARRAY_END,
    SVIRT_CODE_MAX
} SvirtStreamCode;

/* First bytes of the keys of a profile's second automaton: AA_CLASS_* of
 * security/apparmor/include/apparmor.h. */
typedef enum SvirtPolicyClass {
    SVIRT_CLASS_FILE = 2,
    SVIRT_CLASS_CAPABILITY = 3,
    SVIRT_CLASS_MOUNT = 7,
    SVIRT_CLASS_PTRACE = 9,
    SVIRT_CLASS_SIGNAL = 10,
    SVIRT_CLASS_NETWORK = 14,
    SVIRT_CLASS_LABEL = 16,
    SVIRT_CLASS_MESSAGE_QUEUE = 17,
    SVIRT_CLASS_MODULE = 19,
    SVIRT_CLASS_NAMESPACE = 21,
    SVIRT_CLASS_IO_URING = 22,
} SvirtPolicyClass;

/* `tag`: NULL for none. */
void svirt_stream_code(GByteArray *out, const char *tag,
                       SvirtStreamCode code);
void svirt_stream_u32(GByteArray *out, const char *tag, uint32_t value);
void svirt_stream_string(GByteArray *out, const char *tag, const char *text);
/*
 * A blob whose content begins at a multiple of eight of `out`, with the
 * padding this takes; what end_blob is given.
 */
guint svirt_stream_begin_blob(GByteArray *out, const char *tag);
void svirt_stream_end_blob(GByteArray *out, guint at);
