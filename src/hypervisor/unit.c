/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/unit.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "host/systemd.h"
#include "state/autostart.h"

/* What is left of an earlier run in its unit goes within this time. */
#define PATIENCE_MS 5000
#define STEP_MS 20
/* Beyond the guest's time: for svirt destroy, before systemd kills. */
#define SLACK_S 30

bool
svirt_unit_is_used(const SvirtConnection *connection)
{
    return !connection->embedded && !connection->unprivileged &&
           geteuid() == 0 &&
           svirt_systemd_is_there();
}

char *
svirt_unit_cgroup(const SvirtUuid *uuid)
{
    char name[SVIRT_UNIT_NAME];

    svirt_unit_name(uuid, name);
    return g_strdup_printf("%s/%s", SVIRT_UNIT_SLICE, name);
}

/* This very program, which a later version may have replaced by then. */
char *
svirt_unit_own_program(void)
{
    char path[PATH_MAX];
    ssize_t got = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (got <= 0) {
        return g_strdup(SVIRT_BINDIR "/svirt");
    }
    path[got] = '\0';
    return access(path, X_OK) == 0 ? g_strdup(path)
                                   : g_strdup(SVIRT_BINDIR "/svirt");
}

/* systemd replaces $NAME in arguments. */
static char *
double_dollars(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "$", -1);

    return g_strjoinv("$$", parts);
}

/*
 * Units that this one is stopped before: what it may need of the host, and the
 * domains that are started before it. (A unit that is not there is no
 * obstacle.)
 */
static bool
list_after(SvirtManager *manager, const SvirtUuid *uuid, GPtrArray *after,
           GError **error)
{
    static const char *const always[] = { "remote-fs.target",
                                          "network.target",
                                          "dbus.service" };
    const SvirtConnection *connection = svirt_manager_connection(manager);
    g_autoptr(GArray) marked = NULL;
    SvirtAutostart mine;

    for (unsigned i = 0; i < G_N_ELEMENTS(always); i++) {
        g_ptr_array_add(after, g_strdup(always[i]));
    }
    if (!svirt_autostart_read(connection, uuid, &mine, error)) {
        return false;
    }
    if (mine.on && !svirt_autostart_list(connection, &marked, error)) {
        return false;
    }
    for (unsigned i = 0; marked != NULL && i < marked->len; i++) {
        const SvirtAutostart *other =
            &g_array_index(marked, SvirtAutostart, i);
        char name[SVIRT_UNIT_NAME];

        if (other->order < mine.order) {
            svirt_unit_name(&other->uuid, name);
            g_ptr_array_add(after, g_strdup(name));
        }
    }
    g_ptr_array_add(after, NULL);
    return true;
}

bool
svirt_unit_start(SvirtManager *manager, const SvirtDefinition *definition,
                 const char *keeper, int keeper_fd, GError **error)
{
    const SvirtConfig *config = svirt_manager_config(manager, error);
    g_autoptr(GPtrArray) after = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *name = double_dollars(definition->name);
    g_autofree char *description =
        g_strdup_printf("Virtual machine %s", definition->name);
    g_autofree char *program = svirt_unit_own_program();
    g_autofree char *wait = NULL;
    char unit_name[SVIRT_UNIT_NAME], uuid[SVIRT_UUID_TEXT];
    GError *problem = NULL;

    if (config == NULL ||
        !list_after(manager, &definition->uuid, after, error)) {
        return false;
    }
    svirt_uuid_format(&definition->uuid, uuid);
    svirt_unit_name(&definition->uuid, unit_name);
    wait = g_strdup_printf("%u", config->shutdown_timeout_s);

    const char *const start[] = { keeper, "--unit", name, NULL };
    const char *const stop[] = { program, "-q", "shutdown", "--or-destroy",
                                 "--wait", wait, uuid, NULL };
    const SvirtUnit unit = {
        .name = unit_name,
        .description = description,
        .start = start,
        .stop = stop,
        .after = (const char *const *)after->pdata,
        .stop_timeout_s = config->shutdown_timeout_s + SLACK_S,
        .stdin_fd = keeper_fd,
    };

    for (int ms = 0; !svirt_systemd_start(&unit, &problem); ms += STEP_MS) {
        if (ms >= PATIENCE_MS ||
            !g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_BUSY)) {
            g_propagate_error(error, problem);
            return false;
        }
        g_clear_error(&problem);
        (void)poll(NULL, 0, STEP_MS);
    }
    return true;
}
