/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/hand-over.h"

#define TIMEOUT_MS 5000
/* More than fit into one packet. */
#define MANY 300
#define FIRST 20

static void
make_pair(int *ends)
{
    g_assert_no_errno(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
}

/* A file that says which one it is. */
static int
numbered_file(int number)
{
    int fd = memfd_create("numbered", MFD_CLOEXEC);

    g_assert_no_errno(fd);
    g_assert_cmpint(pwrite(fd, &number, sizeof(number), 0), ==,
                    (int)sizeof(number));
    return fd;
}

static int
number_in(int fd)
{
    int number = -1;

    return pread(fd, &number, sizeof(number), 0) == (int)sizeof(number)
               ? number : -1;
}

/* In a process of its own, whose descriptors are then the test's business. */
static void
assert_child_passes(int socket, int (*child)(int socket))
{
    pid_t pid = fork();
    int status;

    g_assert_no_errno(pid);
    if (pid == 0) {
        /* The lowest numbers are free, so that what comes lands on numbers
         * that others are to have. */
        if (dup2(socket, 3) < 0 || close_range(4, ~0u, 0) < 0) {
            _exit(99);
        }
        _exit(child(3));
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
}

static int
take_many(int socket)
{
    SvirtHandOver kind = SVIRT_HAND_OVER_PART;
    int packets = 0;

    while (kind == SVIRT_HAND_OVER_PART) {
        if (!svirt_hand_over_receive(socket, TIMEOUT_MS, &kind)) {
            return 1;
        }
        packets++;
    }
    for (int i = 0; i < MANY; i++) {
        int number = FIRST + (MANY - 1 - i);

        if (number_in(number) != i ||
            fcntl(number, F_GETFD) != FD_CLOEXEC) {
            return 2;
        }
    }
    for (int i = 4; i < FIRST; i++) {
        if (fcntl(i, F_GETFD) >= 0) {
            return 3;
        }
    }
    return fcntl(FIRST + MANY, F_GETFD) >= 0 || packets != 3 ? 4 : 0;
}

/* In reverse, so that nearly each lands where another is to be. */
static void
test_each_stands_at_its_number(void)
{
    SvirtNumberedFd fds[MANY];
    int ends[2];

    make_pair(ends);
    for (int i = 0; i < MANY; i++) {
        fds[i].fd = numbered_file(i);
        fds[i].number = FIRST + (MANY - 1 - i);
    }
    g_assert_true(
        svirt_hand_over_send(ends[0], SVIRT_HAND_OVER_ALL, fds, MANY));
    assert_child_passes(ends[1], take_many);
    for (int i = 0; i < MANY; i++) {
        (void)close(fds[i].fd);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
test_a_number_of_the_standard_ones_is_not_sent(void)
{
    static const int numbers[] = { -1, 0, 2, 8192, INT32_MAX };
    int ends[2];

    make_pair(ends);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        SvirtNumberedFd fd = { STDIN_FILENO, numbers[i] };

        g_assert_false(
            svirt_hand_over_send(ends[0], SVIRT_HAND_OVER_ALL, &fd, 1));
        g_assert_cmpint(errno, ==, EINVAL);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* A packet as hand-over.c lays it out, with anything in it. */
typedef struct Forged {
    uint32_t kind;
    uint32_t count;
    int32_t number[128];
} Forged;

static void
send_forged(int socket, const Forged *forged, size_t size, unsigned n_fds)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(4 * sizeof(int))];
    } control = { .room = { 0 } };
    struct iovec part = { (void *)(uintptr_t)forged, size };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    int fds[4] = { 0, 0, 0, 0 };

    if (n_fds > 0) {
        struct cmsghdr *header;

        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(header), fds, n_fds * sizeof(int));
    }
    g_assert_cmpint(sendmsg(socket, &message, 0), ==, (int)size);
}

static int
refuse(int socket)
{
    SvirtHandOver kind = SVIRT_HAND_OVER_MAX;

    if (svirt_hand_over_receive(socket, TIMEOUT_MS, &kind)) {
        return 1;
    }
    if (errno != EPROTO || kind != SVIRT_HAND_OVER_MAX) {
        return 2;
    }
    for (int i = 4; i < 64; i++) {
        if (fcntl(i, F_GETFD) >= 0) {
            return 3;
        }
    }
    return 0;
}

static void
test_a_forged_packet_is_refused_and_its_descriptors_closed(void)
{
    static const struct {
        const char *name;
        Forged forged;
        size_t size;
        unsigned n_fds;
    } rows[] = {
        { "no kind", { 0, 1, { 20 } }, sizeof(Forged), 1 },
        { "unknown kind", { 9, 1, { 20 } }, sizeof(Forged), 1 },
        { "fewer than said", { 3, 2, { 20, 21 } }, sizeof(Forged), 1 },
        { "more than said", { 3, 1, { 20, 21 } }, sizeof(Forged), 2 },
        { "none, one said", { 3, 1, { 20 } }, sizeof(Forged), 0 },
        { "a standard number", { 3, 1, { 2 } }, sizeof(Forged), 1 },
        { "the socket's own", { 3, 1, { 3 } }, sizeof(Forged), 1 },
        { "a number twice", { 3, 2, { 20, 20 } }, sizeof(Forged), 2 },
        { "too high", { 3, 1, { 8192 } }, sizeof(Forged), 1 },
        { "short", { 3, 1, { 20 } }, 12, 1 },
        { "a message of another kind", { 3, 0, { 0 } }, 64, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int ends[2];

        g_test_message("%s", rows[i].name);
        make_pair(ends);
        send_forged(ends[0], &rows[i].forged, rows[i].size, rows[i].n_fds);
        assert_child_passes(ends[1], refuse);
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
}

static void
test_an_end_is_told_from_an_error(void)
{
    SvirtHandOver kind;
    int ends[2];

    make_pair(ends);
    g_assert_false(svirt_hand_over_receive(ends[1], 10, &kind));
    g_assert_cmpint(errno, ==, ETIMEDOUT);
    (void)close(ends[0]);
    g_assert_false(svirt_hand_over_receive(ends[1], TIMEOUT_MS, &kind));
    g_assert_cmpint(errno, ==, 0);
    (void)close(ends[1]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/launch/hand-over/each-stands-at-its-number",
                    test_each_stands_at_its_number);
    g_test_add_func("/launch/hand-over/a-standard-number-is-not-sent",
                    test_a_number_of_the_standard_ones_is_not_sent);
    g_test_add_func("/launch/hand-over/a-forged-packet-is-refused",
                    test_a_forged_packet_is_refused_and_its_descriptors_closed);
    g_test_add_func("/launch/hand-over/an-end-is-told-from-an-error",
                    test_an_end_is_told_from_an_error);
    return g_test_run();
}
