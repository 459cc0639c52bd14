/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include <signal.h>
#include <sys/wait.h>

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
    return g_test_run();
}
