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
test_numbers_are_numbers_in_json(void)
{
    static const char *const numbered[] = { "#Id", "Name", NULL };
    static const char *const pairs[] = { "Name", "Value", "Key", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(numbered);
    g_autoptr(SvirtTable) list = svirt_table_new(pairs);
    g_autofree char *shown = NULL;
    g_autofree char *rows = NULL;
    g_autofree char *lines = NULL;
    g_autofree char *object = NULL;

    svirt_table_add(table, "7", "8", NULL);
    shown = svirt_table_to_text(table);
    g_assert_true(g_str_has_prefix(shown, " Id   Name\n"));
    rows = svirt_table_to_json(table);
    g_assert_cmpstr(rows, ==,
                    "[\n  {\n    \"id\": 7,\n    \"name\": \"8\"\n  }\n]\n");
    svirt_table_add(list, "Memory", "512 KiB", "memory_kib", NULL);
    svirt_table_add(list, "Id", NULL, NULL, NULL);
    lines = svirt_table_to_list(list);
    g_assert_cmpstr(lines, ==, "Memory:   512 KiB\nId:       -\n");
    object = svirt_table_to_object(list);
    g_assert_cmpstr(object, ==,
                    "{\n  \"memory_kib\": 512,\n  \"id\": null\n}\n");
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
    g_test_add_func("/cli/table/numbers-are-numbers-in-json",
                    test_numbers_are_numbers_in_json);
    g_test_add_func("/cli/table/control-characters-never-reach-a-terminal",
                    test_control_characters_never_reach_a_terminal);
    return g_test_run();
}
