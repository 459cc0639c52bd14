/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "state/journal.h"

enum { STEPS = 3 };

static SvirtJournal *
make(uint64_t number)
{
    SvirtOwner owner = { numbered_uuid(number), 4, 1000 };
    SvirtIdentity identity = { .format = S_IFREG,
                               .ino = 12,
                               .has_birth = true,
                               .birth_s = 99 };
    SvirtJournal *journal = NULL;

    ASSERT_WORKS(svirt_journal_new(&owner, "start", 1234, &journal, &error));
    svirt_journal_add_step(journal, "relabel", SVIRT_MODEL_SMACK, &identity,
                           "/a", "old", "new");
    svirt_journal_add_step(journal, "relabel", SVIRT_MODEL_SELINUX, NULL,
                           NULL, NULL, "u:r:t:s0:c1");
    svirt_journal_add_step(journal, "chown", SVIRT_MODEL_DAC, &identity, "/b",
                           "+0:+0", NULL);
    return journal;
}

static void
test_comes_back_whole(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtJournal) journal = make(1);
    g_autoptr(GPtrArray) list = NULL;
    const SvirtJournal *found;
    const SvirtJournalStep *first, *second, *third;

    ((SvirtJournalStep *)journal->steps->pdata[0])->object_id = 77;
    CHANGE(fixture->state,
           svirt_journal_plan(fixture->state, journal, &error));
    CHANGE(fixture->state,
           svirt_journal_mark(fixture->state, journal, 0, 2,
                              SVIRT_JOURNAL_STEP_APPLIED, &error));
    ASSERT_WORKS(svirt_journal_list_open(fixture->state, &list, &error));
    g_assert_cmpuint(list->len, ==, 1);
    found = list->pdata[0];
    g_assert_cmpstr(found->verb, ==, "start");
    g_assert_cmpuint(found->owner.author, ==, 1000);
    g_assert_cmpuint(found->owner.incarnation, ==, 4);
    g_assert_cmpint(found->created_s, ==, 1234);
    g_assert_cmpint(found->writer.pid, ==, getpid());
    g_assert_true(svirt_process_mark_alive(&found->writer));
    g_assert_cmpuint(found->steps->len, ==, STEPS);
    first = found->steps->pdata[0];
    second = found->steps->pdata[1];
    third = found->steps->pdata[2];
    g_assert_cmpstr(first->action, ==, "relabel");
    g_assert_cmpint(first->object_id, ==, 77);
    g_assert_true(first->has_identity);
    g_assert_cmpuint(first->identity.ino, ==, 12);
    g_assert_cmpint(first->identity.birth_s, ==, 99);
    g_assert_cmpstr(first->shown_path, ==, "/a");
    g_assert_cmpstr(first->before, ==, "old");
    g_assert_cmpstr(first->after, ==, "new");
    g_assert_cmpint(first->state, ==, SVIRT_JOURNAL_STEP_APPLIED);
    g_assert_false(second->has_identity);
    g_assert_null(second->before);
    g_assert_cmpint(second->model, ==, SVIRT_MODEL_SELINUX);
    g_assert_cmpint(second->state, ==, SVIRT_JOURNAL_STEP_APPLIED);
    g_assert_null(third->after);
    g_assert_cmpint(third->state, ==, SVIRT_JOURNAL_STEP_PLANNED);
}

static void
test_one_open_journal_per_vm(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtJournal) first = make(1);
    g_autoptr(SvirtJournal) second = make(1);
    g_autoptr(SvirtJournal) other = make(2);

    CHANGE(fixture->state, svirt_journal_plan(fixture->state, first, &error));
    CHANGE_FAILS(fixture->state,
                 svirt_journal_plan(fixture->state, second, &error),
                 SVIRT_ERROR_BUSY);
    CHANGE(fixture->state, svirt_journal_plan(fixture->state, other, &error));
    CHANGE(fixture->state,
           svirt_journal_close(fixture->state, first, SVIRT_JOURNAL_DONE,
                               &error));
    g_assert_cmpint(first->state, ==, SVIRT_JOURNAL_DONE);
    CHANGE(fixture->state,
           svirt_journal_plan(fixture->state, second, &error));
    /* The first is history: it can neither go on nor end twice. */
    CHANGE_FAILS(fixture->state,
                 svirt_journal_mark(fixture->state, first, 0, 1,
                                    SVIRT_JOURNAL_STEP_WRITING, &error),
                 SVIRT_ERROR_STATE);
    CHANGE_FAILS(fixture->state,
                 svirt_journal_close(fixture->state, first,
                                     SVIRT_JOURNAL_UNDONE, &error),
                 SVIRT_ERROR_STATE);
}

