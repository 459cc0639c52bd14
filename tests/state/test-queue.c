/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "state/objects.h"

static unsigned
count(const char *directory)
{
    g_autoptr(SvirtState) state = open_state(directory, SVIRT_STATE_READ);
    g_autoptr(GPtrArray) list = NULL;

    ASSERT_WORKS(svirt_definitions_list(state, &list, &error));
    return list->len;
}

/* Writes until `end`; tells the longest wait in microseconds and how many
 * transactions it had. */
static void
writer_body(const char *directory, unsigned number, int ret_fd, int64_t end)
{
    g_autoptr(SvirtState) state = open_state(directory, SVIRT_STATE_WRITE);
    int64_t report[2] = { 0, 0 };

    while (g_get_monotonic_time() < end) {
        int64_t start = g_get_monotonic_time();
        SvirtUuid uuid = numbered_uuid(number);
        g_autofree char *reason = g_strdup_printf("%d", (int)report[1]);

        begin(state);
        ASSERT_WORKS(svirt_definitions_set_tainted(state, &uuid, reason,
                                                   &error));
        commit(state);
        report[0] = MAX(report[0], g_get_monotonic_time() - start);
        report[1]++;
    }
    g_assert_cmpint(write(ret_fd, report, sizeof(report)), ==,
                    sizeof(report));
}

static void
test_16_writers_do_not_starve(Fixture *fixture, gconstpointer data)
{
    enum { WRITERS = 16 };
    int64_t end = g_get_monotonic_time() + 3 * G_USEC_PER_SEC;
    int64_t least = INT64_MAX, total = 0, worst = 0;
    int fds[2];

    for (unsigned i = 0; i < WRITERS; i++) {
        define(fixture->state, i);
    }
    g_assert_cmpint(pipe(fds), ==, 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        pid_t child = fork();

        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            writer_body(fixture->directory, i, fds[1], end);
            _exit(0);
        }
    }
    close(fds[1]);
    for (unsigned i = 0; i < WRITERS; i++) {
        int64_t report[2];

        g_assert_cmpint(read(fds[0], report, sizeof(report)), ==,
                        sizeof(report));
        worst = MAX(worst, report[0]);
        least = MIN(least, report[1]);
        total += report[1];
    }
    while (wait(NULL) > 0) {
    }
    close(fds[0]);
    g_test_message("%d writers: %.0f transactions/s, least %d each, longest "
                   "wait %.1f ms",
                   WRITERS, (double)total / 3, (int)least,
                   (double)worst / 1000);
    g_assert_cmpint(least, >, 0);
    g_assert_cmpint(worst, <, 2 * G_USEC_PER_SEC);
}

/* Creation is raced too: everybody finds one schema. */
static void
test_creation_can_be_raced(void)
{
    g_autofree char *directory = make_directory();
    unsigned failed = 0;

    for (unsigned i = 0; i < 8; i++) {
        pid_t child = fork();

        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            SvirtState *state = open_state(directory, SVIRT_STATE_WRITE);

            define(state, i);
            svirt_state_free(state);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        int status;

        g_assert_cmpint(wait(&status), >, 0);
        failed += status != 0;
    }
    g_assert_cmpuint(failed, ==, 0);
    g_assert_cmpuint(count(directory), ==, 8);
    remove_tree(directory);
}

/* A writer killed inside its transaction holds nobody up and changes
 * nothing. */
static void
test_killed_writer_leaves_before_or_after(Fixture *fixture,
                                          gconstpointer data)
{
    for (unsigned round = 0; round < 3; round++) {
        SvirtUuid other = numbered_uuid(100 + round);
        pid_t child = fork();
        int status;

        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            g_autoptr(SvirtState) state =
                open_state(fixture->directory, SVIRT_STATE_WRITE);
            SvirtUuid uuid = numbered_uuid(round);
            g_autofree char *name = g_strdup_printf("vm%u", round);
            g_autoptr(SvirtDefinition) definition =
                svirt_definition_new(&uuid, name, 0, "<domain/>", 1);

            begin(state);
            if (round > 0) {
                ASSERT_WORKS(
                    svirt_definitions_add(state, definition, &error));
            }
            if (round > 1) {
                commit(state);
            }
            raise(SIGKILL);
        }
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true(WIFSIGNALED(status));
        g_assert_cmpuint(count(fixture->directory), ==, round > 1);
        define(fixture->state, 100 + round);
        CHANGE(fixture->state,
               svirt_definitions_remove(fixture->state, &other, &error));
    }
}

