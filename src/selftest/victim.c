/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/probe.h"

#include "base/fd.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* In memory of its own page, which a control may push out or overwrite. */
static char secret[4096] __attribute__((aligned(4096))) = SVIRT_PROBE_SECRET;

static void
do_nothing(int number)
{
    (void)number;
}

int
svirt_probe_victim(int report_fd, int hold_fd)
{
    struct sigaction action = { .sa_handler = do_nothing,
                                .sa_flags = SA_RESTART };
    char text[64];
    char byte;
    int length;

    (void)sigaction(SIGUSR1, &action, NULL);
    /* Fails where it already leads one, which is as good. */
    (void)setsid();
    length = snprintf(text, sizeof(text), "%d %" PRIuPTR "\n", getpid(),
                      (uintptr_t)secret);
    if (!svirt_write_full(report_fd, text, (size_t)length)) {
        return 2;
    }
    (void)close(report_fd);
    return svirt_read_full(hold_fd, &byte, 1) < 0 ? 2 : 0;
}
