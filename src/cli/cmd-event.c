/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "hypervisor/life.h"
#include "image/json-load.h"
#include "monitor/client.h"

/* What happens to running VMs, as their emulators tell it. */

/* A frame that has begun is whole by then. */
#define FRAME_MS 5000
#define ENDED "STOPPED"

typedef struct Listener {
    char *name; /* owned, of the domain */
    int fd;     /* owned, -1: ended */
} Listener;

static void
listener_clear(gpointer data)
{
    Listener *listener = data;

    svirt_fd_close(&listener->fd);
    g_free(listener->name);
}

/* virsh's words for QEMU's; what has none is shown as QEMU calls it. */
static const struct {
    const char *qemu;
    const char *event;
    const char *detail;
} known[] = {
    { ENDED, "lifecycle", "Stopped" },
    { "STOP", "lifecycle", "Suspended" },
    { "RESUME", "lifecycle", "Resumed" },
    { "SHUTDOWN", "lifecycle", "Shutdown" },
    { "SUSPEND", "lifecycle", "PMSuspended" },
    { "SUSPEND_DISK", "lifecycle", "PMSuspended Disk" },
    { "WAKEUP", "pmwakeup", NULL },
    { "GUEST_PANICKED", "lifecycle", "Crashed Panicked" },
    { "RESET", "reboot", NULL },
    { "RTC_CHANGE", "rtc-change", NULL },
    { "WATCHDOG", "watchdog", NULL },
    { "BLOCK_IO_ERROR", "io-error", NULL },
    { "BALLOON_CHANGE", "balloon-change", NULL },
    { "VSERPORT_CHANGE", "channel-lifecycle", NULL },
    { "VNC_CONNECTED", "graphics", "Connected" },
    { "VNC_INITIALIZED", "graphics", "Initialized" },
    { "VNC_DISCONNECTED", "graphics", "Disconnected" },
    { "SPICE_CONNECTED", "graphics", "Connected" },
    { "SPICE_INITIALIZED", "graphics", "Initialized" },
    { "SPICE_DISCONNECTED", "graphics", "Disconnected" },
    { "EVENTS_LOST", "lost", "some, for they were not read in time" },
};

/* False: not one of those asked for. */
static bool
print_event(const SvirtCli *cli, const Listener *listener,
            const json_t *event)
{
    const char *wanted = svirt_arguments_text(cli->args, "event");
    const char *qemu = json_string_value(json_object_get(event, "event"));
    const json_t *data = json_object_get(event, "data");
    const char *name = "qemu", *detail = NULL;
    char *text;

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_strcmp0(qemu, known[i].qemu) == 0) {
            name = known[i].event;
            detail = known[i].detail;
        }
    }
    if (qemu == NULL || (wanted != NULL && strcmp(wanted, name) != 0)) {
        return false;
    }
    if (cli->json) {
        json_t *line = json_pack("{s:s,s:s,s:s,s:O*}", "domain",
                                 listener->name, "event", name, "qemu", qemu,
                                 "data", data);

        text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)printf("%s\n", text != NULL ? text : "{}");
        json_decref(line);
    } else {
        g_autofree char *shown = svirt_text_printable(
            strcmp(name, "qemu") == 0 ? qemu : detail != NULL ? detail : "");

        text = detail == NULL
                   ? json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII)
                   : NULL;
        (void)printf("event '%s' for domain '%s': %s%s%s\n", name,
                     listener->name, shown,
                     shown[0] != '\0' && text != NULL ? " " : "",
                     text != NULL ? text : "");
    }
    free(text);
    (void)fflush(stdout);
    return true;
}

/* Its monitor ended: so did the VM, or it has another one now. */
static bool
reconnect(const SvirtCli *cli, Listener *listener)
{
    g_autoptr(SvirtDefinition) definition = NULL;

    return errno == ECONNRESET &&
           svirt_manager_find(cli->manager, listener->name, &definition,
                              NULL) &&
           svirt_life_events(cli->manager, definition, &listener->fd, NULL);
}

