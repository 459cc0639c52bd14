/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/relabel-plan.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define RELABEL "<seclabel model='dac' type='dynamic' relabel='yes'/>"
#define STATIC                                                               \
    "<seclabel model='dac' type='static' relabel='yes'>"                     \
    "<label>+107:+108</label></seclabel>"

static SvirtRelabelPlan *
make_plan(const SvirtCompartment *compartment, const SvirtRelabelItem *items,
          size_t count)
{
    g_autoptr(GError) error = NULL;
    SvirtRelabelPlan *plan = NULL;

    svirt_relabel_plan_new(compartment, items, count, &plan, &error);
    g_assert_no_error(error);
    return plan;
}

static GPtrArray *
overrides(const char *model, bool relabel, const char *label)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_seclabel_free);
    SvirtSeclabel *seclabel = svirt_seclabel_new();

    if (model != NULL) {
        seclabel->has_model = true;
        g_assert_true(svirt_model_kind_from_string(model, &seclabel->model));
    }
    seclabel->relabel = relabel ? SVIRT_SECLABEL_RELABEL_YES
                                : SVIRT_SECLABEL_RELABEL_NO;
    seclabel->label = g_strdup(label);
    g_ptr_array_add(list, seclabel);
    return list;
}

static const struct {
    const char *name;
    const char *seclabels;
    SvirtResourceKind kind;
    SvirtAccess access;
    const char *model;   /* of the source's own <seclabel>; NULL: none */
    bool modelless;      /* it has no model */
    const char *label;   /* NULL: relabel='no' */
    const char *wanted;  /* NULL: no step */
} plan_rows[] = {
    { "by default nothing", "", SVIRT_RESOURCE_DISK, SVIRT_ACCESS_EXCLUSIVE,
      NULL, false, NULL, NULL },
    { "static without relabel",
      "<seclabel model='dac' type='static'><label>+107:+108</label>"
      "</seclabel>",
      SVIRT_RESOURCE_DISK, SVIRT_ACCESS_EXCLUSIVE, NULL, false, NULL, NULL },
    { "disk", STATIC, SVIRT_RESOURCE_DISK, SVIRT_ACCESS_EXCLUSIVE, NULL,
      false, NULL, "+107:+108" },
    { "data file", STATIC, SVIRT_RESOURCE_DATA_FILE, SVIRT_ACCESS_EXCLUSIVE,
      NULL, false, NULL, "+107:+108" },
    { "shared disk", STATIC, SVIRT_RESOURCE_DISK, SVIRT_ACCESS_SHARED, NULL,
      false, NULL, NULL },
    { "backing file", STATIC, SVIRT_RESOURCE_BACKING, SVIRT_ACCESS_READ_ONLY,
      NULL, false, NULL, NULL },
    { "kernel", STATIC, SVIRT_RESOURCE_KERNEL, SVIRT_ACCESS_READ_ONLY, NULL,
      false, NULL, NULL },
    { "log", STATIC, SVIRT_RESOURCE_CHARDEV_LOG, SVIRT_ACCESS_EXCLUSIVE, NULL,
      false, NULL, NULL },
    { "source with a label", "", SVIRT_RESOURCE_DISK, SVIRT_ACCESS_SHARED,
      "dac", false, "+5:+6", "+5:+6" },
    { "source with names", "", SVIRT_RESOURCE_DISK, SVIRT_ACCESS_EXCLUSIVE,
      "dac", false, "daemon:bin", "+1:+2" },
    { "source keeps its label", STATIC, SVIRT_RESOURCE_DISK,
      SVIRT_ACCESS_EXCLUSIVE, "dac", false, NULL, NULL },
    { "source keeps all labels", STATIC, SVIRT_RESOURCE_DISK,
      SVIRT_ACCESS_EXCLUSIVE, NULL, true, NULL, NULL },
    { "source of another model", STATIC, SVIRT_RESOURCE_DISK,
      SVIRT_ACCESS_EXCLUSIVE, "selinux", false,
      "system_u:object_r:svirt_image_t:s0", "+107:+108" },
};

