/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "launch/cgroup.h"

/* A host with thousands of mounts has half a megabyte of this. */
#define MAX_MOUNTINFO (8u * 1024 * 1024)
#define CHUNK 65536

/* The whole text; NULL with errno. Owned by the caller. */
static char *
read_text(int fd)
{
    size_t size = 0, room = CHUNK;
    char *text = malloc(room + 1);

    while (text != NULL) {
        ssize_t got = svirt_read_full(fd, text + size, room - size);
        char *grown;

        if (got < 0) {
            free(text);
            return NULL;
        }
        size += (size_t)got;
        if (size < room) {
            text[size] = '\0';
            return text;
        }
        if (room >= MAX_MOUNTINFO) {
            free(text);
            errno = EFBIG;
            return NULL;
        }
        room *= 2;
        grown = realloc(text, room + 1);
        if (grown == NULL) {
            free(text);
        }
        text = grown;
    }
    return NULL;
}

/* proc(5): blank, tab, newline and backslash are written as \ooo. */
static void
unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0';) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
            from[2] >= '0' && from[2] <= '7' && from[3] >= '0' &&
            from[3] <= '7') {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 +
                           (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* The mount point (field 5) of a cgroup2 line; NULL: another line. */
static char *
mount_point(char *line)
{
    char *dash = strstr(line, " - ");
    char *save = NULL;
    char *field;

    if (dash == NULL || strncmp(dash + 3, "cgroup2 ", 8) != 0) {
        return NULL;
    }
    *dash = '\0';
    field = strtok_r(line, " ", &save);
    for (int i = 1; i < 5 && field != NULL; i++) {
        field = strtok_r(NULL, " ", &save);
    }
    if (field != NULL) {
        unescape(field);
    }
    return field;
}

bool
svirt_cgroup_find_mount(int fd, char *ret, size_t size)
{
    SVIRT_AUTO_FD own = fd < 0 ? open("/proc/self/mountinfo",
                                      O_RDONLY | O_CLOEXEC) : -1;
    char *text = read_text(fd < 0 ? own : fd);
    bool found = false;

    if (text == NULL) {
        return false;
    }
    errno = ENOENT;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save);
         line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *point = mount_point(line);

        if (point == NULL) {
            continue;
        }
        if (strlen(point) >= size) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(ret, point, strlen(point) + 1);
        found = true;
        break;
    }
    free(text);
    return found;
}
