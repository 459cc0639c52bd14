/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture-cgroup.h"
#include "fixture.h"
#include "launch/cgroup.h"

#define PARENT "svirt-test-cgroup"

static const struct {
    const char *name;
    const char *text;
    const char *found; /* NULL: none */
} mount_rows[] = {
    { "unified", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 "
      "cgroup2 rw,nsdelegate\n", "/sys/fs/cgroup" },
    { "hybrid", "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      "/sys/fs/cgroup/unified" },
    { "escaped", "1 2 0:3 / /a\\040b\\134c rw - cgroup2 x rw\n", "/a b\\c" },
    { "only-v1", "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw\n",
      NULL },
    { "name-elsewhere", "1 2 0:3 / /cgroup2 rw - ext4 cgroup2 rw\n", NULL },
    { "cut", "1 2 0:3 - cgroup2\n", NULL },
    { "empty", "", NULL },
    { "no-newline", "1 2 0:3 / /c rw - cgroup2 x rw", "/c" },
};

static void
test_find_mount(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    SVIRT_AUTO_FD fd = memfd_create("mountinfo", MFD_CLOEXEC);
    size_t length = strlen(mount_rows[row].text);
    char found[64] = "untouched";

    g_assert_true(svirt_write_full(fd, mount_rows[row].text, length));
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    if (mount_rows[row].found == NULL) {
        g_assert_false(svirt_cgroup_find_mount(fd, found, sizeof(found)));
        g_assert_cmpint(errno, ==, ENOENT);
        g_assert_cmpstr(found, ==, "untouched");
    } else {
        g_assert_true(svirt_cgroup_find_mount(fd, found, sizeof(found)));
        g_assert_cmpstr(found, ==, mount_rows[row].found);
    }
}

static void
test_limits_leave_room(void)
{
    SvirtCgroupLimits limits;

    svirt_cgroup_limits_for_guest(8ull << 30, 4, &limits);
    g_assert_cmpuint(limits.memory_max_bytes, >, 10ull << 30);
    g_assert_cmpuint(limits.memory_max_bytes, <, 11ull << 30);
    g_assert_cmpuint(limits.pids_max, >=, 4 + 64 + 16);
    g_assert_cmpuint(limits.cpu_weight, ==, 0);
}

static void
test_words(void)
{
    for (uint32_t bit = 1; bit < SVIRT_CONTROLLER_ALL; bit <<= 1) {
        uint32_t found = 0;

        g_assert_true(svirt_controller_from_string(
            svirt_controller_to_string(bit), &found));
        g_assert_cmpuint(found, ==, bit);
    }
    g_assert_false(svirt_controller_from_string("rdma", &(uint32_t){ 0 }));
}

static char *
cgroup_of(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cgroup", pid);
    char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void
start_sleeper(Fixture *fixture, int cgroup_fd)
{
    SvirtLaunchFailure failure = { 0 };

    fixture_use_probe(fixture, "sleep");
    if (!fixture_start(fixture, cgroup_fd, &failure)) {
        g_error("%s: %s", failure.words, g_strerror(failure.errnum));
    }
}

static void
test_process_starts_in_its_leaf(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    SvirtCgroup again = SVIRT_CGROUP_INIT;
    SvirtLaunchFailure failure = { 0 };
    SvirtCgroupLimits limits = { 0 };
    g_autofree char *text = NULL;
    g_autofree char *leaf = NULL;
    char name[SVIRT_UUID_TEXT];
    SvirtUuid uuid;

    if (!fixture_cgroup_make(PARENT, &uuid, &cgroup)) {
        return;
    }
    fixture->spec->waived_layers = 0;
    start_sleeper(fixture, cgroup.vmm_fd);
    g_assert_cmpuint(fixture->launched.missing_layers, ==, 0);
    text = cgroup_of(fixture->launched.pid);
    svirt_uuid_format(&uuid, name);
    leaf = g_strdup_printf("0::/" PARENT "/%s/vmm\n", name);
    g_assert_nonnull(strstr(text, leaf));
    /* While it runs nobody else gets the name. */
    g_assert_false(svirt_cgroup_create(PARENT, &uuid, &limits, &again,
                                       &failure));
    g_assert_cmpint(failure.errnum, ==, EBUSY);
    g_assert_true(svirt_cgroup_open(PARENT, &uuid, &again, &failure));
    g_assert_cmpstr(again.path, ==, cgroup.path);
    svirt_cgroup_close(&again);
    fixture_cgroup_end(&uuid, &cgroup);
}

/* A cgroup v1 directory stands for a kernel that cannot clone into it. */
static void
test_process_enters_where_clone_cannot(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    static const char path[] = "/sys/fs/cgroup/freezer/" PARENT;
    g_autofree char *text = NULL;
    SVIRT_AUTO_FD fd = -1;

    if (!fixture_need_root()) {
        return;
    }
    if (mkdir(path, 0755) < 0 && errno != EEXIST) {
        g_test_skip("no cgroup v1 hierarchy");
        return;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    start_sleeper(fixture, fd);
    text = cgroup_of(fixture->launched.pid);
    g_assert_nonnull(strstr(text, "freezer:/" PARENT "\n"));
    kill(fixture->launched.pid, SIGKILL);
    waitpid(fixture->launched.pid, NULL, 0);
    fixture->launched.pid = 0;
    g_assert_cmpint(rmdir(path), ==, 0);
}

static void
test_kill_is_bounded_in_time(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    gint64 before;
    SvirtUuid uuid;

    if (!fixture_cgroup_make(PARENT, &uuid, &cgroup)) {
        return;
    }
    start_sleeper(fixture, cgroup.vmm_fd);
    before = g_get_monotonic_time();
    g_assert_true(svirt_cgroup_kill(cgroup.vm_fd, 5000));
    g_assert_cmpint(g_get_monotonic_time() - before, <, 2000000);
    fixture_cgroup_end(&uuid, &cgroup);
    /* What is not there is removed. */
    {
        SvirtUuid other;
        SVIRT_AUTO_FD root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        svirt_uuid_generate(&other);
        g_assert_true(svirt_cgroup_remove(root, &other, 10));
    }
}

/* Held where the kernel has the controllers, else an error by name. */
static void
test_wishes_are_granted_or_refused(void)
{
    static const SvirtCgroupWish wishes[] = {
        { SVIRT_CONTROLLER_MEMORY, "memory.high", "8192000" },
        { SVIRT_CONTROLLER_CPU, "cpu.max", "50000 100000" },
        { SVIRT_CONTROLLER_CPU, "cpu.weight", "321" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wishes); i++) {
        SvirtCgroupLimits limits = { .wishes = &wishes[i], .wish_count = 1 };
        SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
        SvirtLaunchFailure failure = { 0 };
        char text[64] = "";
        SvirtUuid uuid;
        int dir;

        if (!fixture_cgroup_make(PARENT, &uuid, &cgroup)) {
            return;
        }
        fixture_cgroup_end(&uuid, &cgroup);
        if (!svirt_cgroup_create(PARENT, &uuid, &limits, &cgroup, &failure)) {
            g_assert_cmpint(failure.errnum, ==, EOPNOTSUPP);
            g_assert_nonnull(strstr(failure.words, wishes[i].file));
            continue;
        }
        dir = i == 2 ? cgroup.vm_fd : cgroup.vmm_fd;
        g_assert_cmpint(cgroup.missing_controllers & wishes[i].controller, ==,
                        0);
        g_assert_cmpint(
            svirt_read_small(dir, wishes[i].file, text, sizeof(text)), >, 0);
        g_assert_cmpstr(g_strchomp(text), ==, wishes[i].text);
        fixture_cgroup_end(&uuid, &cgroup);
    }
}

/* One making and removing; how long it took, in microseconds. */
static gint64
make_and_remove(const char *parent)
{
    SvirtCgroupLimits limits = { 0 };
    SvirtLaunchFailure failure = { 0 };
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    gint64 since = g_get_monotonic_time();
    SvirtUuid uuid;

    svirt_uuid_generate(&uuid);
    if (!svirt_cgroup_create(parent, &uuid, &limits, &cgroup, &failure)) {
        g_error("%s: %s", failure.words, g_strerror(failure.errnum));
    }
    g_assert_true(svirt_cgroup_remove(cgroup.parent_fd, &uuid, 5000));
    svirt_cgroup_close(&cgroup);
    return g_get_monotonic_time() - since;
}

/*
 * As undefine does, beside the start of another VM. The remover comes once in
 * the time that a making takes, on a slow machine too: one that comes again
 * before the directory was opened would win every time.
 */
static void
test_a_parent_that_others_remove(void)
{
    g_autofree char *path = NULL;
    char mount[256];
    gint64 pause;
    pid_t remover;

    if (!fixture_need_root() ||
        !svirt_cgroup_find_mount(-1, mount, sizeof(mount))) {
        g_test_skip("needs root and cgroup v2");
        return;
    }
    path = g_build_filename(mount, PARENT "-gone", NULL);
    pause = make_and_remove(PARENT "-gone");
    remover = fork();
    g_assert_cmpint(remover, >=, 0);
    while (remover == 0) {
        (void)rmdir(path);
        g_usleep((gulong)pause);
    }
    for (unsigned i = 0; i < 200; i++) {
        (void)make_and_remove(PARENT "-gone");
    }
    (void)kill(remover, SIGKILL);
    (void)waitpid(remover, NULL, 0);
    (void)rmdir(path);
}

static void
test_bad_parents_are_refused(void)
{
    static const char *const parents[] = { "..", "a/../b", ".hidden" };
    SvirtCgroupLimits limits = { 0 };
    SvirtUuid uuid;

    if (!fixture_need_root()) {
        return;
    }
    svirt_uuid_generate(&uuid);
    for (unsigned i = 0; i < G_N_ELEMENTS(parents); i++) {
        SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
        SvirtLaunchFailure failure = { 0 };

        g_assert_false(svirt_cgroup_create(parents[i], &uuid, &limits,
                                           &cgroup, &failure));
        g_assert_cmpint(cgroup.parent_fd, ==, -1);
    }
    (void)rmdir("/sys/fs/cgroup/unified/a");
    (void)rmdir("/sys/fs/cgroup/a");
}

/* Opens, as a member of the cgroup with root's rights, say what they got. */
static void
try_devices(int cgroup_fd, const char *const *paths, const int *flags,
            unsigned count, int *errors)
{
    int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid = fork();

    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        SVIRT_AUTO_FD procs = openat(cgroup_fd, "cgroup.procs", O_WRONLY);

        if (write(procs, "0", 1) != 1) {
            _exit(1);
        }
        for (unsigned i = 0; i < count; i++) {
            SVIRT_AUTO_FD fd = open(paths[i], flags[i]);

            shared[i] = fd < 0 ? errno : 0;
        }
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    memcpy(errors, shared, count * sizeof(errors[0]));
    munmap(shared, 4096);
}

static void
test_devices_outside_the_rules_are_refused(void)
{
    static const char *const paths[] = { "/dev/null", "/dev/zero",
                                         "/dev/random", "/dev/random" };
    static const int flags[] = { O_RDWR, O_RDONLY, O_RDONLY, O_WRONLY };
    const SvirtDeviceRule rules[] = {
        { 'c', 1, 3, .read = true, .write = true },
        { 'c', 1, 8, .read = true },
    };
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    int errors[4];
    SvirtUuid uuid;

    if (!fixture_cgroup_make(PARENT, &uuid, &cgroup)) {
        return;
    }
    try_devices(cgroup.vmm_fd, paths, flags, 4, errors);
    for (int i = 0; i < 4; i++) {
        g_assert_cmpint(errors[i], ==, 0);
    }
    g_assert_true(svirt_cgroup_set_devices(cgroup.vmm_fd, rules, 2));
    try_devices(cgroup.vmm_fd, paths, flags, 4, errors);
    g_assert_cmpint(errors[0], ==, 0);
    g_assert_cmpint(errors[1], ==, EPERM);
    g_assert_cmpint(errors[2], ==, 0);
    g_assert_cmpint(errors[3], ==, EPERM);
    /* Replaced, not added to. */
    g_assert_true(svirt_cgroup_set_devices(cgroup.vmm_fd, NULL, 0));
    try_devices(cgroup.vmm_fd, paths, flags, 4, errors);
    g_assert_cmpint(errors[0], ==, EPERM);
    g_assert_true(svirt_cgroup_set_devices(cgroup.vmm_fd, rules, 1));
    try_devices(cgroup.vmm_fd, paths, flags, 4, errors);
    g_assert_cmpint(errors[0], ==, 0);
    g_assert_cmpint(errors[2], ==, EPERM);
    fixture_cgroup_end(&uuid, &cgroup);
}

/* The launch makes its /dev under the filter its VMM will have. */
static void
test_launch_works_under_its_device_rules(void)
{
    g_autoptr(Fixture) fixture = fixture_new(SVIRT_PROCESS_VMM, true);
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    SvirtDeviceRule rules[8];
    size_t count;
    SvirtUuid uuid;

    if (!fixture_cgroup_make(PARENT, &uuid, &cgroup)) {
        return;
    }
    count = svirt_device_rules_for_nodes(fixture->spec->device_nodes, rules);
    g_assert_cmpuint(count, ==, 2);
    g_assert_true(svirt_cgroup_set_devices(cgroup.vmm_fd, rules, count));
    start_sleeper(fixture, cgroup.vmm_fd);
    fixture_cgroup_end(&uuid, &cgroup);
}

static void
test_device_rules_are_bounded(void)
{
    SvirtDeviceRule *rules = g_new0(SvirtDeviceRule,
                                    SVIRT_DEVICE_RULES_MAX + 1);
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    SvirtUuid uuid;

    if (fixture_cgroup_make(PARENT, &uuid, &cgroup)) {
        g_assert_false(svirt_cgroup_set_devices(cgroup.vmm_fd, rules,
                                                SVIRT_DEVICE_RULES_MAX + 1));
        g_assert_cmpint(errno, ==, E2BIG);
        g_assert_false(svirt_cgroup_set_devices(cgroup.vmm_fd, rules, 1));
        g_assert_cmpint(errno, ==, EINVAL);
        for (unsigned i = 0; i < SVIRT_DEVICE_RULES_MAX; i++) {
            rules[i] = (SvirtDeviceRule){ 'b', 8, i, .read = true };
        }
        g_assert_true(svirt_cgroup_set_devices(cgroup.vmm_fd, rules,
                                               SVIRT_DEVICE_RULES_MAX));
        fixture_cgroup_end(&uuid, &cgroup);
    }
    g_free(rules);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(mount_rows); i++) {
        g_autofree char *path = g_strdup_printf("/launch/cgroup/mount/%s",
                                                mount_rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_find_mount);
    }
    g_test_add_func("/launch/cgroup/limits-leave-room",
                    test_limits_leave_room);
    g_test_add_func("/launch/cgroup/words", test_words);
    g_test_add_func("/launch/cgroup/process-starts-in-its-leaf",
                    test_process_starts_in_its_leaf);
    g_test_add_func("/launch/cgroup/process-enters-where-clone-cannot",
                    test_process_enters_where_clone_cannot);
    g_test_add_func("/launch/cgroup/kill-is-bounded-in-time",
                    test_kill_is_bounded_in_time);
    g_test_add_func("/launch/cgroup/wishes-are-granted-or-refused",
                    test_wishes_are_granted_or_refused);
    g_test_add_func("/launch/cgroup/a-parent-that-others-remove",
                    test_a_parent_that_others_remove);
    g_test_add_func("/launch/cgroup/bad-parents-are-refused",
                    test_bad_parents_are_refused);
    g_test_add_func("/launch/cgroup/devices-outside-the-rules-are-refused",
                    test_devices_outside_the_rules_are_refused);
    g_test_add_func("/launch/cgroup/launch-works-under-its-device-rules",
                    test_launch_works_under_its_device_rules);
    g_test_add_func("/launch/cgroup/device-rules-are-bounded",
                    test_device_rules_are_bounded);
    return g_test_run();
}
