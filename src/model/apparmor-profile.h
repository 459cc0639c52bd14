/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

/*
 * An AppArmor profile being made: nothing is allowed but what is added, and
 * there is no way to deny. svirt_profile_append gives it in the form the
 * kernel loads (security/apparmor/policy_unpack.c), so that no parser and no
 * text file takes part.
 */
typedef struct SvirtProfile SvirtProfile;

/* What may be done with a file, as bits of the kernel's. */
typedef enum SvirtProfileAccess {
    SVIRT_PROFILE_WRITE = 0x2,   /* append, create, delete, change too */
    SVIRT_PROFILE_READ = 0x4,
    SVIRT_PROFILE_APPEND = 0x8,
    SVIRT_PROFILE_LINK = 0x10,   /* where the target allows as much */
    SVIRT_PROFILE_LOCK = 0x20,
    SVIRT_PROFILE_MAP = 0x40,    /* as executable memory */
    /* Execution, one of these: staying confined as it is, in the profile of
     * the program's name, in that child, or unconfined; capital letters in
     * apparmor.d(5) are _CLEAN: the loader's variables taken away. */
    SVIRT_PROFILE_EXEC_INHERIT = 0x241,
    SVIRT_PROFILE_EXEC_PROFILE = 0x901,
    SVIRT_PROFILE_EXEC_PROFILE_CLEAN = 0x801,
    SVIRT_PROFILE_EXEC_CHILD = 0xd01,
    SVIRT_PROFILE_EXEC_CHILD_CLEAN = 0xc01,
    SVIRT_PROFILE_EXEC_UNCONFINED = 0x501,
    SVIRT_PROFILE_EXEC_UNCONFINED_CLEAN = 0x401,
} SvirtProfileAccess;

/* What may be done with a socket: words of the kernel's ACCEPT table. */
typedef enum SvirtProfileSocket {
    /* Send, receive, shut down, ask and set options: what an inherited one
     * is for. */
    SVIRT_PROFILE_SOCKET_USE = 0x18c026,
    SVIRT_PROFILE_SOCKET_CREATE = 0x10,
    SVIRT_PROFILE_SOCKET_CONNECT = 0x40,
    SVIRT_PROFILE_SOCKET_ACCEPT = 0x10000,
    SVIRT_PROFILE_SOCKET_BIND = 0x20000,
    SVIRT_PROFILE_SOCKET_LISTEN = 0x40000,
} SvirtProfileSocket;

#define SVIRT_PROFILE_SIGNAL_SEND 2u
#define SVIRT_PROFILE_SIGNAL_RECEIVE 4u

/*
 * Where objects without a path in the process's own root seem to lie: those of
 * inherited descriptors. Of these it may ask about the attributes, fstat(2).
 */
#define SVIRT_PROFILE_DISCONNECTED "/disconnected"
/* A name the kernel takes; longer ones are refused. */
#define SVIRT_PROFILE_MAX_NAME 255u
/* The version of the form: 7, which kernels since 4.13 take. */
#define SVIRT_PROFILE_VERSION 7u

/* INVALID: no name for a profile. */
SvirtProfile *svirt_profile_new(const char *name, GError **error);
void svirt_profile_free(SvirtProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtProfile, svirt_profile_free)

/* "rwamkl" and one of ix px Px cx Cx ux Ux, in any order: apparmor.d(5).
 * INVALID. */
bool svirt_profile_access_parse(const char *text, unsigned *ret_access,
                                GError **error);

/*
 * `access`: SVIRT_PROFILE_* of files; `glob`: apparmor-pattern.h; `owned`:
 * only the files of the process's own user. INVALID: no absolute path.
 */
bool svirt_profile_allow_path(SvirtProfile *profile, const char *glob,
                              unsigned access, bool owned, GError **error);
/* The path itself, whatever is in it; `tree`: a directory and everything
 * below it. */
bool svirt_profile_allow_literal(SvirtProfile *profile, const char *path,
                                 bool tree, unsigned access, GError **error);
/* AF_*, SOCK_* (0: every type), SVIRT_PROFILE_SOCKET_*. */
bool svirt_profile_allow_socket(SvirtProfile *profile, int family, int type,
                                unsigned operations, GError **error);
/* To or from processes of the profile `peer`; any signal. */
bool svirt_profile_allow_signal(SvirtProfile *profile, const char *peer,
                                unsigned directions, GError **error);
/* Any key of the kernel's policy automaton. */
bool svirt_profile_allow_key(SvirtProfile *profile, const void *key,
                             size_t size, uint32_t accept, GError **error);

/*
 * Append the profile to *out, which is empty or holds profiles alone.
 * REFUSED: rules that contradict one another. UNSUPPORTED: too many.
 */
bool svirt_profile_append(const SvirtProfile *profile, GByteArray *out,
                          GError **error);
