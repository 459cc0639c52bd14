/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/console.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/life.h"

#define ESCAPE 0x1d /* ^] */

typedef struct Terminal {
    bool is_raw;
    struct termios former;
} Terminal;

static void
make_raw(Terminal *terminal)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &terminal->former) < 0) {
        return; /* a pipe: nothing to set */
    }
    raw = terminal->former;
    cfmakeraw(&raw);
    terminal->is_raw = tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == 0;
}

static void
restore(Terminal *terminal)
{
    if (terminal->is_raw) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->former);
    }
}

/* Everything that could move the cursor or set a title becomes visible. */
static size_t
make_safe(const char *from, size_t size, char *to)
{
    size_t out = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)from[i];

        if ((c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
            to[out++] = '^';
            to[out++] = (char)(c ^ 0x40);
        } else if (c >= 0x80 && c < 0xa0) {
            to[out++] = '?';
        } else {
            to[out++] = (char)c;
        }
    }
    return out;
}

/* False: the guest's side has ended. */
static bool
show(int fd, bool safe)
{
    char bytes[4096];
    char shown[2 * sizeof(bytes)];
    ssize_t got = read(fd, bytes, sizeof(bytes));
    size_t size;

    if (got <= 0) {
        return got < 0 && (errno == EINTR || errno == EAGAIN);
    }
    size = (size_t)got;
    if (safe) {
        size = make_safe(bytes, size, shown);
    }
    return svirt_write_full(STDOUT_FILENO, safe ? shown : bytes, size);
}

/* False: the user has had enough. *ret_open: is there more input to come? */
static bool
type(int fd, bool is_terminal, bool *ret_open)
{
    char bytes[1024];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));
    const char *escape;

    if (got <= 0) {
        *ret_open = got < 0 && errno == EINTR;
        return true;
    }
    escape = is_terminal ? memchr(bytes, ESCAPE, (size_t)got) : NULL;
    if (escape != NULL) {
        got = escape - bytes;
    }
    return svirt_write_full(fd, bytes, (size_t)got) && escape == NULL;
}

/* Without a terminal the end of input ends it once the guest is silent. */
#define QUIET_AFTER_INPUT_MS 1500

static void
relay(int fd, bool is_terminal, bool safe)
{
    bool open = true;

    for (;;) {
        struct pollfd ends[2] = {
            { .fd = fd, .events = POLLIN },
            { .fd = open ? STDIN_FILENO : -1, .events = POLLIN },
        };
        int ready = poll(ends, 2, open ? -1 : QUIET_AFTER_INPUT_MS);

        if (ready == 0 || (ready < 0 && errno != EINTR)) {
            return;
        }
        if (ready < 0) {
            continue;
        }
        if (ends[0].revents != 0 && !show(fd, safe)) {
            return;
        }
        if (ends[1].revents != 0 && !type(fd, is_terminal, &open)) {
            return;
        }
    }
}

bool
svirt_console_attach(SvirtManager *manager, const SvirtDefinition *definition,
                     uint32_t serial, bool force, bool safe, GError **error)
{
    Terminal terminal = { .is_raw = false };
    SVIRT_AUTO_FD fd = -1;

    if (!svirt_life_console(manager, definition, serial, force, &fd, error)) {
        return false;
    }
    if (isatty(STDIN_FILENO)) {
        g_autofree char *name = g_strdup(definition->name);

        (void)printf("Connected to domain '%s'\nEscape character is ^]\n",
                     name);
        (void)fflush(stdout);
        make_raw(&terminal);
    }
    relay(fd, terminal.is_raw, safe);
    restore(&terminal);
    return true;
}
