/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/identity.h"
#include "label/context.h"
#include "label/dac-label.h"
#include "label/derive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is printed must be accepted, and be its own spelling. */
static void
must_equal(const char *first, const char *second)
{
    if (strcmp(first, second) != 0) {
        g_printerr("'%s' came back as '%s'\n", first, second);
        abort();
    }
}

static void
read_categories(const char *text)
{
    SvirtCategorySet set, again;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    if (!svirt_category_set_parse(text, &set, NULL)) {
        return;
    }
    first = svirt_category_set_format(&set);
    if (!svirt_category_set_parse(first, &again, NULL)) {
        abort();
    }
    second = svirt_category_set_format(&again);
    must_equal(first, second);
}

static void
read_context(const char *text)
{
    g_autoptr(SvirtContext) context = NULL;
    g_autoptr(SvirtContext) again = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    if (!svirt_context_parse(text, &context, NULL)) {
        return;
    }
    first = svirt_context_format(context);
    if (!svirt_context_parse(first, &again, NULL) ||
        !svirt_context_equal(context, again)) {
        abort();
    }
    second = svirt_context_format(again);
    must_equal(first, second);
    if (context->has_range &&
        !svirt_level_dominates(&context->range.high, &context->range.low)) {
        abort();
    }
}

static void
read_dac(const char *text)
{
    SvirtDacLabel label;
    g_autofree char *shown = NULL;

    if (!svirt_dac_label_parse(text, NULL, &label, NULL)) {
        return;
    }
    shown = svirt_dac_label_format(&label);
    if (!svirt_dac_label_is_wellformed(text) ||
        !svirt_dac_label_parse(shown, NULL, &label, NULL)) {
        abort();
    }
}

static void
read_identity(const char *text)
{
    SvirtIdentity identity;
    g_autofree char *shown = NULL;

    if (svirt_identity_parse(text, &identity, NULL)) {
        shown = svirt_identity_format(&identity);
        must_equal(text, shown);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    read_categories(text);
    read_context(text);
    read_dac(text);
    read_identity(text);
    (void)svirt_smack_label_is_valid(text); /* reads within the text */
    return 0;
}
