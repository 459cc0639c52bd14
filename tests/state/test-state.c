/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>

static char *
path_of(const Fixture *fixture, const char *name)
{
    return g_build_filename(fixture->directory, name, NULL);
}

static unsigned
count_definitions(SvirtState *state)
{
    g_autoptr(GPtrArray) list = NULL;

    ASSERT_WORKS(svirt_definitions_list(state, &list, &error));
    return list->len;
}

static unsigned
count_again(const char *directory)
{
    g_autoptr(SvirtState) state = open_state(directory, SVIRT_STATE_READ);

    return count_definitions(state);
}

static void
test_missing_is_empty_and_creates_nothing(void)
{
    g_autofree char *directory = make_directory();
    g_autofree char *below = g_build_filename(directory, "none", NULL);
    SvirtUuid uuid = numbered_uuid(1);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(GDir) entries = NULL;
    g_autoptr(SvirtState) state = open_state(directory, SVIRT_STATE_READ);

    g_assert_cmpuint(count_definitions(state), ==, 0);
    ASSERT_FAILS(svirt_definitions_by_uuid(state, &uuid, &definition, &error),
                 SVIRT_ERROR_NOT_FOUND);
    g_assert_cmpuint(count_again(below), ==, 0);
    entries = g_dir_open(directory, 0, NULL);
    g_assert_null(g_dir_read_name(entries));
    remove_tree(directory);
}

static void
test_files_are_private(Fixture *fixture, gconstpointer data)
{
    static const char *const names[] = { "state.db", "state.db-wal",
                                         "state.db-shm", "state.lock" };

    define(fixture->state, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = path_of(fixture, names[i]);
        struct stat st;

        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmphex(st.st_mode, ==, S_IFREG | 0600);
    }
}

static void
test_rollback_leaves_nothing(Fixture *fixture, gconstpointer data)
{
    SvirtUuid uuid = numbered_uuid(1);
    g_autoptr(SvirtDefinition) definition =
        svirt_definition_new(&uuid, "web", 0, "<domain/>", 1);

    begin(fixture->state);
    ASSERT_WORKS(svirt_definitions_add(fixture->state, definition, &error));
    svirt_state_rollback(fixture->state);
    g_assert_cmpuint(count_definitions(fixture->state), ==, 0);
    svirt_state_rollback(fixture->state); /* without one: nothing */
    CHANGE(fixture->state,
           svirt_definitions_add(fixture->state, definition, &error));
    g_assert_cmpuint(count_again(fixture->directory), ==, 1);
}

static void
test_readers_see_commits_of_others(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtState) reader =
        open_state(fixture->directory, SVIRT_STATE_READ);

    g_assert_cmpuint(count_definitions(reader), ==, 0);
    define(fixture->state, 1);
    g_assert_cmpuint(count_definitions(reader), ==, 1);
}

static void
test_log_stays_short(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = path_of(fixture, "state.db-wal");
    struct stat st;

    for (unsigned i = 0; i < 300; i++) {
        define(fixture->state, i);
    }
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_size, <, 1 << 20);
}

/* An emptied log is as good as none, and what it was is not read again. */
static void
test_log_is_emptied_in_place(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = path_of(fixture, "state.db-wal");
    unsigned emptied = 0;

    for (unsigned i = 0; i < 120; i++) {
        g_autofree char *log = NULL;
        gsize length;

        define(fixture->state, i);
        g_assert_true(g_file_get_contents(path, &log, &length, NULL));
        g_assert_cmpuint(length, >, 4096);
        if (memcmp(log, "\0\0\0\0\0\0\0\0", 8) == 0) {
            emptied++;
        }
        /* As the next process does, which has to read what is there. */
        g_clear_pointer(&fixture->state, svirt_state_free);
        g_assert_cmpuint(count_again(fixture->directory), ==, i + 1);
        fixture->state = open_state(fixture->directory, SVIRT_STATE_WRITE);
    }
    g_assert_cmpuint(emptied, >, 1);
}

