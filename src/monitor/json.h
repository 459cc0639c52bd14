/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A checking scanner for JSON (RFC 8259) that somebody hostile wrote. It
 * allocates nothing and builds no tree: a value stays where it is, as a span
 * of the caller's text, and is looked into member by member. So 4 MiB of
 * `[[[[` or `0,0,0,` cost a scan, never memory or stack.
 */
#define SVIRT_JSON_MAX_DEPTH 64

/* Borrowed text; .text NULL: no such value. */
typedef struct SvirtJsonSpan {
    const char *text;
    size_t length;
} SvirtJsonSpan;

typedef enum SvirtJsonType {
    SVIRT_JSON_OBJECT,
    SVIRT_JSON_ARRAY,
    SVIRT_JSON_STRING,
    SVIRT_JSON_NUMBER,
    SVIRT_JSON_BOOLEAN,
    SVIRT_JSON_NULL,
    SVIRT_JSON_TYPE_MAX
} SvirtJsonType;

/*
 * True when `text` is exactly one JSON value, with white space around it at
 * most: UTF-8, no control characters, not deeper than the bound. *ret is the
 * value without the white space; every function below takes such a span.
 */
bool svirt_json_check(const char *text, size_t length, SvirtJsonSpan *ret);
SvirtJsonType svirt_json_type(SvirtJsonSpan value);
/*
 * The member of an object whose name is spelled exactly `name` (without
 * escapes). False, *ret untouched: `object` is none or has none. When a name
 * comes twice, *ret_twice (may be NULL) is true and the first is given.
 */
bool svirt_json_member(SvirtJsonSpan object, const char *name,
                       SvirtJsonSpan *ret, bool *ret_twice);
/*
 * Number of members of an object, at most `limit`.
 */
size_t svirt_json_count(SvirtJsonSpan object, size_t limit);
/* A string of printable ASCII without escapes, shorter than `size`. */
bool svirt_json_string(SvirtJsonSpan value, char *ret, size_t size);
bool svirt_json_is(SvirtJsonSpan value, const char *string);
bool svirt_json_boolean(SvirtJsonSpan value, bool *ret);
