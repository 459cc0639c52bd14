/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "state/directory.h"
#include "state/schema.h"
#include "state/state-private.h"
#include "state/statement.h"

#define DATABASE "state.db"
#define LOCK "state.lock"

/* Only recovery and checkpoints of others are waited for: writers queue. */
#define BUSY_MS 10000
/* A process that opens the database reads the whole log first: keep it short
 * enough for a command to last no longer than its exec. */
#define LOG_FRAMES 128

static void
disconnect(SvirtState *state)
{
    g_ptr_array_set_size(state->statements, 0);
    (void)sqlite3_close_v2(state->database); /* NULL is legal */
    state->database = NULL;
}

void
svirt_state_free(SvirtState *state)
{
    if (state == NULL) {
        return;
    }
    svirt_state_rollback(state);
    disconnect(state);
    g_ptr_array_unref(state->statements);
    if (state->vfs_registered) {
        svirt_directory_vfs_unregister(&state->vfs);
    }
    svirt_fd_close(&state->lock_fd);
    svirt_fd_close(&state->directory_fd);
    g_free(state->shown_path);
    g_free(state);
}

static int
note_frames(void *data, sqlite3 *database, const char *name, int frames)
{
    SvirtState *state = data;

    state->log_frames = frames;
    return SQLITE_OK;
}

/*
 * Carry the log over into the database and empty it. SQLite's automatic
 * checkpoint does not serve commands that live for one transaction: how far
 * it got is forgotten with the last process, so the log would only grow. A
 * reader in the way is not waited for: the next commit tries again.
 */
