/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "fixture.h"
#include "launch/cgroup.h"
#include "launch/passt.h"

/*
 * The network of these tests is a namespace of its own: "host" with loopback
 * and one interface, a tap whose other end (the wire) the test reads.
 */
#define HOST "192.0.2.2"
#define ROUTER "192.0.2.1"
#define OUTSIDE "198.51.100.7"
#define METADATA "169.254.169.254"
#define PORT 5555
#define WAIT_MS 400

static char *
join(const SvirtPasstArgv *argv)
{
    return g_strjoinv(" ", (char **)argv->arg);
}

static void
test_argv_is_safe(void)
{
    SvirtPasstOptions options = { .program = "/usr/bin/passt", .fd = 7 };
    SvirtPasstArgv argv;
    g_autofree char *bare = NULL;
    g_autofree char *full = NULL;

    svirt_passt_argv(&options, &argv);
    bare = join(&argv);
    g_assert_cmpstr(bare, ==,
        "/usr/bin/passt --foreground --quiet --stderr --no-map-gw --no-icmp "
        "-t none -u none -S none -D none -F 7");
    options.ipv4 = true;
    g_assert_cmpuint(svirt_passt_add_nameservers("nameserver 192.0.2.53\n",
                                                 &options), ==, 1);
    svirt_passt_argv(&options, &argv);
    full = join(&argv);
    g_assert_cmpstr(full, ==,
        "/usr/bin/passt --foreground --quiet --stderr --no-map-gw --no-icmp "
        "-t none -u none -S none -4 -D 192.0.2.53 -F 7");
}

static const struct {
    const char *name;
    const char *text;
    const char *found; /* with blanks between */
} resolv_rows[] = {
    { "plain", "nameserver 192.0.2.53\n", "192.0.2.53 " },
    { "two-and-tab", "search x\nnameserver\t192.0.2.53\nnameserver 2001:db8::1",
      "192.0.2.53 2001:db8::1 " },
    { "systemd-resolved", "nameserver 127.0.0.53\noptions edns0\n", "" },
    { "loopback-6", "nameserver ::1\n", "" },
    { "link-local", "nameserver 169.254.169.254\nnameserver fe80::1%eth0\n",
      "" },
    { "mapped", "nameserver ::ffff:127.0.0.1\n", "" },
    { "any", "nameserver 0.0.0.0\nnameserver ::\n", "" },
    { "comment", "#nameserver 192.0.2.1\n;nameserver 192.0.2.1\n", "" },
    { "glued", "nameserver192.0.2.1\n", "" },
    { "words", "nameserver -F\nnameserver 192.0.2.1,--map\n", "" },
    { "long", "nameserver 1111111111111111111111111111111111111111111111111\n",
      "" },
    { "crlf", "nameserver 192.0.2.53\r\n", "192.0.2.53 " },
    { "empty", "", "" },
    { "many", "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
      "nameserver 192.0.2.3\nnameserver 192.0.2.4\nnameserver 192.0.2.5\n"
      "nameserver 192.0.2.6\nnameserver 192.0.2.7\nnameserver 192.0.2.8\n"
      "nameserver 192.0.2.9\n", "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 "
      "192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 " },
};

static void
test_nameservers(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    SvirtPasstOptions options = { .program = "/usr/bin/passt" };
    g_autoptr(GString) found = g_string_new(NULL);

    svirt_passt_add_nameservers(resolv_rows[row].text, &options);
    for (size_t i = 0; i < options.n_nameservers; i++) {
        g_string_append_printf(found, "%s ", options.nameservers[i]);
    }
    g_assert_cmpstr(found->str, ==, resolv_rows[row].found);
}

static void
set_address(struct sockaddr *to, const char *text)
{
    struct sockaddr_in in = { .sin_family = AF_INET };

    g_assert_cmpint(inet_pton(AF_INET, text, &in.sin_addr), ==, 1);
    memcpy(to, &in, sizeof(in));
}

