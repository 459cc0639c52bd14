/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/arguments.h"

#include "base/error.h"

static const SvirtOption options[] = {
    { "domain", SVIRT_OPTION_REQUIRED, "DOMAIN", "" },
    { "paused", SVIRT_OPTION_FLAG, NULL, "" },
    { "mode", SVIRT_OPTION_TEXT, "MODE", "" },
    { "rest", SVIRT_OPTION_REST, "WORD", "" },
    { NULL, SVIRT_OPTION_FLAG, NULL, NULL },
};

static const struct {
    const char *name;
    const char *line;
    const char *domain; /* NULL: USAGE */
    const char *mode;
    bool paused;
    unsigned rest;
} rows[] = {
    { "positional", "x web", "web", NULL, false, 0 },
    { "named", "x --domain web", "web", NULL, false, 0 },
    { "named-equals", "x --domain=web --mode=acpi", "web", "acpi", false, 0 },
    { "flag-anywhere", "x --paused web", "web", NULL, true, 0 },
    { "value-apart", "x web --mode acpi", "web", "acpi", false, 0 },
    { "rest", "x web a b c", "web", NULL, false, 3 },
    { "rest-after-dashes", "x web -- --mode -z", "web", NULL, false, 2 },
    { "single-dash-is-a-word", "x - web", "-", NULL, false, 1 },
    { "missing", "x --paused", NULL, NULL, false, 0 },
    { "unknown", "x web --nonsense", NULL, NULL, false, 0 },
    { "unknown-letter", "x web -z", NULL, NULL, false, 0 },
    { "twice", "x web --mode a --mode b", NULL, NULL, false, 0 },
    { "flag-with-value", "x web --paused=1", NULL, NULL, false, 0 },
    { "value-missing", "x web --mode", NULL, NULL, false, 0 },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_auto(GStrv) argv = g_strsplit(rows[row].line, " ", -1);
    g_autoptr(SvirtArguments) arguments = NULL;
    g_autoptr(GError) error = NULL;
    bool ok = svirt_arguments_parse(options, "x", (int)g_strv_length(argv),
                                    argv, &arguments, &error);

    g_assert_cmpint(ok, ==, rows[row].domain != NULL);
    if (!ok) {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_USAGE);
        g_assert_cmpstr(svirt_error_hint(error), ==, "svirt x --help");
        return;
    }
    g_assert_cmpstr(svirt_arguments_text(arguments, "domain"), ==,
                    rows[row].domain);
    g_assert_cmpstr(svirt_arguments_text(arguments, "mode"), ==,
                    rows[row].mode);
    g_assert_cmpint(svirt_arguments_flag(arguments, "paused"), ==,
                    rows[row].paused);
    g_assert_cmpuint(g_strv_length(svirt_arguments_rest(arguments)), ==,
                     rows[row].rest);
}

static const struct {
    const char *word;
    const char *hint;
} unknown_rows[] = {
    { "--pausd", "did you mean '--paused'? svirt x --help lists all" },
    { "--mod=acpi", "did you mean '--mode'? svirt x --help lists all" },
    { "-paused", "did you mean '--paused'? svirt x --help lists all" },
    { "--fromat", "did you mean '--format'? svirt x --help lists all" },
    { "--nonsense", "svirt x --help" },
    { "-z", "svirt x --help" },
};

static void
test_unknown_options_have_a_suggestion(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(unknown_rows); i++) {
        char *argv[] = { (char *)"x", (char *)"web",
                         (char *)unknown_rows[i].word, NULL };
        g_autoptr(SvirtArguments) arguments = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_false(svirt_arguments_parse(options, "x", 3, argv,
                                             &arguments, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_USAGE);
        g_assert_cmpstr(svirt_error_hint(error), ==, unknown_rows[i].hint);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/cli/arguments/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/cli/arguments/unknown-options-have-a-suggestion",
                    test_unknown_options_have_a_suggestion);
    return g_test_run();
}
