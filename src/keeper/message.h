/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * What svirt, the keeper and the monitor say to each other: fixed-size typed
 * messages on SOCK_SEQPACKET socketpairs, one message a packet, no descriptor
 * ever attached (those come before, by launch/hand-over.h). Each receiver
 * re-validates type, direction and every field; a packet of another size or
 * an unknown type ends the conversation.
 *
 * A start, as svirt hears it: STARTED, READY, and after its COMMIT, COMMITTED;
 * then the keeper closes the channel. FAILED or EXITED at any point before is
 * the last word: processes, cgroups and run directory are gone by then (but
 * for step SPEC, when the keeper never knew them), and the end of the channel
 * that follows means that every lock is free.
 */
#define SVIRT_MESSAGE_TEXT 512

typedef enum SvirtMessageType {
    SVIRT_MESSAGE_NONE,
    /* keeper -> svirt start */
    SVIRT_MESSAGE_STARTED,     /* a = VMM pid, b = its start time (clock ticks),
                                  c = monitor pid, d = passt pid or 0 */
    SVIRT_MESSAGE_READY,       /* VMM answered its first QMP command */
    SVIRT_MESSAGE_FAILED,      /* step, errnum, process; text = cause words */
    SVIRT_MESSAGE_EXITED,      /* VMM gone before commit: a = wait status,
                                  text = last lines of its stderr */
    SVIRT_MESSAGE_COMMITTED,   /* commit done; the guest runs (or is paused) */
    SVIRT_MESSAGE_PLACED,      /* first word of one that systemd started:
                                  a = pid, errnum = why it is in no leaf */
    /* svirt start -> keeper */
    SVIRT_MESSAGE_COMMIT,      /* read-back passed: keep the VM. a = 1: cont */
    SVIRT_MESSAGE_ABORT,       /* undo: kill, release, exit */
    /* monitor -> keeper */
    SVIRT_MESSAGE_GUEST_STATE, /* a = SvirtGuestState, b = SvirtGuestReason */
    SVIRT_MESSAGE_QMP_READY,
    SVIRT_MESSAGE_QMP_BROKEN,  /* text = why; the VMM broke the protocol */
    SVIRT_MESSAGE_STDERR_TAIL, /* text = last lines seen on the log pipe */
    SVIRT_MESSAGE_TAINTED,     /* a monitor command was passed through */
    SVIRT_MESSAGE_CONTINUED,   /* answer to CONTINUE: errnum 0, or EREMOTEIO
                                  and text = QEMU's words */
    SVIRT_MESSAGE_SILENT,      /* a = 1: an answer is overdue; 0: it came */
    SVIRT_MESSAGE_CONFINED,    /* a = missing layers, b = Landlock ABI */
    /* keeper -> monitor */
    SVIRT_MESSAGE_BEGIN,       /* first word: a = 1 takes over a connection,
                                  b = SvirtGuestState, c = SvirtGuestReason,
                                  d = SVIRT_RUN_* flags as known */
    SVIRT_MESSAGE_CONTINUE,    /* issue `cont` */
    SVIRT_MESSAGE_VMM_GONE,    /* drain the logs and exit; a = wait status,
                                  -1 unknown */
    SVIRT_MESSAGE_MAX
} SvirtMessageType;

/* virsh's domain states; numbers as libvirt's virDomainState. */
typedef enum SvirtGuestState {
    SVIRT_GUEST_NOSTATE,
    SVIRT_GUEST_RUNNING,
    SVIRT_GUEST_BLOCKED,
    SVIRT_GUEST_PAUSED,
    SVIRT_GUEST_IN_SHUTDOWN,
    SVIRT_GUEST_SHUT_OFF,
    SVIRT_GUEST_CRASHED,
    SVIRT_GUEST_PMSUSPENDED,
    SVIRT_GUEST_STATE_MAX
} SvirtGuestState;

/* virsh's reasons (domstate --reason) that svirt can observe. */
typedef enum SvirtGuestReason {
    SVIRT_REASON_UNKNOWN,
    SVIRT_REASON_BOOTED,
    SVIRT_REASON_STARTING,
    SVIRT_REASON_USER,      /* paused or unpaused by the user */
    SVIRT_REASON_IO_ERROR,
    SVIRT_REASON_WATCHDOG,
    SVIRT_REASON_SHUTDOWN,
    SVIRT_REASON_DESTROYED,
    SVIRT_REASON_CRASHED,
    SVIRT_REASON_PANICKED,
    SVIRT_REASON_FAILED,
    SVIRT_REASON_MAX
} SvirtGuestReason;

const char *svirt_guest_state_to_string(SvirtGuestState state);
bool svirt_guest_state_from_string(const char *text, SvirtGuestState *ret);
const char *svirt_guest_reason_to_string(SvirtGuestReason reason);
bool svirt_guest_reason_from_string(const char *text, SvirtGuestReason *ret);

typedef struct SvirtMessage {
    uint32_t type;    /* SvirtMessageType */
    uint32_t process; /* SvirtProcess, where it matters */
    uint32_t step;    /* SvirtStep */
    int32_t errnum;
    int64_t a, b, c, d;
    char text[SVIRT_MESSAGE_TEXT]; /* NUL-terminated */
} SvirtMessage;

/*
 * True on success. Receive: false with errno 0 at end of file, EPROTO for a
 * packet of the wrong size, with control data, or without a NUL in text; else
 * the system call's errno. `timeout_ms` -1 waits for ever, ETIMEDOUT.
 */
bool svirt_message_send(int fd, const SvirtMessage *message);
bool svirt_message_receive(int fd, int timeout_ms, SvirtMessage *ret);

#define SVIRT_END_WORDS 96
/*
 * How a VMM ended, from its wait status: "status 3", "signal 9 (Killed)". A
 * VMM is the first process of its pid namespace, where abort(3)'s signal is
 * ignored and the halt instruction behind it faults: SIGSEGV means either.
 */
void svirt_message_end_words(int status, char ret[SVIRT_END_WORDS]);
