/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "exec/exec.h"
#include "exec/slot.h"

/* An instance of its own, with files beside it: dry runs and slots. */
typedef struct Place {
    char *dir;
    char *uri;
    SvirtManager *manager;
} Place;

static void
set_up(Place *place, gconstpointer data)
{
    GError *error = NULL;

    (void)data;
    place->dir = g_dir_make_tmp("svirt-exec-XXXXXX", &error);
    g_assert_no_error(error);
    place->uri = g_strdup_printf("qemu:///embed?root=%s/root", place->dir);
    g_assert_true(svirt_manager_new(place->uri, &place->manager, &error));
    g_assert_no_error(error);
}

static void
tear_down(Place *place, gconstpointer data)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", place->dir);

    (void)data;
    svirt_manager_free(place->manager);
    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
    g_free(place->dir);
    g_free(place->uri);
}

static char *
make_file(const Place *place, const char *name, mode_t mode)
{
    char *path = g_build_filename(place->dir, name, NULL);

    g_assert_true(g_file_set_contents(path, "words", -1, NULL));
    g_assert_no_errno(chmod(path, mode));
    return path;
}

/* -1: it went well; *ret is the caller's. */
static int
dry_run(const Place *place, const char *program, const char *path, bool write,
        int number, SvirtExecReport *ret)
{
    const char *const argv[] = { program, NULL };
    g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(SvirtExecFile));
    g_autoptr(GArray) ports = g_array_new(FALSE, TRUE, sizeof(uint16_t));
    const SvirtExecFile file = { path, write, number };
    const SvirtExecRequest request = { .argv = argv, .files = files,
                                       .ports = ports, .dry_run = true };
    g_autoptr(GError) error = NULL;

    if (path != NULL) {
        g_array_append_val(files, file);
    }
    return svirt_exec(place->manager, &request, ret, &error) ? -1
                                                             : error->code;
}

static void
test_ways(Place *place, gconstpointer data)
{
    static const struct {
        const char *name;
        mode_t mode;
        bool write;
        int number;
        const char *way;
    } rows[] = {
        { "everybodys", 0644, false, -1, "as it is" },
        { "everybodys-to-write", 0666, true, -1, "as it is" },
        { "only-to-read", 0644, true, -1, NULL },
        { "private", 0600, false, -1, NULL },
        { "by-number", 0600, true, 9, "descriptor" },
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = make_file(place, rows[i].name, rows[i].mode);
        const SvirtExecShown *shown;
        SvirtExecReport report;
        struct stat before, after;

        g_assert_no_errno(stat(path, &before));
        g_assert_cmpint(dry_run(place, "true", path, rows[i].write,
                                rows[i].number, &report), ==, -1);
        g_assert_cmpuint(report.files->len, ==, 1);
        shown = report.files->pdata[0];
        g_assert_cmpstr(shown->path, ==, path);
        g_assert_cmpint(shown->write, ==, rows[i].write);
        g_test_message("%s: %s", rows[i].name, shown->way);
        if (rows[i].way != NULL) {
            g_assert_cmpstr(shown->way, ==, rows[i].way);
        } else {
            /* Which of them it is, is the file system's. */
            g_assert_true(strcmp(shown->way, "idmapped mount") == 0 ||
                          strcmp(shown->way, "acl") == 0 ||
                          strcmp(shown->way, "chown") == 0);
        }
        g_assert_no_errno(stat(path, &after));
        g_assert_cmpint(after.st_mode, ==, before.st_mode);
        g_assert_cmpint(after.st_uid, ==, before.st_uid);
        svirt_exec_report_clear(&report);
    }
}

