/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/layout.h"

#define CONNECT_TIMEOUT_S 10

/* -1: for ever. */
typedef struct Deadline {
    int64_t end_ms;
} Deadline;

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock never fails */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static Deadline
deadline_in(int timeout_ms)
{
    return (Deadline){ timeout_ms < 0 ? -1 : now_ms() + timeout_ms };
}

static bool
wait_for(int fd, short events, Deadline deadline)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };

    for (;;) {
        int64_t left_ms = deadline.end_ms < 0 ? -1
                                              : deadline.end_ms - now_ms();
        int got;

        if (deadline.end_ms >= 0 && left_ms <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
        got = poll(&poll_fd, 1, (int)left_ms);
        if (got > 0) {
            return true;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
    }
}

int
svirt_control_connect(int run_dir_fd)
{
    SVIRT_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const struct timeval patience = { .tv_sec = CONNECT_TIMEOUT_S };

    /* A backlog that nobody empties must not hold a command for ever. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
                             sizeof(patience)) < 0) {
        return -1;
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path),
                   "/proc/self/fd/%d/" SVIRT_RUN_CONTROL, run_dir_fd);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        errno = errno == EAGAIN ? ETIMEDOUT : errno;
        return -1;
    }
    return svirt_fd_steal(&fd);
}

static bool
send_bytes(int fd, const char *bytes, size_t length, Deadline deadline)
{
    while (length > 0) {
        ssize_t put = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (put < 0 && errno == EAGAIN) {
            if (!wait_for(fd, POLLOUT, deadline)) {
                return false;
            }
        } else if (put < 0 && errno != EINTR) {
            errno = errno == EPIPE ? ECONNRESET : errno;
            return false;
        } else if (put > 0) {
            bytes += put;
            length -= (size_t)put;
        }
    }
    return true;
}

/* The header, with the descriptors at its first byte. */
static bool
send_header(int fd, const SvirtControlFrame *frame, const int *fds,
            size_t n_fds, Deadline deadline)
{
    char control[CMSG_SPACE(sizeof(int) * SVIRT_CONTROL_MAX_REQUEST_FDS)];
    struct iovec part = { (void *)frame, sizeof(*frame) };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t put;

    if (n_fds > 0) {
        struct cmsghdr *message;

        memset(control, 0, sizeof(control));
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        message = CMSG_FIRSTHDR(&header);
        message->cmsg_level = SOL_SOCKET;
        message->cmsg_type = SCM_RIGHTS;
        message->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(message), fds, sizeof(int) * n_fds);
    }
    for (;;) {
        put = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put > 0) {
            break;
        }
        if (put < 0 && errno == EAGAIN) {
            if (!wait_for(fd, POLLOUT, deadline)) {
                return false;
            }
        } else if (put < 0 && errno != EINTR) {
            errno = errno == EPIPE ? ECONNRESET : errno;
            return false;
        }
    }
    return send_bytes(fd, (const char *)frame + put,
                      sizeof(*frame) - (size_t)put, deadline);
}

static bool
receive_bytes(int fd, char *bytes, size_t length, Deadline deadline)
{
    while (length > 0) {
        ssize_t got = recv(fd, bytes, length, MSG_DONTWAIT);

        if (got < 0 && errno == EAGAIN) {
            if (!wait_for(fd, POLLIN, deadline)) {
                return false;
            }
        } else if (got == 0) {
            errno = ECONNRESET;
            return false;
        } else if (got < 0 && errno != EINTR) {
            return false;
        } else if (got > 0) {
            bytes += got;
            length -= (size_t)got;
        }
    }
    return true;
}

/* The monitor's words go to a terminal: nothing but printable ASCII. */
static bool
receive_words(int fd, size_t length, Deadline deadline,
              char why[SVIRT_CONTROL_WHY])
{
    if (length >= SVIRT_CONTROL_WHY) {
        errno = EPROTO;
        return false;
    }
    if (!receive_bytes(fd, why, length, deadline)) {
        why[0] = '\0';
        return false;
    }
    why[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (why[i] < ' ' || why[i] > '~') {
            why[i] = '?';
        }
    }
    errno = EREMOTEIO;
    return false;
}

typedef struct Request {
    SvirtControlType type;
    const void *payload;
    size_t length;
    const int *fds;
    size_t n_fds;
} Request;

/*
 * One request and the header of its REPLY: true with *ret_length bytes of
 * payload left to read.
 */
static bool
ask(int fd, const Request *request, Deadline deadline, uint32_t *ret_length,
    char why[SVIRT_CONTROL_WHY])
{
    SvirtControlFrame frame = { request->type, (uint32_t)request->length };

    why[0] = '\0';
    if (request->length > SVIRT_CONTROL_MAX_REQUEST ||
        request->n_fds > SVIRT_CONTROL_MAX_REQUEST_FDS) {
        errno = E2BIG;
        return false;
    }
    if (!send_header(fd, &frame, request->fds, request->n_fds, deadline) ||
        !send_bytes(fd, request->payload, request->length, deadline) ||
        !receive_bytes(fd, (char *)&frame, sizeof(frame), deadline)) {
        return false;
    }
    if (frame.type == SVIRT_CONTROL_FAILED) {
        return receive_words(fd, frame.length, deadline, why);
    }
    if (frame.type != SVIRT_CONTROL_REPLY ||
        frame.length > SVIRT_CONTROL_MAX_LENGTH) {
        errno = EPROTO;
        return false;
    }
    *ret_length = frame.length;
    return true;
}

