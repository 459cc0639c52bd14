/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/seclabel.h"

#include <string.h>

#define YES SVIRT_SECLABEL_RELABEL_YES
#define NO SVIRT_SECLABEL_RELABEL_NO
#define UNSET SVIRT_SECLABEL_RELABEL_UNSET
#define DYNAMIC SVIRT_SECLABEL_DYNAMIC
#define STATIC SVIRT_SECLABEL_STATIC
#define NONE SVIRT_SECLABEL_NONE
#define NO_MODEL SVIRT_MODEL_MAX
#define SELINUX SVIRT_MODEL_SELINUX
#define DAC SVIRT_MODEL_DAC
#define SMACK SVIRT_MODEL_SMACK

static const struct {
    const char *name;
    SvirtSeclabelType type;
    SvirtModelKind model;
    SvirtSeclabelRelabel relabel;
    const char *label;
    const char *baselabel;
    bool good;
    bool relabels;
} rows[] = {
    { "dynamic", DYNAMIC, SELINUX, UNSET, NULL, NULL, true, true },
    { "dynamic-relabel-yes", DYNAMIC, DAC, YES, NULL, NULL, true, true },
    { "dynamic-relabel-no", DYNAMIC, DAC, NO, NULL, NULL, false, false },
    { "dynamic-baselabel", DYNAMIC, SELINUX, UNSET, NULL, "u:r:t:s0", true,
      true },
    { "dynamic-wrong-baselabel", DYNAMIC, SELINUX, UNSET, NULL, "t", false,
      false },
    { "dynamic-live-label-is-dropped", DYNAMIC, SELINUX, UNSET, "u:r:t:s0",
      NULL, true, true },
    { "static", STATIC, SELINUX, UNSET, "u:r:t:s0:c1,c2", NULL, true, false },
    { "static-relabel-yes", STATIC, SELINUX, YES, "u:r:t:s0", NULL, true,
      true },
    { "static-without-label", STATIC, SELINUX, UNSET, NULL, NULL, false,
      false },
    { "static-empty-label", STATIC, SELINUX, UNSET, "", NULL, false, false },
    { "static-baselabel", STATIC, SELINUX, UNSET, "u:r:t:s0", "u:r:t:s0",
      false, false },
    { "static-wrong-context", STATIC, SELINUX, UNSET, "svirt_t", NULL, false,
      false },
    { "static-dac", STATIC, DAC, UNSET, "+107:kvm", NULL, true, false },
    { "static-wrong-dac", STATIC, DAC, UNSET, "107", NULL, false, false },
    { "static-smack", STATIC, SMACK, UNSET, "vm-web", NULL, true, false },
    { "static-wrong-smack", STATIC, SMACK, UNSET, "vm web", NULL, false,
      false },
    { "static-reserved-smack", STATIC, SMACK, UNSET, "_", NULL, false,
      false },
    { "none", NONE, SELINUX, UNSET, NULL, NULL, true, false },
    { "none-relabel-yes", NONE, SELINUX, YES, NULL, NULL, false, false },
    { "none-label", NONE, SELINUX, UNSET, "u:r:t:s0", NULL, false, false },
    { "none-baselabel", NONE, SELINUX, UNSET, NULL, "u:r:t:s0", false,
      false },
    { "model-none", DYNAMIC, SVIRT_MODEL_NONE, UNSET, NULL, NULL, true,
      false },
    { "model-none-static", STATIC, SVIRT_MODEL_NONE, UNSET, "x", NULL, false,
      false },
};

static SvirtSeclabel *
make(SvirtSeclabelType type, SvirtModelKind model,
     SvirtSeclabelRelabel relabel, const char *text, const char *baselabel)
{
    SvirtSeclabel *seclabel = svirt_seclabel_new();

    seclabel->type = type;
    seclabel->has_model = model != NO_MODEL;
    seclabel->model = model;
    seclabel->relabel = relabel;
    seclabel->label = g_strdup(text);
    seclabel->baselabel = g_strdup(baselabel);
    return seclabel;
}

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(GError) error = NULL;
    g_autoptr(SvirtSeclabel) seclabel =
        make(rows[row].type, rows[row].model, rows[row].relabel,
             rows[row].label, rows[row].baselabel);
    g_autoptr(SvirtSeclabel) copy = NULL;

    g_assert_cmpint(svirt_seclabel_check(seclabel, &error), ==,
                    rows[row].good);
    if (!rows[row].good) {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        return;
    }
    g_assert_cmpint(svirt_seclabel_relabels(seclabel), ==,
                    rows[row].relabels);
    if (seclabel->type == DYNAMIC) {
        g_assert_null(seclabel->label);
    }
    copy = svirt_seclabel_copy(seclabel);
    g_assert_cmpstr(copy->label, ==, seclabel->label);
}

