/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture.h"
#include "launch/address.h"
#include "launch/cgroup.h"

#define PARENT "svirt-test"

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

/* Root, and a cgroup2 to make directories in; else skipped with the fact. */
static bool
make(SvirtUuid *uuid, SvirtCgroup *cgroup)
{
    SvirtLaunchFailure failure = { 0 };
    SvirtCgroupLimits limits;
    char mount[256];

    if (!fixture_need_root()) {
        return false;
    }
    if (!svirt_cgroup_find_mount(-1, mount, sizeof(mount))) {
        g_test_skip("no cgroup2 is mounted");
        return false;
    }
    svirt_uuid_generate(uuid);
    svirt_cgroup_limits_for_guest(256 << 20, 1, &limits);
    if (!svirt_cgroup_create(PARENT, uuid, &limits, cgroup, &failure)) {
        g_error("%s: %s", failure.words, g_strerror(failure.errnum));
    }
    return true;
}

static void
unmake(const SvirtUuid *uuid, SvirtCgroup *cgroup)
{
    g_autofree char *parent = g_path_get_dirname(cgroup->path);

    g_assert_true(svirt_cgroup_remove(cgroup->parent_fd, uuid, 5000));
    g_assert_false(g_file_test(cgroup->path, G_FILE_TEST_EXISTS));
    svirt_cgroup_close(cgroup);
    (void)rmdir(parent); /* another test may be in it */
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

    if (!make(&uuid, &cgroup)) {
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
    unmake(&uuid, &cgroup);
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

    if (!make(&uuid, &cgroup)) {
        return;
    }
    start_sleeper(fixture, cgroup.vmm_fd);
    before = g_get_monotonic_time();
    g_assert_true(svirt_cgroup_kill(cgroup.vm_fd, 5000));
    g_assert_cmpint(g_get_monotonic_time() - before, <, 2000000);
    unmake(&uuid, &cgroup);
    /* What is not there is removed. */
    {
        SvirtUuid other;
        SVIRT_AUTO_FD root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        svirt_uuid_generate(&other);
        g_assert_true(svirt_cgroup_remove(root, &other, 10));
    }
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

    if (!make(&uuid, &cgroup)) {
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
    unmake(&uuid, &cgroup);
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

    if (!make(&uuid, &cgroup)) {
        return;
    }
    count = svirt_device_rules_for_nodes(fixture->spec->device_nodes, rules);
    g_assert_cmpuint(count, ==, 2);
    g_assert_true(svirt_cgroup_set_devices(cgroup.vmm_fd, rules, count));
    start_sleeper(fixture, cgroup.vmm_fd);
    unmake(&uuid, &cgroup);
}

static void
test_device_rules_are_bounded(void)
{
    SvirtDeviceRule *rules = g_new0(SvirtDeviceRule,
                                    SVIRT_DEVICE_RULES_MAX + 1);
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    SvirtUuid uuid;

    if (make(&uuid, &cgroup)) {
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
        unmake(&uuid, &cgroup);
    }
    g_free(rules);
}

/* As a member of the cgroup: what a socket call says. */
typedef struct AddressTry {
    const char *name;
    const char *address;
    bool send; /* unconnected, by sendto; else connect */
} AddressTry;

static const AddressTry address_tries[] = {
    { "loopback", "127.0.0.1", false },
    { "loopback-send", "127.0.0.1", true },
    { "loopback-other", "127.200.3.4", false },
    { "any", "0.0.0.0", false },
    { "metadata", "169.254.169.254", false },
    { "multicast", "224.0.0.251", true },
    { "loopback-6", "::1", false },
    { "loopback-6-send", "::1", true },
    { "any-6", "::", false },
    { "mapped", "::ffff:127.0.0.1", false },
    { "mapped-send", "::ffff:127.0.0.1", true },
    { "rule", "198.51.100.7", false },
};
#define N_TRIES G_N_ELEMENTS(address_tries)

static int
try_address(const AddressTry *try)
{
    struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
                                .sin6_port = htons(9) };
    struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_port = htons(9) };
    const bool six = strchr(try->address, ':') != NULL;
    const struct sockaddr *to = six ? (const void *)&to6 : (const void *)&to4;
    socklen_t size = six ? sizeof(to6) : sizeof(to4);
    SVIRT_AUTO_FD fd = socket(six ? AF_INET6 : AF_INET,
                              SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (inet_pton(six ? AF_INET6 : AF_INET, try->address,
                  six ? (void *)&to6.sin6_addr : (void *)&to4.sin_addr) != 1) {
        return -1;
    }
    if (try->send) {
        return sendto(fd, "x", 1, 0, to, size) < 0 ? errno : 0;
    }
    return connect(fd, to, size) < 0 ? errno : 0;
}

/* The port a bind to 5555 gets. */
static int
try_bind(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons(5555) };
    socklen_t size = sizeof(in);
    SVIRT_AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
        getsockname(fd, (struct sockaddr *)&in, &size) < 0) {
        return -1;
    }
    return ntohs(in.sin_port);
}