static void
test_unsafe_directory_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtState) state = NULL;

    g_assert_cmpint(g_chmod(fixture->directory, 0770), ==, 0);
    ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_READ,
                                  &state, &error),
                 SVIRT_ERROR_REFUSED);
    ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_WRITE,
                                  &state, &error),
                 SVIRT_ERROR_REFUSED);
    g_assert_cmpint(g_chmod(fixture->directory, 0700), ==, 0);
    if (geteuid() == 0) {
        g_assert_cmpint(chown(fixture->directory, 12345, 0), ==, 0);
        ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_READ,
                                      &state, &error),
                     SVIRT_ERROR_REFUSED);
        g_assert_cmpint(chown(fixture->directory, 0, 0), ==, 0);
    }
}

static void
test_unsafe_database_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtState) state = NULL;
    g_autofree char *path = path_of(fixture, "state.db");
    g_autofree char *other = path_of(fixture, "other");

    g_assert_cmpint(g_chmod(path, 0640), ==, 0);
    ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_READ,
                                  &state, &error),
                 SVIRT_ERROR_REFUSED);
    g_assert_cmpint(g_chmod(path, 0600), ==, 0);
    g_assert_cmpint(link(path, other), ==, 0);
    ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_READ,
                                  &state, &error),
                 SVIRT_ERROR_REFUSED);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(symlink("other", path), ==, 0);
    ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_WRITE,
                                  &state, &error),
                 SVIRT_ERROR_REFUSED);
}

static void
test_directory_is_held_not_named(Fixture *fixture, gconstpointer data)
{
    g_autofree char *moved = g_strconcat(fixture->directory, "-moved", NULL);
    g_autoptr(SvirtState) reader = NULL;

    define(fixture->state, 1);
    reader = open_state(fixture->directory, SVIRT_STATE_READ);
    /* A directory put in its place later is never looked at. */
    g_assert_cmpint(g_rename(fixture->directory, moved), ==, 0);
    g_assert_cmpint(g_mkdir(fixture->directory, 0700), ==, 0);
    define(fixture->state, 2);
    g_assert_cmpuint(count_definitions(reader), ==, 2);
    g_assert_cmpuint(count_again(moved), ==, 2);
    g_assert_cmpuint(count_again(fixture->directory), ==, 0);
    remove_tree(fixture->directory);
    g_assert_cmpint(g_rename(moved, fixture->directory), ==, 0);
}

static void
test_newer_version_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = path_of(fixture, "state.db");
    g_autoptr(SvirtState) state = NULL;
    sqlite3 *database = NULL;

    g_assert_cmpint(sqlite3_open(path, &database), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(database, "PRAGMA user_version=99", NULL,
                                 NULL, NULL),
                    ==, SQLITE_OK);
    sqlite3_close(database);
    ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_READ,
                                  &state, &error),
                 SVIRT_ERROR_UNSUPPORTED);
    ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_WRITE,
                                  &state, &error),
                 SVIRT_ERROR_UNSUPPORTED);
}

static void
test_damage_is_told(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = path_of(fixture, "state.db");
    g_autofree char *log = path_of(fixture, "state.db-wal");
    g_autoptr(SvirtState) state = NULL;
    char noise[4096];

    g_clear_pointer(&fixture->state, svirt_state_free);
    memset(noise, 'x', sizeof(noise));
    g_assert_cmpint(g_unlink(log), ==, 0); /* it still has every page */
    g_assert_true(g_file_set_contents_full(path, noise, sizeof(noise),
                                           G_FILE_SET_CONTENTS_NONE, 0600,
                                           NULL));
    ASSERT_FAILS(svirt_state_open(fixture->directory, SVIRT_STATE_READ,
                                  &state, &error),
                 SVIRT_ERROR_CORRUPT);
}

/* A process killed at creation leaves an empty file: it is an empty state. */
static void
test_empty_file_is_empty_state(void)
{
    g_autofree char *directory = make_directory();
    g_autofree char *path = g_build_filename(directory, "state.db", NULL);
    g_autoptr(SvirtState) state = NULL;

    g_assert_true(g_file_set_contents_full(path, "", 0,
                                           G_FILE_SET_CONTENTS_NONE, 0600,
                                           NULL));
    g_assert_cmpuint(count_again(directory), ==, 0);
    state = open_state(directory, SVIRT_STATE_WRITE);
    define(state, 1);
    g_assert_cmpuint(count_again(directory), ==, 1);
    remove_tree(directory);
}

/* Runs `body` in a child with a mount namespace of its own. */
static bool
in_mounts(void (*body)(const char *), const char *directory)
{
    pid_t child = fork();
    int status;

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
            _exit(77);
        }
        body(directory);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        g_test_skip("no right to make a mount namespace");
        return false;
    }
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return true;
}

