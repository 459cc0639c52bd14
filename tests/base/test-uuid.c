/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "base/uuid.h"

static const struct {
    const char *name;
    const char *text;
    const char *canonical; /* NULL: refused */
} rows[] = {
    { "canonical", "c7a5fdbd-edaf-9455-926a-d65c16db1809",
      "c7a5fdbd-edaf-9455-926a-d65c16db1809" },
    { "upper-case", "C7A5FDBD-EDAF-9455-926A-D65C16DB1809",
      "c7a5fdbd-edaf-9455-926a-d65c16db1809" },
    { "no-hyphens", "c7a5fdbdedaf9455926ad65c16db1809",
      "c7a5fdbd-edaf-9455-926a-d65c16db1809" },
    { "nil", "00000000-0000-0000-0000-000000000000", NULL },
    { "all-same", "ffffffff-ffff-ffff-ffff-ffffffffffff", NULL },
    { "short", "c7a5fdbd-edaf-9455-926a-d65c16db180", NULL },
    { "long", "c7a5fdbd-edaf-9455-926a-d65c16db18091", NULL },
    { "not-hex", "g7a5fdbd-edaf-9455-926a-d65c16db1809", NULL },
    { "empty", "", NULL },
};

static void
test_row(gconstpointer data)
{
    const char *text = rows[GPOINTER_TO_UINT(data)].text;
    const char *want = rows[GPOINTER_TO_UINT(data)].canonical;
    char shown[SVIRT_UUID_TEXT];
    SvirtUuid uuid;

    g_assert_cmpint(svirt_uuid_parse(text, &uuid), ==, want != NULL);
    if (want != NULL) {
        svirt_uuid_format(&uuid, shown);
        g_assert_cmpstr(shown, ==, want);
    }
}

static void
test_generated_are_version_4_and_differ(void)
{
    SvirtUuid a, b;

    svirt_uuid_generate(&a);
    svirt_uuid_generate(&b);
    g_assert_cmpint(a.bytes[6] >> 4, ==, 4);
    g_assert_cmpint(a.bytes[8] >> 6, ==, 2);
    g_assert_false(svirt_uuid_equal(&a, &b));
}

static void
test_programs_have_their_own(void)
{
    SvirtUuid uuid;

    g_assert_true(svirt_uuid_parse("73766972-742d-8065-8078-000000000001",
                                   &uuid));
    g_assert_true(svirt_uuid_is_program(&uuid));
    svirt_uuid_generate(&uuid);
    g_assert_false(svirt_uuid_is_program(&uuid));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/base/uuid/parse/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/base/uuid/generated-are-version-4-and-differ",
                    test_generated_are_version_4_and_differ);
    g_test_add_func("/base/uuid/programs-have-their-own",
                    test_programs_have_their_own);
    return g_test_run();
}
