/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "compartment/refusal.h"
#include "compartment/relabel-apply.h"
#include "compartment/restore.h"
#include "fixture.h"

/* libvirt's words under the model every kernel has: the tests' own. */
#define TEST(attributes) "<seclabel model='test' " attributes

static const struct {
    const char *name;
    const char *seclabel;
    SvirtSeclabelType type;
    bool relabel;
    const char *vmm;    /* NULL: derived */
    const char *image;  /* a prefix; NULL: none */
} rows[] = {
    { "dynamic", TEST("type='dynamic'/>"), SVIRT_SECLABEL_DYNAMIC, true, NULL,
      "svirt:11111111-" },
    { "dynamic-with-base",
      TEST("type='dynamic'><baselabel>mine</baselabel></seclabel>"),
      SVIRT_SECLABEL_DYNAMIC, true, NULL, "mine:11111111-" },
    { "static", TEST("type='static'><label>77</label></seclabel>"),
      SVIRT_SECLABEL_STATIC, false, "77", "svirt:" },
    { "static-with-relabel",
      TEST("type='static' relabel='yes'><label>77</label></seclabel>"),
      SVIRT_SECLABEL_STATIC, true, "77", "svirt:" },
    { "live-labels-are-output",
      TEST("type='dynamic'><label>9</label><imagelabel>x</imagelabel>"
           "</seclabel>"),
      SVIRT_SECLABEL_DYNAMIC, true, NULL, "svirt:" },
    { "none", TEST("type='none'/>"), SVIRT_SECLABEL_NONE, false, NULL, NULL },
};

static void
test_words_of_libvirt(Fixture *fixture, const void *data)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *uuid =
            g_strdup_printf("11111111-2222-4333-8444-5555555555%02zu", i);
        g_autofree char *name = g_strdup_printf("vm%zu", i);
        g_autoptr(SvirtCompartment) web =
            fixture_compartment(fixture, name, uuid, rows[i].seclabel);
        const SvirtCompartmentLabel *label =
            svirt_compartment_label(web, SVIRT_MODEL_TEST);

        g_test_message("%s", rows[i].name);
        g_assert_no_error(label->problem);
        g_assert_true(label->active && label->named);
        g_assert_cmpint(label->type, ==, rows[i].type);
        g_assert_cmpint(label->relabel, ==, rows[i].relabel);
        g_assert_cmpint(label->shared, ==,
                        rows[i].type == SVIRT_SECLABEL_STATIC);
        if (rows[i].vmm != NULL) {
            g_assert_cmpstr(label->set.vmm, ==, rows[i].vmm);
        }
        g_assert_cmpint(label->set.vmm == NULL, ==,
                        rows[i].type == SVIRT_SECLABEL_NONE);
        if (rows[i].image == NULL) {
            g_assert_null(label->set.image);
        } else {
            g_assert_true(g_str_has_prefix(label->set.image, rows[i].image));
        }
    }
}

/* A definition may be kept for a host whose model takes the label. */
static void
test_problem_is_kept_with_the_label(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtCompartment) web = fixture_compartment(
        fixture, "web", TEST_UUID_A,
        TEST("type='static'><label>no-number</label></seclabel>"));
    const SvirtCompartmentLabel *label =
        svirt_compartment_label(web, SVIRT_MODEL_TEST);

    g_assert_error(label->problem, SVIRT_ERROR, SVIRT_ERROR_INVALID);
    g_assert_cmpstr(label->set.vmm, ==, "no-number");
}

static void
test_enforcing_may_be_required(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtCompartment) web = fixture_compartment(
        fixture, "web", TEST_UUID_A,
        TEST("type='dynamic' requireEnforcing='yes'/>"));

    g_assert_true(svirt_compartment_label(web, SVIRT_MODEL_TEST)
                      ->require_enforcing);
    g_assert_false(svirt_compartment_label(web, SVIRT_MODEL_DAC)
                       ->require_enforcing);
}

static bool
start(Fixture *fixture, const SvirtCompartment *compartment, const char *path,
      SvirtAccess access)
{
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem item = fixture_disk(object);
    bool needed = false;

    item.access = access;
    svirt_relabel_plan_new(compartment, &item, 1, &plan, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_relabel_is_needed(fixture->state, plan, &needed,
                                          NULL));
    svirt_relabel_apply(fixture->state, plan, "start", TEST_NOW, NULL,
                        &error);
    g_assert_no_error(error);
    return needed;
}

