/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/* Who a file is opened as. */
typedef struct SvirtCredentials {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* owned */
    size_t group_count;
} SvirtCredentials;

/*
 * The credentials of an account, with all its groups (getpwuid_r(3),
 * getgrouplist(3)). uid 0 asks no database. NOT_FOUND for a uid without an
 * account. Owned by the caller.
 */
bool svirt_credentials_for_uid(uid_t uid, SvirtCredentials **ret,
                               GError **error);
/* `groups` is copied. */
SvirtCredentials *svirt_credentials_new(uid_t uid, gid_t gid,
                                        const gid_t *groups,
                                        size_t group_count);
void svirt_credentials_free(SvirtCredentials *credentials);

/* What svirt_credentials_leave goes back to. Start with SVIRT_..._INIT. */
typedef struct SvirtCredentialsScope {
    bool entered;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* owned while entered */
    size_t group_count;
} SvirtCredentialsScope;

#define SVIRT_CREDENTIALS_SCOPE_INIT { false, 0, 0, NULL, 0 }

/*
 * Give the calling thread alone the file-system uid, gid and supplementary
 * groups of `author` (setfsuid(2), setfsgid(2), setgroups(2)), and read them
 * back. Root's override of file permissions is gone until
 * svirt_credentials_leave. Nothing is changed for NULL, for uid 0 and for the
 * caller's own uid. REFUSED when the process may not become `author`, SYSTEM
 * when a call fails; the thread is then as before.
 */
bool svirt_credentials_enter(const SvirtCredentials *author,
                             SvirtCredentialsScope *scope, GError **error);
/* Back, read back. A thread that cannot come back aborts the process: it must
 * not go on with half of two identities. Safe on a scope never entered. */
void svirt_credentials_leave(SvirtCredentialsScope *scope);

/* Leaves at the end of the C scope. */
#define SVIRT_AUTO_CREDENTIALS                                               \
    __attribute__((cleanup(svirt_credentials_leave))) SvirtCredentialsScope

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtCredentials, svirt_credentials_free)
