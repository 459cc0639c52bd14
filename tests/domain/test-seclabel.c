/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/resource.h"

/*
 * libvirt's <seclabel>, as its formatdomain page and its parser have it. A row
 * is XML and what svirt makes of it, or its error.
 */

#define CONTEXT "system_u:system_r:svirt_t:s0:c1,c2"
#define IMAGE "system_u:object_r:svirt_image_t:s0:c1,c2"
#define LABEL(text) "<label>" text "</label>"
#define BASE(text) "<baselabel>" text "</baselabel>"
#define IMAGELABEL(text) "<imagelabel>" text "</imagelabel>"
#define SECLABEL(attributes, inside)                                         \
    "<seclabel " attributes ">" inside "</seclabel>"

typedef struct Row {
    const char *name;
    const char *xml;
    /* One seclabel after another: "type model relabel label baselabel",
     * "-" for what there is none of. */
    const char *expected;
    const char *message; /* NULL: accepted */
} Row;

static const Row domain_rows[] = {
    { "none-given", "", "", NULL },
    { "empty", "<seclabel/>", "dynamic - yes - -", NULL },
    { "type-missing-is-dynamic", "<seclabel model='selinux'/>",
      "dynamic selinux yes - -", NULL },
    { "dynamic", SECLABEL("type='dynamic' model='selinux'", ""),
      "dynamic selinux yes - -", NULL },
    { "dynamic-relabel", SECLABEL("type='dynamic' relabel='yes'", ""),
      "dynamic - yes - -", NULL },
    { "dynamic-relabel-no", SECLABEL("type='dynamic' relabel='no'", ""), NULL,
      "seclabel type 'dynamic' needs relabel='yes'" },
    { "no-type-relabel-no", SECLABEL("model='selinux' relabel='no'", ""),
      NULL, "seclabel type 'dynamic' needs relabel='yes'" },
    { "dynamic-baselabel",
      SECLABEL("type='dynamic' model='selinux'", BASE(CONTEXT)),
      "dynamic selinux yes - " CONTEXT, NULL },
    { "baselabel-without-model", SECLABEL("type='dynamic'", BASE(CONTEXT)),
      NULL, "seclabel with a label needs a model" },
    { "baselabel-that-is-no-context",
      SECLABEL("type='dynamic' model='selinux'", BASE("svirt_t")), NULL,
      "'svirt_t'" },
    { "smack-baselabel",
      SECLABEL("type='dynamic' model='smack'", BASE("web")),
      "dynamic smack yes - web", NULL },
    { "smack-baselabel-with-a-slash",
      SECLABEL("type='dynamic' model='smack'", BASE("a/b")), NULL,
      "'a/b' is no Smack label" },
    /* What dumpxml prints of a running VM is taken back. */
    { "live-dynamic",
      SECLABEL("type='dynamic' model='selinux' relabel='yes'",
               LABEL(CONTEXT) IMAGELABEL(IMAGE)),
      "dynamic selinux yes - -", NULL },
    { "live-dynamic-with-base",
      SECLABEL("type='dynamic' model='selinux'",
               BASE(CONTEXT) LABEL(CONTEXT) IMAGELABEL(IMAGE)),
      "dynamic selinux yes - " CONTEXT, NULL },
    { "live-static",
      SECLABEL("type='static' model='selinux' relabel='yes'",
               LABEL(CONTEXT) IMAGELABEL(IMAGE)),
      "static selinux yes " CONTEXT " -", NULL },
    { "live-dynamic-dac",
      SECLABEL("type='dynamic' model='dac' relabel='yes'",
               LABEL("+107:+107") IMAGELABEL("+107:+107")),
      "dynamic dac yes - -", NULL },

    { "static", SECLABEL("type='static' model='selinux'", LABEL(CONTEXT)),
      "static selinux no " CONTEXT " -", NULL },
    { "static-relabel-no",
      SECLABEL("type='static' model='selinux' relabel='no'", LABEL(CONTEXT)),
      "static selinux no " CONTEXT " -", NULL },
    { "static-relabel",
      SECLABEL("type='static' model='selinux' relabel='yes'",
               LABEL(CONTEXT)),
      "static selinux yes " CONTEXT " -", NULL },
    { "static-smack", SECLABEL("type='static' model='smack'", LABEL("vm-web")),
      "static smack no vm-web -", NULL },
    { "static-smack-floor", SECLABEL("type='static' model='smack'", LABEL("_")),
      NULL, "'_' is no Smack label" },
    { "static-apparmor",
      SECLABEL("type='static' model='apparmor'", LABEL("vm-web")),
      "static apparmor no vm-web -", NULL },
    { "static-dac", SECLABEL("type='static' model='dac'", LABEL("+1:+1")),
      "static dac no +1:+1 -", NULL },
    { "static-without-label", SECLABEL("type='static' model='selinux'", ""),
      NULL, "seclabel type 'static' needs a <label>" },
    { "static-imagelabel-alone",
      SECLABEL("type='static' model='selinux'", IMAGELABEL(IMAGE)), NULL,
      "seclabel type 'static' needs a <label>" },
    { "static-empty-label",
      SECLABEL("type='static' model='apparmor'", LABEL("")), NULL,
      "<label>" },
    { "static-baselabel",
      SECLABEL("type='static' model='selinux'", LABEL(CONTEXT) BASE(CONTEXT)),
      NULL, "seclabel <baselabel> needs type 'dynamic'" },
    { "static-without-model", SECLABEL("type='static'", LABEL(CONTEXT)), NULL,
      "seclabel with a label needs a model" },
    { "static-two-labels",
      SECLABEL("type='static' model='smack'", LABEL("a") LABEL("b")), NULL,
      "<label>" },

    { "none", "<seclabel type='none'/>", "none - no - -", NULL },
    { "none-relabel-no", SECLABEL("type='none' relabel='no'", ""),
      "none - no - -", NULL },
    { "none-of-a-model", SECLABEL("type='none' model='dac'", ""),
      "none dac no - -", NULL },
    { "none-relabel", SECLABEL("type='none' relabel='yes'", ""), NULL,
      "seclabel type 'none' cannot relabel" },
    { "none-label", SECLABEL("type='none' model='dac'", LABEL("+1:+1")), NULL,
      "seclabel type 'none' takes no label" },
    { "none-baselabel", SECLABEL("type='none' model='smack'", BASE("web")),
      NULL, "seclabel type 'none' takes no label" },
    /* "Older configurations", as libvirt calls them. */
    { "model-none", "<seclabel model='none'/>", "none none no - -", NULL },
    { "model-none-dynamic", SECLABEL("type='dynamic' model='none'", ""),
      "none none no - -", NULL },

    { "several",
      SECLABEL("type='static' model='selinux'", LABEL(CONTEXT))
          SECLABEL("type='dynamic' model='dac'", "")
              SECLABEL("type='none' model='apparmor'", ""),
      "static selinux no " CONTEXT " -\ndynamic dac yes - -\n"
      "none apparmor no - -", NULL },
    { "several-of-one-model",
      "<seclabel model='dac'/>" SECLABEL("type='none' model='dac'", ""), NULL,
      "seclabel for model 'dac' is given twice" },
    { "several-one-without-model",
      "<seclabel model='dac'/><seclabel type='none'/>", NULL,
      "seclabel needs a model when there are several" },
    { "unknown-model", "<seclabel model='tomoyo'/>", NULL,
      "model='tomoyo' of <seclabel> is unknown" },
    { "unknown-type", "<seclabel type='loose'/>", NULL,
      "type='loose' of <seclabel> is unknown" },
    { "unknown-relabel", "<seclabel relabel='maybe'/>", NULL, "maybe" },
    { "upper-case-model", "<seclabel model='SELinux'/>", NULL,
      "model='SELinux' of <seclabel> is unknown" },
};