static void
read_only_body(const char *directory)
{
    g_autoptr(SvirtState) state = NULL;

    if (mount(directory, directory, NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, directory, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
              NULL) != 0) {
        _exit(77);
    }
    g_assert_cmpuint(count_again(directory), ==, 1);
    ASSERT_FAILS(
        svirt_state_open(directory, SVIRT_STATE_WRITE, &state, &error),
        SVIRT_ERROR_SYSTEM);
}

static void
test_read_only_directory_can_be_read(Fixture *fixture, gconstpointer data)
{
    g_autofree char *log = path_of(fixture, "state.db-wal");
    g_autofree char *shared = path_of(fixture, "state.db-shm");

    define(fixture->state, 1);
    g_clear_pointer(&fixture->state, svirt_state_free);
    if (!in_mounts(read_only_body, fixture->directory)) {
        return;
    }
    /* A backup may hold the database alone. */
    fixture->state = open_state(fixture->directory, SVIRT_STATE_WRITE);
    g_clear_pointer(&fixture->state, svirt_state_free);
    {
        sqlite3 *database = NULL;
        g_autofree char *path = path_of(fixture, "state.db");

        g_assert_cmpint(sqlite3_open(path, &database), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_exec(database,
                                     "PRAGMA wal_checkpoint(TRUNCATE)", NULL,
                                     NULL, NULL),
                        ==, SQLITE_OK);
        sqlite3_close(database);
    }
    (void)g_unlink(log);
    (void)g_unlink(shared);
    in_mounts(read_only_body, fixture->directory);
}

static void
full_disk_body(const char *directory)
{
    g_autoptr(SvirtState) state = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = g_strnfill(50000, 'x');
    unsigned done = 0;

    if (mount("tmpfs", directory, "tmpfs", 0, "size=1m,mode=0700") != 0) {
        _exit(77);
    }
    state = open_state(directory, SVIRT_STATE_WRITE);
    while (error == NULL) {
        SvirtUuid uuid = numbered_uuid(done);
        g_autofree char *name = g_strdup_printf("vm%u", done);
        g_autoptr(SvirtDefinition) definition =
            svirt_definition_new(&uuid, name, 0, xml, 1);

        if (svirt_state_begin(state, &error) &&
            svirt_definitions_add(state, definition, &error) &&
            svirt_state_commit(state, &error)) {
            done++;
        }
        svirt_state_rollback(state);
    }
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
    g_assert_nonnull(strstr(error->message, "no space left"));
    g_assert_nonnull(svirt_error_hint(error));
    g_assert_cmpuint(done, >, 3);
    /* Whatever was committed is there, the failed one is not. */
    g_assert_cmpuint(count_definitions(state), ==, done);
    g_assert_cmpuint(count_again(directory), ==, done);
}

static void
test_full_disk_is_told(void)
{
    g_autofree char *directory = make_directory();

    in_mounts(full_disk_body, directory);
    remove_tree(directory);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/state/missing-is-empty-and-creates-nothing",
                    test_missing_is_empty_and_creates_nothing);
    ADD("/state/state/files-are-private", test_files_are_private);
    ADD("/state/state/rollback-leaves-nothing", test_rollback_leaves_nothing);
    ADD("/state/state/readers-see-commits-of-others",
        test_readers_see_commits_of_others);
    ADD("/state/state/log-stays-short", test_log_stays_short);
    ADD("/state/state/log-is-emptied-in-place", test_log_is_emptied_in_place);
    ADD("/state/state/unsafe-directory-is-refused",
        test_unsafe_directory_is_refused);
    ADD("/state/state/unsafe-database-is-refused",
        test_unsafe_database_is_refused);
    ADD("/state/state/directory-is-held-not-named",
        test_directory_is_held_not_named);
    ADD("/state/state/newer-version-is-refused",
        test_newer_version_is_refused);
    ADD("/state/state/damage-is-told", test_damage_is_told);
    g_test_add_func("/state/state/empty-file-is-empty-state",
                    test_empty_file_is_empty_state);
    ADD("/state/state/read-only-directory-can-be-read",
        test_read_only_directory_can_be_read);
    g_test_add_func("/state/state/full-disk-is-told", test_full_disk_is_told);
    return g_test_run();
}
