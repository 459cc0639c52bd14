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
 * Steps through the members of an object in their order; *cursor is NULL
 * before the first. *ret_name keeps its quotes (svirt_json_is compares it).
 */
bool svirt_json_next(SvirtJsonSpan object, const char **cursor,
                     SvirtJsonSpan *ret_name, SvirtJsonSpan *ret_value);
/*
 * The member of an object whose name is spelled exactly `name` (without
 * escapes); the first of several. False, *ret untouched: `object` is none or
 * has none.
 */
bool svirt_json_member(SvirtJsonSpan object, const char *name,
                       SvirtJsonSpan *ret);
/* A string of printable ASCII without escapes, shorter than `size`. */
bool svirt_json_string(SvirtJsonSpan value, char *ret, size_t size);
bool svirt_json_is(SvirtJsonSpan value, const char *string);
bool svirt_json_boolean(SvirtJsonSpan value, bool *ret);
