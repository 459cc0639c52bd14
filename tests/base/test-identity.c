/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/identity.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* A file that has everything a file system can give. */
static SvirtIdentity
full(void)
{
    SvirtIdentity identity = {
        .format = S_IFREG,
        .fs_uuid_size = 16,
        .fs_uuid = { 1, 2, 3 },
        .fsid = 0xfedcba9876543210,
        .handle_type = 1,
        .handle_size = 8,
        .handle = { 9, 8, 7 },
        .has_birth = true,
        .birth_s = -5,
        .birth_ns = 17,
        .has_generation = true,
        .generation = 4000000000u,
        .ino = UINT64_MAX,
    };

    return identity;
}

static void
change_nothing(SvirtIdentity *identity)
{
    identity->dev_major = 99; /* of this boot only */
}

static void
change_format(SvirtIdentity *identity)
{
    identity->format = S_IFDIR;
}

static void
change_ino(SvirtIdentity *identity)
{
    identity->ino--;
}

static void
change_fs_uuid(SvirtIdentity *identity)
{
    identity->fs_uuid[15] ^= 1;
}

static void
change_fsid(SvirtIdentity *identity)
{
    identity->fsid ^= 1;
}

static void
change_handle(SvirtIdentity *identity)
{
    identity->handle[7] ^= 1;
}

static void
change_birth(SvirtIdentity *identity)
{
    identity->birth_ns++;
}

static void
change_generation(SvirtIdentity *identity)
{
    identity->generation++;
}

static void
lose_fs_uuid_and_change_fsid(SvirtIdentity *identity)
{
    identity->fs_uuid_size = 0;
    identity->fsid ^= 1;
}

static void
lose_fs_uuid(SvirtIdentity *identity)
{
    identity->fs_uuid_size = 0;
}

static void
keep_birth_alone(SvirtIdentity *identity)
{
    identity->handle_size = 0;
    identity->has_generation = false;
}

static void
lose_every_witness(SvirtIdentity *identity)
{
    identity->handle_size = 0;
    identity->has_generation = false;
    identity->has_birth = false;
}

static const struct {
    const char *name;
    void (*change)(SvirtIdentity *);
    bool same;
} rows[] = {
    { "device-number", change_nothing, true },
    { "format", change_format, false },
    { "inode-number", change_ino, false },
    { "file-system-uuid", change_fs_uuid, false },
    { "fsid-beside-equal-uuids", change_fsid, true },
    { "handle", change_handle, false },
    { "birth", change_birth, false },
    { "generation", change_generation, false },
    { "fsid-without-uuid", lose_fs_uuid_and_change_fsid, false },
    { "equal-fsid-without-uuid", lose_fs_uuid, true },
    { "birth-alone-is-enough", keep_birth_alone, true },
    { "number-alone-is-not", lose_every_witness, false },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    SvirtIdentity a = full();
    SvirtIdentity b = full();

    rows[row].change(&b);
    g_assert_cmpint(svirt_identity_same(&a, &b), ==, rows[row].same);
    g_assert_cmpint(svirt_identity_same(&b, &a), ==, rows[row].same);
}

static void
test_text_round_trip(void)
{
    SvirtIdentity sparse = { .format = S_IFBLK,
                             .ino = 3,
                             .rdev_major = 8,
                             .rdev_minor = 1,
                             .device = "part:1,wwid:naa.5" };
    SvirtIdentity in[2] = { full(), sparse };

    for (unsigned i = 0; i < G_N_ELEMENTS(in); i++) {
        g_autofree char *text = svirt_identity_format(&in[i]);
        g_autofree char *again = NULL;
        g_autoptr(GError) error = NULL;
        SvirtIdentity out;

        g_assert_true(svirt_identity_parse(text, &out, &error));
        g_assert_no_error(error);
        again = svirt_identity_format(&out);
        g_assert_cmpstr(text, ==, again);
        g_assert_cmpmem(&in[i], sizeof(in[i]), &out, sizeof(out));
    }
}

