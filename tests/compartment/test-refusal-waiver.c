/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/refusal.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "state/objects.h"
#include "state/waivers.h"

#define EXCLUSIVE SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE
#define OUTPUT SVIRT_REFUSAL_USE_OUTPUT
#define READ_ONLY SVIRT_REFUSAL_USE_IMAGE_READ_ONLY

/* Judge what `path` leads to, for a definition. */
static bool
judge_as(Fixture *fixture, const SvirtDefinition *definition,
         const char *path, SvirtRefusalUse use, GPtrArray *ret_waivers,
         GError **error)
{
    g_autoptr(SvirtRefusalFacts) facts = NULL;
    g_autoptr(SvirtObject) object = fixture_open(path);
    const SvirtRefusalRequest request = { .use = use,
                                          .path = path,
                                          .target = "vda",
                                          .definition = definition,
                                          .now_s = TEST_NOW };

    svirt_refusal_facts_new(fixture->connection, fixture->config, &facts,
                            error);
    g_assert_nonnull(facts);
    return svirt_refusal_check(facts, fixture->state, object, &request,
                               ret_waivers, error);
}

static void
claim_object(Fixture *fixture, const char *path,
             const SvirtDefinition *definition)
{
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(GError) error = NULL;
    const SvirtOwner owner = { .uuid = definition->uuid,
                               .incarnation = definition->incarnation,
                               .author = definition->author };
    int64_t id;

    g_assert_true(svirt_state_begin(fixture->state, &error));
    svirt_objects_remember(fixture->state, &object->identity, path,
                           SVIRT_MODEL_NONE, &owner, NULL, NULL, &id, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_state_commit(fixture->state, &error));
}

