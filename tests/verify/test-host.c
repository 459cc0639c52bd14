/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/host.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "verify/foreign.h"

#define VMM "system_u:system_r:svirt_vm_t:s0:"

typedef struct Pair {
    const char *name;
    SvirtModelKind model;
    const char *a;
    const char *b;
    bool given;
    bool ok;
    const char *found; /* by a */
} Pair;

static const Pair pairs[] = {
    { "different", SVIRT_MODEL_SELINUX, VMM "c1,c2", VMM "c1,c3", false, true,
      "nobody else's" },
    { "equal", SVIRT_MODEL_SELINUX, VMM "c1,c2", VMM "c1,c2", false, false,
      "the same as db" },
    /* CVE-2021-3631 */
    { "one-category-of-two", SVIRT_MODEL_SELINUX, VMM "c1,c2", VMM "c1", false,
      false, "dominates db" },
    { "two-over-one", SVIRT_MODEL_SELINUX, VMM "c2", VMM "c1,c2", false, false,
      "dominated by db" },
    { "static-and-shared", SVIRT_MODEL_SELINUX, VMM "c1,c2", VMM "c1,c2",
      true, true, "the same as db (static labels)" },
    { "static-over-another", SVIRT_MODEL_SELINUX, VMM "c1,c2", VMM "c1", true,
      false, "dominates db" },
    { "libvirts-type-is-another", SVIRT_MODEL_SELINUX, VMM "c1,c2",
      "system_u:system_r:svirt_t:s0:c1", false, true, "nobody else's" },
    { "names", SVIRT_MODEL_TEST, "1", "2", false, true, "nobody else's" },
    { "one-name", SVIRT_MODEL_TEST, "7", "7", false, false,
      "the same as db" },
};

static SvirtSubject *
subject(GPtrArray *all, const char *name, const Pair *pair, const char *label)
{
    SvirtSubject *made = g_new0(SvirtSubject, 1);

    made->name = g_strdup(name);
    made->label[pair->model] = g_strdup(label);
    made->given[pair->model] = pair->given;
    made->rows = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_verify_row_free);
    g_ptr_array_add(all, made);
    return made;
}

static const SvirtVerifyRow *
row_of(const SvirtSubject *of, const char *what)
{
    for (unsigned i = 0; i < of->rows->len; i++) {
        const SvirtVerifyRow *row = of->rows->pdata[i];

        if (g_str_has_prefix(row->what, what)) {
            return row;
        }
    }
    return NULL;
}

static void
free_subject(void *data)
{
    SvirtSubject *made = data;

    g_ptr_array_unref(made->rows);
    svirt_subject_free(made);
}

static void
test_labels_are_compared(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(GPtrArray) all =
            g_ptr_array_new_with_free_func(free_subject);
        SvirtSubject *web = subject(all, "web", &pairs[i], pairs[i].a);
        const SvirtVerifyRow *row;

        (void)subject(all, "db", &pairs[i], pairs[i].b);
        svirt_verify_compare(all);
        row = row_of(web, "unique ");
        g_test_message("%s", pairs[i].name);
        g_assert_nonnull(row);
        g_assert_cmpint(row->ok, ==, pairs[i].ok);
        g_assert_cmpstr(row->found, ==, pairs[i].found);
    }
}

static void
test_separation_is_asked(void)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_subject);
    const Pair pair = { .model = SVIRT_MODEL_TEST };
    SvirtSubject *web = subject(all, "web", &pair, "1");
    SvirtSubject *db = subject(all, "db", &pair, "2");

    web->image[SVIRT_MODEL_TEST] = g_strdup("svirt:web");
    db->image[SVIRT_MODEL_TEST] = g_strdup("svirt:web");
    svirt_verify_compare(all);
    g_assert_false(row_of(web, "separates test")->ok);
    g_assert_cmpstr(row_of(web, "separates test")->found, ==, "reaches db");
}

static void
test_one_alone_is_unique(void)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_subject);
    const Pair pair = { .model = SVIRT_MODEL_TEST };
    SvirtSubject *web = subject(all, "web", &pair, "1");

    svirt_verify_compare(all);
    g_assert_true(row_of(web, "unique test")->ok);
    g_assert_null(row_of(web, "separates test"));
}

/* A thousand VMs of one host, and of one type. */
static void
test_many_are_compared_fast(void)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_subject);
    const Pair pair = { .model = SVIRT_MODEL_SELINUX };
    gint64 began;

    for (unsigned i = 0; i < 1000; i++) {
        g_autofree char *label =
            g_strdup_printf(VMM "c%u,c%u", i / 500, 2 + i % 500);
        g_autofree char *name = g_strdup_printf("vm%u", i);

        (void)subject(all, name, &pair, label);
    }
    began = g_get_monotonic_time();
    svirt_verify_compare(all);
    g_test_message("%" G_GINT64_FORMAT " us",
                   g_get_monotonic_time() - began);
    for (unsigned i = 0; i < all->len; i++) {
        g_assert_true(row_of(all->pdata[i], "unique ")->ok);
    }
}