/* One frame; false: nothing was printed. */
static bool
take(const SvirtCli *cli, Listener *listener)
{
    json_t *event = NULL;
    char *text = NULL;
    bool printed;

    if (svirt_control_next_event(listener->fd, FRAME_MS, &text)) {
        event = svirt_json_load(text, strlen(text), JSON_REJECT_DUPLICATES);
        free(text);
    } else {
        int saved = errno;

        svirt_fd_close(&listener->fd);
        errno = saved;
        if (reconnect(cli, listener)) {
            return false;
        }
        event = json_pack("{s:s}", "event", ENDED);
    }
    printed = print_event(cli, listener, event);
    json_decref(event);
    return printed;
}

static bool
add(const SvirtCli *cli, const SvirtDefinition *definition, GArray *listeners,
    GError **error)
{
    Listener listener = { .fd = -1 };

    if (!svirt_life_events(cli->manager, definition, &listener.fd, error)) {
        return false;
    }
    listener.name = g_strdup(definition->name);
    g_array_append_val(listeners, listener);
    return true;
}

static bool
add_all(const SvirtCli *cli, GArray *listeners, GError **error)
{
    g_autoptr(GPtrArray) runs = NULL;

    if (!svirt_manager_list_runs(cli->manager, &runs, error)) {
        return false;
    }
    for (unsigned i = 0; i < runs->len; i++) {
        const SvirtRunStatus *run = runs->pdata[i];
        g_autoptr(SvirtDefinition) definition = NULL;

        /* One that ends at this moment is none of them. */
        if (svirt_manager_find(cli->manager, run->name, &definition, NULL)) {
            (void)add(cli, definition, listeners, NULL);
        }
    }
    return listeners->len > 0 ||
           svirt_raise(error, SVIRT_ERROR_STATE, NULL, "svirt start DOMAIN",
                       "no domain runs");
}

/* False with error: the time is over; without: all have ended. */
static bool
wait_for_one(GArray *listeners, int64_t deadline_us, unsigned *ret_index,
             GError **error)
{
    g_autofree struct pollfd *ends = g_new0(struct pollfd, listeners->len);
    bool some = false;
    int result;

    for (unsigned i = 0; i < listeners->len; i++) {
        ends[i].fd = g_array_index(listeners, Listener, i).fd;
        ends[i].events = POLLIN;
        some = some || ends[i].fd >= 0;
    }
    if (!some) {
        return false;
    }
    do {
        int64_t left_us = deadline_us - g_get_monotonic_time();

        result = deadline_us == 0 ? poll(ends, listeners->len, -1)
                 : left_us <= 0   ? 0
                                  : poll(ends, listeners->len,
                                         (int)(left_us / 1000) + 1);
    } while (result < 0 && errno == EINTR);
    if (result <= 0) {
        return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL, NULL,
                           "no event came in time");
    }
    *ret_index = 0;
    while (ends[*ret_index].revents == 0) {
        (*ret_index)++;
    }
    return true;
}

bool
svirt_cmd_event(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *limit = svirt_arguments_text(cli->args, "timeout");
    bool follow = svirt_arguments_flag(cli->args, "loop") ||
                  svirt_arguments_flag(cli->args, "follow");
    g_autoptr(GArray) listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    g_autoptr(SvirtDefinition) definition = NULL;
    GError *problem = NULL;
    guint64 seconds = 0;
    unsigned index = 0, printed = 0;
    int64_t deadline_us;

    (void)ret_exit;
    g_array_set_clear_func(listeners, listener_clear);
    if (limit != NULL && !g_ascii_string_to_unsigned(limit, 10, 1, 86400,
                                                     &seconds, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give 1 to 86400 seconds",
                           "--timeout '%s' is no number of seconds", limit);
    }
    if (svirt_arguments_text(cli->args, "domain") == NULL
            ? !add_all(cli, listeners, error)
            : !svirt_cli_domain(cli, &definition, error) ||
                  !add(cli, definition, listeners, error)) {
        return false;
    }
    deadline_us = seconds == 0 ? 0
                               : g_get_monotonic_time() +
                                     (int64_t)seconds * G_USEC_PER_SEC;
    while ((follow || printed == 0) &&
           wait_for_one(listeners, deadline_us, &index, &problem)) {
        printed += take(cli, &g_array_index(listeners, Listener, index));
    }
    if (problem != NULL && printed == 0) {
        g_propagate_error(error, problem);
        return false;
    }
    g_clear_error(&problem);
    return true;
}
