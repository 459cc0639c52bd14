/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUTHOR 4711

static bool
is_root(void)
{
    if (geteuid() != 0) {
        g_test_skip("not root");
        return false;
    }
    return true;
}

static SvirtCredentials *
author_with_groups(void)
{
    static const gid_t groups[] = { 9002, 9001 };

    return svirt_credentials_new(AUTHOR, 4712, groups, 2);
}

static void
test_root_and_self_change_nothing(void)
{
    g_autoptr(SvirtCredentials) root = svirt_credentials_new(0, 0, NULL, 0);
    g_autoptr(SvirtCredentials) self =
        svirt_credentials_new(geteuid(), 4712, NULL, 0);
    SvirtCredentialsScope scope = SVIRT_CREDENTIALS_SCOPE_INIT;

    g_assert_true(svirt_credentials_enter(NULL, &scope, NULL));
    g_assert_true(svirt_credentials_enter(root, &scope, NULL));
    g_assert_true(svirt_credentials_enter(self, &scope, NULL));
    g_assert_false(scope.entered);
    g_assert_cmpint(setfsuid((uid_t)-1), ==, geteuid());
    svirt_credentials_leave(&scope);
}

/* Everything back, also the groups the caller had. */
static void
test_enter_and_leave(void)
{
    g_autoptr(SvirtCredentials) author = author_with_groups();
    SvirtCredentialsScope scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    g_autoptr(GError) error = NULL;
    gid_t before[64], during[64], after[64];
    int count;

    if (!is_root()) {
        return;
    }
    count = getgroups(64, before);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_true(svirt_credentials_enter(author, &scope, &error));
        g_assert_no_error(error);
        g_assert_cmpint(setfsuid((uid_t)-1), ==, AUTHOR);
        g_assert_cmpint(setfsgid((gid_t)-1), ==, 4712);
        g_assert_cmpint(getgroups(64, during), ==, 2);
        g_assert_cmpuint(during[0] + during[1], ==, 9001 + 9002);
        g_assert_cmpint(geteuid(), ==, 0);
        svirt_credentials_leave(&scope);
        g_assert_cmpint(setfsuid((uid_t)-1), ==, 0);
        g_assert_cmpint(setfsgid((gid_t)-1), ==, 0);
        g_assert_cmpint(getgroups(64, after), ==, count);
        g_assert_cmpint(memcmp(before, after,
                               (size_t)count * sizeof(gid_t)),
                        ==, 0);
    }
}

/* CAP_DAC_OVERRIDE must not open what the author could not. */
static void
test_root_may_not_open_for_the_author(void)
{
    g_autoptr(SvirtCredentials) author = author_with_groups();
    g_autofree char *path = g_strdup("/tmp/svirt-credentials-XXXXXX");
    SvirtCredentialsScope scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    int fd;

    if (!is_root()) {
        return;
    }
    fd = g_mkstemp_full(path, O_RDWR, 0600);
    g_assert_cmpint(fd, >=, 0);
    g_assert_true(svirt_credentials_enter(author, &scope, NULL));
    g_assert_cmpint(open(path, O_RDONLY), ==, -1);
    g_assert_cmpint(errno, ==, EACCES);
    svirt_credentials_leave(&scope);
    /* Group membership counts, as it does for the author's own shell. */
    g_assert_cmpint(fchown(fd, 0, 9002), ==, 0);
    g_assert_cmpint(fchmod(fd, 0040), ==, 0);
    close(fd);
    g_assert_true(svirt_credentials_enter(author, &scope, NULL));
    fd = open(path, O_RDONLY);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    svirt_credentials_leave(&scope);
    g_assert_cmpint(unlink(path), ==, 0);
}

typedef struct Other {
    pthread_barrier_t barrier;
    uid_t uid;
    int groups;
} Other;

static void *
other_thread(void *data)
{
    Other *other = data;

    pthread_barrier_wait(&other->barrier);
    other->uid = (uid_t)setfsuid((uid_t)-1);
    other->groups = getgroups(0, NULL);
    pthread_barrier_wait(&other->barrier);
    return NULL;
}

static void
test_other_threads_keep_theirs(void)
{
    g_autoptr(SvirtCredentials) author = author_with_groups();
    SvirtCredentialsScope scope = SVIRT_CREDENTIALS_SCOPE_INIT;
    int groups = getgroups(0, NULL);
    pthread_t thread;
    Other other;

    if (!is_root()) {
        return;
    }
    g_assert_cmpint(pthread_barrier_init(&other.barrier, NULL, 2), ==, 0);
    g_assert_cmpint(pthread_create(&thread, NULL, other_thread, &other), ==,
                    0);
    g_assert_true(svirt_credentials_enter(author, &scope, NULL));
    pthread_barrier_wait(&other.barrier);
    pthread_barrier_wait(&other.barrier);
    svirt_credentials_leave(&scope);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&other.barrier);
    g_assert_cmpint(other.uid, ==, 0);
    g_assert_cmpint(other.groups, ==, groups);
}

static void
test_unprivileged_is_refused(void)
{
    g_autoptr(SvirtCredentials) author = author_with_groups();
    pid_t child;
    int status;

    if (!is_root()) {
        return;
    }
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        SvirtCredentialsScope scope = SVIRT_CREDENTIALS_SCOPE_INIT;
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(setresgid(99, 99, 99), ==, 0);
        g_assert_cmpint(setresuid(99, 99, 99), ==, 0);
        g_assert_false(svirt_credentials_enter(author, &scope, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
        g_assert_false(scope.entered);
        g_assert_cmpint(setfsuid((uid_t)-1), ==, 99);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

static void
test_accounts_are_looked_up(void)
{
    g_autoptr(SvirtCredentials) root = NULL;
    g_autoptr(SvirtCredentials) daemon = NULL;
    g_autoptr(SvirtCredentials) nobody = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(svirt_credentials_for_uid(0, &root, &error));
    g_assert_cmpuint(root->uid, ==, 0);
    g_assert_true(svirt_credentials_for_uid(1, &daemon, &error));
    g_assert_cmpuint(daemon->uid, ==, 1);
    g_assert_cmpuint(daemon->group_count, >=, 1);
    g_assert_false(svirt_credentials_for_uid(3999999999u, &nobody, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/credentials/root-and-self-change-nothing",
                    test_root_and_self_change_nothing);
    g_test_add_func("/base/credentials/enter-and-leave",
                    test_enter_and_leave);
    g_test_add_func("/base/credentials/root-may-not-open-for-the-author",
                    test_root_may_not_open_for_the_author);
    g_test_add_func("/base/credentials/other-threads-keep-theirs",
                    test_other_threads_keep_theirs);
    g_test_add_func("/base/credentials/unprivileged-is-refused",
                    test_unprivileged_is_refused);
    g_test_add_func("/base/credentials/accounts-are-looked-up",
                    test_accounts_are_looked_up);
    return g_test_run();
}