static const struct {
    const char *name;
    SvirtSeclabelRelabel relabel;
    const char *label;
    const char *baselabel;
    bool good;
    bool relabels;
} devices[] = {
    { "relabel-no", NO, NULL, NULL, true, false },
    { "label", UNSET, "u:object_r:t:s0", NULL, true, true },
    { "label-relabel-yes", YES, "u:object_r:t:s0", NULL, true, true },
    { "label-relabel-no", NO, "u:object_r:t:s0", NULL, false, false },
    { "nothing", UNSET, NULL, NULL, true, true },
    { "baselabel", NO, NULL, "u:object_r:t:s0", false, false },
    { "wrong-label", UNSET, "t", NULL, false, false },
};

static void
test_device(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(GError) error = NULL;
    g_autoptr(SvirtSeclabel) seclabel =
        make(DYNAMIC, SELINUX, devices[row].relabel, devices[row].label,
             devices[row].baselabel);

    g_assert_cmpint(svirt_seclabel_check_device(seclabel, &error), ==,
                    devices[row].good);
    if (!devices[row].good) {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        return;
    }
    g_assert_cmpint(svirt_seclabel_relabels(seclabel), ==,
                    devices[row].relabels);
}

static bool
check_list(SvirtSeclabel *first, SvirtSeclabel *second)
{
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)svirt_seclabel_free);

    g_ptr_array_add(list, first);
    if (second != NULL) {
        g_ptr_array_add(list, second);
    }
    return svirt_seclabel_check_list(list, NULL);
}

static void
test_list_rules(void)
{
    const char *context = "u:r:t:s0";

    g_assert_true(check_list(make(DYNAMIC, SELINUX, YES, NULL, NULL),
                             make(DYNAMIC, DAC, YES, NULL, NULL)));
    g_assert_false(check_list(make(DYNAMIC, DAC, YES, NULL, NULL),
                              make(NONE, DAC, NO, NULL, NULL)));
    g_assert_false(check_list(make(DYNAMIC, DAC, YES, NULL, NULL),
                              make(DYNAMIC, NO_MODEL, YES, NULL, NULL)));
    g_assert_true(check_list(make(NONE, NO_MODEL, NO, NULL, NULL), NULL));
    g_assert_true(check_list(make(DYNAMIC, NO_MODEL, YES, NULL, NULL),
                             NULL));
    g_assert_false(check_list(make(STATIC, NO_MODEL, NO, context, NULL),
                              NULL));
    g_assert_false(check_list(make(DYNAMIC, NO_MODEL, YES, NULL, context),
                              NULL));
}

static void
test_label_size_is_bounded(void)
{
    g_autoptr(SvirtSeclabel) seclabel =
        make(STATIC, SVIRT_MODEL_APPARMOR, UNSET, NULL, NULL);

    seclabel->label = g_strnfill(SVIRT_SECLABEL_LABEL_BYTES - 1, 'a');
    g_assert_true(svirt_seclabel_check(seclabel, NULL));
    g_free(seclabel->label);
    seclabel->label = g_strnfill(SVIRT_SECLABEL_LABEL_BYTES, 'a');
    g_assert_false(svirt_seclabel_check(seclabel, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/label/seclabel/domain/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_autofree char *path =
            g_strdup_printf("/label/seclabel/device/%s", devices[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_device);
    }
    g_test_add_func("/label/seclabel/list-rules", test_list_rules);
    g_test_add_func("/label/seclabel/label-size-is-bounded",
                    test_label_size_is_bounded);
    return g_test_run();
}