static void
test_refuses(Place *place, gconstpointer data)
{
    g_autofree char *file = make_file(place, "file", 0644);
    g_autofree char *none = g_build_filename(place->dir, "none", NULL);
    g_autofree char *fifo = g_build_filename(place->dir, "fifo", NULL);
    const struct {
        const char *name;
        const char *program;
        const char *path;
        int code;
        bool no_program;
    } rows[] = {
        { "an unknown program", "no-such-program", NULL,
          SVIRT_ERROR_NOT_FOUND, true },
        { "a program that is not there", none, NULL, SVIRT_ERROR_NOT_FOUND,
          true },
        { "a file that is not there", "true", none, SVIRT_ERROR_NOT_FOUND,
          false },
        { "both: the file comes first", none, none, SVIRT_ERROR_NOT_FOUND,
          false },
        { "a directory", "true", place->dir, SVIRT_ERROR_REFUSED, false },
        { "a FIFO", "true", fifo, SVIRT_ERROR_REFUSED, false },
        { "a system file", "true", "/etc/shadow", SVIRT_ERROR_REFUSED,
          false },
        { "a program that is a directory", place->dir, file,
          SVIRT_ERROR_REFUSED, false },
    };

    (void)data;
    g_assert_no_errno(mkfifo(fifo, 0644));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        SvirtExecReport report;

        g_test_message("%s", rows[i].name);
        g_assert_cmpint(dry_run(place, rows[i].program, rows[i].path, true,
                                -1, &report), ==, rows[i].code);
        g_assert_cmpint(report.no_program, ==, rows[i].no_program);
        svirt_exec_report_clear(&report);
    }
}

/* The first that nobody holds; a slot is the same one for the next. */
static void
test_slots(Place *place, gconstpointer data)
{
    SVIRT_AUTO_EXEC_SLOT first = SVIRT_EXEC_SLOT_INIT;
    SVIRT_AUTO_EXEC_SLOT second = SVIRT_EXEC_SLOT_INIT;
    SVIRT_AUTO_EXEC_SLOT again = SVIRT_EXEC_SLOT_INIT;
    g_autoptr(GPtrArray) rows = NULL;
    GError *error = NULL;

    (void)data;
    g_assert_true(svirt_exec_recover(place->manager, &rows, &error));
    g_assert_cmpuint(rows->len, ==, 0);
    g_assert_true(svirt_exec_slot_take(place->manager, &first, &error));
    g_assert_true(svirt_exec_slot_take(place->manager, &second, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(first.number, ==, 0);
    g_assert_cmpuint(second.number, ==, 1);
    g_assert_true(svirt_uuid_is_program(&first.uuid));
    g_assert_true(svirt_uuid_is_program(&second.uuid));
    g_assert_cmpint(memcmp(&first.uuid, &second.uuid, sizeof(first.uuid)), !=,
                    0);
    svirt_exec_slot_clear(&first);
    g_assert_true(svirt_exec_slot_take(place->manager, &again, &error));
    g_assert_cmpuint(again.number, ==, 0);
    g_assert_cmpmem(&again.uuid, sizeof(again.uuid), &first.uuid,
                    sizeof(first.uuid));
}

/* A link in the place of a slot's file is not followed. */
static void
test_slot_is_no_link(Place *place, gconstpointer data)
{
    SVIRT_AUTO_EXEC_SLOT slot = SVIRT_EXEC_SLOT_INIT;
    g_autofree char *path =
        g_build_filename(place->dir, "root", "run", "exec", "0", NULL);
    g_autofree char *victim = g_build_filename(place->dir, "victim", NULL);
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(svirt_exec_slot_take(place->manager, &slot, &error));
    svirt_exec_slot_clear(&slot);
    g_assert_no_errno(unlink(path));
    g_assert_no_errno(symlink(victim, path));
    g_assert_false(svirt_exec_slot_take(place->manager, &slot, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
    g_assert_cmpint(access(victim, F_OK), !=, 0);
}

static void
add(const char *name, void (*test)(Place *, gconstpointer))
{
    g_test_add(name, Place, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (geteuid() != 0) {
        g_printerr("needs root\n");
        return 77;
    }
    add("/exec/exec/ways", test_ways);
    add("/exec/exec/refuses", test_refuses);
    add("/exec/slot/first-that-is-free", test_slots);
    add("/exec/slot/is-no-link", test_slot_is_no_link);
    return g_test_run();
}
