/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/mounts.h"

static const char table[] =
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "23 22 254:0 /srv/store /var/lib/store rw shared:5 - ext4 /dev/vda rw\n"
    "24 22 254:0 / /mnt/again rw - ext4 /dev/vda rw\n"
    "25 22 254:0 /etc/passwd /srv/file rw - ext4 /dev/vda rw\n"
    "26 22 0:30 /@home /home rw - btrfs /dev/vdb rw\n"
    "27 22 0:31 / /mnt/with\\040blank\\134 rw - tmpfs none rw\n";

static const struct {
    const char *name;
    uint64_t mount;
    const char *path;
    const char *inner;
    const char *aliases; /* separated by " " */
} rows[] = {
    { "of the root", 22, "/etc/shadow", "/etc/shadow",
      "/etc/shadow /mnt/again/etc/shadow" },
    { "bound subtree", 23, "/var/lib/store/a", "/srv/store/a",
      "/var/lib/store/a /srv/store/a /mnt/again/srv/store/a" },
    { "mountpoint itself", 23, "/var/lib/store", "/srv/store",
      "/var/lib/store /srv/store /mnt/again/srv/store" },
    { "whole file system again", 24, "/mnt/again/etc/passwd", "/etc/passwd",
      "/mnt/again/etc/passwd /etc/passwd /srv/file" },
    { "bound file", 25, "/srv/file", "/etc/passwd",
      "/srv/file /etc/passwd /mnt/again/etc/passwd" },
    { "root by its mountpoint", 24, "/mnt/again", "/",
      "/mnt/again /" },
    { "subvolume", 26, "/home/a", "/@home/a", "/home/a" },
    { "escaped name", 27, "/mnt/with blank\\/a", "/a",
      "/mnt/with blank\\/a" },
};

static void
test_aliases_are_found(void)
{
    g_autoptr(SvirtMounts) mounts = NULL;
    g_autoptr(GError) error = NULL;

    svirt_mounts_parse(table, &mounts, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(mounts->rows->len, ==, 6);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const SvirtMount *mount = svirt_mounts_by_id(mounts, rows[i].mount);
        g_autofree char *inner = svirt_mount_inner_path(mount, rows[i].path);
        g_auto(GStrv) aliases =
            svirt_mounts_aliases(mounts, mount, rows[i].path);
        g_autofree char *joined = g_strjoinv(" ", aliases);

        g_test_message("%s", rows[i].name);
        g_assert_cmpstr(inner, ==, rows[i].inner);
        g_assert_cmpstr(joined, ==, rows[i].aliases);
    }
    g_assert_null(svirt_mounts_by_id(mounts, 99));
    g_assert_null(svirt_mount_inner_path(svirt_mounts_by_id(mounts, 26),
                                         "/homework/a"));
}

static void
test_damaged_lines_are_errors(void)
{
    static const char *const texts[] = {
        "x",
        "22 1 254:0 / / rw,relatime ext4 /dev/vda rw rw\n",
        "22 1 254 / / rw - ext4 /dev/vda rw rw\n",
        "a 1 254:0 / / rw - ext4 /dev/vda rw\n",
        "22 1 254:0 / / rw x x x -\n",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(SvirtMounts) mounts = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_false(svirt_mounts_parse(texts[i], &mounts, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_CORRUPT);
        g_assert_null(mounts);
    }
}

static void
test_own_table_is_read(void)
{
    g_autoptr(SvirtMounts) mounts = NULL;
    g_autoptr(GError) error = NULL;
    bool proc = false;

    svirt_mounts_read(&mounts, &error);
    g_assert_no_error(error);
    for (unsigned i = 0; i < mounts->rows->len; i++) {
        const SvirtMount *mount = mounts->rows->pdata[i];

        proc = proc || (g_str_equal(mount->mountpoint, "/proc") &&
                        g_str_equal(mount->type, "proc"));
    }
    g_assert_true(proc);
}

static void
test_below_means_whole_names(void)
{
    g_assert_true(svirt_path_is_below("/a/b", "/a"));
    g_assert_true(svirt_path_is_below("/a", "/a"));
    g_assert_true(svirt_path_is_below("/a/b", "/a/"));
    g_assert_true(svirt_path_is_below("/a", "/"));
    g_assert_false(svirt_path_is_below("/ab", "/a"));
    g_assert_false(svirt_path_is_below("/", "/a"));
    g_assert_false(svirt_path_is_below("a/b", "/"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/compartment/mounts/aliases-are-found",
                    test_aliases_are_found);
    g_test_add_func("/compartment/mounts/damaged-lines-are-errors",
                    test_damaged_lines_are_errors);
    g_test_add_func("/compartment/mounts/own-table-is-read",
                    test_own_table_is_read);
    g_test_add_func("/compartment/mounts/below-means-whole-names",
                    test_below_means_whole_names);
    return g_test_run();
}