/* "model relabel label" of a disk's source. */
static const Row source_rows[] = {
    { "none-given", "", "", NULL },
    { "relabel-no", "<seclabel relabel='no'/>", "- no -", NULL },
    { "relabel-no-of-a-model", "<seclabel model='dac' relabel='no'/>",
      "dac no -", NULL },
    { "label", SECLABEL("model='selinux'", LABEL(IMAGE)),
      "selinux yes " IMAGE, NULL },
    { "label-relabel", SECLABEL("model='selinux' relabel='yes'",
                                LABEL(IMAGE)),
      "selinux yes " IMAGE, NULL },
    { "label-without-model", SECLABEL("relabel='yes'", LABEL("vm")),
      "- yes vm", NULL },
    { "label-relabel-no", SECLABEL("model='selinux' relabel='no'",
                                   LABEL(IMAGE)), NULL,
      "seclabel of a device has a <label> and relabel='no'" },
    { "several",
      "<seclabel model='dac' relabel='no'/>"
      SECLABEL("model='smack'", LABEL("vm")),
      "dac no -\nsmack yes vm", NULL },
    { "several-of-one-model",
      "<seclabel model='dac' relabel='no'/><seclabel model='dac'/>", NULL,
      "second <seclabel> for one model in <source>" },
    { "several-without-model",
      "<seclabel relabel='no'/><seclabel relabel='no'/>", NULL,
      "second <seclabel> for one model in <source>" },
    { "unknown-model", "<seclabel model='tomoyo' relabel='no'/>", NULL,
      "model='tomoyo' of <seclabel> is unknown" },
    { "baselabel", SECLABEL("model='smack'", BASE("web")), NULL,
      "<baselabel> in <seclabel> is unknown" },
    { "wrong-label", SECLABEL("model='smack'", LABEL("a b")), NULL,
      "'a b' is no Smack label" },
    { "reserved-label", SECLABEL("model='smack'", LABEL("*")), NULL,
      "'*' is no Smack label" },
    /* It overrides nothing: libvirt takes it, and a live dump has it. */
    { "says-nothing", "<seclabel model='selinux'/>", "", NULL },
    { "says-nothing-but-relabel", "<seclabel model='dac' relabel='yes'/>", "",
      NULL },
    { "labelskip-is-output", "<seclabel model='selinux' labelskip='yes'/>",
      "", NULL },
};

