/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "monitor/guest.h"

/* Events in order: NAME or NAME=DATA, separated by blanks. */
static const struct {
    const char *name;
    const char *events;
    SvirtGuestState state;
    SvirtGuestReason reason;
} rows[] = {
    { "starts-paused", "", SVIRT_GUEST_PAUSED, SVIRT_REASON_STARTING },
    { "first-resume-boots", "RESUME", SVIRT_GUEST_RUNNING,
      SVIRT_REASON_BOOTED },
    { "stop-is-the-users", "RESUME STOP", SVIRT_GUEST_PAUSED,
      SVIRT_REASON_USER },
    { "second-resume-unpauses", "RESUME STOP RESUME", SVIRT_GUEST_RUNNING,
      SVIRT_REASON_USER },
    { "io-error", "RESUME BLOCK_IO_ERROR={\"action\":\"stop\"} STOP",
      SVIRT_GUEST_PAUSED, SVIRT_REASON_IO_ERROR },
    { "io-error-reported-only",
      "RESUME BLOCK_IO_ERROR={\"action\":\"report\"} STOP",
      SVIRT_GUEST_PAUSED, SVIRT_REASON_USER },
    { "io-error-is-forgotten-by-resume",
      "RESUME BLOCK_IO_ERROR={\"action\":\"stop\"} STOP RESUME STOP",
      SVIRT_GUEST_PAUSED, SVIRT_REASON_USER },
    { "watchdog-pauses", "RESUME WATCHDOG={\"action\":\"pause\"} STOP",
      SVIRT_GUEST_PAUSED, SVIRT_REASON_WATCHDOG },
    { "shutdown", "RESUME SHUTDOWN={\"guest\":true,\"reason\":"
      "\"guest-shutdown\"}", SVIRT_GUEST_IN_SHUTDOWN, SVIRT_REASON_SHUTDOWN },
    { "shutdown-then-stop", "RESUME SHUTDOWN STOP", SVIRT_GUEST_IN_SHUTDOWN,
      SVIRT_REASON_SHUTDOWN },
    { "quit", "RESUME SHUTDOWN={\"reason\":\"host-qmp-quit\"}",
      SVIRT_GUEST_IN_SHUTDOWN, SVIRT_REASON_DESTROYED },
    { "panicked", "RESUME GUEST_PANICKED={\"action\":\"pause\"} STOP",
      SVIRT_GUEST_CRASHED, SVIRT_REASON_PANICKED },
    { "panic-shutdown", "RESUME SHUTDOWN={\"reason\":\"guest-panic\"}",
      SVIRT_GUEST_CRASHED, SVIRT_REASON_PANICKED },
    { "reset-after-panic", "RESUME GUEST_PANICKED RESET", SVIRT_GUEST_RUNNING,
      SVIRT_REASON_BOOTED },
    { "reset-changes-nothing", "RESUME STOP RESET", SVIRT_GUEST_PAUSED,
      SVIRT_REASON_USER },
    { "suspended", "RESUME SUSPEND STOP", SVIRT_GUEST_PMSUSPENDED,
      SVIRT_REASON_UNKNOWN },
    { "woken", "RESUME SUSPEND WAKEUP", SVIRT_GUEST_RUNNING,
      SVIRT_REASON_USER },
    { "woken-without-sleep", "RESUME STOP WAKEUP", SVIRT_GUEST_PAUSED,
      SVIRT_REASON_USER },
    { "data-of-wrong-types", "RESUME BLOCK_IO_ERROR={\"action\":[]} "
      "WATCHDOG={\"action\":1} SHUTDOWN={\"reason\":{}}",
      SVIRT_GUEST_IN_SHUTDOWN, SVIRT_REASON_SHUTDOWN },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_auto(GStrv) events = g_strsplit(rows[row].events, " ", -1);
    SvirtGuest guest;

    svirt_guest_init(&guest);
    for (unsigned i = 0; events[i] != NULL && *events[i] != '\0'; i++) {
        char *text = strchr(events[i], '=');
        SvirtJsonSpan body = { 0 };
        SvirtQmpEvent event;

        if (text != NULL) {
            *text++ = '\0';
            g_assert_true(svirt_json_check(text, strlen(text), &body));
        }
        g_assert_true(svirt_qmp_event_from_string(events[i], &event));
        (void)svirt_guest_event(&guest, event, body);
        /* Repeated, it says nothing new. */
        g_assert_false(svirt_guest_event(&guest, event, body));
    }
    g_assert_cmpint(guest.state, ==, rows[row].state);
    g_assert_cmpint(guest.reason, ==, rows[row].reason);
}

static const struct {
    const char *name;
    const char *answer;
    bool ok;
    SvirtGuestState state;
    SvirtGuestReason reason;
} answers[] = {
    { "running", "{\"status\":\"running\",\"running\":true}", true,
      SVIRT_GUEST_RUNNING, SVIRT_REASON_BOOTED },
    { "prelaunch", "{\"status\":\"prelaunch\",\"running\":false}", true,
      SVIRT_GUEST_PAUSED, SVIRT_REASON_STARTING },
    { "panicked", "{\"status\":\"guest-panicked\",\"running\":false}", true,
      SVIRT_GUEST_CRASHED, SVIRT_REASON_PANICKED },
    { "unknown-word", "{\"status\":\"dreaming\",\"running\":false}", true,
      SVIRT_GUEST_PAUSED, SVIRT_REASON_UNKNOWN },
    { "status-is-number", "{\"status\":1,\"running\":true}", false, 0, 0 },
    { "running-is-string", "{\"status\":\"running\",\"running\":\"yes\"}",
      false, 0, 0 },
    { "empty", "{}", false, 0, 0 },
    { "array", "[]", false, 0, 0 },
    { "string", "\"running\"", false, 0, 0 },
};

static void
test_answer(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    SvirtJsonSpan span;
    SvirtGuest guest;
    bool changed = false;

    svirt_guest_init(&guest);
    g_assert_true(svirt_json_check(answers[row].answer,
                                   strlen(answers[row].answer), &span));
    g_assert_cmpint(svirt_guest_status(&guest, span, &changed), ==,
                    answers[row].ok);
    if (answers[row].ok) {
        g_assert_cmpint(guest.state, ==, answers[row].state);
        g_assert_cmpint(guest.reason, ==, answers[row].reason);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/monitor/guest/event/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autofree char *path =
            g_strdup_printf("/monitor/guest/status/%s", answers[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_answer);
    }
    return g_test_run();
}
