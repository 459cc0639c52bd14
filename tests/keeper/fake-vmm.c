/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * A VMM for tests: it speaks just enough QMP on 10, echoes on 11 (its serial),
 * and misbehaves as its arguments say:
 *   serve                 as QEMU would, but that set_link and balloon fail
 *   settings              they succeed; `settings` answers with their arguments
 *   exit                  words on stderr, status 3
 *   abort                 words on stderr, then abort(3)
 *   silent                nothing at all
 *   greet                 the greeting alone
 *   say TEXT COUNT        as serve; after `cont`, TEXT that many times (0: for
 *                         ever)
 *   flood                 as serve; after `cont`, stderr without end
 *   mute-cont             as serve; `cont` is done and never answered
 *   ignore-cont           as serve; `cont` is neither done nor answered
 *                         (the name of a guest may say both, where QEMU's
 *                         arguments come first)
 *   (any)                 the commands lock-close, lock-replace, lock-foreign,
 *                         lock-move and image-close do that to its
 *                         descriptors 90 (the lock's) and 91 (the image's);
 *                         close-fd with an "fd" closes any
 *   deaf                  as serve, but the serial is never read
 *   send-fds              as serve; after `cont`, descriptors without end
 */
enum { QMP = 10, SERIAL = 11, LOCK = 90, IMAGE = 91 };

#define GREETING "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}, " \
                 "\"capabilities\": []}}\r\n"

static bool negotiated, running;
static char settings[64];

static void
say(const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t put = write(QMP, text, length);

        if (put <= 0) {
            exit(0); /* nobody listens */
        }
        text += put;
        length -= (size_t)put;
    }
}

static void
answer(const char *line, const char *what)
{
    const char *id = strstr(line, "\"id\":\"");
    char text[4096];
    int length = 0;

    if (id != NULL) {
        id += 6;
        length = (int)strcspn(id, "\"");
    }
    (void)snprintf(text, sizeof(text), "{%s, \"id\": \"%.*s\"}\r\n", what,
                   length, id == NULL ? "" : id);
    say(text);
}

static void
event(const char *name)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "{\"timestamp\": {\"seconds\": 1, "
                   "\"microseconds\": 2}, \"event\": \"%s\"}\r\n", name);
    say(text);
}

static void
send_fds(void)
{
    int fds[32];
    char control[CMSG_SPACE(sizeof(fds))];
    char line[] = "{\"event\": \"STOP\"}\n";
    struct iovec part = { line, sizeof(line) - 1 };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control) };
    struct cmsghdr *message;

    memset(control, 0, sizeof(control));
    message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof(fds));
    for (int i = 0; i < 32; i++) {
        fds[i] = 2;
    }
    memcpy(CMSG_DATA(message), fds, sizeof(fds));
    for (int i = 0; i < 200; i++) {
        (void)sendmsg(QMP, &header, 0);
    }
    event("RESUME");
}

static void
misbehave(int argc, char **argv)
{
    if (strcmp(argv[1], "say") == 0 && argc == 4) {
        long count = strtol(argv[3], NULL, 10);

        for (long i = 0; count == 0 || i < count; i++) {
            say(argv[2]);
        }
    } else if (strcmp(argv[1], "flood") == 0) {
        char block[4096];

        memset(block, 'x', sizeof(block));
        block[sizeof(block) - 1] = '\n';
        while (write(2, block, sizeof(block)) > 0) {
        }
    } else if (strcmp(argv[1], "send-fds") == 0) {
        send_fds();
    }
}

static bool
is(const char *line, const char *command)
{
    const char *found = strstr(line, "\"execute\"");

    return found != NULL && strstr(found, command) != NULL;
}

/* "net2 " and "1024 ", in the order they came in. */
static void
take_setting(const char *line, const char *name)
{
    const char *value = strstr(line, name);
    size_t used = strlen(settings);

    value = value != NULL ? value + strlen(name) : "?";
    (void)snprintf(settings + used, sizeof(settings) - used, "%.*s ",
                   (int)strcspn(value, "\"}"), value);
    answer(line, "\"return\": {}");
}

static bool
wants(int argc, char **argv, const char *mode)
{
    for (int i = 1; i < argc; i++) {
        if (strstr(argv[i], mode) != NULL) {
            return true;
        }
    }
    return false;
}

/* What an emulator that wants to be rid of its lock would try. */
static bool
juggle(const char *line)
{
    if (is(line, "\"lock-close\"")) {
        return close(LOCK) == 0;
    }
    if (is(line, "\"lock-replace\"")) {
        return dup2(IMAGE, LOCK) == LOCK;
    }
    if (is(line, "\"lock-foreign\"")) {
        return dup2(2, LOCK) == LOCK;
    }
    if (is(line, "\"lock-move\"")) {
        return dup2(LOCK, LOCK + 10) >= 0 && close(LOCK) == 0;
    }
    if (is(line, "\"close-fd\"")) {
        const char *fd = strstr(line, "\"fd\":");

        return fd != NULL && close(atoi(fd + 5)) == 0;
    }
    return is(line, "\"image-close\"") && close(IMAGE) == 0;
}

