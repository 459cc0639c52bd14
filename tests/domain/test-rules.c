/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"
#include "domain/rules.h"
#include "template.h"

/*
 * Every row of the table is put into a definition that holds each container
 * the table speaks of; what the parser then says must be the row's verdict. So
 * no row is hidden behind another one or behind a reader.
 */
static void
expect_error(const char *text, SvirtErrorCode code)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    if (svirt_domain_parse(text, strlen(text), "x.xml", &domain, &error)) {
        g_error("accepted:\n%s", text);
    }
    g_assert_error(error, SVIRT_ERROR, (int)code);
    g_assert_true(g_str_has_prefix(error->message, "x.xml:"));
    g_assert_nonnull(svirt_error_hint(error));
}

static void
expect_warnings(const char *text, size_t count)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    svirt_domain_parse(text, strlen(text), "x.xml", &domain, &error);
    if (error != NULL) {
        g_error("%s:\n%s", error->message, text);
    }
    g_assert_cmpuint(domain->warning_count, ==, count);
}

static void
test_row(gconstpointer data)
{
    const SvirtRule *rule = data;
    g_autofree char *path = template_path(rule->path);
    g_autofree char *text = template_build(path);

    switch (rule->verdict) {
    case SVIRT_VERDICT_RESOURCE:
    case SVIRT_VERDICT_PROTECT:
    case SVIRT_VERDICT_LIMIT:
        expect_error(text, SVIRT_ERROR_REFUSED);
        break;
    case SVIRT_VERDICT_UNBUILT:
        expect_error(text, SVIRT_ERROR_UNSUPPORTED);
        break;
    case SVIRT_VERDICT_IGNORE:
        expect_warnings(text, 1);
        break;
    case SVIRT_VERDICT_ACCEPT:
    case SVIRT_VERDICT_INSIDE:
        expect_warnings(text, 0);
        break;
    case SVIRT_VERDICT_MAX:
        g_assert_not_reached();
    }
}

/* Names libvirt's manual gives: errors, whatever a row says. */
static const char *const refused_paths[] = {
    "keywrap",
    "bootloader",
    "throttlegroups",
    "devices/hostdev",
    "devices/nvram",
    "devices/disk/mirror",
    "devices/disk/backenddomain",
    "devices/disk@device=lun",
};

static void
test_refused(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refused_paths); i++) {
        g_autofree char *text = template_build(refused_paths[i]);

        expect_error(text, SVIRT_ERROR_REFUSED);
    }
}

static void
test_template(void)
{
    expect_warnings(template_text, 0);
}

static bool
has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *p = strstr(text, word); p != NULL;
         p = strstr(p + 1, word)) {
        bool begins = p == text ||
                      (!g_ascii_isalnum(p[-1]) && p[-1] != '-' && p[-1] != '_');
        char next = p[length];

        if (begins && !g_ascii_isalnum(next) && next != '-' && next != '_') {
            return true;
        }
    }
    return false;
}

/* docs/domain-xml.md names the last part of every row. */
static void
test_documented(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "..", "docs", "domain-xml.md", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    for (const SvirtRule *rule = svirt_rules_table(); rule->path != NULL;
         rule++) {
        g_auto(GStrv) parts = g_strsplit_set(rule->path, "/@=", -1);
        guint last = g_strv_length(parts) - 1;

        if (rule->verdict == SVIRT_VERDICT_INSIDE) {
            continue;
        }
        if (strcmp(parts[last], "yes") == 0) {
            last--;
        }
        if (!has_word(text, parts[last])) {
            g_error("%s is not in %s", rule->path, path);
        }
    }
}

static void
test_rows_unique(void)
{
    g_autoptr(GHashTable) paths = g_hash_table_new(g_str_hash, g_str_equal);

    for (const SvirtRule *rule = svirt_rules_table(); rule->path != NULL;
         rule++) {
        g_assert_true(g_hash_table_add(paths, (gpointer)rule->path));
    }
}

int
main(int argc, char **argv)
{
    unsigned number = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/rules/template-says-nothing", test_template);
    g_test_add_func("/domain/rules/refuses-by-name", test_refused);
    g_test_add_func("/domain/rules/are-documented", test_documented);
    g_test_add_func("/domain/rules/rows-are-unique", test_rows_unique);
    for (const SvirtRule *rule = svirt_rules_table(); rule->path != NULL;
         rule++) {
        g_autofree char *slashless =
            g_strdelimit(g_strdup(rule->path), "/", '.');
        g_autofree char *name =
            g_strdup_printf("/domain/rules/%03u-%s", ++number, slashless);

        g_test_add_data_func(name, rule, test_row);
    }
    return g_test_run();
}
