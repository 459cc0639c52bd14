/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"

typedef struct Fixture {
    char *dir;
    char *path;
    SvirtObject *object;
} Fixture;

static void
set_up(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;

    fixture->dir = g_dir_make_tmp("svirt-model-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->dir, "disk.img", NULL);
    g_assert_true(g_file_set_contents(fixture->path, "disk", -1, &error));
    g_assert_cmpint(g_chmod(fixture->path, 0640), ==, 0);
    svirt_object_open(fixture->path, NULL, SVIRT_OBJECT_WANT_DISK, 0,
                      &fixture->object, &error);
    g_assert_no_error(error);
}

static void
tear_down(Fixture *fixture, const void *data)
{
    svirt_object_free(fixture->object);
    (void)g_unlink(fixture->path);
    (void)g_rmdir(fixture->dir);
    g_free(fixture->path);
    g_free(fixture->dir);
}

static bool
lacks_root(void)
{
    if (geteuid() != 0) {
        g_test_skip("needs root: changes owners");
        return true;
    }
    return false;
}

static void
test_every_row_is_whole(void)
{
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)i);
        g_autoptr(GError) error = NULL;
        bool active = false;

        if (model == NULL) {
            continue;
        }
        g_assert_cmpint(model->kind, ==, i);
        g_assert_true(model->probe(&active, &error));
        g_assert_no_error(error);
        g_assert_true(model->labels_equal(NULL, NULL));
        g_assert_false(model->labels_equal("+1:+1", NULL));
        g_assert_nonnull(model->read_label);
        g_assert_nonnull(model->write_label);
        g_assert_nonnull(model->validate);
        g_assert_cmpint(model->labels_processes, ==, model->derive != NULL);
        g_assert_cmpint(model->labels_processes, ==, model->load != NULL);
        g_assert_cmpint(model->labels_processes, ==, model->unload != NULL);
        g_assert_cmpint(model->labels_processes, ==,
                        model->read_process != NULL);
        g_assert_cmpint(model->labels_processes, ==,
                        model->is_enforcing != NULL);
        g_assert_cmpint(model->labels_processes, ==,
                        model->separates != NULL);
        g_assert_cmpint(model->labels_processes, ==,
                        model->process.path != NULL);
    }
    g_assert_nonnull(svirt_model_by_kind(SVIRT_MODEL_DAC));
    g_assert_null(svirt_model_by_kind(SVIRT_MODEL_FLASK));
    g_assert_null(svirt_model_by_kind(SVIRT_MODEL_MAX));
}

static const struct {
    const char *name;
    SvirtModelKind kind;
    const char *label;
    bool valid;
} labels[] = {
    { "dac-numbers", SVIRT_MODEL_DAC, "+107:+108", true },
    { "dac-none", SVIRT_MODEL_DAC, NULL, false },
    { "dac-a-name", SVIRT_MODEL_DAC, "qemu:kvm", false },
    { "dac-no-id", SVIRT_MODEL_DAC, "+4294967295:+0", false },
    { "dac-no-group", SVIRT_MODEL_DAC, "+107", false },
    { "none-takes-none", SVIRT_MODEL_NONE, NULL, true },
    { "none-takes-no-text", SVIRT_MODEL_NONE, "a", false },
    { "landlock-takes-no-text", SVIRT_MODEL_LANDLOCK, "a", false },
    { "test-text", SVIRT_MODEL_TEST, "a:b", true },
    { "test-none", SVIRT_MODEL_TEST, NULL, true },
    { "test-empty", SVIRT_MODEL_TEST, "", false },
    { "test-blank", SVIRT_MODEL_TEST, "a b", false },
};

static void
test_labels_are_validated(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(labels); i++) {
        g_autoptr(GError) error = NULL;
        bool valid = svirt_model_by_kind(labels[i].kind)
                         ->validate(labels[i].label, &error);

        g_test_message("%s", labels[i].name);
        g_assert_cmpint(valid, ==, labels[i].valid);
        g_assert_cmpint(valid, ==, error == NULL);
    }
}

static void
test_dac_spellings_are_equal(void)
{
    g_assert_true(svirt_model_dac.labels_equal("+107:+8", "107:+08"));
    g_assert_false(svirt_model_dac.labels_equal("+107:+8", "+107:+9"));
}

