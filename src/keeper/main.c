/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/relro.h"
#include "keeper/inherit.h"
#include "keeper/keeper.h"
#include "keeper/layout.h"
#include "keeper/message.h"
#include "keeper/unit.h"

/*
 * A session, a directory and signals of its own: neither the terminal of who
 * started the VM nor a signal to its process group may end it.
 */
static bool
leave_caller(void)
{
    static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
                                   SIGTSTP, SIGTTIN, SIGTTOU };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t none;

    (void)setsid(); /* fails for a leader, which is what was wanted */
    (void)umask(077);
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        (void)sigaction(ignored[i], &ignore, NULL);
    }
    /* An ignored SIGCHLD would reap the children behind our back. */
    (void)sigaction(SIGCHLD, &plain, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    /* A user's svirt without a namespace to be root in reads it back, too. */
    (void)prctl(PR_SET_DUMPABLE, geteuid() != 0, 0, 0, 0);
    return chdir("/") == 0 && svirt_inherit_null();
}

/* Its number is as everywhere from here on; svirt hears where it is. */
static bool
enter_unit(void)
{
    SvirtMessage message = { .type = SVIRT_MESSAGE_PLACED, .a = getpid() };

    if (dup3(STDIN_FILENO, SVIRT_KEEPER_FD_SVIRT, O_CLOEXEC) < 0) {
        return false;
    }
    message.errnum = svirt_unit_enter() ? 0 : errno;
    return svirt_message_send(SVIRT_KEEPER_FD_SVIRT, &message) &&
           message.errnum == 0;
}

/*
 * Instead of an end: what this process held closes with it, and whoever waits
 * for its end waits for that of the definition, too.
 */
static void
undefine(const SvirtKeeper *keeper)
{
    const char *svirt = getenv(SVIRT_KEEPER_AT_END);
    char uuid[SVIRT_UUID_TEXT];

    if (svirt == NULL || !keeper->committed ||
        syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) < 0) {
        return;
    }
    svirt_uuid_format(&keeper->uuid, uuid);
    /* Somebody may have defined it since: then it stays. */
    (void)execl(svirt, "svirt", "-q", "undefine", "--if-transient", uuid,
                (char *)NULL);
}

int
main(int argc, char **argv)
{
    SvirtWaiting waiting = SVIRT_WAITING_INIT;
    bool adopting = argc == 3 && strcmp(argv[1], "--adopt") == 0;
    bool unit = argc == 3 && strcmp(argv[1], "--unit") == 0;
    SvirtKeeper keeper;

    if (!svirt_relro_protect() || (argc != 2 && !adopting && !unit) ||
        (unit && !enter_unit()) ||
        !leave_caller()) {
        return 2;
    }
    if (!adopting && !svirt_keeper_await(&waiting)) {
        /* svirt gave up, and reads no reason. */
        svirt_launch_wait_end(&waiting);
        return 0;
    }
    if (!svirt_keeper_init(&keeper, adopting, &waiting)) {
        svirt_keeper_run(&keeper);
        return 3;
    }
    /* Reserved until a monitor starts: nothing else may land there. */
    if (dup3(STDIN_FILENO, SVIRT_KEEPER_FD_CHANNEL, O_CLOEXEC) < 0) {
        return 2;
    }
    if (adopting) {
        (void)svirt_keeper_adopt(&keeper);
    } else {
        (void)svirt_keeper_start(&keeper);
    }
    svirt_keeper_run(&keeper);
    undefine(&keeper);
    return 0;
}
