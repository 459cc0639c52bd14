/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/dac-label.h"

#include <string.h>

static bool
find_user(const char *name, uid_t *ret, void *data)
{
    if (strcmp(name, "qemu") == 0) {
        *ret = 107;
        return true;
    }
    if (strcmp(name, "1000") == 0) { /* an account named like a number */
        *ret = 55;
        return true;
    }
    return false;
}

static bool
find_group(const char *name, gid_t *ret, void *data)
{
    if (strcmp(name, "kvm") == 0) {
        *ret = 36;
        return true;
    }
    return false;
}

static const SvirtDacLookup lookup = { find_user, find_group, NULL };

static const struct {
    const char *name;
    const char *text;
    const char *canonical; /* NULL: refused */
    int code;
} rows[] = {
    { "names", "qemu:kvm", "+107:+36", 0 },
    { "numbers", "107:36", "+107:+36", 0 },
    { "forced-numbers", "+107:+107", "+107:+107", 0 },
    { "name-wins-over-number", "1000:36", "+55:+36", 0 },
    { "plus-forces-the-number", "+1000:36", "+1000:+36", 0 },
    { "root", "+0:+0", "+0:+0", 0 },
    { "largest", "+4294967294:+0", "+4294967294:+0", 0 },
    { "no-id", "+4294967295:+0", NULL, SVIRT_ERROR_INVALID },
    { "over-32-bits", "+4294967296:+0", NULL, SVIRT_ERROR_INVALID },
    { "unknown-user", "nobody-here:kvm", NULL, SVIRT_ERROR_NOT_FOUND },
    { "unknown-group", "qemu:nothing", NULL, SVIRT_ERROR_NOT_FOUND },
    { "no-colon", "qemu", NULL, SVIRT_ERROR_INVALID },
    { "two-colons", "qemu:kvm:x", NULL, SVIRT_ERROR_INVALID },
    { "empty-user", ":kvm", NULL, SVIRT_ERROR_INVALID },
    { "empty-group", "qemu:", NULL, SVIRT_ERROR_INVALID },
    { "plus-alone", "+:+0", NULL, SVIRT_ERROR_INVALID },
    { "plus-and-name", "+qemu:+0", NULL, SVIRT_ERROR_INVALID },
    { "negative", "+-1:+0", NULL, SVIRT_ERROR_INVALID },
    { "blank", "qemu: kvm", NULL, SVIRT_ERROR_INVALID },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(GError) error = NULL;
    g_autofree char *shown = NULL;
    SvirtDacLabel label;

    g_assert_cmpint(
        svirt_dac_label_parse(rows[row].text, &lookup, &label, &error), ==,
        rows[row].canonical != NULL);
    if (rows[row].canonical == NULL) {
        g_assert_error(error, SVIRT_ERROR, rows[row].code);
    } else {
        shown = svirt_dac_label_format(&label);
        g_assert_cmpstr(shown, ==, rows[row].canonical);
    }
    g_assert_cmpint(svirt_dac_label_is_wellformed(rows[row].text), ==,
                    rows[row].code != SVIRT_ERROR_INVALID);
}

static void
test_without_lookup_only_numbers(void)
{
    g_autoptr(GError) error = NULL;
    SvirtDacLabel label;

    g_assert_true(svirt_dac_label_parse("1000:+1", NULL, &label, &error));
    g_assert_cmpuint(label.uid, ==, 1000);
    g_assert_false(svirt_dac_label_parse("qemu:+1", NULL, &label, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/label/dac-label/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/label/dac-label/without-lookup-only-numbers",
                    test_without_lookup_only_numbers);
    return g_test_run();
}