static void
command(const char *line, int n_fds, int argc, char **argv)
{
    char text[128];
    bool settable = strcmp(argv[1], "settings") == 0;

    if (is(line, "\"qmp_capabilities\"")) {
        answer(line, negotiated ? "\"error\": {\"class\": \"CommandNotFound\","
               " \"desc\": \"negotiated\"}" : "\"return\": {}");
        negotiated = true;
    } else if (is(line, "\"query-status\"")) {
        answer(line, running ? "\"return\": {\"status\": \"running\", "
               "\"running\": true}" : "\"return\": {\"status\": "
               "\"prelaunch\", \"running\": false}");
    } else if (is(line, "\"cont\"") && wants(argc, argv, "ignore-cont")) {
        return;
    } else if (is(line, "\"cont\"")) {
        running = true;
        event("RESUME");
        if (wants(argc, argv, "mute-cont")) {
            return;
        }
        answer(line, "\"return\": {}");
        misbehave(argc, argv);
    } else if (is(line, "\"stop\"")) {
        running = false;
        event("STOP");
        answer(line, "\"return\": {}");
    } else if (is(line, "\"count-fds\"")) {
        (void)snprintf(text, sizeof(text), "\"return\": %d", n_fds);
        answer(line, text);
    } else if (settable && is(line, "\"set_link\"")) {
        take_setting(line, "\"name\":\"");
    } else if (settable && is(line, "\"balloon\"")) {
        take_setting(line, "\"value\":");
    } else if (settable && is(line, "\"settings\"")) {
        (void)snprintf(text, sizeof(text), "\"return\": \"%s\"", settings);
        answer(line, text);
    } else if (is(line, "\"quit\"")) {
        answer(line, "\"return\": {}");
        exit(0);
    } else if (is(line, "\"never\"")) {
        return;
    } else if (juggle(line)) {
        answer(line, "\"return\": {}");
    } else if (line[0] != '\xff') {
        answer(line, "\"error\": {\"class\": \"GenericError\", \"desc\": "
               "\"what?\"}");
    }
}

static int
read_qmp(char *bytes, size_t size, int *ret_fds)
{
    char control[CMSG_SPACE(sizeof(int) * 16)];
    struct iovec part = { bytes, size };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control) };
    ssize_t got = recvmsg(QMP, &header, 0);
    struct cmsghdr *message = got > 0 ? CMSG_FIRSTHDR(&header) : NULL;

    if (message != NULL) {
        *ret_fds = (int)((message->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < *ret_fds; i++) {
            (void)close(((int *)CMSG_DATA(message))[i]);
        }
    }
    return (int)got;
}

static void
serve(int argc, char **argv)
{
    static char line[65536];
    static size_t used;
    int n_fds = 0;

    for (;;) {
        bool deaf = strcmp(argv[1], "deaf") == 0;
        struct pollfd fds[2] = { { QMP, POLLIN, 0 },
                                 { deaf ? -1 : SERIAL, POLLIN, 0 } };
        char echo[512];
        char *newline;
        int got;

        if (poll(fds, 2, -1) < 0) {
            exit(5);
        }
        if (fds[1].revents != 0) {
            ssize_t heard = read(SERIAL, echo, sizeof(echo));

            if (heard > 0) {
                (void)!write(SERIAL, echo, (size_t)heard);
            }
        }
        if (fds[0].revents == 0) {
            continue;
        }
        got = read_qmp(line + used, sizeof(line) - 1 - used, &n_fds);
        if (got <= 0) {
            /* As QEMU, which lives on without. */
            while (wants(argc, argv, "mute-cont")) {
                (void)poll(NULL, 0, -1);
            }
            exit(0);
        }
        used += (size_t)got;
        line[used] = '\0';
        while ((newline = memchr(line, '\n', used)) != NULL) {
            *newline = '\0';
            command(line, n_fds, argc, argv);
            n_fds = 0;
            used -= (size_t)(newline + 1 - line);
            memmove(line, newline + 1, used);
        }
    }
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        return 2;
    }
    if (strcmp(argv[1], "exit") == 0) {
        static const char words[] = "fake-vmm: loading\n"
            "fake-vmm: \x1b[31mno such machine\n";

        (void)!write(2, words, sizeof(words) - 1);
        return 3;
    }
    if (strcmp(argv[1], "abort") == 0) {
        static const char words[] = "fake-vmm: Assertion `no' failed.\n";

        (void)!write(2, words, sizeof(words) - 1);
        abort();
    }
    if (strcmp(argv[1], "silent") == 0) {
        for (;;) {
            (void)poll(NULL, 0, -1);
        }
    }
    say(GREETING);
    if (strcmp(argv[1], "greet") == 0) {
        for (;;) {
            (void)poll(NULL, 0, -1);
        }
    }
    serve(argc, argv);
    return 0;
}