/* The keeper is such a child: it outlives the command that forked it. */
static void
test_forked_child_keeps_no_lock(Fixture *fixture, gconstpointer data)
{
    int fds[2];
    pid_t child, grandchild = -1;
    int status;

    g_assert_cmpint(pipe(fds), ==, 0);
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        g_autoptr(SvirtState) state =
            open_state(fixture->directory, SVIRT_STATE_WRITE);

        grandchild = fork();
        if (grandchild == 0) {
            pause();
            _exit(0);
        }
        g_assert_cmpint(write(fds[1], &grandchild, sizeof(grandchild)), ==,
                        sizeof(grandchild));
        begin(state);
        raise(SIGKILL);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(read(fds[0], &grandchild, sizeof(grandchild)), ==,
                    sizeof(grandchild));
    define(fixture->state, 1); /* would wait for ever */
    g_assert_cmpint(kill(grandchild, SIGKILL), ==, 0);
    close(fds[0]);
    close(fds[1]);
}

static int64_t
log_bytes(const Fixture *fixture)
{
    g_autofree char *path =
        g_build_filename(fixture->directory, "state.db-wal", NULL);
    struct stat st;

    g_assert_cmpint(stat(path, &st), ==, 0);
    return st.st_size;
}

/* What a start does again: claims and originals that are all there. */
static void
start_again(SvirtState *state)
{
    SvirtOwner owner = numbered_owner(1);
    SvirtIdentity identity = { .format = S_IFREG,
                               .ino = 5,
                               .has_birth = true };
    g_autoptr(SvirtClaim) claim =
        svirt_claim_new(&owner, SVIRT_MODEL_SELINUX, "t", "u:r:t:s0:c1,c2");
    int64_t id;
    uid_t uid;

    claim->has_categories = true;
    svirt_category_set_add_range(&claim->categories, 1, 2);
    begin(state);
    ASSERT_WORKS(svirt_claims_add(state, claim, &error));
    ASSERT_WORKS(svirt_claims_uid_block(state, &owner, 1000, 2000, NULL,
                                        NULL, &uid, &error));
    ASSERT_WORKS(svirt_objects_remember(state, &identity, "/a",
                                        SVIRT_MODEL_SELINUX, &owner, "old",
                                        "new", &id, &error));
    ASSERT_WORKS(svirt_objects_remember(state, &identity, "/a",
                                        SVIRT_MODEL_NONE, &owner, NULL, NULL,
                                        &id, &error));
    commit(state);
}

static void
test_nothing_new_writes_nothing(Fixture *fixture, gconstpointer data)
{
    int64_t empty = log_bytes(fixture);
    int64_t bytes;

    start_again(fixture->state);
    bytes = log_bytes(fixture);
    g_assert_cmpint(bytes, >, empty);
    start_again(fixture->state);
    g_assert_cmpint(log_bytes(fixture), ==, bytes);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/state/queue/16-writers-do-not-starve",
        test_16_writers_do_not_starve);
    g_test_add_func("/state/queue/creation-can-be-raced",
                    test_creation_can_be_raced);
    ADD("/state/queue/killed-writer-leaves-before-or-after",
        test_killed_writer_leaves_before_or_after);
    ADD("/state/queue/forked-child-keeps-no-lock",
        test_forked_child_keeps_no_lock);
    ADD("/state/queue/nothing-new-writes-nothing",
        test_nothing_new_writes_nothing);
    return g_test_run();
}
