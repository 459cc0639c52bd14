/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/resource.h"

/*
 * tests/data/domain/CASE.xml against CASE.expect: the resource list as JSON,
 * or the rendered error. SVIRT_GOLDEN=rewrite in the environment writes the
 * expectations anew; they are then reviewed as code.
 */

static char *
read_whole(const char *path)
{
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    return text;
}

static void
free_fault(gpointer fault)
{
    svirt_domain_fault_free(fault);
}

static char *
render_faults(const GPtrArray *faults)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (guint i = 0; i < faults->len; i++) {
        const SvirtDomainFault *fault = faults->pdata[i];
        g_autofree char *text = svirt_error_render(fault->error);

        g_string_append(all, text);
    }
    return g_string_free(g_steal_pointer(&all), FALSE);
}

static char *
render(const char *text, const char *shown, SvirtDomain **ret_domain)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtResourceList) list = NULL;
    g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(free_fault);
    g_autoptr(GError) error = NULL;

    if (!svirt_domain_parse_all(text, strlen(text), shown, &domain, faults,
                                &error)) {
        return faults->len > 0 ? render_faults(faults)
                               : svirt_error_render(error);
    }
    if (!svirt_resource_list_from_domain(domain, &list, &error)) {
        return svirt_error_render(error);
    }
    *ret_domain = g_steal_pointer(&domain);
    return svirt_resource_list_to_json(list);
}

/* Printed and parsed again, the tree is the same, and printing is stable. */
static void
check_round_trip(const SvirtDomain *domain)
{
    g_autoptr(SvirtDomain) again = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *first = svirt_domain_print(domain);
    g_autofree char *second = NULL;

    svirt_domain_parse(first, strlen(first), "printed", &again, &error);
    g_assert_no_error(error);
    second = svirt_domain_print(again);
    g_assert_cmpstr(second, ==, first);
    g_assert_true(
        svirt_xml_equal(domain->document->root, again->document->root));
    g_assert_cmpuint(again->warning_count, ==, domain->warning_count);
}

static void
test_case(gconstpointer data)
{
    const char *path = data;
    g_autofree char *shown = g_path_get_basename(path);
    g_autofree char *stem = g_strndup(path, strlen(path) - strlen(".xml"));
    g_autofree char *expect_path = g_strconcat(stem, ".expect", NULL);
    g_autofree char *text = read_whole(path);
    g_autofree char *expected = NULL;
    g_autofree char *got = NULL;
    g_autoptr(SvirtDomain) domain = NULL;

    got = render(text, shown, &domain);
    if (g_strcmp0(g_getenv("SVIRT_GOLDEN"), "rewrite") == 0) {
        g_assert_true(g_file_set_contents(expect_path, got, -1, NULL));
    }
    expected = read_whole(expect_path);
    g_assert_cmpstr(got, ==, expected);
    if (domain != NULL) {
        check_round_trip(domain);
    }
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = NULL;
    g_autoptr(GDir) dir = NULL;
    const char *name;

    g_test_init(&argc, &argv, NULL);
    folder = g_test_build_filename(G_TEST_DIST, "data", "domain", NULL);
    dir = g_dir_open(folder, 0, &error);
    g_assert_no_error(error);
    while ((name = g_dir_read_name(dir)) != NULL) {
        if (g_str_has_suffix(name, ".xml")) {
            g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
        }
    }
    g_assert_cmpuint(paths->len, >=, 10);
    g_ptr_array_sort(paths, compare_names);
    for (guint i = 0; i < paths->len; i++) {
        g_autofree char *base = g_path_get_basename(paths->pdata[i]);
        g_autofree char *test = g_strdup_printf("/domain/golden/%s", base);

        g_test_add_data_func(test, paths->pdata[i], test_case);
    }
    return g_test_run();
}
