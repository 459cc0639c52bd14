/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What the kernel says of one thread: proc(5), /proc/PID/task/TID/status. Read
 * through a directory descriptor of /proc/PID, so that every answer is of the
 * same process even when the pid is used again.
 */
typedef struct SvirtThreadFacts {
    uint32_t uid[4]; /* real, effective, saved, file system */
    uint32_t gid[4];
    unsigned group_count; /* supplementary groups */
    uint64_t capabilities[5]; /* inheritable, permitted, effective, bounding,
                                 ambient */
    bool no_new_privs;
    unsigned seccomp_mode;    /* 2: filter */
    unsigned seccomp_filters; /* how many; 0 where the kernel does not say */
} SvirtThreadFacts;

/* A descriptor of /proc/PID, checked to be procfs; -1 with errno. */
int svirt_process_open_dir(pid_t pid);
/* False with errno; EPROTO: a line is missing. */
bool svirt_thread_facts_read(int process_dir, pid_t tid,
                             SvirtThreadFacts *ret);
/* For its table test: the same from the file's text. */
bool svirt_thread_facts_parse(const char *text, SvirtThreadFacts *ret);
