/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <string.h>

#include "base/relro.h"
#include "keeper/message.h"
#include "monitor/layout.h"
#include "monitor/monitor.h"

static void
tell_failure(const SvirtLaunchFailure *failure)
{
    SvirtMessage message = {
        .type = SVIRT_MESSAGE_FAILED,
        .process = SVIRT_PROCESS_MONITOR,
        .step = failure->step,
        .errnum = failure->errnum,
    };
    size_t length = strnlen(failure->words, sizeof(failure->words) - 1);

    memcpy(message.text, failure->words, length);
    /* The exit code says that much when nobody hears it. */
    (void)svirt_message_send(SVIRT_MONITOR_FD_KEEPER, &message);
}

int
main(int argc, char **argv)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    SvirtLaunchFailure failure = { 0 };
    SvirtConfined confined;
    SvirtMonitorArgs args;

    if (!svirt_relro_protect() ||
        !svirt_monitor_args_parse(argc, argv, &args)) {
        return 2;
    }
    if (!svirt_confine_self_monitor(&confined, &failure)) {
        tell_failure(&failure);
        return 4;
    }
    /* A reader that left or a full file is an error code here, no end. */
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL);
    return svirt_monitor_run(&args, &confined);
}
