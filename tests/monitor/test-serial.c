/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/serial.h"

/* A serial that is connected to a server, with both far ends in hand. */
typedef struct Fixture {
    SvirtLoop loop;
    SvirtSerial serial;
    int vmm;    /* what the VMM has */
    int server; /* what listens on the host */
    int keeper; /* the keeper's copy of the connection */
} Fixture;

static const SvirtMonitorArgs args = {
    .n_serials = 1,
    .serial = { SVIRT_SERIAL_CONNECTED },
    .log_limit_bytes = 65536,
    .log_rate_bytes_per_s = 65536,
};

static int
make_pair(int number)
{
    int ends[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
                                 ends));
    g_assert_no_errno(fcntl(ends[1], F_SETFL, O_RDWR | O_NONBLOCK));
    g_assert_no_errno(dup3(ends[1], number, O_CLOEXEC));
    (void)close(ends[1]);
    return ends[0];
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(svirt_loop_init(&fixture->loop));
    fixture->vmm = make_pair(SVIRT_MONITOR_FD_SERIAL(0));
    fixture->server = make_pair(SVIRT_MONITOR_FD_SERIAL_SINK(0));
    fixture->keeper = fcntl(SVIRT_MONITOR_FD_SERIAL_SINK(0), F_DUPFD_CLOEXEC,
                            100);
    svirt_serial_init(&fixture->serial, 0, &args, 0);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    svirt_outbox_clear(&fixture->serial.to_sink);
    svirt_ring_clear(&fixture->serial.scrollback);
    (void)close(SVIRT_MONITOR_FD_SERIAL(0));
    (void)close(SVIRT_MONITOR_FD_SERIAL_SINK(0));
    svirt_fd_close(&fixture->vmm);
    svirt_fd_close(&fixture->server);
    svirt_fd_close(&fixture->keeper);
    (void)close(fixture->loop.epoll_fd);
}

/* As the monitor does, until nothing is ready. */
static void
turn(Fixture *fixture)
{
    SvirtReady ready[SVIRT_LOOP_BATCH];
    char block[SVIRT_SERIAL_BLOCK];
    int64_t now_ns = svirt_loop_now_ns();
    int count;

    for (int round = 0; round < 100; round++) {
        (void)svirt_serial_update(&fixture->serial, &fixture->loop, now_ns);
        count = svirt_loop_wait(&fixture->loop, now_ns, now_ns, ready);
        if (count <= 0) {
            return;
        }
        for (int i = 0; i < count; i++) {
            if (ready[i].kind == SVIRT_WATCH_SERIAL) {
                (void)svirt_serial_read(&fixture->serial, &fixture->loop,
                                        now_ns, block);
            } else {
                g_assert_cmpint(ready[i].kind, ==, SVIRT_WATCH_SERIAL_SINK);
                svirt_serial_sink_ready(&fixture->serial, &fixture->loop);
            }
        }
    }
    g_error("it never comes to rest");
}

static void
expect(int fd, const char *want)
{
    char got[64] = "";

    g_assert_cmpint(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), ==,
                    (ssize_t)strlen(want));
    g_assert_cmpstr(got, ==, want);
}

static bool
is_silent(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static bool
is_ended(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void
say(int fd, const char *text)
{
    g_assert_true(svirt_write_full(fd, text, strlen(text)));
}

static void
test_bytes_go_both_ways(Fixture *fixture, gconstpointer data)
{
    (void)data;
    say(fixture->vmm, "from the guest");
    say(fixture->server, "from the host");
    turn(fixture);
    expect(fixture->server, "from the guest");
    expect(fixture->vmm, "from the host");
}

static void
send_with_descriptor(int fd, int passed)
{
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    char byte = '!';
    struct iovec part = { &byte, 1 };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control) };
    struct cmsghdr *message = CMSG_FIRSTHDR(&header);

    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(message), &passed, sizeof(int));
    g_assert_cmpint(sendmsg(fd, &header, 0), ==, 1);
}

/* `from` sends one end of a pipe: the byte comes, the pipe has ended. */
static void
check_dropped(Fixture *fixture, int from, int to)
{
    char control[CMSG_SPACE(sizeof(int) * 4)];
    char byte = 0;
    struct iovec part = { &byte, 1 };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control) };
    int ends[2];

    g_assert_no_errno(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
    send_with_descriptor(from, ends[1]);
    (void)close(ends[1]);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, -1); /* on its way */
    turn(fixture);
    g_assert_cmpint(recvmsg(to, &header, MSG_DONTWAIT), ==, 1);
    g_assert_cmpint(byte, ==, '!');
    g_assert_null(CMSG_FIRSTHDR(&header));
    g_assert_cmpint(header.msg_flags & MSG_CTRUNC, ==, 0);
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 0);
    (void)close(ends[0]);
}

