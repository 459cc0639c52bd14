/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
#define MASTER 3 /* in `owned` */

static const int handed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1,
                                 SIGUSR2, SIGWINCH };

static bool
open_terminal(SvirtRelay *relay, int like)
{
    struct winsize size;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    relay->owned[MASTER] = master;
    if (master < 0 || unlockpt(master) < 0) {
        return false;
    }
    if (ioctl(like, TIOCGWINSZ, &size) == 0) {
        (void)ioctl(master, TIOCSWINSZ, &size);
    }
    return true;
}

static void
add_channel(SvirtRelay *relay, int from, int to, bool input, bool keys)
{
    SvirtRelayChannel *channel = &relay->channel[relay->n_channels++];

    *channel = (SvirtRelayChannel){
        .from = from, .to = to, .input = input, .keys = keys,
        .buffer = g_malloc(SVIRT_RELAY_BYTES),
    };
}

/* The first of 1 and 2 that is a terminal shows what the program writes. */
static bool
give_terminal(SvirtRelay *relay, int number)
{
    bool first = relay->owned[MASTER] < 0;
    int master;

    if (first && !open_terminal(relay, number)) {
        return false;
    }
    master = relay->owned[MASTER];
    relay->fd[number] = ioctl(master, TIOCGPTPEER,
                              O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (relay->fd[number] < 0) {
        return false;
    }
    if (number == 0) {
        add_channel(relay, 0, master, true, true);
    } else if (number == 1 || !isatty(1)) {
        add_channel(relay, master, number, false, false);
    }
    return true;
}

static bool
give_pipe(SvirtRelay *relay, int number)
{
    int ends[2];
    bool input = number == 0;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return false;
    }
    relay->fd[number] = ends[input ? 0 : 1];
    relay->owned[number] = ends[input ? 1 : 0];
    add_channel(relay, input ? 0 : ends[0], input ? ends[1] : number, input,
                false);
    return true;
}

static bool
give_null(SvirtRelay *relay, int number)
{
    relay->fd[number] = open("/dev/null", O_RDWR | O_CLOEXEC);
    return relay->fd[number] >= 0;
}

static bool
give(SvirtRelay *relay, int number)
{
    struct stat st;

    if (fstat(number, &st) < 0) {
        return give_null(relay, number);
    }
    if (isatty(number)) {
        return give_terminal(relay, number);
    }
    if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) {
        return give_null(relay, number);
    }
    /* A pipe, too: its flags would be the caller's, and its life longer than
     * the program's. */
    return give_pipe(relay, number);
}

/* What is typed is the program's to understand: its own terminal does. */
static void
make_raw(SvirtRelay *relay)
{
    struct termios raw;

    if (relay->owned[MASTER] < 0 || tcgetattr(0, &relay->before) < 0) {
        return;
    }
    raw = relay->before;
    (void)tcsetattr(relay->owned[MASTER], TCSANOW, &relay->before);
    cfmakeraw(&raw);
    relay->raw = tcsetattr(0, TCSANOW, &raw) == 0;
}

bool
svirt_relay_open(SvirtRelay *ret, GError **error)
{
    sigset_t set;

    memset(ret, 0, sizeof(*ret));
    for (int i = 0; i < 3; i++) {
        ret->fd[i] = -1;
    }
    for (int i = 0; i < 4; i++) {
        ret->owned[i] = -1;
    }
    (void)sigemptyset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(handed_on); i++) {
        (void)sigaddset(&set, handed_on[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    ret->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (ret->signals < 0 || !give(ret, 0) || !give(ret, 1) || !give(ret, 2)) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot prepare the program's input and "
                                 "output");
    }
    make_raw(ret);
    return true;
}

void
svirt_relay_close(SvirtRelay *relay)
{
    if (relay->raw) {
        (void)tcsetattr(0, TCSADRAIN, &relay->before);
    }
    for (int i = 0; i < 3; i++) {
        svirt_fd_close(&relay->fd[i]);
        g_free(relay->channel[i].buffer);
    }
    for (int i = 0; i < 4; i++) {
        svirt_fd_close(&relay->owned[i]);
    }
    svirt_fd_close(&relay->signals);
    relay->n_channels = 0;
    relay->raw = false;
}

void
svirt_relay_terminal(const SvirtRelay *relay, char ret[32])
{
    ret[0] = '\0';
    if (relay->owned[MASTER] >= 0) {
        (void)ptsname_r(relay->owned[MASTER], ret, 32);
    }
}

static bool
has_signal(const char *status, const char *field, int signo)
{
    const char *line = strstr(status, field);

    return line != NULL &&
           (g_ascii_strtoull(line + strlen(field), NULL, 16) >>
            (signo - 1) & 1) != 0;
}

/* The signal that ended it, 0: it lives. */
static int
send_signal(pid_t pid, int pidfd, int signo)
{
    char path[64];
    char status[4096];
    bool caught;

    (void)g_snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (svirt_read_small(AT_FDCWD, path, status, sizeof(status)) < 0) {
        return 0;
    }
    caught = has_signal(status, "SigCgt:", signo);
    if (!caught && (signo == SIGWINCH ||
                    has_signal(status, "SigIgn:", signo))) {
        return 0;
    }
    (void)syscall(SYS_pidfd_send_signal, pidfd, caught ? signo : SIGKILL,
                  NULL, 0);
    return caught ? 0 : signo;
}

