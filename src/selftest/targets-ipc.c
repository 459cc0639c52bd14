/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/targets-private.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All rights for possessor, user, group and others. */
#define KEY_PERMISSION 0x3f3f3f3f

static bool
terminal_make(int *ret_master, int *ret_slave, char *name, GError **error)
{
    *ret_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*ret_master < 0 || grantpt(*ret_master) < 0 ||
        unlockpt(*ret_master) < 0 ||
        ptsname_r(*ret_master, name, SVIRT_PROBE_PATH) != 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make a terminal");
    }
    *ret_slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*ret_slave < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot open terminal '%s'", name);
    }
    return true;
}

static bool
queue_make(SvirtSelftestTargets *targets, GError **error)
{
    char *name = targets->target.message_queue;
    g_autofree char *slashed =
        g_strdup_printf("/svirt-selftest-%d", getpid());
    SVIRT_AUTO_FD queue =
        mq_open(slashed, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, NULL);

    if (queue < 0 && errno == ENOSYS) {
        return true; /* the control says so too */
    }
    if (queue < 0 || fchmod(queue, 0666) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make message queue '%s'", slashed);
    }
    /* The system call takes the name without the library's slash. */
    (void)g_strlcpy(name, slashed + 1, SVIRT_PROBE_PATH);
    return true;
}

static void
key_make(SvirtProbeTarget *at)
{
    long key = syscall(SYS_add_key, "user", "svirt-selftest-target",
                       SVIRT_PROBE_SECRET, sizeof(SVIRT_PROBE_SECRET),
                       KEY_SPEC_USER_KEYRING);

    /* Without keys in the kernel the control finds none either. */
    if (key >= 0) {
        (void)syscall(SYS_keyctl, KEYCTL_SETPERM, key, KEY_PERMISSION);
        at->key_serial = key;
    }
}

bool
svirt_selftest_ipc_make(SvirtSelftestTargets *targets, GError **error)
{
    SvirtProbeTarget *at = &targets->target;
    char own[SVIRT_PROBE_PATH];

    at->shm_id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666);
    at->sem_id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0666);
    at->msg_id = msgget(IPC_PRIVATE, IPC_CREAT | 0666);
    if (at->shm_id < 0 || at->sem_id < 0 || at->msg_id < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot make System V IPC objects");
    }
    key_make(at);
    return queue_make(targets, error) &&
           terminal_make(&targets->terminal_master_fd, &targets->terminal_fd,
                         own, error) &&
           terminal_make(&targets->other_master_fd,
                         &targets->other_terminal_fd, at->pty, error);
}

void
svirt_selftest_ipc_remove(SvirtSelftestTargets *targets)
{
    SvirtProbeTarget *at = &targets->target;

    if (at->shm_id >= 0) {
        (void)shmctl((int)at->shm_id, IPC_RMID, NULL);
    }
    if (at->sem_id >= 0) {
        (void)semctl((int)at->sem_id, 0, IPC_RMID);
    }
    if (at->msg_id >= 0) {
        (void)msgctl((int)at->msg_id, IPC_RMID, NULL);
    }
    if (at->key_serial >= 0) {
        (void)syscall(SYS_keyctl, KEYCTL_UNLINK, at->key_serial,
                      KEY_SPEC_USER_KEYRING);
    }
    if (*at->message_queue) {
        (void)syscall(SYS_mq_unlink, at->message_queue);
    }
}