static char *
definition(const char *top, const char *source, const char *after)
{
    return g_strdup_printf(
        "<domain type='qemu'><name>t</name><memory>65536</memory>"
        "<os><type>hvm</type></os>%s<devices><disk>"
        "<driver name='qemu' type='raw'/><source file='/a'>%s</source>"
        "<target dev='vda'/>%s</disk></devices></domain>",
        top, source, after);
}

static const char *
word(const char *text)
{
    return text != NULL ? text : "-";
}

static char *
print(const GPtrArray *seclabels, bool of_source)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; seclabels != NULL && i < seclabels->len; i++) {
        const SvirtSeclabel *seclabel = seclabels->pdata[i];
        const char *model = seclabel->has_model
            ? svirt_model_kind_to_string(seclabel->model) : "-";
        const char *relabel = svirt_seclabel_relabels(seclabel) ? "yes"
                                                                : "no";

        g_string_append(text, i > 0 ? "\n" : "");
        if (of_source) {
            g_string_append_printf(text, "%s %s %s", model, relabel,
                                   word(seclabel->label));
            continue;
        }
        g_string_append_printf(text, "%s %s %s %s %s",
                               svirt_seclabel_type_to_string(seclabel->type),
                               model, relabel, word(seclabel->label),
                               word(seclabel->baselabel));
        /* Output only: made anew at each start. */
        g_assert_null(seclabel->imagelabel);
    }
    return g_string_free(text, FALSE);
}

static void
run_row(const Row *row, bool of_source)
{
    g_autofree char *xml =
        of_source ? definition("", row->xml, "")
                  : definition(row->xml, "", "");
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *got = NULL;

    g_test_message("%s", row->name);
    (void)svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error);
    if (row->message != NULL) {
        g_autofree char *rendered = NULL;

        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        rendered = svirt_error_render(error);
        if (strstr(rendered, row->message) == NULL) {
            g_assert_cmpstr(rendered, ==, row->message);
        }
        g_assert_nonnull(svirt_error_shown_hint(error));
        return;
    }
    g_assert_no_error(error);
    got = print(of_source ? domain->disks[0].images[0].seclabels
                          : domain->seclabels, of_source);
    g_assert_cmpstr(got, ==, row->expected);
}

static void
test_domain_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(domain_rows); i++) {
        run_row(&domain_rows[i], false);
    }
}

static void
test_source_rows(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(source_rows); i++) {
        run_row(&source_rows[i], true);
    }
}