/* 0: none is there. */
static int
take_signal(SvirtRelay *relay)
{
    struct signalfd_siginfo info;
    struct winsize size;

    if (read(relay->signals, &info, sizeof(info)) != sizeof(info)) {
        return 0;
    }
    if (info.ssi_signo == SIGWINCH && relay->owned[MASTER] >= 0 &&
        ioctl(0, TIOCGWINSZ, &size) == 0) {
        (void)ioctl(relay->owned[MASTER], TIOCSWINSZ, &size);
    }
    return (int)info.ssi_signo;
}

/* The terminal is not its controlling one: a key that is a signal is made one
 * here, unless the program turned that off. */
static int
take_keys(const SvirtRelay *relay, SvirtRelayChannel *channel, pid_t pid,
          int pidfd)
{
    struct termios now;

    if (!channel->keys || tcgetattr(relay->owned[MASTER], &now) < 0 ||
        (now.c_lflag & ISIG) == 0) {
        return 0;
    }
    for (size_t i = 0; i < channel->used; i++) {
        cc_t key = (cc_t)channel->buffer[i];
        int signo = key == now.c_cc[VINTR]   ? SIGINT
                    : key == now.c_cc[VQUIT] ? SIGQUIT : 0;

        if (signo != 0 && key != 0) {
            channel->used = i;
            return send_signal(pid, pidfd, signo);
        }
    }
    return 0;
}

/*
 * A reader of the program's input must see its end, and a writer that its
 * output goes nowhere: it would wait for ever at a full pipe.
 */
static void
end_channel(SvirtRelay *relay, SvirtRelayChannel *channel)
{
    for (int i = 1; i < 3 && !channel->input; i++) {
        if (channel->from >= 0 && channel->from == relay->owned[i]) {
            svirt_fd_close(&relay->owned[i]);
        }
    }
    channel->from = -1;
    channel->used = 0;
    if (channel->input) {
        svirt_fd_close(&relay->owned[0]);
    }
}

static int
move_bytes(SvirtRelay *relay, SvirtRelayChannel *channel, pid_t pid,
           int pidfd)
{
    ssize_t got;

    if (channel->used == 0) {
        got = read(channel->from, channel->buffer, SVIRT_RELAY_BYTES);
        if (got <= 0) {
            if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
                end_channel(relay, channel);
            }
            return 0;
        }
        channel->used = (size_t)got;
        channel->done = 0;
        return take_keys(relay, channel, pid, pidfd);
    }
    got = write(channel->to, channel->buffer + channel->done,
                MIN(channel->used - channel->done, 4096));
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
        /* The kernel has no SIGPIPE for the first of a PID namespace. Before
         * the end: its next write would tell it, and it would go by itself. */
        int sent = errno == EPIPE && !channel->input
                       ? send_signal(pid, pidfd, SIGPIPE)
                       : 0;

        end_channel(relay, channel);
        return sent;
    }
    channel->done += got > 0 ? (size_t)got : 0;
    if (channel->done == channel->used) {
        channel->used = 0;
    }
    return 0;
}

/* Outputs alone once the program is gone: what it still said. */
static unsigned
list_polls(const SvirtRelay *relay, bool gone, struct pollfd *polls)
{
    unsigned open = 0;

    for (unsigned i = 0; i < relay->n_channels; i++) {
        const SvirtRelayChannel *channel = &relay->channel[i];
        bool live = channel->from >= 0 && !(gone && channel->input);

        polls[i] = (struct pollfd){
            .fd = !live ? -1 : channel->used > 0 ? channel->to
                                                 : channel->from,
            .events = channel->used > 0 ? POLLOUT : POLLIN,
        };
        open += live;
    }
    return open;
}

static int
status_of(int pidfd, int ended_by)
{
    siginfo_t info = { .si_pid = 0 };

    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 &&
           errno == EINTR) {
    }
    if (info.si_code == CLD_EXITED) {
        return info.si_status;
    }
    return 128 + (ended_by != 0 && info.si_status == SIGKILL
                      ? ended_by : info.si_status);
}

bool
svirt_relay_wait(SvirtRelay *relay, pid_t pid, int pidfd, int *ret_status,
                 GError **error)
{
    struct pollfd polls[5];
    int ended_by = 0, ready;
    bool gone = false;
    bool hurry = false; /* svirt is to end: no waiting for a reader */

    for (int i = 0; i < 3; i++) {
        svirt_fd_close(&relay->fd[i]);
    }
    while (list_polls(relay, gone, polls) > 0 || !gone) {
        const unsigned n = relay->n_channels;

        polls[n] = (struct pollfd){ .fd = gone ? -1 : pidfd,
                                    .events = POLLIN };
        polls[n + 1] = (struct pollfd){ .fd = relay->signals,
                                        .events = POLLIN };
        ready = poll(polls, n + 2, hurry ? 0 : -1);
        if (ready == 0) {
            break;
        }
        if (ready < 0 && errno != EINTR) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot wait for the program");
        }
        for (unsigned i = 0; i < n; i++) {
            if (polls[i].fd >= 0 && polls[i].revents != 0) {
                int by = move_bytes(relay, &relay->channel[i], pid, pidfd);

                ended_by = by != 0 ? by : ended_by;
            }
        }
        gone = gone || polls[n].revents != 0;
        if (polls[n + 1].revents != 0) {
            int signo = take_signal(relay);
            int by = gone || signo == 0 ? 0 : send_signal(pid, pidfd, signo);

            ended_by = by != 0 ? by : ended_by;
            hurry = hurry || (gone && signo != 0 && signo != SIGWINCH);
        }
    }
    *ret_status = status_of(pidfd, ended_by);
    return true;
}