static void
test_disk_of_another_author(Fixture *fixture, const void *data)
{
    g_autofree char *disk = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtDefinition) web =
        fixture_define(fixture, "web", TEST_UUID_A, 0);
    g_autoptr(SvirtDefinition) db =
        fixture_define(fixture, "db", TEST_UUID_B, 1000);
    g_autoptr(GError) error = NULL;

    claim_object(fixture, disk, web);
    g_assert_true(judge_as(fixture, web, disk, EXCLUSIVE, NULL, &error));
    g_assert_false(judge_as(fixture, db, disk, EXCLUSIVE, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_nonnull(strstr(error->message, "by rule other-author: 'web'"));
    g_clear_error(&error);
    g_assert_false(judge_as(fixture, db, disk, READ_ONLY, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
}

/* An output file is emptied: not even the disk's own VM may name it as one. */
static void
test_disk_as_output_file(Fixture *fixture, const void *data)
{
    g_autofree char *disk = fixture_file(fixture, "disk.img", "x");
    g_autofree char *log = fixture_file(fixture, "serial.log", "x");
    g_autoptr(SvirtDefinition) web =
        fixture_define(fixture, "web", TEST_UUID_A, 0);
    g_autoptr(GError) error = NULL;

    claim_object(fixture, disk, web);
    g_assert_true(judge_as(fixture, web, log, OUTPUT, NULL, &error));
    g_assert_false(judge_as(fixture, web, disk, OUTPUT, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_nonnull(strstr(error->message, "by rule other-author: 'web'"));
}

static void
waive(Fixture *fixture, const SvirtDefinition *definition, const char *layer,
      const char *resource, uid_t author, int64_t expires_s)
{
    g_autoptr(SvirtWaiver) waiver =
        svirt_waiver_new(&definition->uuid, layer, resource, "a test", author,
                         TEST_NOW - 100, expires_s);
    g_autoptr(GError) error = NULL;

    g_assert_true(svirt_state_begin(fixture->state, &error));
    svirt_waivers_add(fixture->state, waiver, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_state_commit(fixture->state, &error));
}

static void
unwaive(Fixture *fixture)
{
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(svirt_waivers_list(fixture->state, NULL, &list, &error));
    g_assert_true(svirt_state_begin(fixture->state, &error));
    for (unsigned i = 0; i < list->len; i++) {
        const SvirtWaiver *waiver = list->pdata[i];

        g_assert_true(
            svirt_waivers_remove(fixture->state, waiver->id, &error));
    }
    g_assert_true(svirt_state_commit(fixture->state, &error));
}

static const struct {
    const char *name;
    const char *layer;
    const char *resource; /* NULL: the path */
    uid_t granted_by;
    int64_t expires_s;
    uid_t author; /* of the definition */
    bool lifts;
} waiver_rows[] = {
    { "the path", "hard-link", NULL, 0, TEST_NOW + 1, 0, true },
    { "the path, of another author", "hard-link", NULL, 0, TEST_NOW + 1, 1000,
      true },
    { "the target", "hard-link", "vda", 0, TEST_NOW + 1, 0, true },
    { "the target, of another author", "hard-link", "vda", 0, TEST_NOW + 1,
      1000, false },
    { "another resource", "hard-link", "vdb", 0, TEST_NOW + 1, 0, false },
    { "another rule", "system-dir", NULL, 0, TEST_NOW + 1, 0, false },
    { "expired", "hard-link", NULL, 0, TEST_NOW - 1, 0, false },
    { "granted by the author", "hard-link", NULL, 1000, TEST_NOW + 1, 1000,
      false },
};

static void
test_waiver_lifts_one_rule(Fixture *fixture, const void *data)
{
    g_autofree char *disk = fixture_file(fixture, "disk.img", "x");
    g_autofree char *other = g_build_filename(fixture->dir, "other", NULL);

    g_assert_cmpint(link(disk, other), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(waiver_rows); i++) {
        g_autofree char *name = g_strdup_printf("vm%zu", i);
        g_autofree char *uuid =
            g_strdup_printf("11111111-2222-4333-8444-5555555555%02zu", i);
        g_autoptr(SvirtDefinition) definition =
            fixture_define(fixture, name, uuid, waiver_rows[i].author);
        g_autoptr(GPtrArray) used = g_ptr_array_new_with_free_func(
            (GDestroyNotify)svirt_waiver_free);
        g_autoptr(GError) error = NULL;
        const char *resource = waiver_rows[i].resource;
        bool taken;

        g_test_message("%s", waiver_rows[i].name);
        waive(fixture, definition, waiver_rows[i].layer,
              resource != NULL ? resource : disk, waiver_rows[i].granted_by,
              waiver_rows[i].expires_s);
        taken = judge_as(fixture, definition, disk, EXCLUSIVE, used, &error);
        g_assert_cmpint(taken, ==, waiver_rows[i].lifts);
        g_assert_cmpuint(used->len, ==, waiver_rows[i].lifts ? 1 : 0);
        unwaive(fixture);
    }
}

static void
test_state_is_never_waived(Fixture *fixture, const void *data)
{
    g_autofree char *path =
        g_strconcat(fixture->connection->state_dir, "/state.db", NULL);
    g_autoptr(SvirtDefinition) definition =
        fixture_define(fixture, "web", TEST_UUID_A, 0);
    g_autoptr(GError) error = NULL;

    waive(fixture, definition, "state", path, 0, TEST_NOW + 1);
    waive(fixture, definition, "state", "vda", 0, TEST_NOW + 1);
    g_assert_false(
        judge_as(fixture, definition, path, READ_ONLY, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_nonnull(strstr(svirt_error_hint(error), "nothing waives"));
}

/* What the hint says to do makes the next try succeed. */
static void
test_hint_is_the_command(Fixture *fixture, const void *data)
{
    g_autofree char *disk = fixture_file(fixture, "two names.img", "x");
    g_autofree char *other = g_build_filename(fixture->dir, "other", NULL);
    g_autoptr(SvirtDefinition) definition =
        fixture_define(fixture, "web", TEST_UUID_A, 0);
    g_autofree char *expected = g_strdup_printf(
        "svirt waiver add web --layer hard-link --resource '%s' "
        "--reason WHY --expires DAYS",
        disk);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(link(disk, other), ==, 0);
    g_assert_false(
        judge_as(fixture, definition, disk, EXCLUSIVE, NULL, &error));
    g_assert_nonnull(strstr(svirt_error_hint(error), expected));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_TEST("/compartment/refusal-waiver/disk-of-another-author",
                 test_disk_of_another_author);
    FIXTURE_TEST("/compartment/refusal-waiver/disk-as-output-file",
                 test_disk_as_output_file);
    FIXTURE_TEST("/compartment/refusal-waiver/waiver-lifts-one-rule",
                 test_waiver_lifts_one_rule);
    FIXTURE_TEST("/compartment/refusal-waiver/state-is-never-waived",
                 test_state_is_never_waived);
    FIXTURE_TEST("/compartment/refusal-waiver/hint-is-the-command",
                 test_hint_is_the_command);
    return g_test_run();
}
