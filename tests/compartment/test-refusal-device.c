/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/blkpg.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "compartment/mounts.h"
#include "fixture.h"

#define EXCLUSIVE SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE
#define READ_ONLY SVIRT_REFUSAL_USE_IMAGE_READ_ONLY
#define MIB (1024 * 1024)

/* The refusal, NULL when there is none; owned by the caller. */
static GError *
judge(Fixture *fixture, const char *path, SvirtRefusalUse use)
{
    g_autoptr(SvirtRefusalFacts) facts = NULL;
    g_autoptr(SvirtObject) object = fixture_open(path);
    g_autoptr(SvirtDefinition) definition = NULL;
    GError *error = NULL;
    SvirtRefusalRequest request = { .use = use,
                                    .path = path,
                                    .now_s = TEST_NOW };
    SvirtUuid uuid;

    g_assert_true(svirt_uuid_parse(TEST_UUID_A, &uuid));
    definition = svirt_definition_new(&uuid, "web", 0, "<domain/>", TEST_NOW);
    request.definition = definition;
    svirt_refusal_facts_new(fixture->connection, fixture->config, &facts,
                            &error);
    g_assert_no_error(error);
    g_assert_cmpint(svirt_refusal_check(facts, fixture->state, object,
                                        &request, NULL, &error),
                    ==, error == NULL);
    return error;
}

static void
assert_refusal(const GError *error, const char *rule)
{
    if (rule == NULL) {
        g_assert_no_error(error);
    } else {
        g_autofree char *word = g_strdup_printf("by rule %s: ", rule);

        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, word));
    }
}

static void
assert_judged(Fixture *fixture, const char *path, SvirtRefusalUse use,
              const char *rule)
{
    g_autoptr(GError) error = judge(fixture, path, use);

    assert_refusal(error, rule);
}

/* The device that / is on; NULL when it is none. */
static char *
root_device(void)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(
        g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) halves = g_strsplit(*line, " - ", 2);
        g_auto(GStrv) fields = g_strsplit(halves[0], " ", -1);
        g_auto(GStrv) rest =
            g_strsplit(halves[0] != NULL && halves[1] != NULL ? halves[1]
                                                              : "",
                       " ", -1);
        struct stat st;

        if (g_strv_length(fields) > 4 && strcmp(fields[4], "/") == 0 &&
            g_strv_length(rest) > 1 && stat(rest[1], &st) == 0 &&
            S_ISBLK(st.st_mode)) {
            return g_strdup(rest[1]);
        }
    }
    return NULL;
}

static void
test_root_device(Fixture *fixture, const void *data)
{
    g_autofree char *device = root_device();
    g_autofree char *node = g_build_filename(fixture->dir, "node", NULL);
    g_autofree char *soft = g_build_filename(fixture->dir, "soft", NULL);
    struct stat st;

    if (device == NULL) {
        g_test_skip("needs a root file system on a block device");
        return;
    }
    assert_judged(fixture, device, EXCLUSIVE, "mounted-device");
    assert_judged(fixture, device, READ_ONLY, "mounted-device");
    g_assert_cmpint(symlink(device, soft), ==, 0);
    assert_judged(fixture, soft, READ_ONLY, "mounted-device");
    if (fixture_lacks_root()) {
        return;
    }
    /* Another node for the same device. */
    g_assert_cmpint(stat(device, &st), ==, 0);
    if (mknod(node, S_IFBLK | 0600, st.st_rdev) != 0) {
        g_test_skip("needs mknod of block devices");
        return;
    }
    assert_judged(fixture, node, EXCLUSIVE, "mounted-device");
}

typedef struct Loop {
    char *file; /* owned */
    char *path; /* owned; "/dev/loop3" */
    int fd;     /* keeps it attached */
} Loop;

/* One partition from the first MiB to the end; no kernel needs to know a kind
 * of partition table for that. */
static bool
add_partition(const Loop *loop)
{
    struct blkpg_partition partition = { .start = MIB,
                                         .length = 15 * MIB,
                                         .pno = 1 };
    struct blkpg_ioctl_arg request = { .op = BLKPG_ADD_PARTITION,
                                       .datalen = sizeof(partition),
                                       .data = &partition };

    return ioctl(loop->fd, BLKPG, &request) == 0;
}

static void
remove_partition(const Loop *loop)
{
    struct blkpg_partition partition = { .pno = 1 };
    struct blkpg_ioctl_arg request = { .op = BLKPG_DEL_PARTITION,
                                       .datalen = sizeof(partition),
                                       .data = &partition };

    g_assert_cmpint(ioctl(loop->fd, BLKPG, &request), ==, 0);
}

/* Detached when the last user is gone. False when the host has no loop
 * devices, after skipping. */
