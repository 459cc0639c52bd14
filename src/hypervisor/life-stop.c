/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "hypervisor/life.h"
#include "keeper/message.h"

#define AGAIN_MS 5000

static bool
is_off(const GError *problem)
{
    return g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_STATE);
}

/* False without a word: it has to be destroyed. */
static bool
stop_gently(SvirtManager *manager, const SvirtDefinition *definition,
            int timeout_ms)
{
    /* By the clock: a VMM that gives no answer takes its time as well. */
    gint64 end_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    SvirtRunStatus run;

    if (!svirt_manager_run_status(manager, &definition->uuid, &run, NULL)) {
        return false;
    }
    if (!svirt_run_status_is_active(&run)) {
        return true;
    }
    if (run.state == SVIRT_GUEST_PAUSED) {
        (void)svirt_life_ask(manager, definition, SVIRT_LIFE_RESUME, NULL);
    }
    for (;;) {
        gint64 left_ms = (end_us - g_get_monotonic_time()) / 1000;

        if (left_ms <= 0) {
            return false;
        }
        /* Who cannot be asked may end all the same. */
        (void)svirt_life_ask(manager, definition, SVIRT_LIFE_SHUTDOWN, NULL);
        if (svirt_life_wait_off(manager, definition,
                                (int)MIN(left_ms, AGAIN_MS), NULL)) {
            return true;
        }
    }
}

bool
svirt_life_stop(SvirtManager *manager, const SvirtDefinition *definition,
                int timeout_ms, GError **error)
{
    GError *problem = NULL;

    if (stop_gently(manager, definition, timeout_ms) ||
        svirt_life_destroy(manager, definition, false, &problem)) {
        return true;
    }
    if (is_off(problem)) {
        g_error_free(problem);
        return true;
    }
    g_propagate_error(error, problem);
    return false;
}