static void
test_dac_writes_and_keeps_mode(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    struct stat st;

    if (lacks_root()) {
        return;
    }
    svirt_model_dac.read_label(fixture->object, &before, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(before, ==, "+0:+0");
    svirt_model_dac.write_label(fixture->object, "+1234:+4321", &error);
    g_assert_no_error(error);
    svirt_model_dac.read_label(fixture->object, &after, &error);
    g_assert_cmpstr(after, ==, "+1234:+4321");
    g_assert_cmpint(g_stat(fixture->path, &st), ==, 0);
    g_assert_cmpuint(st.st_uid, ==, 1234);
    g_assert_cmpuint(st.st_gid, ==, 4321);
    g_assert_cmpuint(st.st_mode & 07777, ==, 0640);
}

/* The file at the path is another one now: only the opened one changes. */
static void
test_dac_acts_on_descriptor(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *label = NULL;
    struct stat st;

    if (lacks_root()) {
        return;
    }
    g_assert_cmpint(g_unlink(fixture->path), ==, 0);
    g_assert_true(g_file_set_contents(fixture->path, "other", -1, NULL));
    svirt_model_dac.write_label(fixture->object, "+1234:+1234", &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_stat(fixture->path, &st), ==, 0);
    g_assert_cmpuint(st.st_uid, ==, 0);
    svirt_model_dac.read_label(fixture->object, &label, &error);
    g_assert_cmpstr(label, ==, "+1234:+1234");
}

static void
test_dac_refuses_what_chown_strips(Fixture *fixture, const void *data)
{
    static const mode_t modes[] = { 04755, 02755, 06711, 02644 };
    /* VFS_CAP_REVISION_2, cap_net_raw. */
    static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 0x20 };

    if (lacks_root()) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autoptr(GError) error = NULL;
        struct stat st;

        g_assert_cmpint(g_chmod(fixture->path, modes[i]), ==, 0);
        g_assert_false(svirt_model_dac.write_label(fixture->object, "+5:+5",
                                                   &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
        g_assert_cmpint(g_stat(fixture->path, &st), ==, 0);
        g_assert_cmpuint(st.st_mode & 07777, ==, modes[i]);
        g_assert_cmpuint(st.st_uid, ==, 0);
    }
    g_assert_cmpint(g_chmod(fixture->path, 0755), ==, 0);
    if (setxattr(fixture->path, "security.capability", capability,
                 sizeof(capability), 0) != 0) {
        g_test_skip("needs file capabilities on this file system");
        return;
    }
    {
        g_autoptr(GError) error = NULL;

        g_assert_false(svirt_model_dac.write_label(fixture->object, "+5:+5",
                                                   &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
        g_assert_cmpint(getxattr(fixture->path, "security.capability", NULL,
                                 0), ==, sizeof(capability));
    }
}

static void
test_test_model_round_trips(Fixture *fixture, const void *data)
{
    static const char *const written[] = { "first", "second", NULL, NULL };
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(written); i++) {
        g_autofree char *label = NULL;

        svirt_model_set_label(&svirt_model_test, fixture->object, written[i],
                              &error);
        if (g_error_matches(error, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED)) {
            g_test_skip("needs user attributes on this file system");
            return;
        }
        g_assert_no_error(error);
        svirt_model_test.read_label(fixture->object, &label, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(label, ==, written[i]);
    }
}

static void
derive_test(const char *text, const char *given, SvirtLabelSet *ret)
{
    SvirtLabelSeed seed = { .given = given };
    g_autoptr(GError) error = NULL;

    g_assert_true(svirt_uuid_parse(text, &seed.uuid));
    g_assert_true(svirt_model_test.derive(&seed, ret, &error));
    g_assert_no_error(error);
    g_assert_true(svirt_model_test.load(&seed, ret, &error));
    g_assert_no_error(error);
}

static void
test_test_model_derives(void)
{
    g_auto(SvirtLabelSet) first = { NULL };
    g_auto(SvirtLabelSet) again = { NULL };
    g_auto(SvirtLabelSet) other = { NULL };
    g_auto(SvirtLabelSet) given = { NULL };
    bool separates = false;

    derive_test("00000000-0000-4000-8000-000000000001", NULL, &first);
    derive_test("00000000-0000-4000-8000-000000000001", NULL, &again);
    derive_test("00000000-0000-4000-8000-000000000002", NULL, &other);
    derive_test("00000000-0000-4000-8000-000000000002", "7", &given);
    g_assert_cmpstr(first.vmm, ==, again.vmm);
    g_assert_cmpstr(first.image, ==, again.image);
    g_assert_cmpstr(first.vmm, !=, other.vmm);
    g_assert_cmpstr(first.content, ==, other.content);
    g_assert_cmpstr(given.vmm, ==, "7");
    g_assert_true(svirt_model_test.separates(&first, &other, &separates,
                                             NULL));
    g_assert_true(separates);
    g_assert_true(svirt_model_test.separates(&first, &again, &separates,
                                             NULL));
    g_assert_false(separates);
}

#define FIXTURE_TEST(path, test)                                             \
    g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/model/every-row-is-whole",
                    test_every_row_is_whole);
    g_test_add_func("/model/model/labels-are-validated",
                    test_labels_are_validated);
    g_test_add_func("/model/dac/spellings-are-equal",
                    test_dac_spellings_are_equal);
    FIXTURE_TEST("/model/dac/writes-and-keeps-mode",
                 test_dac_writes_and_keeps_mode);
    FIXTURE_TEST("/model/dac/acts-on-descriptor", test_dac_acts_on_descriptor);
    FIXTURE_TEST("/model/dac/refuses-what-chown-strips",
                 test_dac_refuses_what_chown_strips);
    FIXTURE_TEST("/model/test/round-trips", test_test_model_round_trips);
    g_test_add_func("/model/test/derives", test_test_model_derives);
    return g_test_run();
}