static void
try_addresses(int cgroup_fd, int *results)
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
        for (unsigned i = 0; i < N_TRIES; i++) {
            shared[i] = try_address(&address_tries[i]);
        }
        shared[N_TRIES] = try_bind();
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    memcpy(results, shared, (N_TRIES + 1) * sizeof(results[0]));
    munmap(shared, 4096);
}

static void
test_addresses_of_the_host_are_refused(void)
{
    const SvirtAddressRule rule = { false, { 198, 51, 100, 0 }, 24 };
    const SvirtAddressRule wrong = { false, { 0 }, 33 };
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    int before[N_TRIES + 1], after[N_TRIES + 1];
    SvirtUuid uuid;

    if (!make(&uuid, &cgroup)) {
        return;
    }
    try_addresses(cgroup.helper_fd, before);
    g_assert_cmpint(before[N_TRIES], ==, 5555);
    g_assert_false(svirt_cgroup_set_addresses(cgroup.helper_fd, &wrong, 1));
    g_assert_cmpint(errno, ==, EINVAL);
    g_assert_true(svirt_cgroup_set_addresses(cgroup.helper_fd, &rule, 1));
    try_addresses(cgroup.helper_fd, after);
    for (unsigned i = 0; i < N_TRIES; i++) {
        g_test_message("%s: %s, then %s", address_tries[i].name,
                       g_strerror(before[i]), g_strerror(after[i]));
        g_assert_cmpint(before[i], !=, EPERM);
        g_assert_cmpint(after[i], ==, EPERM);
    }
    g_assert_cmpint(after[N_TRIES], !=, 5555);
    g_assert_cmpint(after[N_TRIES], >, 0);
    unmake(&uuid, &cgroup);
}

static const struct {
    const char *address;
    bool refused;
} refused_rows[] = {
    { "127.0.0.1", true }, { "127.255.255.255", true }, { "0.0.0.0", true },
    { "169.254.169.254", true }, { "224.0.0.1", true },
    { "255.255.255.255", true }, { "126.255.255.255", false },
    { "128.0.0.1", false }, { "169.253.0.1", false }, { "10.0.0.1", false },
    { "::1", true }, { "::", true }, { "::7f00:1", true },
    { "::ffff:192.0.2.1", true }, { "::ffff:0:127.0.0.1", true },
    { "fe80::1", true }, { "febf::1", true }, { "fec0::1", true },
    { "ff02::1", true }, { "fd00:ec2::254", true }, { "fd00:ec3::254", false },
    { "2001:db8::1", false }, { "64:ff9b::1", false },
};

static void
test_always_refused_addresses(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(refused_rows); i++) {
        const char *text = refused_rows[i].address;
        SvirtAddressRule rule = { .ipv6 = strchr(text, ':') != NULL };

        rule.bits = rule.ipv6 ? 128 : 32;
        g_assert_cmpint(inet_pton(rule.ipv6 ? AF_INET6 : AF_INET, text,
                                  rule.address), ==, 1);
        g_test_message("%s", text);
        g_assert_cmpint(svirt_address_is_refused(&rule), ==,
                        refused_rows[i].refused);
    }
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
    g_test_add_func("/launch/cgroup/bad-parents-are-refused",
                    test_bad_parents_are_refused);
    g_test_add_func("/launch/cgroup/devices-outside-the-rules-are-refused",
                    test_devices_outside_the_rules_are_refused);
    g_test_add_func("/launch/cgroup/launch-works-under-its-device-rules",
                    test_launch_works_under_its_device_rules);
    g_test_add_func("/launch/cgroup/device-rules-are-bounded",
                    test_device_rules_are_bounded);
    g_test_add_func("/launch/cgroup/addresses-of-the-host-are-refused",
                    test_addresses_of_the_host_are_refused);
    g_test_add_func("/launch/cgroup/always-refused-addresses",
                    test_always_refused_addresses);
    return g_test_run();
}