static bool
ask_empty(int fd, const Request *request, Deadline deadline,
          char why[SVIRT_CONTROL_WHY])
{
    uint32_t length;

    if (!ask(fd, request, deadline, &length, why)) {
        return false;
    }
    if (length != 0) {
        errno = EPROTO;
        return false;
    }
    return true;
}

bool
svirt_control_qmp(int fd, const char *json, const int *fds, size_t n_fds,
                  bool taint, int timeout_ms, char **ret_reply,
                  char why[SVIRT_CONTROL_WHY])
{
    Deadline deadline = deadline_in(timeout_ms);
    Request mark = { .type = SVIRT_CONTROL_TAINT };
    Request request = {
        .type = n_fds > 0 ? SVIRT_CONTROL_QMP_FD : SVIRT_CONTROL_QMP,
        .payload = json,
        .length = strlen(json),
        .fds = fds,
        .n_fds = n_fds,
    };
    uint32_t length;
    char *reply;

    if ((taint && !ask_empty(fd, &mark, deadline, why)) ||
        !ask(fd, &request, deadline, &length, why)) {
        return false;
    }
    reply = malloc((size_t)length + 1);
    if (reply == NULL) {
        errno = ENOMEM;
        return false;
    }
    if (!receive_bytes(fd, reply, length, deadline)) {
        free(reply);
        return false;
    }
    reply[length] = '\0';
    if (strlen(reply) != length) {
        free(reply);
        errno = EPROTO;
        return false;
    }
    *ret_reply = reply;
    return true;
}

static bool
ask_state(int fd, const Request *request, Deadline deadline,
          SvirtControlState *ret, char why[SVIRT_CONTROL_WHY])
{
    SvirtControlState state;
    uint32_t length;

    if (!ask(fd, request, deadline, &length, why)) {
        return false;
    }
    if (length != sizeof(state)) {
        errno = EPROTO;
        return false;
    }
    if (!receive_bytes(fd, (char *)&state, sizeof(state), deadline)) {
        return false;
    }
    if (state.state >= SVIRT_GUEST_STATE_MAX ||
        state.reason >= SVIRT_REASON_MAX || state.ready > 1 ||
        state.tainted > 1) {
        errno = EPROTO;
        return false;
    }
    *ret = state;
    return true;
}

bool
svirt_control_state(int fd, int timeout_ms, SvirtControlState *ret,
                    char why[SVIRT_CONTROL_WHY])
{
    Request request = { .type = SVIRT_CONTROL_STATE };

    return ask_state(fd, &request, deadline_in(timeout_ms), ret, why);
}

bool
svirt_control_wait_state(int fd, SvirtGuestState wanted, int timeout_ms,
                         SvirtControlState *ret, char why[SVIRT_CONTROL_WHY])
{
    uint32_t number = wanted;
    Request request = {
        .type = SVIRT_CONTROL_WAIT_STATE,
        .payload = &number,
        .length = sizeof(number),
    };

    if (ask_state(fd, &request, deadline_in(timeout_ms), ret, why)) {
        return true;
    }
    if (wanted == SVIRT_GUEST_SHUT_OFF && errno == ECONNRESET) {
        *ret = (SvirtControlState){ .state = SVIRT_GUEST_SHUT_OFF };
        return true;
    }
    return false;
}

bool
svirt_control_console(int fd, uint32_t serial, bool force, int timeout_ms,
                      char why[SVIRT_CONTROL_WHY])
{
    uint32_t asked[2] = { serial, force ? 1 : 0 };
    Request request = {
        .type = SVIRT_CONTROL_CONSOLE,
        .payload = asked,
        .length = sizeof(asked),
    };

    return ask_empty(fd, &request, deadline_in(timeout_ms), why);
}

bool
svirt_control_events(int fd, int timeout_ms, char why[SVIRT_CONTROL_WHY])
{
    Request request = { .type = SVIRT_CONTROL_EVENTS };

    return ask_empty(fd, &request, deadline_in(timeout_ms), why);
}

bool
svirt_control_next_event(int fd, int timeout_ms, char **ret)
{
    Deadline deadline = deadline_in(timeout_ms);
    SvirtControlFrame frame;
    char *text;

    if (!receive_bytes(fd, (char *)&frame, sizeof(frame), deadline)) {
        return false;
    }
    if (frame.type != SVIRT_CONTROL_REPLY ||
        frame.length > SVIRT_CONTROL_MAX_REQUEST) {
        errno = EPROTO;
        return false;
    }
    text = malloc((size_t)frame.length + 1);
    if (text == NULL) {
        errno = ENOMEM;
        return false;
    }
    if (!receive_bytes(fd, text, frame.length, deadline)) {
        free(text);
        return false;
    }
    text[frame.length] = '\0';
    *ret = text;
    return true;
}
