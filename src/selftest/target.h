/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SVIRT_PROBE_PATH 192
#define SVIRT_PROBE_TARGET_TEXT 8192

/*
 * What the attempts aim at. The driver makes all of it, gives the same to the
 * control and to the confined run, and removes it afterwards. Paths are the
 * host's. An empty path, a pid or id of -1, a limit of 0 mean "none": attempts
 * that need it are then reported as unaimed. Descriptors are numbers in the
 * probe's own table.
 */
typedef struct SvirtProbeTarget {
    /* The other VM. */
    int64_t pid;     /* as the host numbers it; leads its own session */
    int64_t address; /* of SVIRT_PROBE_SECRET in its memory */
    char disk[SVIRT_PROBE_PATH];
    char unix_private[SVIRT_PROBE_PATH]; /* stream, its own uid, 0700 */
    char handle[SVIRT_PROBE_PATH]; /* "TYPE:HEX": file handle of `disk` */

    /* The name of whatever an attempt makes; the driver removes leftovers. */
    char attempt_name[SVIRT_PROBE_PATH];

    /* The host. */
    char host_file[SVIRT_PROBE_PATH]; /* 0644, holds no secret */
    char program[SVIRT_PROBE_PATH];   /* 0755, not in any known format */
    char state_file[SVIRT_PROBE_PATH];
    char key_file[SVIRT_PROBE_PATH];
    char run_directory[SVIRT_PROBE_PATH];
    char tmp_directory[SVIRT_PROBE_PATH]; /* 01777, in /tmp */
    char var_directory[SVIRT_PROBE_PATH]; /* 01777, in /var/tmp */
    char shm_directory[SVIRT_PROBE_PATH]; /* 01777, in /dev/shm */
    char shm_file[SVIRT_PROBE_PATH];      /* POSIX shared memory, 0666 */
    char fifo[SVIRT_PROBE_PATH];          /* 0666 */
    char pty[SVIRT_PROBE_PATH];           /* another session's terminal */
    char cgroup_procs[SVIRT_PROBE_PATH];
    char block_device[SVIRT_PROBE_PATH];
    int64_t block_number; /* its dev_t */
    char unix_world[SVIRT_PROBE_PATH];    /* stream, 0777 */
    char unix_datagram[SVIRT_PROBE_PATH]; /* 0777 */
    char abstract_stream[SVIRT_PROBE_PATH];
    char abstract_datagram[SVIRT_PROBE_PATH];
    char message_queue[SVIRT_PROBE_PATH]; /* POSIX, without the slash */
    int64_t tcp_port; /* on 127.0.0.1, listening */
    int64_t udp_port;
    int64_t shm_id; /* System V, 0666 */
    int64_t sem_id;
    int64_t msg_id;
    int64_t key_serial; /* "user" key readable by everybody */

    /*
     * What a VMM holds. The control gets what a careless launcher would pass
     * instead, in brackets: the descriptor's kind is the layer under test.
     */
    int64_t base_fd;   /* shared base image, read-only [read-write] */
    int64_t disk_fd;   /* own image, read-write */
    int64_t lock_fd;   /* the lock's open file description */
    int64_t socket_fd; /* connected Unix stream [Unix datagram] */
    int64_t pipe_fd;   /* write end of the log pipe */
    int64_t tty_fd;    /* standard input: /dev/null [a terminal] */
    int64_t memory_fd; /* kernel image: sealed memfd [not sealed] */
    int64_t passt_fd;  /* stream to passt as svirt starts it [as it is] */
    int64_t passt_port; /* where everything listens that passt may reach */

    /* Limits of the compartment: 0 for none. */
    int64_t file_limit_bytes;
    int64_t memory_limit_bytes;
    int64_t task_limit;
} SvirtProbeTarget;

#define SVIRT_PROBE_SECRET "svirt-selftest-secret"

/* Everything unset. */
void svirt_probe_target_init(SvirtProbeTarget *target);

/*
 * "key=value" lines. Parse refuses (false, *ret untouched) unknown and
 * repeated keys, values without a number where one belongs, and text over its
 * room. Format gives false when `size` is too small.
 */
bool svirt_probe_target_parse(const char *text, SvirtProbeTarget *ret);
bool svirt_probe_target_format(const SvirtProbeTarget *target, char *text,
                               size_t size);
