/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

/* A status file has some 60 short lines; Groups: may be long. */
#define STATUS_BYTES (32u * 1024)

int
svirt_process_open_dir(pid_t pid)
{
    char path[32];
    struct statfs fs;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d", pid);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    /* A tmpfs over /proc could say anything (CVE-2019-19921). */
    if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC) {
        svirt_fd_close(&fd);
        errno = EPROTO;
        return -1;
    }
    return fd;
}

static const char *
line_of(const char *text, const char *name)
{
    size_t length = strlen(name);

    for (const char *p = text; p != NULL && *p != '\0';) {
        if (strncmp(p, name, length) == 0 && p[length] == ':') {
            return p + length + 1;
        }
        p = strchr(p, '\n');
        p = p != NULL ? p + 1 : NULL;
    }
    return NULL;
}

static bool
parse_four(const char *text, const char *name, uint32_t ret[4])
{
    const char *line = line_of(text, name);

    return line != NULL && sscanf(line, "%" SCNu32 "%" SCNu32 "%" SCNu32
                                        "%" SCNu32,
                                  &ret[0], &ret[1], &ret[2], &ret[3]) == 4;
}

static bool
parse_hex(const char *text, const char *name, uint64_t *ret)
{
    const char *line = line_of(text, name);

    return line != NULL && sscanf(line, "%" SCNx64, ret) == 1;
}

static bool
parse_number(const char *text, const char *name, unsigned *ret)
{
    const char *line = line_of(text, name);

    return line != NULL && sscanf(line, "%u", ret) == 1;
}

static bool
count_groups(const char *text, unsigned *ret)
{
    const char *line = line_of(text, "Groups");
    unsigned count = 0;

    if (line == NULL) {
        return false;
    }
    for (bool inside = false; *line != '\n' && *line != '\0'; line++) {
        bool digit = *line >= '0' && *line <= '9';

        count += digit && !inside;
        inside = digit;
    }
    *ret = count;
    return true;
}

bool
svirt_thread_facts_parse(const char *text, SvirtThreadFacts *ret)
{
    static const char *const sets[5] = { "CapInh", "CapPrm", "CapEff",
                                         "CapBnd", "CapAmb" };
    SvirtThreadFacts facts = { .seccomp_filters = 0 };
    unsigned no_new_privs = 0;
    bool ok = parse_four(text, "Uid", facts.uid) &&
              parse_four(text, "Gid", facts.gid) &&
              count_groups(text, &facts.group_count) &&
              parse_number(text, "NoNewPrivs", &no_new_privs) &&
              parse_number(text, "Seccomp", &facts.seccomp_mode);

    for (unsigned i = 0; ok && i < 5; i++) {
        ok = parse_hex(text, sets[i], &facts.capabilities[i]);
    }
    if (!ok) {
        errno = EPROTO;
        return false;
    }
    /* Linux 5.9 and later. */
    (void)parse_number(text, "Seccomp_filters", &facts.seccomp_filters);
    facts.no_new_privs = no_new_privs == 1;
    *ret = facts;
    return true;
}

bool
svirt_thread_facts_read(int process_dir, pid_t tid, SvirtThreadFacts *ret)
{
    char text[STATUS_BYTES];
    char path[48];

    (void)snprintf(path, sizeof(path), "task/%d/status", tid);
    return svirt_read_small(process_dir, path, text, sizeof(text)) >= 0 &&
           svirt_thread_facts_parse(text, ret);
}
