/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/table.h"

static const char *const columns[] = { "Id", "Long name", NULL };

static void
test_text_is_aligned_as_virsh(void)
{
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autofree char *text = NULL;

    svirt_table_add(table, "1", "web", NULL);
    svirt_table_add(table, NULL, "größer als alle", NULL);
    text = svirt_table_to_text(table);
    g_assert_cmpstr(text, ==,
                    " Id   Long name\n"
                    "----------------------\n"
                    " 1    web\n"
                    " -    größer als alle\n");
}

static void
test_json_names_columns(void)
{
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autofree char *text = NULL;

    svirt_table_add(table, NULL, "a\"b", NULL);
    text = svirt_table_to_json(table);
    g_assert_cmpstr(text, ==,
                    "[\n  {\n    \"id\": null,\n"
                    "    \"long_name\": \"a\\\"b\"\n  }\n]\n");
}

static void
test_control_characters_never_reach_a_terminal(void)
{
    g_autofree char *text =
        svirt_text_printable("a\x1b[2Jb\n\xc2\x9b"
                             "c\xff");

    g_assert_cmpstr(text, ==, "a?[2Jb??c\xef\xbf\xbd");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cli/table/text-is-aligned-as-virsh",
                    test_text_is_aligned_as_virsh);
    g_test_add_func("/cli/table/json-names-columns", test_json_names_columns);
    g_test_add_func("/cli/table/control-characters-never-reach-a-terminal",
                    test_control_characters_never_reach_a_terminal);
    return g_test_run();
}