static void
set_up(int control, const char *name, const char *address)
{
    struct ifreq request = { 0 };

    g_strlcpy(request.ifr_name, name, sizeof(request.ifr_name));
    set_address(&request.ifr_addr, address);
    g_assert_cmpint(ioctl(control, SIOCSIFADDR, &request), ==, 0);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    g_assert_cmpint(ioctl(control, SIOCSIFFLAGS, &request), ==, 0);
}

/* This process alone gets the namespace; the wire, or -1 without tun. */
static int
make_network(void)
{
    SVIRT_AUTO_FD control = -1;
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
    struct arpreq arp = { .arp_flags = ATF_COM | ATF_PERM };
    int wire = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (wire < 0 || unshare(CLONE_NEWNET) < 0) {
        return -1;
    }
    control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_strlcpy(request.ifr_name, "wire0", sizeof(request.ifr_name));
    /* The descriptor serves the namespace it was opened in. */
    svirt_fd_close(&wire);
    wire = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    g_assert_cmpint(ioctl(wire, TUNSETIFF, &request), ==, 0);
    set_up(control, "lo", "127.0.0.1");
    set_up(control, "wire0", HOST);
    set_address(&route.rt_dst, "0.0.0.0");
    set_address(&route.rt_genmask, "0.0.0.0");
    set_address(&route.rt_gateway, ROUTER);
    g_assert_cmpint(ioctl(control, SIOCADDRT, &route), ==, 0);
    /* The router needs no voice: its address on the wire is known. */
    set_address(&arp.arp_pa, ROUTER);
    arp.arp_ha.sa_family = ARPHRD_ETHER;
    memcpy(arp.arp_ha.sa_data, "\x52\x54\0\xaa\xaa\xaa", 6);
    g_strlcpy(arp.arp_dev, "wire0", sizeof(arp.arp_dev));
    g_assert_cmpint(ioctl(control, SIOCSARP, &arp), ==, 0);
    return wire;
}

static uint16_t
checksum(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

static void
put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* What a guest's network card would send: a SYN, or a datagram "ping". */
static void
guest_sends(int fd, const char *to, bool udp, unsigned source_port)
{
    uint8_t frame[4 + 14 + 20 + 20] = { 0 };
    uint8_t *ethernet = frame + 4, *ip = ethernet + 14, *l4 = ip + 20;
    const unsigned l4_size = udp ? 12 : 20;
    uint32_t size = htonl(14 + 20 + l4_size);

    memcpy(frame, &size, 4);
    memset(ethernet, 0xff, 6);
    memcpy(ethernet + 6, "\x52\x54\0\1\2\3", 6);
    put16(ethernet + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, 20 + l4_size);
    ip[8] = 64;
    ip[9] = udp ? 17 : 6;
    g_assert_cmpint(inet_pton(AF_INET, HOST, ip + 12), ==, 1);
    g_assert_cmpint(inet_pton(AF_INET, to, ip + 16), ==, 1);
    put16(ip + 10, checksum(ip, 20, 0));
    put16(l4, source_port);
    put16(l4 + 2, PORT);
    if (udp) {
        put16(l4 + 4, l4_size);
        memcpy(l4 + 8, "ping", 4);
    } else {
        l4[7] = 1;
        l4[12] = 0x50;
        l4[13] = 2;
        put16(l4 + 14, 65000);
        put16(l4 + 16, checksum(l4, 20, (uint32_t)(6 + 20 +
            (uint16_t)~checksum(ip + 12, 8, 0))));
    }
    g_assert_cmpint(write(fd, frame, 4 + 14 + 20 + l4_size), ==,
                    4 + 14 + 20 + (int)l4_size);
}

/* Did an IPv4 packet to `to` leave by the wire? */
static bool
seen_on_wire(int wire, const char *to, unsigned *ret_source_port)
{
    gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;
    struct in_addr address;

    g_assert_cmpint(inet_pton(AF_INET, to, &address), ==, 1);
    while (g_get_monotonic_time() < end) {
        struct pollfd poll_fd = { .fd = wire, .events = POLLIN };
        uint8_t frame[2048];

        if (poll(&poll_fd, 1, 50) <= 0) {
            continue;
        }
        if (read(wire, frame, sizeof(frame)) >= 38 && frame[12] == 8 &&
            frame[13] == 0 && memcmp(frame + 30, &address, 4) == 0) {
            *ret_source_port = (unsigned)(frame[34] << 8 | frame[35]);
            return true;
        }
    }
    return false;
}

static int
listen_everywhere(int type)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons(PORT) };
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)&in, sizeof(in)), ==, 0);
    if (type == SOCK_STREAM) {
        g_assert_cmpint(listen(fd, 8), ==, 0);
    }
    return fd;
}

