/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/credentials.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's own limit on supplementary groups (NGROUPS_MAX). */
#define GROUPS_MAX 65536

SvirtCredentials *
svirt_credentials_new(uid_t uid, gid_t gid, const gid_t *groups,
                      size_t group_count)
{
    SvirtCredentials *credentials = g_new0(SvirtCredentials, 1);

    credentials->uid = uid;
    credentials->gid = gid;
    credentials->groups = g_memdup2(groups, group_count * sizeof(*groups));
    credentials->group_count = group_count;
    return credentials;
}

void
svirt_credentials_free(SvirtCredentials *credentials)
{
    if (credentials == NULL) {
        return;
    }
    g_free(credentials->groups);
    g_free(credentials);
}

static bool
list_groups(const struct passwd *account, SvirtCredentials **ret,
            GError **error)
{
    g_autofree gid_t *groups = NULL;
    int room = 64;

    for (;;) {
        int count = room;

        groups = g_renew(gid_t, groups, room);
        if (getgrouplist(account->pw_name, account->pw_gid, groups,
                         &count) >= 0) {
            *ret = svirt_credentials_new(account->pw_uid, account->pw_gid,
                                         groups, (size_t)count);
            return true;
        }
        if (room >= GROUPS_MAX) {
            return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, NULL,
                               "user '%s' is in more than %d groups",
                               account->pw_name, GROUPS_MAX);
        }
        room = CLAMP(count, room * 2, GROUPS_MAX);
    }
}

bool
svirt_credentials_for_uid(uid_t uid, SvirtCredentials **ret, GError **error)
{
    struct passwd account;
    struct passwd *found = NULL;
    g_autofree char *buffer = NULL;
    size_t size = 1024;
    int status;

    if (uid == 0) {
        *ret = svirt_credentials_new(0, 0, NULL, 0);
        return true;
    }
    do {
        size *= 4;
        buffer = g_realloc(buffer, size);
        status = getpwuid_r(uid, &account, buffer, size, &found);
    } while (status == ERANGE && size < 1 << 20);
    if (status != 0) {
        return svirt_raise_errno(error, status, NULL,
                                 "cannot look up uid %u", uid);
    }
    if (found == NULL) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "define the domain again as an existing user",
                           "uid %u has no account on this host", uid);
    }
    return list_groups(&account, ret, error);
}

/* glibc's setgroups(3) changes every thread; only this one is meant. */
static int
set_thread_groups(const gid_t *groups, size_t count)
{
    return (int)syscall(SYS_setgroups, count, groups);
}

static int
compare_gids(const void *a, const void *b)
{
    gid_t x = *(const gid_t *)a;
    gid_t y = *(const gid_t *)b;

    return x < y ? -1 : x > y;
}

/* setfsuid(2) tells the present value when given one that is no id. */
static bool
thread_is(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
    g_autofree gid_t *want = NULL;
    g_autofree gid_t *got = NULL;
    int present;

    if ((uid_t)setfsuid((uid_t)-1) != uid ||
        (gid_t)setfsgid((gid_t)-1) != gid) {
        return false;
    }
    present = getgroups(0, NULL);
    if (present < 0 || (size_t)present != count) {
        return false;
    }
    got = g_new(gid_t, count + 1);
    if (getgroups(present, got) != present) {
        return false;
    }
    want = g_memdup2(groups, count * sizeof(*groups));
    if (count > 0) {
        qsort(want, count, sizeof(*want), compare_gids);
        qsort(got, count, sizeof(*got), compare_gids);
    }
    for (size_t i = 0; i < count; i++) {
        if (want[i] != got[i]) {
            return false;
        }
    }
    return true;
}

static bool
remember_thread(SvirtCredentialsScope *scope, GError **error)
{
    int count = getgroups(0, NULL);

    scope->groups = g_new0(gid_t, count < 0 ? 1 : count + 1);
    if (count < 0 || getgroups(count, scope->groups) != count) {
        int saved = errno;

        g_clear_pointer(&scope->groups, g_free);
        return svirt_raise_errno(error, saved, NULL, "cannot read own groups");
    }
    scope->group_count = (size_t)count;
    scope->uid = (uid_t)setfsuid((uid_t)-1);
    scope->gid = (gid_t)setfsgid((gid_t)-1);
    scope->entered = true;
    return true;
}

bool
svirt_credentials_enter(const SvirtCredentials *author,
                        SvirtCredentialsScope *scope, GError **error)
{
    int securebits;

    g_assert(!scope->entered);
    if (author == NULL || author->uid == 0 || author->uid == geteuid()) {
        return true;
    }
    /* With this bit root's override would survive the change of uid. */
    securebits = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    if (securebits < 0 || (securebits & SECBIT_NO_SETUID_FIXUP) != 0) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "start svirt without securebits",
                           "cannot act as uid %u: capabilities would stay",
                           author->uid);
    }
    if (!remember_thread(scope, error)) {
        return false;
    }
    /* Groups first: afterwards nothing is left but the ids themselves. */
    if (set_thread_groups(author->groups, author->group_count) != 0) {
        int saved = errno;

        svirt_credentials_leave(scope);
        return svirt_raise(error, SVIRT_ERROR_REFUSED,
                           g_error_new_literal(SVIRT_ERROR,
                                               SVIRT_ERROR_SYSTEM,
                                               g_strerror(saved)),
                           "run it as root or as that user",
                           "cannot act as uid %u", author->uid);
    }
    (void)setfsgid(author->gid);
    (void)setfsuid(author->uid);
    if (!thread_is(author->uid, author->gid, author->groups,
                   author->group_count)) {
        svirt_credentials_leave(scope);
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "run it as root or as that user",
                           "cannot act as uid %u", author->uid);
    }
    return true;
}

void
svirt_credentials_leave(SvirtCredentialsScope *scope)
{
    int saved = errno;

    if (!scope->entered) {
        return;
    }
    (void)setfsuid(scope->uid);
    (void)setfsgid(scope->gid);
    /* Unprivileged, entering failed at the groups: they are unchanged. */
    (void)set_thread_groups(scope->groups, scope->group_count);
    if (!thread_is(scope->uid, scope->gid, scope->groups,
                   scope->group_count)) {
        abort();
    }
    g_clear_pointer(&scope->groups, g_free);
    scope->entered = false;
    errno = saved;
}
