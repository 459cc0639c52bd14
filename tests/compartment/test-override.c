/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "compartment/relabel-plan.h"
#include "domain/resource.h"
#include "fixture.h"

/*
 * From XML to the label of a disk: the domain's <seclabel>, the source's own,
 * and what the VM does with the disk. The tests' own model stands for the one
 * that the host runs.
 */
#define DYNAMIC "<seclabel model='test' type='dynamic'/>"
#define STATIC(attributes)                                                   \
    "<seclabel model='test' type='static' " attributes                       \
    "><label>77</label></seclabel>"
#define OWN(attributes) "<seclabel " attributes "><label>own</label></seclabel>"
#define IMAGE "svirt:" TEST_UUID_A

static const struct {
    const char *name;
    const char *domain;
    const char *source;
    const char *disk;   /* <readonly/> and the like */
    const char *wanted; /* NULL: keeps what it has */
} rows[] = {
    { "private", DYNAMIC, "", "", IMAGE },
    { "shareable", DYNAMIC, "", "<shareable/>", "svirt:shared" },
    { "readonly", DYNAMIC, "", "<readonly/>", "svirt:content" },
    { "shareable-readonly", DYNAMIC, "", "<shareable/><readonly/>",
      "svirt:content" },
    { "transient", DYNAMIC, "", "<transient/>", "svirt:content" },
    { "baselabel",
      "<seclabel model='test'><baselabel>web</baselabel></seclabel>", "", "",
      "web:" TEST_UUID_A },

    { "static", STATIC(""), "", "", NULL },
    { "static-readonly", STATIC(""), "", "<readonly/>", NULL },
    { "static-relabel", STATIC("relabel='yes'"), "", "", IMAGE },
    { "static-relabel-readonly", STATIC("relabel='yes'"), "", "<readonly/>",
      "svirt:content" },
    { "none", "<seclabel model='test' type='none'/>", "", "", NULL },
    { "not-asked-for", "", "", "", NULL },

    { "own-label", DYNAMIC, OWN("model='test'"), "", "own" },
    { "own-label-relabel", DYNAMIC, OWN("model='test' relabel='yes'"), "",
      "own" },
    { "own-label-readonly", DYNAMIC, OWN("model='test'"), "<readonly/>",
      "own" },
    { "own-label-shareable", DYNAMIC, OWN("model='test'"), "<shareable/>",
      "own" },
    { "own-label-static", STATIC("relabel='yes'"), OWN("model='test'"), "",
      "own" },
    { "own-label-without-model", DYNAMIC, OWN(""), "", "own" },
    { "own-label-of-another-model", DYNAMIC, OWN("model='smack'"), "",
      IMAGE },
    { "keep", DYNAMIC, "<seclabel model='test' relabel='no'/>", "", NULL },
    { "keep-without-model", DYNAMIC, "<seclabel relabel='no'/>", "", NULL },
    { "keep-another-model", DYNAMIC, "<seclabel model='smack' relabel='no'/>",
      "", IMAGE },
    { "says-nothing", DYNAMIC, "<seclabel model='test'/>", "", IMAGE },
    { "labelskip", DYNAMIC, "<seclabel model='test' labelskip='yes'/>", "",
      IMAGE },
    { "several", DYNAMIC,
      "<seclabel model='dac' relabel='no'/>" OWN("model='test'"), "", "own" },
};

static char *
definition_text(const char *domain, const char *source, const char *disk)
{
    return g_strdup_printf(
        "%s<devices><disk><driver name='qemu' type='raw'/>"
        "<source file='/disk'>%s</source><target dev='vda'/>%s</disk>"
        "</devices>",
        domain, source, disk);
}

static void
test_labels_of_a_disk(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtDefinition) definition =
        fixture_define(fixture, "web", TEST_UUID_A, 0);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            definition_text(rows[i].domain, rows[i].source, rows[i].disk);
        g_autoptr(SvirtDomain) domain =
            fixture_domain("web", TEST_UUID_A, text);
        g_autoptr(SvirtCompartment) web = NULL;
        g_autoptr(SvirtResourceList) list = NULL;
        g_autoptr(SvirtRelabelPlan) plan = NULL;
        g_autoptr(GError) error = NULL;
        SvirtRelabelItem item = fixture_disk(object);

        g_test_message("%s", rows[i].name);
        svirt_compartment_claim(fixture->state, fixture->connection,
                                fixture->config, definition, domain, &web,
                                &error);
        g_assert_no_error(error);
        g_assert_true(svirt_resource_list_from_domain(domain, &list, &error));
        item.access = list->items[0].access;
        item.seclabels = list->items[0].seclabels;
        svirt_relabel_plan_new(web, &item, 1, &plan, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(plan->steps->len, ==, rows[i].wanted != NULL);
        if (rows[i].wanted != NULL) {
            const SvirtRelabelStep *step = plan->steps->pdata[0];

            g_assert_cmpint(step->model->kind, ==, SVIRT_MODEL_TEST);
            g_assert_cmpstr(step->wanted, ==, rows[i].wanted);
        }
    }
}