static void
test_descriptors_of_the_vmm_stop_here(Fixture *fixture, gconstpointer data)
{
    (void)data;
    check_dropped(fixture, fixture->vmm, fixture->server);
}

static void
test_descriptors_of_the_server_stop_here(Fixture *fixture, gconstpointer data)
{
    (void)data;
    check_dropped(fixture, fixture->server, fixture->vmm);
}

/* The server's end is an end; the guest goes on and is heard by others. */
static void
test_a_server_that_hangs_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    svirt_fd_close(&fixture->server);
    turn(fixture);
    g_assert_true(fixture->serial.hung_up);
    say(fixture->vmm, "said to nobody");
    turn(fixture);
    g_assert_true(is_silent(fixture->vmm));
    g_assert_cmpint((int)fixture->serial.scrollback.used, ==,
                    (int)strlen("said to nobody"));
    svirt_serial_input(&fixture->serial, "typed", 5);
    turn(fixture);
    expect(fixture->vmm, "typed");
    /* Its number stays taken: another keeper will ask for it. */
    g_assert_cmpint(fcntl(SVIRT_MONITOR_FD_SERIAL_SINK(0), F_GETFD), >=, 0);
}

/* The keeper holds a copy, which must not keep half a connection open. */
static void
test_a_server_that_closes_one_half(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_no_errno(shutdown(fixture->server, SHUT_WR));
    turn(fixture);
    g_assert_true(is_ended(fixture->server));
    g_assert_true(fixture->serial.hung_up);
}

/* What a monitor that starts anew makes of a connection that has ended. */
static void
test_the_next_monitor_finds_it_ended(Fixture *fixture, gconstpointer data)
{
    (void)data;
    svirt_fd_close(&fixture->server);
    turn(fixture);
    svirt_ring_clear(&fixture->serial.scrollback);
    svirt_serial_init(&fixture->serial, 0, &args, 0);
    turn(fixture);
    g_assert_true(fixture->serial.hung_up);
    say(fixture->vmm, "on and on");
    turn(fixture);
    g_assert_true(is_silent(fixture->vmm));
}

/* The number of what the VMM closed is not given to the next who connects. */
static void
test_a_vmm_that_hangs_up(Fixture *fixture, gconstpointer data)
{
    SVIRT_AUTO_FD next = -1;

    (void)data;
    svirt_fd_close(&fixture->vmm);
    turn(fixture);
    g_assert_cmpint(fixture->serial.vmm.fd, ==, -1);
    g_assert_cmpuint(svirt_serial_input_room(&fixture->serial), ==, 0);
    next = fcntl(fixture->server, F_DUPFD_CLOEXEC, SVIRT_MONITOR_FD_SERIAL(0));
    g_assert_cmpint(next, >, SVIRT_MONITOR_FD_SERIAL_SINK(0));
}

/* As much as the box holds waits for it, the rest is dropped. */
static void
test_a_server_that_never_reads(Fixture *fixture, gconstpointer data)
{
    static char block[SVIRT_SERIAL_BLOCK];

    (void)data;
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 256; i++) {
        g_assert_true(svirt_write_full(fixture->vmm, block, sizeof(block)));
        turn(fixture);
    }
    g_assert_false(fixture->serial.hung_up);
    g_assert_cmpuint(svirt_outbox_length(&fixture->serial.to_sink), <=,
                     SVIRT_SERIAL_WAITING);
    g_assert_cmpuint(svirt_outbox_length(&fixture->serial.to_sink), >, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                  \
    g_test_add("/monitor/serial/connected/" name, Fixture, NULL, set_up,     \
               function, tear_down)
    ADD("bytes-go-both-ways", test_bytes_go_both_ways);
    ADD("descriptors-of-the-vmm-stop-here",
        test_descriptors_of_the_vmm_stop_here);
    ADD("descriptors-of-the-server-stop-here",
        test_descriptors_of_the_server_stop_here);
    ADD("a-server-that-hangs-up", test_a_server_that_hangs_up);
    ADD("a-server-that-closes-one-half", test_a_server_that_closes_one_half);
    ADD("the-next-monitor-finds-it-ended",
        test_the_next_monitor_finds_it_ended);
    ADD("a-vmm-that-hangs-up", test_a_vmm_that_hangs_up);
    ADD("a-server-that-never-reads", test_a_server_that_never_reads);
    return g_test_run();
}