static void
assert_label(const char *path, const char *label)
{
    g_autofree char *now = fixture_labels(path);

    g_assert_cmpstr(strchr(now, ' ') + 1, ==, label);
}

static void
undefine(Fixture *fixture, const SvirtCompartment *compartment)
{
    g_autoptr(GPtrArray) objects = NULL;
    g_autoptr(GError) error = NULL;

    svirt_restore_owner(fixture->state, &compartment->owner.uuid, NULL, NULL,
                        &objects, &error);
    g_assert_no_error(error);
}

/* The base image of two VMs keeps its label until the last one is gone,
 * though the second start finds nothing to write. */
static void
test_content_is_counted(Fixture *fixture, const void *data)
{
    static const struct {
        SvirtAccess access;
        const char *label;
    } cases[] = {
        { SVIRT_ACCESS_READ_ONLY, "svirt:content" },
        { SVIRT_ACCESS_SHARED, "svirt:shared" },
    };
    g_autoptr(SvirtCompartment) web = fixture_compartment(
        fixture, "web", TEST_UUID_A, TEST("type='dynamic'/>"));
    g_autoptr(SvirtCompartment) db = fixture_compartment(
        fixture, "db", TEST_UUID_B, TEST("type='dynamic'/>"));

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = g_strdup_printf("base%zu.img", i);
        g_autofree char *path = fixture_file(fixture, name, "x");

        g_assert_true(start(fixture, web, path, cases[i].access));
        assert_label(path, cases[i].label);
        g_assert_true(start(fixture, db, path, cases[i].access));
        g_assert_false(start(fixture, db, path, cases[i].access));
        undefine(fixture, web);
        assert_label(path, cases[i].label);
        undefine(fixture, db);
        assert_label(path, "-");
    }
}

static void
test_authors_relabel_what_is_theirs(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "host.conf", "x");
    g_autoptr(SvirtCompartment) web = fixture_compartment(
        fixture, "web", TEST_UUID_A, TEST("type='dynamic'/>"));
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem item = fixture_disk(object);

    if (fixture_lacks_root()) {
        return;
    }
    item.access = SVIRT_ACCESS_READ_ONLY;
    web->owner.author = 1000;
    g_assert_false(svirt_relabel_plan_new(web, &item, 1, &plan, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_clear_error(&error);
    object->uid = 1000;
    g_assert_true(svirt_relabel_plan_new(web, &item, 1, &plan, &error));
}

/* Root's VM has a base labelled; a user's VM may read it, and not write it. */
static void
test_labelled_base_serves_other_authors(Fixture *fixture, const void *data)
{
    static const struct {
        SvirtRefusalUse use;
        bool refused;
    } cases[] = {
        { SVIRT_REFUSAL_USE_IMAGE_READ_ONLY, false },
        { SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE, true },
    };
    g_autofree char *path = fixture_file(fixture, "base.img", "x");
    g_autoptr(SvirtCompartment) web = fixture_compartment(
        fixture, "web", TEST_UUID_A, TEST("type='dynamic'/>"));
    g_autoptr(SvirtDefinition) other =
        fixture_define(fixture, "db", TEST_UUID_B, 1000);
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtRefusalFacts) facts = NULL;

    (void)start(fixture, web, path, SVIRT_ACCESS_READ_ONLY);
    g_assert_true(svirt_refusal_facts_new(fixture->connection,
                                          fixture->config, &facts, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const SvirtRefusalRequest request = { .path = path,
                                              .use = cases[i].use,
                                              .definition = other };
        g_autoptr(GError) error = NULL;
        bool ok = svirt_refusal_check(facts, fixture->state, object, &request,
                                      NULL, &error);

        g_assert_cmpint(ok, ==, !cases[i].refused);
        if (cases[i].refused) {
            g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
        } else {
            g_assert_no_error(error);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_TEST("/compartment/seclabel/words-of-libvirt",
                 test_words_of_libvirt);
    FIXTURE_TEST("/compartment/seclabel/problem-is-kept-with-the-label",
                 test_problem_is_kept_with_the_label);
    FIXTURE_TEST("/compartment/seclabel/enforcing-may-be-required",
                 test_enforcing_may_be_required);
    FIXTURE_TEST("/compartment/seclabel/content-is-counted",
                 test_content_is_counted);
    FIXTURE_TEST("/compartment/seclabel/labelled-base-serves-other-authors",
                 test_labelled_base_serves_other_authors);
    FIXTURE_TEST("/compartment/seclabel/authors-relabel-what-is-theirs",
                 test_authors_relabel_what_is_theirs);
    return g_test_run();
}