static void
test_plan_table(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);

    for (size_t i = 0; i < G_N_ELEMENTS(plan_rows); i++) {
        g_autofree char *uuid =
            g_strdup_printf("11111111-2222-4333-8444-5555555555%02zu", i);
        g_autofree char *name = g_strdup_printf("vm%zu", i);
        g_autoptr(SvirtCompartment) compartment = fixture_compartment(
            fixture, name, uuid, plan_rows[i].seclabels);
        g_autoptr(GPtrArray) seclabels = NULL;
        g_autoptr(SvirtRelabelPlan) plan = NULL;
        SvirtRelabelItem item = fixture_disk(object);

        g_test_message("%s", plan_rows[i].name);
        item.kind = plan_rows[i].kind;
        item.access = plan_rows[i].access;
        if (plan_rows[i].model != NULL || plan_rows[i].modelless) {
            seclabels = overrides(plan_rows[i].model,
                                  plan_rows[i].label != NULL,
                                  plan_rows[i].label);
            item.seclabels = seclabels;
        }
        plan = make_plan(compartment, &item, 1);
        g_assert_cmpuint(plan->steps->len, ==,
                         plan_rows[i].wanted != NULL ? 1 : 0);
        if (plan_rows[i].wanted != NULL) {
            const SvirtRelabelStep *step = plan->steps->pdata[0];

            g_assert_cmpstr(step->wanted, ==, plan_rows[i].wanted);
        }
        g_assert_cmpuint(
            plan->held->len, ==,
            plan_rows[i].access != SVIRT_ACCESS_READ_ONLY &&
                    plan_rows[i].kind != SVIRT_RESOURCE_CHARDEV_LOG
                ? 1 : 0);
    }
}

static void
test_one_object_has_one_label(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtObject) again = fixture_open(path);
    g_autoptr(SvirtCompartment) compartment =
        fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    g_autoptr(GPtrArray) other = overrides("dac", true, "+5:+6");
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem items[] = { fixture_disk(object), fixture_disk(again) };

    plan = make_plan(compartment, items, 2);
    g_assert_cmpuint(plan->steps->len, ==, 1);
    g_assert_cmpuint(plan->held->len, ==, 1);
    g_clear_pointer(&plan, svirt_relabel_plan_free);
    items[1].seclabels = other;
    g_assert_false(
        svirt_relabel_plan_new(compartment, items, 2, &plan, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_null(plan);
}

static void
test_author_gives_no_file_away(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtCompartment) compartment =
        fixture_compartment(fixture, "web", TEST_UUID_A, RELABEL);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem item = fixture_disk(object);

    compartment->owner.author = 1000;
    g_assert_false(
        svirt_relabel_plan_new(compartment, &item, 1, &plan, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
}

/* What could not be known again is neither labelled nor claimed. */
static void
test_object_without_identity(Fixture *fixture, const void *data)
{
    static const SvirtIdentity unknown;
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtCompartment) labelled =
        fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    g_autoptr(SvirtCompartment) plain =
        fixture_compartment(fixture, "db", TEST_UUID_B, "");
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem item = fixture_disk(object);

    object->identity = unknown;
    g_assert_false(svirt_relabel_plan_new(labelled, &item, 1, &plan, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED);
    plan = make_plan(plain, &item, 1);
    g_assert_cmpuint(plan->held->len, ==, 0);
}

static void
test_plan_is_printed(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "a\nb.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtCompartment) compartment =
        fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(SvirtRelabelPlan) empty = make_plan(compartment, NULL, 0);
    SvirtRelabelItem item = fixture_disk(object);
    g_autofree char *current =
        g_strdup_printf("+%u:+%u", object->uid, object->gid);
    g_autofree char *table = NULL;
    g_autofree char *json = NULL;
    g_autofree char *none = svirt_relabel_plan_to_table(empty);
    g_autofree char *empty_json = svirt_relabel_plan_to_json(empty);
    g_autofree char *expected = NULL;

    plan = make_plan(compartment, &item, 1);
    table = svirt_relabel_plan_to_table(plan);
    expected = g_strdup_printf("Target   Model   Now%*s   Then        Path\n"
                               "vda      dac     %s   +107:+108   "
                               "%s/a?b.img\n",
                               (int)strlen(current) - 3, "", current,
                               fixture->dir);
    g_assert_cmpstr(table, ==, expected);
    json = svirt_relabel_plan_to_json(plan);
    g_assert_nonnull(strstr(json, "\"wanted\": \"+107:+108\""));
    g_assert_nonnull(strstr(json, "/a\\nb.img\""));
    g_assert_cmpstr(none, ==, "");
    g_assert_cmpstr(empty_json, ==, "[]\n");
}

/* ---- what ten equal labels cost ----------------------------------------- */

/* Between two of these the child's calls are counted. */
#define MARKER SYS_getppid

static bool
is_memory_call(long number)
{
    return number == SYS_brk || number == SYS_mmap || number == SYS_munmap ||
           number == SYS_mremap || number == SYS_madvise ||
           number == SYS_futex;
}

static void
count_calls(pid_t child, unsigned *ret_stats, unsigned *ret_others)
{
    unsigned markers = 0;
    int status;

    *ret_stats = 0;
    *ret_others = 0;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSTOPPED(status));
    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD);
    for (;;) {
        struct __ptrace_syscall_info info;

        g_assert_cmpint(ptrace(PTRACE_SYSCALL, child, NULL, NULL), ==, 0);
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        if (!WIFSTOPPED(status)) {
            g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            return;
        }
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            continue;
        }
        g_assert_cmpint(
            ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info), >,
            0);
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) {
            continue;
        }
        if (info.entry.nr == MARKER) {
            markers++;
        } else if (markers == 1 && (info.entry.nr == SYS_newfstatat ||
                                    info.entry.nr == SYS_fstat)) {
            (*ret_stats)++;
        } else if (markers == 1 && !is_memory_call((long)info.entry.nr)) {
            (*ret_others)++;
        }
    }
}