/* The object a journal changes, in these tests: one file with one value per
 * step, written in place of a label. */
static void
write_value(const char *directory, unsigned step, const char *value)
{
    g_autofree char *path = g_strdup_printf("%s/value%u", directory, step);

    g_assert_true(g_file_set_contents(path, value, -1, NULL));
}

static char *
read_value(const char *directory, unsigned step)
{
    g_autofree char *path = g_strdup_printf("%s/value%u", directory, step);
    char *value = NULL;

    g_assert_true(g_file_get_contents(path, &value, NULL, NULL));
    return value;
}

/* Dies before the `at`-th record or write of a whole start. */
static void
run_and_die(const char *directory, int at)
{
    g_autoptr(SvirtState) state = open_state(directory, SVIRT_STATE_WRITE);
    g_autoptr(SvirtJournal) journal = make(1);
    int count = 0;

#define POINT                                                                \
    do {                                                                     \
        if (count++ == at) {                                                 \
            raise(SIGKILL);                                                  \
        }                                                                    \
    } while (0)

    POINT;
    CHANGE(state, svirt_journal_plan(state, journal, &error));
    for (unsigned i = 0; i < STEPS; i++) {
        POINT;
        CHANGE(state, svirt_journal_mark(state, journal, i, 1,
                                         SVIRT_JOURNAL_STEP_WRITING,
                                         &error));
        POINT;
        write_value(directory, i, "after");
        POINT;
        CHANGE(state, svirt_journal_mark(state, journal, i, 1,
                                         SVIRT_JOURNAL_STEP_APPLIED,
                                         &error));
        POINT;
        CHANGE(state, svirt_journal_mark(state, journal, i, 1,
                                         SVIRT_JOURNAL_STEP_VERIFIED,
                                         &error));
    }
    POINT;
    CHANGE(state, svirt_journal_close(state, journal, SVIRT_JOURNAL_DONE,
                                      &error));
    POINT;
#undef POINT
}

/* What recover does: undo every step that may have been begun, backwards. */
static unsigned
recover(const char *directory)
{
    g_autoptr(SvirtState) state = open_state(directory, SVIRT_STATE_WRITE);
    g_autoptr(GPtrArray) list = NULL;

    ASSERT_WORKS(svirt_journal_list_open(state, &list, &error));
    for (unsigned i = 0; i < list->len; i++) {
        SvirtJournal *journal = list->pdata[i];

        g_assert_false(svirt_process_mark_alive(&journal->writer));
        CHANGE(state, svirt_journal_adopt(state, journal, &error));
        for (unsigned s = journal->steps->len; s-- > 0;) {
            const SvirtJournalStep *step = journal->steps->pdata[s];

            if (step->state != SVIRT_JOURNAL_STEP_PLANNED) {
                write_value(directory, s, "before");
            }
            CHANGE(state, svirt_journal_mark(state, journal, s, 1,
                                             SVIRT_JOURNAL_STEP_UNDONE,
                                             &error));
        }
        CHANGE(state, svirt_journal_close(state, journal,
                                          SVIRT_JOURNAL_UNDONE, &error));
    }
    return list->len;
}

static void
test_kill_at_every_record_is_before_or_after(Fixture *fixture,
                                             gconstpointer data)
{
    unsigned before = 0, after = 0, recovered = 0;
    enum { POINTS = 1 + 4 * STEPS + 2 };

    for (int at = 0; at < POINTS; at++) {
        unsigned changed = 0;
        pid_t child;
        int status;

        for (unsigned i = 0; i < STEPS; i++) {
            write_value(fixture->directory, i, "before");
        }
        child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            run_and_die(fixture->directory, at);
            _exit(0);
        }
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        recovered += recover(fixture->directory);
        for (unsigned i = 0; i < STEPS; i++) {
            g_autofree char *value = read_value(fixture->directory, i);

            changed += strcmp(value, "after") == 0;
        }
        g_assert_true(changed == 0 || changed == STEPS);
        before += changed == 0;
        after += changed == STEPS;
        g_assert_cmpuint(recover(fixture->directory), ==, 0);
    }
    /* Nothing planned; done and closed: the two ends need no recovery. */
    g_assert_cmpuint(recovered, ==, POINTS - 2);
    g_assert_cmpuint(before, ==, POINTS - 1);
    g_assert_cmpuint(after, ==, 1);
}

