/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/fd.h"
#include "model/model.h"
#include "model/smack-facts.h"
#include "model/smack-rules.h"

/* What needs a kernel with Smack is in tests/models/smack-*.sh. */

#define A "aaaaaaaa-0000-4000-8000-000000000001"
#define B "bbbbbbbb-0000-4000-8000-000000000002"
/* 250 bytes. */
#define LONG                                                                 \
    "llllllllllllllllllllllllllllllllllllllllllllllllll"                     \
    "llllllllllllllllllllllllllllllllllllllllllllllllll"                     \
    "llllllllllllllllllllllllllllllllllllllllllllllllll"                     \
    "llllllllllllllllllllllllllllllllllllllllllllllllll"                     \
    "llllllllllllllllllllllllllllllllllllllllllllllllll"

static const struct {
    const char *name;
    const char *base;
    const char *given;
    const char *vmm; /* NULL: refused */
} derived[] = {
    { "derived", NULL, NULL, "svirt-" A },
    { "baselabel", "web", NULL, "web-" A },
    { "baselabel-with-a-dash", "web-1", NULL, "web-1-" A },
    { "baselabel-with-a-blank", "web 1", NULL, NULL },
    { "baselabel-with-a-slash", "../web", NULL, NULL },
    { "baselabel-empty", "", NULL, NULL },
    { "baselabel-too-long", LONG, NULL, NULL },
    { "static", NULL, "vm-web", "vm-web" },
    { "static-long", NULL, LONG "12345", LONG "12345" },
    { "static-256-bytes", NULL, LONG "123456", NULL },
    { "static-floor", NULL, "_", NULL },
    { "static-star", NULL, "*", NULL },
    { "static-hat", NULL, "^", NULL },
    { "static-web", NULL, "@", NULL },
    { "static-huh", NULL, "?", NULL },
    { "static-leading-dash", NULL, "-web", NULL },
    { "static-quote", NULL, "we\"b", NULL },
    { "static-newline", NULL, "web\nweb _ rwx", NULL },
    { "static-its-own", NULL, "svirt-" A, "svirt-" A },
    { "static-another-vms", NULL, "svirt-" B, NULL },
    { "static-another-vms-with-baselabel", NULL, "web-" B, NULL },
    { "static-a-monitors", NULL, "svirt-" A ".monitor", NULL },
    { "static-the-shared-class", NULL, "svirt-shared", NULL },
    { "static-the-content-class", NULL, "svirt-content", NULL },
    { "static-the-log-class", NULL, "svirt-log", NULL },
};

static void
test_derive(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(derived); i++) {
        SvirtLabelSeed seed = { .base = derived[i].base,
                                .given = derived[i].given };
        g_auto(SvirtLabelSet) set = { NULL };
        g_autoptr(GError) error = NULL;
        bool done;

        g_test_message("%s", derived[i].name);
        g_assert_true(svirt_uuid_parse(A, &seed.uuid));
        done = svirt_model_smack.derive(&seed, &set, &error);
        g_assert_cmpint(done, ==, derived[i].vmm != NULL);
        if (!done) {
            g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
            g_assert_nonnull(svirt_error_hint(error));
            g_assert_null(set.vmm);
            continue;
        }
        g_assert_cmpstr(set.vmm, ==, derived[i].vmm);
        g_assert_cmpstr(set.image, ==, derived[i].vmm);
        g_assert_cmpstr(set.socket, ==, derived[i].vmm);
        g_assert_cmpstr(set.monitor, !=, set.vmm);
        g_assert_true(g_str_has_suffix(set.monitor, A ".monitor"));
        g_assert_null(set.helper);
        g_assert_cmpstr(set.shared, ==, "svirt-shared");
        g_assert_cmpstr(set.content, ==, "svirt-content");
        g_assert_cmpstr(set.log, ==, "svirt-log");
    }
}

static const struct {
    const char *label;
    bool valid;
} object_labels[] = {
    { "_", true },   { "*", true },        { "^", true },
    { "?", true },   { "@", true },        { "svirt-" A, true },
    { "", false },   { "a b", false },     { "-a", false },
    { NULL, false }, { "a/b", false },     { LONG "12345", true },
    { "a\\", false }, { LONG "123456", false },
};

/* Those of the host, too: originals are given back. */
static void
test_object_labels(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(object_labels); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", object_labels[i].label);
        g_assert_cmpint(
            svirt_model_smack.validate(object_labels[i].label, &error), ==,
            object_labels[i].valid);
        g_assert_cmpint(error == NULL, ==, object_labels[i].valid);
    }
    g_assert_false(svirt_model_smack.labels_equal("a", "A"));
}

/* Every rule there is: a new one is a decision. */
static void
test_rules(void)
{
    static const char expected[] =
        "v content rl\nv shared rwl\nm v rwl\nm content r\nm shared rwl\n"
        "v m wl\nm log rwl\n_ log rwxatl\n"
        "_ v rwxatl\n_ content rwxatl\n_ shared rwxatl\n";
    SvirtLabelSet set = { .vmm = (char *)"v", .monitor = (char *)"m",
                          .image = (char *)"v", .shared = (char *)"shared",
                          .content = (char *)"content",
                          .log = (char *)"log" };
    SvirtSmackRule rules[SVIRT_SMACK_RULES_MAX];
    g_autoptr(GString) text = g_string_new(NULL);
    const size_t count = svirt_smack_rules(&set, "_", rules);

    for (size_t i = 0; i < count; i++) {
        g_string_append_printf(text, "%s %s %s\n", rules[i].subject,
                               rules[i].object, rules[i].accesses);
        /* Of the VM's own labels none is given anything of the host. */
        g_assert_cmpstr(rules[i].object, !=, "_");
    }
    g_assert_cmpstr(text->str, ==, expected);
}

