/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture-cgroup.h"
#include "fixture.h"
#include "launch/address.h"

#define PARENT "svirt-test-address"

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

    if (!fixture_cgroup_make(PARENT, &uuid, &cgroup)) {
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
    fixture_cgroup_end(&uuid, &cgroup);
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

/* A reply to a datagram sent to `address`, from inside the cgroup? */
static bool
answers(int cgroup_fd, const char *address)
{
    const bool six = strchr(address, ':') != NULL;
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in in4 = { .sin_family = AF_INET };
    struct sockaddr *to = six ? (void *)&in6 : (void *)&in4;
    socklen_t size = six ? sizeof(in6) : sizeof(in4);
    SVIRT_AUTO_FD server = socket(six ? AF_INET6 : AF_INET,
                                  SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct pollfd wait = { .fd = server, .events = POLLIN };
    int status;
    pid_t pid;

    g_assert_cmpint(inet_pton(six ? AF_INET6 : AF_INET, address,
                              six ? (void *)&in6.sin6_addr
                                  : (void *)&in4.sin_addr), ==, 1);
    /* An IPv6 address is tentative for a moment. */
    for (unsigned i = 0; bind(server, to, size) < 0 && i < 50; i++) {
        g_usleep(100000);
    }
    g_assert_cmpint(getsockname(server, to, &size), ==, 0);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        SVIRT_AUTO_FD procs = openat(cgroup_fd, "cgroup.procs", O_WRONLY);
        SVIRT_AUTO_FD fd = -1;

        if (write(procs, "0", 1) != 1) {
            _exit(1);
        }
        /* A socket is its maker's cgroup's. */
        fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        (void)sendto(fd, "x", 1, 0, to, size);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    return poll(&wait, 1, 200) == 1;
}

static const struct {
    const char *device;
    const char *address;
} late_rows[] = {
    { "lo:1", "192.0.2.77" },
    { "link0", "198.51.100.77" },
    { "lo", "2001:db8::77" },
    { "link0", "2001:db8:1::77" },
};

/* struct in6_ifreq; <linux/ipv6.h> cannot stand beside <netinet/in.h>. */
typedef struct Request6 {
    struct in6_addr address;
    uint32_t bits;
    int index;
} Request6;

static void
set_flags(int fd, const char *device)
{
    struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };

    g_strlcpy(request.ifr_name, device, sizeof(request.ifr_name));
    g_assert_cmpint(ioctl(fd, SIOCSIFFLAGS, &request), ==, 0);
}

/* netdevice(7), ipv6(7) */
static void
add_address(const char *device, const char *address)
{
    SVIRT_AUTO_FD fd4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    SVIRT_AUTO_FD fd6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    Request6 request6 = { .bits = 64,
                          .index = (int)if_nametoindex(device) };
    struct ifreq request = { .ifr_flags = 0 };
    struct sockaddr_in in = { .sin_family = AF_INET };

    if (inet_pton(AF_INET6, address, &request6.address) == 1) {
        g_assert_cmpint(ioctl(fd6, SIOCSIFADDR, &request6), ==, 0);
        return;
    }
    g_strlcpy(request.ifr_name, device, sizeof(request.ifr_name));
    g_assert_cmpint(inet_pton(AF_INET, address, &in.sin_addr), ==, 1);
    memcpy(&request.ifr_addr, &in, sizeof(in));
    g_assert_cmpint(ioctl(fd4, SIOCSIFADDR, &request), ==, 0);
    set_flags(fd4, device);
}

/* Returns the tap device's descriptor, which is its life. */
static int
make_devices(void)
{
    struct ifreq request = { .ifr_name = "link0",
                             .ifr_flags = IFF_TAP | IFF_NO_PI };
    SVIRT_AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    SVIRT_AUTO_FD tun = -1;

    g_assert_cmpint(unshare(CLONE_NEWNET), ==, 0);
    tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    g_assert_cmpint(ioctl(tun, TUNSETIFF, &request), ==, 0);
    svirt_fd_close(&fd);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set_flags(fd, "lo");
    set_flags(fd, "link0");
    return svirt_fd_steal(&tun);
}

/* In a network namespace of its own: the addresses are no host's. */
static void
add_late_addresses(void)
{
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    SvirtAddressRule rules[8];
    SVIRT_AUTO_FD tun = make_devices();
    SvirtUuid uuid;
    size_t count = 0;

    g_assert_cmpint(tun, >=, 0);
    g_assert_true(fixture_cgroup_make(PARENT, &uuid, &cgroup));
    g_assert_true(svirt_address_rules_for_host(rules, G_N_ELEMENTS(rules),
                                               &count));
    for (unsigned i = 0; i < G_N_ELEMENTS(late_rows); i++) {
        add_address(late_rows[i].device, late_rows[i].address);
        /* The control: no filter yet. */
        g_test_message("%s", late_rows[i].address);
        g_assert_true(answers(cgroup.helper_fd, late_rows[i].address));
    }
    g_assert_true(svirt_cgroup_set_addresses(cgroup.helper_fd, rules, count));
    for (unsigned i = 0; i < G_N_ELEMENTS(late_rows); i++) {
        g_test_message("%s is closed", late_rows[i].address);
        g_assert_false(answers(cgroup.helper_fd, late_rows[i].address));
    }
    fixture_cgroup_end(&uuid, &cgroup);
}

static void
test_later_addresses_are_closed_too(void)
{
    int status;
    pid_t pid;

    if (!fixture_need_root()) {
        return;
    }
    if (access("/dev/net/tun", R_OK | W_OK) < 0) {
        g_test_skip("no /dev/net/tun");
        return;
    }
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        add_late_addresses();
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
}

static void
test_more_addresses_than_rules(void)
{
    SvirtAddressRule rule;
    size_t count = 0;

    g_assert_true(svirt_address_rules_for_host(&rule, 1, &count));
    g_assert_cmpuint(count, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/address/of-the-host-are-refused",
                    test_addresses_of_the_host_are_refused);
    g_test_add_func("/launch/address/always-refused",
                    test_always_refused_addresses);
    g_test_add_func("/launch/address/later-ones-are-closed-too",
                    test_later_addresses_are_closed_too);
    g_test_add_func("/launch/address/more-than-rules-are-cut",
                    test_more_addresses_than_rules);
    return g_test_run();
}