static void
test_equal_labels_cost_one_fstat_each(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtCompartment) compartment = NULL;
    g_autoptr(GPtrArray) objects =
        g_ptr_array_new_with_free_func((GDestroyNotify)svirt_object_free);
    SvirtRelabelItem items[10];
    unsigned stats;
    unsigned others;
    pid_t child;

    if (fixture_lacks_root()) {
        return;
    }
    compartment = fixture_compartment(fixture, "web", TEST_UUID_A, STATIC);
    for (unsigned i = 0; i < G_N_ELEMENTS(items); i++) {
        g_autofree char *name = g_strdup_printf("disk%u.img", i);
        g_autofree char *path = fixture_file(fixture, name, "x");

        g_assert_cmpint(chown(path, 107, 108), ==, 0);
        g_ptr_array_add(objects, fixture_open(path));
        items[i] = fixture_disk(objects->pdata[i]);
    }
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        SvirtRelabelPlan *plan = NULL;

        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        (void)syscall(MARKER);
        (void)svirt_relabel_plan_new(compartment, items, 10, &plan, NULL);
        (void)syscall(MARKER);
        _exit(plan != NULL && plan->steps->len == 0 ? 0 : 1);
    }
    count_calls(child, &stats, &others);
    g_assert_cmpuint(stats, ==, 10);
    g_assert_cmpuint(others, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_TEST("/compartment/relabel-plan/table", test_plan_table);
    FIXTURE_TEST("/compartment/relabel-plan/one-object-has-one-label",
                 test_one_object_has_one_label);
    FIXTURE_TEST("/compartment/relabel-plan/author-gives-no-file-away",
                 test_author_gives_no_file_away);
    FIXTURE_TEST("/compartment/relabel-plan/object-without-identity",
                 test_object_without_identity);
    FIXTURE_TEST("/compartment/relabel-plan/is-printed",
                 test_plan_is_printed);
    FIXTURE_TEST("/compartment/relabel-plan/equal-label-costs-one-fstat",
                 test_equal_labels_cost_one_fstat_each);
    return g_test_run();
}