static bool
attach(Fixture *fixture, Loop *loop)
{
    SVIRT_AUTO_FD control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    SVIRT_AUTO_FD file = -1;
    struct loop_config config = { 0 };

    if (control < 0) {
        g_test_skip("needs loop devices");
        return false;
    }
    loop->file = fixture_file(fixture, "loop.img", "");
    file = open(loop->file, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(ftruncate(file, 16 * MIB), ==, 0);
    config.fd = (uint32_t)file;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;
    for (unsigned tries = 0; tries < 16; tries++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);

        g_assert_cmpint(number, >=, 0);
        loop->path = g_strdup_printf("/dev/loop%d", number);
        loop->fd = open(loop->path, O_RDWR | O_CLOEXEC);
        if (loop->fd >= 0 &&
            ioctl(loop->fd, LOOP_CONFIGURE, &config) == 0) {
            return true;
        }
        /* Somebody else took it. */
        svirt_fd_close(&loop->fd);
        g_clear_pointer(&loop->path, g_free);
    }
    g_test_skip("needs a free loop device");
    return false;
}

static void
detach(Loop *loop)
{
    svirt_fd_close(&loop->fd);
    g_clear_pointer(&loop->path, g_free);
    g_clear_pointer(&loop->file, g_free);
}

static bool
make_file_system(const char *device)
{
    const char *argv[] = { "/sbin/mkfs.ext4", "-q", device, NULL };
    int status = 0;

    return g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL,
                        NULL, NULL, NULL, &status, NULL) &&
           status == 0;
}

/* devtmpfs makes the node a moment after the scan. */
static bool
wait_for(const char *path)
{
    for (unsigned i = 0; i < 100; i++) {
        if (g_file_test(path, G_FILE_TEST_EXISTS)) {
            return true;
        }
        g_usleep(20000);
    }
    return false;
}

static void
test_loop_device(Fixture *fixture, const void *data)
{
    Loop loop = { .fd = -1 };
    g_autofree char *partition = NULL;
    g_autofree char *point = g_build_filename(fixture->dir, "point", NULL);

    if (fixture_lacks_root() || !attach(fixture, &loop)) {
        return;
    }
    partition = g_strconcat(loop.path, "p1", NULL);
    /* Attached, and nobody's: both may be a VM's. */
    assert_judged(fixture, loop.path, EXCLUSIVE, NULL);
    assert_judged(fixture, loop.file, EXCLUSIVE, NULL);
    if (!add_partition(&loop) || !wait_for(partition) ||
        !make_file_system(partition)) {
        detach(&loop);
        g_test_skip("needs partitions on loop devices and mkfs.ext4");
        return;
    }
    assert_judged(fixture, partition, EXCLUSIVE, NULL);
    {
        /* As a volume group or a mount of another namespace does. */
        SVIRT_AUTO_FD held = open(partition, O_RDONLY | O_EXCL | O_CLOEXEC);

        g_assert_cmpint(held, >=, 0);
        assert_judged(fixture, partition, EXCLUSIVE, "mounted-device");
        assert_judged(fixture, loop.path, EXCLUSIVE, "mounted-device");
    }
    g_assert_cmpint(g_mkdir(point, 0755), ==, 0);
    g_assert_cmpint(mount(partition, point, "ext4", 0, NULL), ==, 0);
    assert_judged(fixture, partition, EXCLUSIVE, "mounted-device");
    assert_judged(fixture, loop.path, EXCLUSIVE, "mounted-device");
    assert_judged(fixture, loop.path, READ_ONLY, "mounted-device");
    assert_judged(fixture, loop.file, EXCLUSIVE, "mounted-device");
    {
        g_autofree char *inner = g_build_filename(point, "a.img", NULL);

        g_assert_true(g_file_set_contents(inner, "x", -1, NULL));
        assert_judged(fixture, inner, EXCLUSIVE, NULL);
    }
    g_assert_cmpint(umount2(point, 0), ==, 0);
    assert_judged(fixture, loop.path, EXCLUSIVE, NULL);
    remove_partition(&loop);
    detach(&loop);
}

static void
test_swap_file(Fixture *fixture, const void *data)
{
    g_autofree char *zeros = g_malloc0(4 * MIB);
    g_autofree char *path = g_build_filename(fixture->dir, "swap", NULL);
    const char *argv[] = { "/sbin/mkswap", path, NULL };
    g_autoptr(GError) written = NULL;
    g_autoptr(GError) read_only = NULL;
    int status = -1;

    if (fixture_lacks_root()) {
        return;
    }
    g_assert_true(g_file_set_contents(path, zeros, 4 * MIB, NULL));
    g_assert_cmpint(g_chmod(path, 0600), ==, 0);
    assert_judged(fixture, path, EXCLUSIVE, NULL);
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL,
                      NULL, NULL, NULL, NULL, &status, NULL) ||
        status != 0 || swapon(path, 0) != 0) {
        g_test_skip("needs mkswap and swapon");
        return;
    }
    /* The host must not keep it, whatever comes of this. */
    written = judge(fixture, path, EXCLUSIVE);
    read_only = judge(fixture, path, READ_ONLY);
    g_assert_cmpint(swapoff(path), ==, 0);
    assert_refusal(written, "swap-file");
    assert_refusal(read_only, "swap-file");
    assert_judged(fixture, path, EXCLUSIVE, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_unshare_mounts();
    FIXTURE_TEST("/compartment/refusal-device/root-device", test_root_device);
    FIXTURE_TEST("/compartment/refusal-device/loop-device", test_loop_device);
    FIXTURE_TEST("/compartment/refusal-device/swap-file", test_swap_file);
    return g_test_run();
}
