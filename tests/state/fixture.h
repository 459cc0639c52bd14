/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/uuid.h"
#include "state/claims.h"
#include "state/definitions.h"
#include "state/state.h"

/* A directory of its own per test, removed with all in it. */
typedef struct Fixture {
    char *directory; /* owned */
    SvirtState *state; /* owned; open for writing */
} Fixture;

static inline void
remove_tree(const char *path)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    const char *name;

    while (directory != NULL && (name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) &&
            !g_file_test(child, G_FILE_TEST_IS_SYMLINK)) {
            remove_tree(child);
        } else {
            g_assert_cmpint(g_unlink(child), ==, 0);
        }
    }
    g_assert_cmpint(g_rmdir(path), ==, 0);
}

static inline char *
make_directory(void)
{
    g_autoptr(GError) error = NULL;
    char *path = g_dir_make_tmp("svirt-state-XXXXXX", &error);

    g_assert_no_error(error);
    return path;
}

static inline SvirtState *
open_state(const char *directory, SvirtStateAccess access)
{
    g_autoptr(GError) error = NULL;
    SvirtState *state = NULL;

    svirt_state_open(directory, access, &state, &error);
    g_assert_no_error(error);
    return state;
}

static inline void
fixture_set_up(Fixture *fixture, gconstpointer data)
{
    fixture->directory = make_directory();
    fixture->state = open_state(fixture->directory, SVIRT_STATE_WRITE);
}

static inline void
fixture_tear_down(Fixture *fixture, gconstpointer data)
{
    svirt_state_free(fixture->state);
    remove_tree(fixture->directory);
    g_free(fixture->directory);
}

#define ADD(path, function)                                                  \
    g_test_add(path, Fixture, NULL, fixture_set_up, function,                \
               fixture_tear_down)

static inline void
begin(SvirtState *state)
{
    g_autoptr(GError) error = NULL;

    svirt_state_begin(state, &error);
    g_assert_no_error(error);
}

static inline void
commit(SvirtState *state)
{
    g_autoptr(GError) error = NULL;

    svirt_state_commit(state, &error);
    g_assert_no_error(error);
}

/* The call's error is one of `code`; nothing more is asked of it. */
#define ASSERT_FAILS(call, code)                                             \
    do {                                                                     \
        g_autoptr(GError) error = NULL;                                      \
        g_assert_false(call);                                                \
        g_assert_error(error, SVIRT_ERROR, code);                            \
    } while (0)

#define ASSERT_WORKS(call)                                                   \
    do {                                                                     \
        g_autoptr(GError) error = NULL;                                      \
        bool works = (call);                                                 \
        g_assert_no_error(error);                                            \
        g_assert_true(works);                                                \
    } while (0)

/* One change in a transaction of its own. */
#define CHANGE(state, call)                                                  \
    do {                                                                     \
        begin(state);                                                        \
        ASSERT_WORKS(call);                                                  \
        commit(state);                                                       \
    } while (0)

#define CHANGE_FAILS(state, call, code)                                      \
    do {                                                                     \
        begin(state);                                                        \
        ASSERT_FAILS(call, code);                                            \
        svirt_state_rollback(state);                                         \
    } while (0)

static inline SvirtUuid
numbered_uuid(uint64_t number)
{
    SvirtUuid uuid = { { 0x5a } };

    for (unsigned i = 0; i < 8; i++) {
        uuid.bytes[15 - i] = (uint8_t)(number >> 8 * i);
    }
    return uuid;
}

static inline SvirtOwner
numbered_owner(uint64_t number)
{
    return (SvirtOwner){ numbered_uuid(number), 1, 0 };
}

/* Definition `number`, named vm<number>, of root. */
static inline void
define(SvirtState *state, uint64_t number)
{
    SvirtUuid uuid = numbered_uuid(number);
    g_autofree char *name = g_strdup_printf("vm%u", (unsigned)number);
    g_autoptr(SvirtDefinition) definition =
        svirt_definition_new(&uuid, name, 0, "<domain/>", 1000);

    CHANGE(state, svirt_definitions_add(state, definition, &error));
}
