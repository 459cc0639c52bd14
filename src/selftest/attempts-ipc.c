/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System V and POSIX IPC, and the kernel's keys. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#define IPC (L(FILTER) | L(NAMESPACE))

static int
attach_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    void *at;

    if (t->shm_id < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    at = shmat((int)t->shm_id, NULL, 0);
    if (at == (void *)-1) {
        return errno;
    }
    (void)shmdt(at);
    return 0;
}

static int
create_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
              SvirtProbeNote *note)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

    if (id < 0) {
        return errno;
    }
    return svirt_probe_result(shmctl(id, IPC_RMID, NULL));
}

static int
list_memory(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    struct shmid_ds ds;

    return svirt_probe_result(shmctl(0, SHM_INFO, &ds));
}

static int
read_semaphore(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
               SvirtProbeNote *note)
{
    return t->sem_id < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(semctl((int)t->sem_id, 0, GETVAL));
}

static int
change_semaphore(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    struct sembuf up = { .sem_num = 0, .sem_op = 1, .sem_flg = IPC_NOWAIT };

    return t->sem_id < 0 ? SVIRT_PROBE_UNAIMED
                         : svirt_probe_result(semop((int)t->sem_id, &up, 1));
}

static int
send_message(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    struct {
        long type;
        char text[8];
    } message = { 1, "x" };

    if (t->msg_id < 0) {
        return SVIRT_PROBE_UNAIMED;
    }
    if (msgsnd((int)t->msg_id, &message, 1, IPC_NOWAIT) < 0) {
        return errno;
    }
    return svirt_probe_result(
        msgrcv((int)t->msg_id, &message, sizeof(message.text), 0, IPC_NOWAIT));
}

static int
open_queue(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    if (!*t->message_queue) {
        return SVIRT_PROBE_UNAIMED;
    }
    return svirt_probe_opened(
        syscall(SYS_mq_open, t->message_queue, O_RDWR, 0, NULL));
}

static int
create_queue(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    long fd = syscall(SYS_mq_open, t->attempt_name,
                      O_RDWR | O_CREAT | O_EXCL, 0600, NULL);

    if (fd >= 0) {
        (void)syscall(SYS_mq_unlink, t->attempt_name);
    }
    return svirt_probe_opened(fd);
}

static int
open_shared_file(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                 SvirtProbeNote *note)
{
    return *t->shm_file
               ? svirt_probe_opened(open(t->shm_file, O_RDWR | O_CLOEXEC))
               : SVIRT_PROBE_UNAIMED;
}

static int
add_key(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
        SvirtProbeNote *note)
{
    long key = syscall(SYS_add_key, "user", t->attempt_name, "x", 1,
                       KEY_SPEC_USER_KEYRING);

    if (key < 0) {
        return errno;
    }
    return svirt_probe_result(
        syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING));
}

static int
request_key(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    /* No such key: said after every keyring in reach was searched. */
    return svirt_probe_past(syscall(SYS_request_key, "user",
                                    "svirt-selftest-no-such-key", NULL, 0),
                            ENOKEY);
}

static int
read_key(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    char value[64];

    return t->key_serial < 0
               ? SVIRT_PROBE_UNAIMED
               : svirt_probe_result(syscall(SYS_keyctl, KEYCTL_READ,
                                            t->key_serial, value,
                                            sizeof(value)));
}

static int
join_session(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
             SvirtProbeNote *note)
{
    return svirt_probe_result(
        syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
}

static int
search_keys(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
            SvirtProbeNote *note)
{
    return svirt_probe_past(syscall(SYS_keyctl, KEYCTL_SEARCH,
                                    KEY_SPEC_USER_KEYRING, "user",
                                    "svirt-selftest-no-such-key", 0),
                            ENOKEY);
}

SVIRT_PROBE_ROWS(
    ipc,
    { "sysv-shm-attach", "attach shared memory of the host", IPC,
      attach_memory },
    { "sysv-shm-create", "create System V shared memory", L(FILTER),
      create_memory },
    { "sysv-shm-info", "count the host's shared memory", L(FILTER),
      list_memory },
    { "sysv-sem-read", "read a semaphore of the host", IPC, read_semaphore },
    { "sysv-sem-change", "change a semaphore of the host", IPC,
      change_semaphore },
    { "sysv-msg", "send to a message queue of the host", IPC, send_message },
    { "mq-open", "open a POSIX message queue of the host",
      IPC | L(LANDLOCK), open_queue,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "mq-create", "create a POSIX message queue", L(FILTER) | L(RLIMIT),
      create_queue,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "posix-shm", "open POSIX shared memory of the host",
      L(ROOT) | L(LANDLOCK), open_shared_file },
    { "key-add", "store a key outside its own memory limit", L(FILTER),
      add_key, .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "key-request", "ask the host for a key", L(FILTER), request_key,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "key-read", "read a key of the host by its number", L(FILTER),
      read_key, .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "key-search", "search the keyring of its user", L(FILTER), search_keys,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL },
    { "key-session", "join a new session keyring", L(FILTER), join_session,
      .absence = SVIRT_PROBE_ABSENCE_SYSCALL })