static bool
reached(int fd, bool udp)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    char text[16];

    if (poll(&poll_fd, 1, WAIT_MS) <= 0) {
        return false;
    }
    if (udp) {
        return recv(fd, text, sizeof(text), 0) > 0;
    }
    {
        SVIRT_AUTO_FD client = accept(fd, NULL, NULL);

        return client >= 0;
    }
}

/* A passt with its guest's end of the socket, in cgroup `cgroup`. */
typedef struct Helper {
    Fixture *fixture;
    int guest; /* owned */
} Helper;

static Helper
start_passt(const SvirtCgroup *cgroup)
{
    Helper helper = { fixture_new(SVIRT_PROCESS_PASST, true), -1 };
    SvirtPasstOptions options = { .program = svirt_passt_program(), .fd = 3,
                                  .ipv4 = true };
    SvirtLaunchFailure failure = { 0 };
    SvirtPasstArgv argv;
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                    ==, 0);
    svirt_passt_argv(&options, &argv);
    for (size_t i = 0; i < argv.count; i++) {
        fixture_arg(helper.fixture, argv.arg[i]);
    }
    fixture_fd(helper.fixture, pair[1], 3, SVIRT_FD_NET, 0);
    if (!fixture_start(helper.fixture, cgroup->helper_fd, &failure)) {
        g_error("%s: %s: %s", svirt_step_to_string(failure.step),
                failure.words, g_strerror(failure.errnum));
    }
    close(pair[1]);
    helper.guest = pair[0];
    return helper;
}

static void
end_passt(Helper *helper)
{
    int status = 0;

    /* Still there: it did not give up on its pretended sandbox. */
    g_assert_cmpint(waitpid(helper->fixture->launched.pid, &status, WNOHANG),
                    ==, 0);
    fixture_free(helper->fixture);
    svirt_fd_close(&helper->guest);
}

typedef struct Ports {
    int wire, tcp, udp;
} Ports;

/* The control: nothing on the cgroup, everything is reached. */
static void
check_unfiltered(const Ports *ports, const SvirtCgroup *cgroup)
{
    Helper helper = start_passt(cgroup);
    unsigned port = 0;

    guest_sends(helper.guest, OUTSIDE, false, 40001);
    g_assert_true(seen_on_wire(ports->wire, OUTSIDE, &port));
    guest_sends(helper.guest, METADATA, false, 40002);
    g_assert_true(seen_on_wire(ports->wire, METADATA, &port));
    guest_sends(helper.guest, "127.0.0.1", false, 40003);
    g_assert_true(reached(ports->tcp, false));
    guest_sends(helper.guest, "127.0.0.1", true, 40004);
    g_assert_true(reached(ports->udp, true));
    guest_sends(helper.guest, HOST, true, 40005);
    g_assert_true(reached(ports->udp, true));
    /* The control of the bind program: the guest's choice is taken. */
    guest_sends(helper.guest, OUTSIDE, true, 40006);
    g_assert_true(seen_on_wire(ports->wire, OUTSIDE, &port));
    g_assert_cmpuint(port, ==, 40006);
    end_passt(&helper);
}