static void
put(const char *dir, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* This test's own process stands for libvirt's QEMU, its parent for another;
 * each process is one row. */
static void
test_libvirts_vms_are_read(void)
{
    g_autofree char *dir = g_dir_make_tmp("svirt-libvirt-XXXXXX", NULL);
    g_autofree char *pid = g_strdup_printf("%d\n", getpid());
    g_autofree char *other = g_strdup_printf("%d\n", getppid());
    g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(pid_t));
    g_autoptr(GPtrArray) list = NULL;
    const SvirtForeign *first;
    pid_t self = getpid();
    static const char *const files[] = { "vm.pid", "vm.xml", "gone.pid",
                                         "bad.pid", "bad.xml", ".pid" };

    put(dir, "vm.pid", pid);
    put(dir, "vm.xml",
        "<domstatus state='running' pid='1'><domain type='kvm'>"
        "<seclabel type='static' model='selinux' relabel='yes'>"
        "<label>system_u:system_r:svirt_t:s0:c1,c2</label>"
        "<imagelabel>system_u:object_r:svirt_image_t:s0:c1,c2</imagelabel>"
        "</seclabel><seclabel type='dynamic' model='dac' relabel='yes'>"
        "<label>+64055:+64055</label></seclabel></domain></domstatus>");
    put(dir, "gone.pid", "999999999\n");
    put(dir, "bad.pid", other);
    put(dir, "bad.xml", "<domstatus><!DOCTYPE x>");
    put(dir, ".pid", pid);
    g_assert_true(svirt_foreign_list(dir, own, &list, NULL));
    g_assert_cmpuint(list->len, >=, 2);
    first = list->pdata[0];
    if (strcmp(first->name, "vm") != 0) {
        g_assert_cmpstr(first->name, ==, "bad");
        g_assert_null(first->claim[SVIRT_MODEL_SELINUX]);
        first = list->pdata[1];
    }
    g_assert_cmpstr(first->name, ==, "vm");
    g_assert_cmpint(first->pid, ==, self);
    g_assert_cmpstr(first->claim[SVIRT_MODEL_SELINUX], ==,
                    "system_u:system_r:svirt_t:s0:c1,c2");
    g_assert_cmpstr(first->image[SVIRT_MODEL_SELINUX], ==,
                    "system_u:object_r:svirt_image_t:s0:c1,c2");
    g_assert_true(first->given[SVIRT_MODEL_SELINUX]);
    g_assert_false(first->given[SVIRT_MODEL_DAC]);
    g_clear_pointer(&list, g_ptr_array_unref);
    g_array_append_val(own, self);
    g_assert_true(svirt_foreign_list(dir, own, &list, NULL));
    for (unsigned i = 0; i < list->len; i++) {
        g_assert_cmpint(((SvirtForeign *)list->pdata[i])->pid, !=, self);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(dir, files[i], NULL);

        (void)g_unlink(path);
    }
    (void)g_rmdir(dir);
}

static void
test_foreign_process_is_advice(void)
{
    char *labels[SVIRT_MODEL_MAX] = { NULL };
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(svirt_verify_foreign(getpid(), &rows, labels, &error));
    g_assert_no_error(error);
    /* On a host with a model this process is one that it does not confine. */
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtVerifyRow *row = rows->pdata[i];

        g_assert_true(row->ok || row->advice ||
                      g_str_has_prefix(row->what, "enforcing "));
    }
    g_assert_false(((const SvirtVerifyRow *)rows->pdata[0])->ok &&
                   geteuid() == 0);
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        g_free(labels[i]);
    }
    g_assert_false(svirt_verify_foreign(999999999, &rows, labels, &error));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/verify/host/labels-are-compared",
                    test_labels_are_compared);
    g_test_add_func("/verify/host/separation-is-asked",
                    test_separation_is_asked);
    g_test_add_func("/verify/host/one-alone-is-unique",
                    test_one_alone_is_unique);
    g_test_add_func("/verify/host/many-are-compared-fast",
                    test_many_are_compared_fast);
    g_test_add_func("/verify/foreign/libvirts-vms-are-read",
                    test_libvirts_vms_are_read);
    g_test_add_func("/verify/foreign/process-is-advice",
                    test_foreign_process_is_advice);
    return g_test_run();
}