static void
test_living_writer_is_left_alone(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtJournal) journal = make(1);
    g_autoptr(GPtrArray) list = NULL;

    CHANGE(fixture->state,
           svirt_journal_plan(fixture->state, journal, &error));
    ASSERT_WORKS(svirt_journal_list_open(fixture->state, &list, &error));
    CHANGE_FAILS(
        fixture->state,
        svirt_journal_adopt(fixture->state, list->pdata[0], &error),
        SVIRT_ERROR_BUSY);
}

static void
test_two_recoveries_do_not_both_adopt(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtJournal) journal = make(1);
    g_autoptr(GPtrArray) first = NULL;
    g_autoptr(GPtrArray) second = NULL;

    journal->writer.start_ticks++; /* another process, long gone */
    CHANGE(fixture->state,
           svirt_journal_plan(fixture->state, journal, &error));
    ASSERT_WORKS(svirt_journal_list_open(fixture->state, &first, &error));
    ASSERT_WORKS(svirt_journal_list_open(fixture->state, &second, &error));
    CHANGE(fixture->state,
           svirt_journal_adopt(fixture->state, first->pdata[0], &error));
    CHANGE_FAILS(
        fixture->state,
        svirt_journal_adopt(fixture->state, second->pdata[0], &error),
        SVIRT_ERROR_STATE);
}

static void
test_process_marks(void)
{
    SvirtProcessMark self, other;
    pid_t child;

    ASSERT_WORKS(svirt_process_mark_self(&self, &error));
    g_assert_true(svirt_process_mark_alive(&self));
    other = self;
    other.start_ticks--;
    g_assert_false(svirt_process_mark_alive(&other));
    other = self;
    other.boot_id[0] ^= 1;
    g_assert_false(svirt_process_mark_alive(&other));
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        _exit(0);
    }
    /* A zombie is no writer; nor is one whose number is free again. */
    g_assert_cmpint(waitid(P_PID, (id_t)child, &(siginfo_t){ 0 },
                           WEXITED | WNOWAIT),
                    ==, 0);
    other = self;
    other.pid = child;
    g_assert_false(svirt_process_mark_alive(&other));
    g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
    g_assert_false(svirt_process_mark_alive(&other));
}

static void
test_every_state_has_a_word(void)
{
    for (unsigned i = 0; i < SVIRT_JOURNAL_STEP_MAX; i++) {
        const char *word =
            svirt_journal_step_state_to_string((SvirtJournalStepState)i);
        SvirtJournalStepState back;

        g_assert_true(svirt_journal_step_state_from_string(word, &back));
        g_assert_cmpuint(back, ==, i);
    }
    for (unsigned i = 0; i < SVIRT_JOURNAL_MAX; i++) {
        const char *word =
            svirt_journal_state_to_string((SvirtJournalState)i);
        SvirtJournalState back;

        g_assert_true(svirt_journal_state_from_string(word, &back));
        g_assert_cmpuint(back, ==, i);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/state/journal/comes-back-whole", test_comes_back_whole);
    ADD("/state/journal/one-open-journal-per-vm",
        test_one_open_journal_per_vm);
    ADD("/state/journal/kill-at-every-record-is-before-or-after",
        test_kill_at_every_record_is_before_or_after);
    ADD("/state/journal/living-writer-is-left-alone",
        test_living_writer_is_left_alone);
    ADD("/state/journal/two-recoveries-do-not-both-adopt",
        test_two_recoveries_do_not_both_adopt);
    g_test_add_func("/state/journal/process-marks", test_process_marks);
    g_test_add_func("/state/journal/every-state-has-a-word",
                    test_every_state_has_a_word);
    return g_test_run();
}