static void
check_filtered(const Ports *ports, const SvirtCgroup *cgroup)
{
    static const char *const closed[] = { "127.0.0.1", "127.8.8.8", HOST,
                                          "0.0.0.0", ROUTER };
    static const struct {
        const char *device;
        const char *address;
    } later[] = { { "lo:1", "203.0.113.9" }, { "wire0:1", "192.0.2.99" } };
    SvirtAddressRule rules[16];
    size_t count = 0;
    unsigned port = 0;
    Helper helper;

    g_assert_true(svirt_address_rules_for_host(rules, G_N_ELEMENTS(rules),
                                               &count));
    g_assert_cmpuint(count, >=, 2);
    g_assert_true(svirt_cgroup_set_addresses(cgroup->helper_fd, rules,
                                             count));
    helper = start_passt(cgroup);
    for (unsigned i = 0; i < G_N_ELEMENTS(closed); i++) {
        guest_sends(helper.guest, closed[i], false, 41000 + i);
        g_assert_false(reached(ports->tcp, false));
        guest_sends(helper.guest, closed[i], true, 42000 + i);
        g_assert_false(reached(ports->udp, true));
    }
    /* Addresses the host got after all rules were made. */
    for (unsigned i = 0; i < G_N_ELEMENTS(later); i++) {
        SVIRT_AUTO_FD control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        set_up(control, later[i].device, later[i].address);
        guest_sends(helper.guest, later[i].address, false, 45000 + i);
        g_assert_false(reached(ports->tcp, false));
        guest_sends(helper.guest, later[i].address, true, 46000 + i);
        g_assert_false(reached(ports->udp, true));
    }
    guest_sends(helper.guest, METADATA, false, 43001);
    guest_sends(helper.guest, METADATA, true, 43002);
    g_assert_false(seen_on_wire(ports->wire, METADATA, &port));
    /* The outside still is there, from a port the guest did not choose. */
    guest_sends(helper.guest, OUTSIDE, false, 44001);
    g_assert_true(seen_on_wire(ports->wire, OUTSIDE, &port));
    guest_sends(helper.guest, OUTSIDE, true, 44002);
    g_assert_true(seen_on_wire(ports->wire, OUTSIDE, &port));
    g_assert_cmpuint(port, !=, 44002);
    end_passt(&helper);
}

/* The whole test runs in a child: the namespace ends with it. */
static void
test_guest_reaches_the_outside_alone(void)
{
    int status;
    pid_t pid;

    if (!fixture_need_root()) {
        return;
    }
    if (access(SVIRT_PASST_PROGRAM, X_OK) < 0 ||
        access("/dev/net/tun", R_OK | W_OK) < 0) {
        g_test_skip("no passt or no /dev/net/tun");
        return;
    }
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        SvirtLaunchFailure failure = { 0 };
        SvirtCgroupLimits limits = { 0 };
        SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
        SvirtUuid uuid;
        Ports ports = { .wire = make_network() };

        svirt_uuid_generate(&uuid);
        g_assert_cmpint(ports.wire, >=, 0);
        g_assert_true(svirt_cgroup_create("svirt-test-passt", &uuid, &limits,
                                          &cgroup, &failure));
        ports.tcp = listen_everywhere(SOCK_STREAM);
        ports.udp = listen_everywhere(SOCK_DGRAM);
        check_unfiltered(&ports, &cgroup);
        check_filtered(&ports, &cgroup);
        g_assert_true(svirt_cgroup_remove(cgroup.parent_fd, &uuid, 5000));
        *strrchr(cgroup.path, '/') = '\0';
        (void)rmdir(cgroup.path);
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/passt/argv-is-safe", test_argv_is_safe);
    for (unsigned i = 0; i < G_N_ELEMENTS(resolv_rows); i++) {
        g_autofree char *path = g_strdup_printf(
            "/launch/passt/nameservers/%s", resolv_rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_nameservers);
    }
    g_test_add_func("/launch/passt/guest-reaches-the-outside-alone",
                    test_guest_reaches_the_outside_alone);
    return g_test_run();
}
