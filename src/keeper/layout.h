/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Descriptor numbers of a keeper, agreed between the program that starts it
 * (`svirt start`, `svirt recover`) and the keeper. Everything else the keeper
 * holds stands at the `source` number its launch spec names.
 *
 *     argv: svirt-keeper NAME           a new VM
 *           svirt-keeper --unit NAME    the same by systemd, which gives
 *                                       FD_SVIRT as descriptor 0
 *           svirt-keeper --adopt NAME   an existing VMM whose keeper died
 *
 * A keeper of a new VM is started before its spec exists: it has FD_SVIRT
 * alone, over which the rest comes (launch/hand-over.h): first, where there
 * is one, the VMM's cgroup (_CGROUP, to FD_CGROUP), so that a process can wait
 * in it; then spec and sources (_ALL). An adopting one inherits all of them.
 */
/* In its environment: svirt, which undefines the domain at its end, of the
 * connection in SVIRT_DEFAULT_URI. */
#define SVIRT_KEEPER_AT_END "SVIRT_AT_END"

/* For how long a VMM may leave `cont` without an answer, before its keeper ends
 * it. */
#define SVIRT_KEEPER_CONTINUE_MS 30000

#define SVIRT_KEEPER_FD_SVIRT 3 /* SOCK_SEQPACKET, SvirtMessage packets */
#define SVIRT_KEEPER_FD_SPEC 4  /* sealed memfd with the launch spec */
/*
 * Where the keeper puts the monitor's end of their channel each time before it
 * starts a monitor. A spec that wants a monitor has exactly one entry
 *   { source = SVIRT_KEEPER_FD_CHANNEL, to = SVIRT_TO_MONITOR,
 *     monitor = SVIRT_MONITOR_FD_KEEPER, role = SVIRT_FD_PROBE }
 * (svirt_monitor_layout_add writes it); nothing is open there at exec.
 */
#define SVIRT_KEEPER_FD_CHANNEL 5
/* Adoption only, see keeper/adopt.h. */
#define SVIRT_KEEPER_FD_ADOPTION 6    /* sealed memfd: SvirtAdoption */
#define SVIRT_KEEPER_FD_VMM_PIDFD 7
/* Closed when there is no such passt; SVIRT_MAX_PASSTS of them. */
#define SVIRT_KEEPER_FD_PASST_PIDFD(i) (8 + (i))

/* Until the spec is there. */
#define SVIRT_KEEPER_FD_CGROUP 9
#define SVIRT_KEEPER_FD_WAITING 10      /* SvirtWaiting.socket */
#define SVIRT_KEEPER_FD_WAITING_PID 11  /* SvirtWaiting.pidfd */

/* The smallest `source` a spec may name, the channel apart. */
#define SVIRT_KEEPER_FIRST_SOURCE 16
/* The largest: sources lie in [FIRST_SOURCE, MAX_SOURCE]. */
#define SVIRT_KEEPER_MAX_SOURCE 8191

/* Names in the run directory /run/svirt/<uuid>, which is root:root 0700. */
#define SVIRT_RUN_STATUS "status"   /* SvirtRunStatus, keeper/status.h */
#define SVIRT_RUN_LOCK "lock"       /* flock(LOCK_EX): held by a keeper */
#define SVIRT_RUN_SPEC "spec"       /* copy of the launch spec, for adoption */
#define SVIRT_RUN_SPEC_NEW "spec.new"
#define SVIRT_RUN_CONTROL "control" /* the monitor's listening socket */