static const struct {
    const char *name;
    const char *domain;
    uid_t author;
    bool refused;
} authors[] = {
    { "derived", DYNAMIC, 1000, false },
    { "static", STATIC(""), 1000, true },
    { "static-selinux",
      "<seclabel model='selinux' type='static'>"
      "<label>u:r:unconfined_t:s0</label></seclabel>", 1000, true },
    { "none", "<seclabel type='none' model='smack'/>", 1000, true },
    { "none-without-model", "<seclabel type='none'/>", 1000, true },
    { "baselabel",
      "<seclabel model='selinux'><baselabel>u:r:unconfined_t:s0</baselabel>"
      "</seclabel>", 1000, true },
    { "no-dac", "<seclabel type='none' model='dac'/>", 1000, false },
    { "static-of-root", STATIC(""), 0, false },
    { "none-of-root", "<seclabel type='none' model='smack'/>", 0, false },
};

/* A definition of somebody else's chooses no label, nor goes without. */
static void
test_labels_are_roots_to_give(Fixture *fixture, const void *data)
{
    if (fixture_lacks_root()) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(authors); i++) {
        g_autofree char *uuid =
            g_strdup_printf("11111111-2222-4333-8444-5555555555%02zu", i);
        g_autofree char *name = g_strdup_printf("vm%zu", i);
        g_autoptr(SvirtDefinition) definition =
            fixture_define(fixture, name, uuid, authors[i].author);
        g_autoptr(SvirtDomain) domain =
            fixture_domain(name, uuid, authors[i].domain);
        g_autoptr(SvirtCompartment) found = NULL;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", authors[i].name);
        (void)svirt_compartment_claim(fixture->state, fixture->connection,
                                      fixture->config, definition, domain,
                                      &found, &error);
        if (authors[i].refused) {
            g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
            g_clear_error(&error);
            g_assert_false(svirt_compartment_find(
                fixture->state, fixture->config, definition, domain, &found,
                &error));
            g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
        } else {
            g_assert_no_error(error);
        }
    }
}

static void
test_own_labels_are_roots_to_give(Fixture *fixture, const void *data)
{
    g_autofree char *path = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autofree char *text = definition_text(DYNAMIC, OWN("model='test'"), "");
    g_autoptr(SvirtDomain) domain = fixture_domain("web", TEST_UUID_A, text);
    g_autoptr(SvirtCompartment) web =
        fixture_compartment(fixture, "web", TEST_UUID_A, DYNAMIC);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    SvirtRelabelItem item = fixture_disk(object);

    item.seclabels = domain->disks[0].images[0].seclabels;
    web->owner.author = object->uid = 1000;
    g_assert_false(svirt_relabel_plan_new(web, &item, 1, &plan, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
}

/* A VM without a disk of the host (PXE, iSCSI) has its labels all the same. */
static void
test_no_disk_is_no_exception(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtCompartment) web =
        fixture_compartment(fixture, "web", TEST_UUID_A, DYNAMIC);
    g_autoptr(SvirtRelabelPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    const SvirtCompartmentLabel *label =
        svirt_compartment_label(web, SVIRT_MODEL_TEST);

    g_assert_true(svirt_relabel_plan_new(web, NULL, 0, &plan, &error));
    g_assert_cmpuint(plan->steps->len, ==, 0);
    g_assert_nonnull(label->set.vmm);
    g_assert_nonnull(label->set.monitor);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_TEST("/compartment/override/labels-of-a-disk",
                 test_labels_of_a_disk);
    FIXTURE_TEST("/compartment/override/labels-are-roots-to-give",
                 test_labels_are_roots_to_give);
    FIXTURE_TEST("/compartment/override/own-labels-are-roots-to-give",
                 test_own_labels_are_roots_to_give);
    FIXTURE_TEST("/compartment/override/no-disk-is-no-exception",
                 test_no_disk_is_no_exception);
    return g_test_run();
}