static void
test_bad_texts_are_refused(void)
{
    g_autofree char *longest = g_strnfill(2000, '1');
    const char *const texts[] = {
        "",
        "2;f=100000;i=1",
        "1",
        "1;f=100000",
        "1;i=1;f=100000",
        "1;f=100000;i=1;i=2",
        "1;f=100000;i=1;",
        "1;f=100000;i=1;z=3",
        "1;f=100000;i=x",
        "1;f=100000;i=1;u=0",
        "1;f=100000;i=1;u=0011223344556677889900112233445566",
        "1;f=100000;i=1;h=1",
        "1;f=100000;i=1;h=1:",
        "1;f=100000;i=1;h=1:xy",
        "1;f=100000;i=1;b=5",
        "1;f=100000;i=1;b=5.1000000000",
        "1;f=100000;i=1;g=4294967296",
        "1;f=100000;i=1;d=",
        " 1;f=100000;i=1",
        longest,
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        SvirtIdentity identity;

        g_assert_false(svirt_identity_parse(texts[i], &identity, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_CORRUPT);
    }
}

static SvirtIdentity
read_path(const char *path)
{
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD fd = open(path, O_PATH | O_CLOEXEC);
    SvirtIdentity identity;

    g_assert_cmpint(fd, >=, 0);
    svirt_identity_read(fd, &identity, &error);
    g_assert_no_error(error);
    return identity;
}

/* The same file, twice, over a rename, a write and a chmod. */
static void
test_file_stays_itself(void)
{
    g_autofree char *directory = g_dir_make_tmp("svirt-id-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "a", NULL);
    g_autofree char *moved = g_build_filename(directory, "b", NULL);
    SvirtIdentity before, after;

    g_assert_true(g_file_set_contents(path, "x", 1, NULL));
    before = read_path(path);
    g_assert_true(before.handle_size > 0 || before.has_birth);
    g_assert_true(before.fs_uuid_size > 0 || before.fsid != 0);
    g_assert_cmpint(g_rename(path, moved), ==, 0);
    g_assert_cmpint(truncate(moved, 100), ==, 0);
    g_assert_cmpint(g_chmod(moved, 0400), ==, 0);
    after = read_path(moved);
    g_assert_true(svirt_identity_same(&before, &after));
    g_assert_true(svirt_identity_same_now(&before, &after));
    g_assert_true(svirt_identity_same_storage(&before, &after));
    g_assert_cmpint(g_unlink(moved), ==, 0);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

static void
test_files_differ(void)
{
    SvirtIdentity a = read_path("/bin/sh");
    SvirtIdentity b = read_path("/etc/passwd");

    g_assert_false(svirt_identity_same(&a, &b));
    g_assert_false(svirt_identity_same_now(&a, &b));
    g_assert_false(svirt_identity_same_storage(&a, &b));
}

static void
test_device_node_is_its_device(void)
{
    SvirtIdentity null = read_path("/dev/null");

    g_assert_cmpuint(null.format, ==, S_IFCHR);
    g_assert_cmpuint(null.rdev_major, ==, 1);
    g_assert_cmpuint(null.rdev_minor, ==, 3);
}

/* Two nodes for the device under the root directory. */
static void
test_block_device_is_one_by_any_node(void)
{
    g_autofree char *directory = g_dir_make_tmp("svirt-id-XXXXXX", NULL);
    g_autofree char *one = g_build_filename(directory, "one", NULL);
    g_autofree char *two = g_build_filename(directory, "two", NULL);
    struct stat st;
    SvirtIdentity a, b;

    g_assert_cmpint(stat("/", &st), ==, 0);
    if (mknod(one, S_IFBLK | 0600, st.st_dev) != 0 ||
        mknod(two, S_IFBLK | 0600, st.st_dev) != 0) {
        g_test_skip("no right to make device nodes");
    } else {
        a = read_path(one);
        b = read_path(two);
        g_assert_false(svirt_identity_same(&a, &b));
        g_assert_true(svirt_identity_same_storage(&a, &b));
        g_test_message("device of /: '%s'", a.device);
        b.rdev_minor++;
        g_strlcat(b.device, "x", sizeof(b.device));
        g_assert_false(svirt_identity_same_storage(&a, &b));
    }
    (void)g_unlink(one);
    (void)g_unlink(two);
    g_assert_cmpint(g_rmdir(directory), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/base/identity/same/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/base/identity/text-round-trip", test_text_round_trip);
    g_test_add_func("/base/identity/bad-texts-are-refused",
                    test_bad_texts_are_refused);
    g_test_add_func("/base/identity/file-stays-itself",
                    test_file_stays_itself);
    g_test_add_func("/base/identity/files-differ", test_files_differ);
    g_test_add_func("/base/identity/device-node-is-its-device",
                    test_device_node_is_its_device);
    g_test_add_func("/base/identity/block-device-is-one-by-any-node",
                    test_block_device_is_one_by_any_node);
    return g_test_run();
}