static void
shorten_log(SvirtState *state)
{
    if (state->log_frames < LOG_FRAMES) {
        return;
    }
    (void)sqlite3_busy_timeout(state->database, 0);
    (void)sqlite3_wal_checkpoint_v2(state->database, NULL,
                                    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(state->database, BUSY_MS);
}

static bool
connect(SvirtState *state, const char *options, GError **error)
{
    int flags = state->access == SVIRT_STATE_WRITE ? SQLITE_OPEN_READWRITE
                                                   : SQLITE_OPEN_READONLY;
    char uri[96];
    int status;

    if (!state->vfs_registered) {
        /* Nobody reads how much memory SQLite took: without the count each
         * allocation is without a mutex. Refused when one is open already. */
        (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        status = svirt_directory_vfs_register(&state->vfs);
        if (status != SQLITE_OK) {
            return svirt_state_raise(state, status, error);
        }
        state->vfs_registered = true;
    }
    g_snprintf(uri, sizeof(uri), "file:/proc/self/fd/%d/" DATABASE "%s",
               state->directory_fd, options);
    status = sqlite3_open_v2(uri, &state->database,
                             flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                             state->vfs.name);
    if (status != SQLITE_OK) {
        return svirt_state_raise(state, status, error);
    }
    (void)sqlite3_extended_result_codes(state->database, 1);
    (void)sqlite3_busy_timeout(state->database, BUSY_MS);
    (void)sqlite3_db_config(state->database, SQLITE_DBCONFIG_DEFENSIVE, 1,
                            NULL);
    (void)sqlite3_db_config(state->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
                            0, NULL);
    (void)sqlite3_db_config(state->database, SQLITE_DBCONFIG_ENABLE_FKEY, 1,
                            NULL);
    (void)sqlite3_db_config(state->database,
                            SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_wal_hook(state->database, note_frames, state);
    return true;
}

static bool
read_version(SvirtState *state, int64_t *ret, GError **error)
{
    return svirt_statement_number(state, "PRAGMA user_version", NULL, 0, ret,
                                  error);
}

static bool
raise_version(const SvirtState *state, int64_t version, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "use the svirt that wrote it, or a newer one",
                       "the state in '%s' has version %lld, not %d",
                       state->shown_path, (long long)version,
                       SVIRT_SCHEMA_VERSION);
}

static bool
execute(SvirtState *state, const char *sql, GError **error)
{
    int status = sqlite3_exec(state->database, sql, NULL, NULL, NULL);

    return status == SQLITE_OK || svirt_state_raise(state, status, error);
}

static bool
open_private(SvirtState *state, const char *name, int flags, int *ret_fd,
             GError **error)
{
    int fd = openat(state->directory_fd, name,
                    flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
    g_autofree char *hint = NULL;

    if (fd < 0) {
        int saved = errno;

        hint = g_strdup_printf("make '%s' writable", state->shown_path);
        return svirt_raise_errno(error, saved, hint, "cannot open '%s/%s'",
                                 state->shown_path, name);
    }
    *ret_fd = fd;
    return true;
}

/* Opened for each turn: a child forked at any other time must not keep the
 * lock when this process dies. */
static bool
lock(SvirtState *state, GError **error)
{
    if (!open_private(state, LOCK, O_RDWR | O_CREAT, &state->lock_fd,
                      error)) {
        return false;
    }
    while (flock(state->lock_fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            svirt_raise_errno(error, errno, NULL,
                              "cannot lock '%s/" LOCK "'",
                              state->shown_path);
            svirt_fd_close(&state->lock_fd);
            return false;
        }
    }
    return true;
}

static void
unlock(SvirtState *state)
{
    svirt_fd_close(&state->lock_fd);
}

bool
svirt_state_begin(SvirtState *state, GError **error)
{
    g_assert(state->access == SVIRT_STATE_WRITE && !state->in_transaction);
    if (!lock(state, error)) {
        return false;
    }
    if (!execute(state, "BEGIN IMMEDIATE", error)) {
        unlock(state);
        return false;
    }
    state->in_transaction = true;
    return true;
}

bool
svirt_state_commit(SvirtState *state, GError **error)
{
    g_assert(state->in_transaction);
    if (!execute(state, "COMMIT", error)) {
        svirt_state_rollback(state);
        return false;
    }
    state->in_transaction = false;
    shorten_log(state);
    unlock(state);
    return true;
}

void
svirt_state_rollback(SvirtState *state)
{
    if (!state->in_transaction) {
        return;
    }
    /* SQLite may have rolled back by itself (disk full): that is no error. */
    (void)sqlite3_exec(state->database, "ROLLBACK", NULL, NULL, NULL);
    state->in_transaction = false;
    unlock(state);
}

/* The log mode is a property of the file; it cannot change in a
 * transaction. */
static bool
create_schema(SvirtState *state, GError **error)
{
    char version[96];
    int64_t present;

    if (!lock(state, error)) {
        return false;
    }
    if (!execute(state, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL",
                 error)) {
        unlock(state);
        return false;
    }
    unlock(state);
    if (!svirt_state_begin(state, error)) {
        return false;
    }
    g_snprintf(version, sizeof(version),
               "PRAGMA application_id=%d; PRAGMA user_version=%d",
               SVIRT_SCHEMA_APPLICATION, SVIRT_SCHEMA_VERSION);
    /* Somebody may have been faster while the lock was not ours. */
    if (!read_version(state, &present, error) ||
        (present == 0 && (!svirt_schema_create(state, error) ||
                          !execute(state, version, error)))) {
        svirt_state_rollback(state);
        return false;
    }
    return svirt_state_commit(state, error);
}

static bool
open_for_writing(SvirtState *state, GError **error)
{
    SVIRT_AUTO_FD created = -1;
    g_autofree char *hint = NULL;
    bool exists;
    int64_t version;

    if (faccessat(state->directory_fd, ".", W_OK, AT_EACCESS) != 0) {
        int saved = errno;

        hint = g_strdup_printf("make '%s' writable", state->shown_path);
        return svirt_raise_errno(error, saved, hint,
                                 "cannot write the state in '%s'",
                                 state->shown_path);
    }
    if (!svirt_directory_check_file(state->directory_fd, state->shown_path,
                                    LOCK, &exists, error) ||
        !svirt_directory_check_file(state->directory_fd, state->shown_path,
                                    DATABASE, &exists, error)) {
        return false;
    }
    /* Made here, for its mode. Never opened beside SQLite: closing any other
     * descriptor of the file would drop SQLite's locks. */
    if (!exists &&
        !open_private(state, DATABASE, O_RDWR | O_CREAT, &created, error)) {
        return false;
    }
    svirt_fd_close(&created);
    if (!connect(state, "", error) ||
        !execute(state, "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY",
                 error) ||
        !read_version(state, &version, error)) {
        return false;
    }
    if (version == 0) {
        return create_schema(state, error);
    }
    if (version != SVIRT_SCHEMA_VERSION) {
        return raise_version(state, version, error);
    }
    /* A reader's file system may lose its right to write at any time. */
    if (sqlite3_db_readonly(state->database, "main") != 0) {
        return svirt_state_raise(state, SQLITE_READONLY, error);
    }
    return true;
}

/* A log that is missing, or empty, on a file system that cannot be written:
 * nobody changes the database, and nothing may be created beside it. */
static bool
can_be_immutable(const SvirtState *state)
{
    return faccessat(state->directory_fd, ".", W_OK, AT_EACCESS) != 0 &&
           faccessat(state->directory_fd, DATABASE "-wal", F_OK, 0) != 0;
}

static bool
open_for_reading(SvirtState *state, GError **error)
{
    bool exists;
    int64_t version;

    if (state->directory_fd < 0) {
        return true;
    }
    if (!svirt_directory_check_file(state->directory_fd, state->shown_path,
                                    DATABASE, &exists, error)) {
        return false;
    }
    if (!exists) {
        return true;
    }
    if (!connect(state, can_be_immutable(state) ? "?immutable=1" : "",
                 error) ||
        !read_version(state, &version, error)) {
        return false;
    }
    if (version == 0) {
        /* Made a moment ago, or by a command that was killed. */
        disconnect(state);
        return true;
    }
    return version == SVIRT_SCHEMA_VERSION ||
           raise_version(state, version, error);
}

bool
svirt_state_open(const char *directory, SvirtStateAccess access,
                 SvirtState **ret, GError **error)
{
    g_autoptr(SvirtState) state = g_new0(SvirtState, 1);

    state->access = access;
    state->shown_path = g_strdup(directory);
    state->directory_fd = -1;
    state->lock_fd = -1;
    state->statements = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_statement_free);
    if (!svirt_directory_open(directory, access == SVIRT_STATE_WRITE,
                              &state->directory_fd, error)) {
        return false;
    }
    if (access == SVIRT_STATE_WRITE ? !open_for_writing(state, error)
                                    : !open_for_reading(state, error)) {
        return false;
    }
    *ret = g_steal_pointer(&state);
    return true;
}
