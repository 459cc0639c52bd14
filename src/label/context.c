/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/context.h"

#include <string.h>

static bool
field_is_valid(const char *field)
{
    for (const char *p = field; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("_.-", *p) == NULL) {
            return false;
        }
    }
    return *field != '\0';
}

static bool
raise_context(const char *text, GError *cause, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, cause,
                       "write a context as user:role:type:range",
                       "'%.128s' is no security context", text);
}

bool
svirt_context_parse(const char *text, SvirtContext **ret, GError **error)
{
    g_autoptr(SvirtContext) context = NULL;
    g_auto(GStrv) fields = NULL;
    GError *cause = NULL;

    if (strnlen(text, SVIRT_CONTEXT_BYTES) == SVIRT_CONTEXT_BYTES) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "contexts have at most 4095 bytes",
                           "security context '%.32s...' is too long", text);
    }
    /* Everything after the third colon is the range, colons included. */
    fields = g_strsplit(text, ":", 4);
    if (g_strv_length(fields) < 3) {
        return raise_context(text, NULL, error);
    }
    for (unsigned i = 0; i < 3; i++) {
        if (!field_is_valid(fields[i])) {
            return raise_context(text, NULL, error);
        }
    }
    context = g_new0(SvirtContext, 1);
    if (fields[3] != NULL) {
        context->has_range = true;
        if (!svirt_level_range_parse(fields[3], &context->range, &cause)) {
            return raise_context(text, cause, error);
        }
    }
    context->user = g_strdup(fields[0]);
    context->role = g_strdup(fields[1]);
    context->type = g_strdup(fields[2]);
    *ret = g_steal_pointer(&context);
    return true;
}

char *
svirt_context_format(const SvirtContext *context)
{
    g_autofree char *range = NULL;

    if (!context->has_range) {
        return g_strdup_printf("%s:%s:%s", context->user, context->role,
                               context->type);
    }
    range = svirt_level_range_format(&context->range);
    return g_strdup_printf("%s:%s:%s:%s", context->user, context->role,
                           context->type, range);
}

SvirtContext *
svirt_context_copy(const SvirtContext *context)
{
    SvirtContext *copy = g_new0(SvirtContext, 1);

    *copy = *context;
    copy->user = g_strdup(context->user);
    copy->role = g_strdup(context->role);
    copy->type = g_strdup(context->type);
    return copy;
}

void
svirt_context_free(SvirtContext *context)
{
    if (context == NULL) {
        return;
    }
    g_free(context->user);
    g_free(context->role);
    g_free(context->type);
    g_free(context);
}

bool
svirt_context_equal(const SvirtContext *a, const SvirtContext *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->role, b->role) == 0 &&
           strcmp(a->type, b->type) == 0 && a->has_range == b->has_range &&
           (!a->has_range || svirt_level_range_equal(&a->range, &b->range));
}

bool
svirt_context_dominates(const SvirtContext *a, const SvirtContext *b)
{
    return a->has_range && b->has_range &&
           svirt_level_dominates(&a->range.high, &b->range.high);
}

SvirtContext *
svirt_context_with_level(const SvirtContext *context, const SvirtLevel *level)
{
    SvirtContext *copy = svirt_context_copy(context);

    copy->has_range = true;
    copy->range.low = *level;
    copy->range.high = *level;
    return copy;
}
