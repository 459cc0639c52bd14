/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

typedef struct WithRow {
    const char *name;
    const char *before;
    bool write;
    const char *after;
} WithRow;

static const WithRow with_rows[] = {
    { "a-mode-gets-a-mask", "u::rw-,g::r--,o::---", true,
      "u::rw-,u:7:rw-,g::r--,m::rw-,o::---" },
    { "read-only-adds-no-write", "u::rw-,g::---,o::---", false,
      "u::rw-,u:7:r--,g::---,m::r--,o::---" },
    { "users-stay-sorted", "u::rw-,u:5:r--,u:9:r--,g::r--,m::r--,o::---",
      false, "u::rw-,u:5:r--,u:7:r--,u:9:r--,g::r--,m::r--,o::---" },
    { "nobody-else-gains-by-the-mask",
      "u::rw-,u:5:rw-,g::rw-,g:8:rw-,m::r--,o::---", true,
      "u::rw-,u:5:r--,u:7:rw-,g::r--,g:8:r--,m::rw-,o::---" },
    { "replaces-its-own", "u::rw-,u:7:---,g::---,m::---,o::---", true,
      "u::rw-,u:7:rw-,g::---,m::rw-,o::---" },
};

static void
test_with_user(const void *data)
{
    const WithRow *row = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *after =
        svirt_model_acl_with_user(row->before, 7, row->write, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(after, ==, row->after);
}

static void
test_rejects(const void *data)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(svirt_model_acl.validate(data, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

/* The mode is the mask's while a list is there; it must come back. */
static void
test_round_trip(void)
{
    g_autofree char *path = g_strdup("svirt-acl-XXXXXX");
    g_autofree char *before = NULL;
    g_autofree char *with = NULL;
    g_autofree char *now = NULL;
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) error = NULL;
    int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0640);
    struct stat st;

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fchmod(fd, 0640), ==, 0);
    g_assert_true(svirt_object_open(path, NULL, SVIRT_OBJECT_WANT(REGULAR),
                                    SVIRT_OBJECT_FOLLOW, &object, &error));
    if (!svirt_model_acl.read_label(object, &before, &error)) {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED);
        g_test_skip("no access control lists on this file system");
        (void)g_unlink(path);
        (void)close(fd);
        return;
    }
    g_assert_cmpstr(before, ==, "u::rw-,g::r--,o::---");
    with = svirt_model_acl_with_user(before, 7, true, &error);
    g_assert_true(svirt_model_acl.write_label(object, with, &error));
    g_assert_no_error(error);
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0660);
    g_assert_true(svirt_model_acl.write_label(object, before, &error));
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0640);
    g_assert_cmpint(fgetxattr(fd, "system.posix_acl_access", NULL, 0), <, 0);
    g_assert_true(svirt_model_acl.read_label(object, &now, &error));
    g_assert_cmpstr(now, ==, before);
    (void)g_unlink(path);
    (void)close(fd);
}

int
main(int argc, char **argv)
{
    static const char *const wrong[] = {
        "", "u::rw-", "u::rw-,g::r--,o::rwz", "u::rw-,g::r--,x::---",
        "u::rw-,g::r--,m:5:r--", "u::rw-,u:-1:r--,g::r--,o::---",
        "u::rw-,,g::r--,o::---", "u:4294967295:r--,g::r--,o::---",
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(with_rows); i++) {
        g_autofree char *name =
            g_strdup_printf("/model/acl/with-user/%s", with_rows[i].name);

        g_test_add_data_func(name, &with_rows[i], test_with_user);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *name = g_strdup_printf("/model/acl/rejects/%u", i);

        g_test_add_data_func(name, wrong[i], test_rejects);
    }
    g_test_add_func("/model/acl/given-back-with-the-mode", test_round_trip);
    return g_test_run();
}