/* libvirt's buffer: 4,095 bytes and their NUL. */
static void
test_length_is_bounded(void)
{
    static const char *const elements[] = { "label", "baselabel" };
    static const struct {
        size_t bytes;
        bool valid;
    } lengths[] = { { 4095, true }, { 4096, false }, { 100000, false } };

    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(lengths); j++) {
            g_autofree char *label = g_strnfill(lengths[j].bytes, 'a');
            g_autofree char *seclabel = g_strdup_printf(
                "<seclabel type='%s' model='apparmor'><%s>%s</%s></seclabel>",
                i == 0 ? "static" : "dynamic", elements[i], label,
                elements[i]);
            g_autofree char *xml = definition(seclabel, "", "");
            g_autoptr(SvirtDomain) domain = NULL;
            g_autoptr(GError) error = NULL;

            g_assert_cmpint(svirt_domain_parse(xml, strlen(xml), "x.xml",
                                               &domain, &error), ==,
                            lengths[j].valid);
            if (!lengths[j].valid) {
                g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
            }
        }
    }
}

/* A source's label where the domain says not to relabel under that model. */
static const struct {
    const char *name;
    const char *domain;
    const char *source;
    bool valid;
} overrides[] = {
    { "default", "", SECLABEL("model='dac'", LABEL("+1:+1")), true },
    { "none", "<seclabel type='none' model='dac'/>",
      SECLABEL("model='dac'", LABEL("+1:+1")), false },
    { "static", SECLABEL("type='static' model='dac'", LABEL("+1:+1")),
      SECLABEL("model='dac'", LABEL("+1:+1")), false },
    { "static-relabel",
      SECLABEL("type='static' model='dac' relabel='yes'", LABEL("+1:+1")),
      SECLABEL("model='dac'", LABEL("+1:+1")), true },
    { "another-model", "<seclabel type='none' model='dac'/>",
      SECLABEL("model='smack'", LABEL("vm")), true },
    { "domain-without-model", "<seclabel type='none'/>",
      SECLABEL("model='smack'", LABEL("vm")), false },
    { "keeping-is-no-label", "<seclabel type='none' model='dac'/>",
      "<seclabel model='dac' relabel='no'/>", true },
};

static void
test_overrides_need_relabelling(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(overrides); i++) {
        g_autofree char *xml =
            definition(overrides[i].domain, overrides[i].source, "");
        g_autoptr(SvirtDomain) domain = NULL;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", overrides[i].name);
        g_assert_cmpint(svirt_domain_parse(xml, strlen(xml), "x.xml", &domain,
                                           &error), ==, overrides[i].valid);
        g_assert_cmpint(error == NULL, ==, overrides[i].valid);
    }
}

/* What decides which label of the set a disk gets. */
static const struct {
    const char *name;
    const char *elements;
    SvirtAccess access; /* MAX: refused */
} accesses[] = {
    { "plain", "", SVIRT_ACCESS_EXCLUSIVE },
    { "readonly", "<readonly/>", SVIRT_ACCESS_READ_ONLY },
    { "shareable", "<shareable/>", SVIRT_ACCESS_SHARED },
    { "shareable-readonly", "<shareable/><readonly/>",
      SVIRT_ACCESS_READ_ONLY },
    /* Its writes go into a file of their own, that goes with the run. */
    { "transient", "<transient/>", SVIRT_ACCESS_READ_ONLY },
    { "transient-readonly", "<transient/><readonly/>", SVIRT_ACCESS_MAX },
    { "transient-shareable", "<transient/><shareable/>", SVIRT_ACCESS_MAX },
};

static void
test_accesses(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(accesses); i++) {
        g_autofree char *xml =
            definition("", SECLABEL("model='dac'", LABEL("+5:+6")),
                       accesses[i].elements);
        g_autoptr(SvirtDomain) domain = NULL;
        g_autoptr(SvirtResourceList) list = NULL;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", accesses[i].name);
        if (!svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error)) {
            g_assert_cmpint(accesses[i].access, ==, SVIRT_ACCESS_MAX);
            continue;
        }
        g_assert_true(svirt_resource_list_from_domain(domain, &list, &error));
        g_assert_cmpint(list->items[0].access, ==, accesses[i].access);
        g_assert_nonnull(list->items[0].seclabels);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/seclabel/of-a-domain", test_domain_rows);
    g_test_add_func("/domain/seclabel/of-a-source", test_source_rows);
    g_test_add_func("/domain/seclabel/length-is-bounded",
                    test_length_is_bounded);
    g_test_add_func("/domain/seclabel/overrides-need-relabelling",
                    test_overrides_need_relabelling);
    g_test_add_func("/domain/seclabel/access-decides-the-class",
                    test_accesses);
    return g_test_run();
}