typedef struct Fixture {
    char *dir;
    int root; /* fd */
} Fixture;

static void
put(const Fixture *fixture, const char *file, const char *text, gssize size)
{
    g_autofree char *path = g_build_filename(fixture->dir, file, NULL);

    g_assert_true(g_file_set_contents(path, text, size, NULL));
}

static void
set_up(Fixture *fixture, const void *data)
{
    fixture->dir = g_dir_make_tmp("svirt-smack-XXXXXX", NULL);
    g_assert_nonnull(fixture->dir);
    fixture->root = open(fixture->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(fixture->root, >=, 0);
    put(fixture, "ambient", "_", -1);
    put(fixture, "onlycap", "", -1);
    put(fixture, "netlabel", "127.0.0.1 -CIPSO\n10.0.0.0/8 @\n", -1);
    put(fixture, "syslog", "*", -1);
    put(fixture, "ptrace", "0\n", -1);
    put(fixture, "logging", "1\n", -1);
    put(fixture, "doi", "3", -1);
    put(fixture, "direct", "250", -1);
    put(fixture, "mapped", "251\0", 4);
}

static void
tear_down(Fixture *fixture, const void *data)
{
    g_autoptr(GDir) dir = g_dir_open(fixture->dir, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(fixture->dir, name, NULL);

        (void)g_unlink(path);
    }
    (void)g_rmdir(fixture->dir);
    svirt_fd_close(&fixture->root);
    g_free(fixture->dir);
}

static void
test_facts(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSmackFacts) facts = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(svirt_smack_facts_read(fixture->root, "_", &facts, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(facts->own, ==, "_");
    g_assert_cmpstr(facts->ambient, ==, "_");
    g_assert_cmpstr(facts->onlycap, ==, "");
    g_assert_null(facts->unconfined);
    g_assert_cmpstr(facts->netlabel, ==, "127.0.0.1 -CIPSO\n10.0.0.0/8 @");
    g_assert_cmpstr(facts->syslog, ==, "*");
    g_assert_cmpuint(facts->ptrace, ==, SVIRT_SMACK_PTRACE_DEFAULT);
    g_assert_cmpuint(facts->logging, ==, 1);
    g_assert_cmpuint(facts->doi, ==, 3);
    g_assert_cmpuint(facts->direct, ==, 250);
    g_assert_cmpuint(facts->mapped, ==, 251);
}

static void
test_facts_reject(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSmackFacts) facts = NULL;
    g_autoptr(GError) error = NULL;

    put(fixture, "ptrace", "many", -1);
    g_assert_false(svirt_smack_facts_read(fixture->root, "_", &facts,
                                          &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_CORRUPT);
    g_assert_null(facts);
}

static const struct {
    const char *name;
    const char *file;
    const char *text;
    const char *words; /* in the only warning; NULL: none */
} warnings[] = {
    { "restricted", "onlycap", "System _", NULL },
    { "unrestricted", "onlycap", "", NULL },
    { "without-svirt", "onlycap", "System", "keeps svirt" },
    { "a-longer-label-is-another", "onlycap", "_x", "keeps svirt" },
    { "nothing-is-logged", "logging", "0", "logs no denial" },
    { "all-is-logged", "logging", "3", NULL },
    { "bring-up-kernel", "unconfined", "", NULL },
    { "let-through", "unconfined", "web", "label 'web' through" },
};

static void
test_warnings(Fixture *fixture, const void *data)
{
    for (size_t i = 0; i < G_N_ELEMENTS(warnings); i++) {
        g_autoptr(SvirtSmackFacts) facts = NULL;
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) lines = NULL;

        g_test_message("%s", warnings[i].name);
        put(fixture, "onlycap", "_", -1);
        put(fixture, "logging", "1", -1);
        put(fixture, warnings[i].file, warnings[i].text, -1);
        g_assert_true(svirt_smack_facts_read(fixture->root, "_", &facts,
                                             &error));
        lines = svirt_smack_facts_warnings(facts);
        g_assert_cmpuint(g_strv_length(lines), ==,
                         warnings[i].words != NULL ? 1 : 0);
        if (warnings[i].words != NULL) {
            g_assert_nonnull(strstr(lines[0], warnings[i].words));
        }
    }
}

/* An answer that is neither 0 nor 1 is none. */
static void
test_answers(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    bool allows = true;

    g_assert_false(svirt_smackfs_allows(fixture->root, "a", "b", "r", &allows,
                                        &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
    g_clear_error(&error);
    put(fixture, "access2", "", -1);
    g_assert_false(svirt_smackfs_allows(fixture->root, "a", "b", "r", &allows,
                                        &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
    g_assert_true(allows);
}

#define FIXTURE_TEST(path, test)                                             \
    g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/smack/derives-by-uuid-and-base", test_derive);
    g_test_add_func("/model/smack/objects-may-have-the-hosts-labels",
                    test_object_labels);
    g_test_add_func("/model/smack/rules-are-these", test_rules);
    FIXTURE_TEST("/model/smack/facts/read", test_facts);
    FIXTURE_TEST("/model/smack/facts/rejects-no-number", test_facts_reject);
    FIXTURE_TEST("/model/smack/facts/warns", test_warnings);
    FIXTURE_TEST("/model/smack/access/rejects-no-answer", test_answers);
    return g_test_run();
}
