/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/layout.h"
#include "launch/cgroup.h"
#include "vm.h"

/* A keeper that svirt has started and given nothing but, perhaps, a cgroup. */
typedef struct Keeper {
    pid_t pid;
    int svirt_fd;
    SvirtUuid uuid;
    SvirtCgroup cgroup;
} Keeper;

static Keeper
keeper_start(void)
{
    Keeper keeper = { .cgroup = SVIRT_CGROUP_INIT };
    SvirtNumberedFd fd = { .number = SVIRT_KEEPER_FD_SVIRT };
    int ends[2];

    svirt_uuid_generate(&keeper.uuid);
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
                                 ends));
    fd.fd = ends[1];
    keeper.svirt_fd = ends[0];
    keeper.pid = svirt_run_keeper(KEEPER_PROGRAM, "test", false, &fd, 1);
    g_assert_no_errno(keeper.pid);
    (void)close(ends[1]);
    return keeper;
}

static void
give_cgroup(const Keeper *keeper)
{
    SvirtNumberedFd fd = { keeper->cgroup.vmm_fd, SVIRT_KEEPER_FD_CGROUP };

    g_assert_true(svirt_hand_over_send(keeper->svirt_fd,
                                       SVIRT_HAND_OVER_CGROUP, &fd, 1));
}

static bool
make_cgroup(Keeper *keeper)
{
    SvirtLaunchFailure failure = { 0 };

    return svirt_cgroup_create("svirt-test", &keeper->uuid,
                               &(SvirtCgroupLimits){ 0 }, &keeper->cgroup,
                               &failure);
}

/* Waits up to 10 s for the cgroup to be as wanted. */
static void
wait_populated(const Keeper *keeper, bool wanted)
{
    char text[256];

    for (int i = 0; i < 1000; i++) {
        g_assert_cmpint(svirt_read_small(keeper->cgroup.vmm_fd,
                                         "cgroup.events", text, sizeof(text)),
                        >, 0);
        if (g_str_has_prefix(text, "populated 1") == wanted) {
            return;
        }
        g_usleep(10000);
    }
    g_error("the cgroup stays %s", wanted ? "empty" : "populated");
}

static void
assert_ended(Keeper *keeper)
{
    SVIRT_AUTO_FD pidfd = (int)syscall(SYS_pidfd_open, keeper->pid, 0);
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };

    g_assert_cmpint(poll(&ended, 1, 10000), ==, 1);
    g_assert_cmpint(waitpid(keeper->pid, NULL, 0), ==, keeper->pid);
}

static void
remove_cgroup(Keeper *keeper)
{
    wait_populated(keeper, false);
    g_assert_true(svirt_cgroup_remove(keeper->cgroup.parent_fd, &keeper->uuid,
                                      1000));
    svirt_cgroup_close(&keeper->cgroup);
}

static void
test_ends_when_svirt_does(void)
{
    Keeper keeper = keeper_start();

    svirt_fd_close(&keeper.svirt_fd);
    assert_ended(&keeper);
}

static void
test_ends_at_a_word_that_is_no_hand_over(void)
{
    SvirtMessage abort = { .type = SVIRT_MESSAGE_ABORT };
    Keeper keeper = keeper_start();

    g_assert_true(svirt_message_send(keeper.svirt_fd, &abort));
    assert_ended(&keeper);
    svirt_fd_close(&keeper.svirt_fd);
}

static void
test_leaves_nobody_waiting(void)
{
    enum { SVIRT_ENDS, KEEPER_KILLED, SECOND_CGROUP, ENDS };
    static const char *const names[ENDS] = {
        [SVIRT_ENDS] = "svirt ends",
        [KEEPER_KILLED] = "the keeper is killed",
        [SECOND_CGROUP] = "a second cgroup comes",
    };

    for (int i = 0; i < ENDS; i++) {
        Keeper keeper = keeper_start();

        g_test_message("%s", names[i]);
        if (!make_cgroup(&keeper)) {
            svirt_fd_close(&keeper.svirt_fd);
            assert_ended(&keeper);
            g_test_skip("no writable cgroup v2 mount");
            return;
        }
        give_cgroup(&keeper);
        wait_populated(&keeper, true);
        switch (i) {
        case SVIRT_ENDS:
            svirt_fd_close(&keeper.svirt_fd);
            break;
        case KEEPER_KILLED:
            g_assert_no_errno(kill(keeper.pid, SIGKILL));
            break;
        default:
            give_cgroup(&keeper);
            break;
        }
        assert_ended(&keeper);
        remove_cgroup(&keeper);
        svirt_fd_close(&keeper.svirt_fd);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/await/ends-when-svirt-does",
                    test_ends_when_svirt_does);
    g_test_add_func("/keeper/await/ends-at-a-word-that-is-no-hand-over",
                    test_ends_at_a_word_that_is_no_hand_over);
    g_test_add_func("/keeper/await/leaves-nobody-waiting",
                    test_leaves_nobody_waiting);
    return g_test_run();
}
