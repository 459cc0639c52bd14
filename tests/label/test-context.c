/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/context.h"

#include <string.h>

static const struct {
    const char *name;
    const char *text;
    const char *canonical; /* NULL: refused */
} rows[] = {
    { "domain", "system_u:system_r:svirt_t:s0:c1,c5",
      "system_u:system_r:svirt_t:s0:c1,c5" },
    { "range", "system_u:system_r:svirt_t:s0-s0:c0.c1023",
      "system_u:system_r:svirt_t:s0-s0:c0.c1023" },
    { "no-range", "system_u:system_r:domU_t", "system_u:system_r:domU_t" },
    { "reordered", "u:r:t:s0:c9,c1", "u:r:t:s0:c1,c9" },
    { "two-fields", "system_u:system_r", NULL },
    { "empty-type", "system_u:system_r::s0", NULL },
    { "empty-range", "system_u:system_r:svirt_t:", NULL },
    { "blank", "system_u:system_r:svirt t:s0", NULL },
    { "newline", "system_u:system_r:svirt_t:s0\n", NULL },
    { "slash", "system_u:../r:svirt_t:s0", NULL },
    { "empty", "", NULL },
};

static void
test_row(gconstpointer data)
{
    const char *want = rows[GPOINTER_TO_UINT(data)].canonical;
    g_autoptr(GError) error = NULL;
    g_autoptr(SvirtContext) context = NULL;
    g_autoptr(SvirtContext) copy = NULL;
    g_autofree char *shown = NULL;

    g_assert_cmpint(svirt_context_parse(rows[GPOINTER_TO_UINT(data)].text,
                                        &context, &error),
                    ==, want != NULL);
    if (want == NULL) {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        return;
    }
    shown = svirt_context_format(context);
    g_assert_cmpstr(shown, ==, want);
    copy = svirt_context_copy(context);
    g_assert_true(svirt_context_equal(copy, context));
}

static void
test_size_is_bounded(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SvirtContext) context = NULL;
    char text[SVIRT_CONTEXT_BYTES + 1];

    memset(text, 'a', sizeof(text));
    memcpy(text, "u:r:", 4);
    text[SVIRT_CONTEXT_BYTES - 1] = '\0';
    g_assert_true(svirt_context_parse(text, &context, NULL));
    text[SVIRT_CONTEXT_BYTES - 1] = 'a';
    text[SVIRT_CONTEXT_BYTES] = '\0';
    g_clear_pointer(&context, svirt_context_free);
    g_assert_false(svirt_context_parse(text, &context, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

static void
test_dominates_by_high_level(void)
{
    g_autoptr(SvirtContext) daemon = NULL;
    g_autoptr(SvirtContext) vm = NULL;
    g_autoptr(SvirtContext) bare = NULL;

    g_assert_true(svirt_context_parse("u:r:virtd_t:s0-s0:c0.c1023", &daemon,
                                      NULL));
    g_assert_true(svirt_context_parse("u:r:svirt_t:s0:c1,c2", &vm, NULL));
    g_assert_true(svirt_context_parse("u:r:svirt_t", &bare, NULL));
    g_assert_true(svirt_context_dominates(daemon, vm));
    g_assert_false(svirt_context_dominates(vm, daemon));
    g_assert_false(svirt_context_dominates(daemon, bare));
}

static void
test_level_can_be_replaced(void)
{
    g_autoptr(SvirtContext) base = NULL;
    g_autoptr(SvirtContext) made = NULL;
    g_autofree char *shown = NULL;
    SvirtLevel level;

    g_assert_true(svirt_context_parse("system_u:object_r:svirt_image_t",
                                      &base, NULL));
    g_assert_true(svirt_level_parse("s0:c3,c4", &level, NULL));
    made = svirt_context_with_level(base, &level);
    shown = svirt_context_format(made);
    g_assert_cmpstr(shown, ==, "system_u:object_r:svirt_image_t:s0:c3,c4");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/label/context/parse/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/label/context/size-is-bounded", test_size_is_bounded);
    g_test_add_func("/label/context/dominates-by-high-level",
                    test_dominates_by_high_level);
    g_test_add_func("/label/context/level-can-be-replaced",
                    test_level_can_be_replaced);
    return g_test_run();
}
