/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/life.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/orphan.h"
#include "image/json-load.h"
#include "keeper/layout.h"
#include "monitor/client.h"

#define ANSWER_MS 10000
#define RELEASE_MS 10000
#define NOTED_MS 1000

static bool
connect_monitor(SvirtManager *manager, const SvirtDefinition *definition,
                int *ret_fd, GError **error)
{
    SVIRT_AUTO_FD run = -1;

    if (!svirt_manager_open_run(manager, &definition->uuid, definition->name,
                                &run, error)) {
        return false;
    }
    *ret_fd = svirt_control_connect(run);
    if (*ret_fd < 0) {
        return svirt_raise_errno(error, errno, "svirt recover",
                                 "the monitor of domain '%s' cannot be "
                                 "reached",
                                 definition->name);
    }
    return true;
}

static bool
control_failed(const SvirtDefinition *definition, const char *why,
               GError **error)
{
    GError *cause = NULL;

    switch (errno) {
    case ETIMEDOUT:
        return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL, NULL,
                           "domain '%s' did not answer in time",
                           definition->name);
    case EREMOTEIO:
        svirt_raise(&cause, SVIRT_ERROR_REFUSED, NULL, NULL, "%s", why);
        return svirt_raise(error, SVIRT_ERROR_REFUSED, cause, NULL,
                           "the monitor of domain '%s' says no",
                           definition->name);
    case ECONNRESET:
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL, "svirt list",
                           "domain '%s' ended meanwhile", definition->name);
    default:
        return svirt_raise_errno(error, errno, NULL,
                                 "the monitor of domain '%s' answered wrongly",
                                 definition->name);
    }
}

static bool
is_paused(const SvirtRunStatus *run)
{
    return run->state == SVIRT_GUEST_PAUSED;
}

static bool
is_not_paused(const SvirtRunStatus *run)
{
    return run->state != SVIRT_GUEST_PAUSED;
}

static bool
is_tainted(const SvirtRunStatus *run)
{
    return (run->flags & SVIRT_RUN_TAINTED) != 0;
}

/*
 * QEMU's answer and the monitor's word to the keeper take two ways: who asks
 * for the state next must not read what it was. A guest that changes it again
 * meanwhile is no error, so this only waits.
 */
static void
wait_noted(SvirtManager *manager, const SvirtDefinition *definition,
           bool (*noted)(const SvirtRunStatus *run))
{
    SvirtRunStatus run;

    for (int ms = 0; ms < NOTED_MS; ms++) {
        if (!svirt_manager_run_status(manager, &definition->uuid, &run,
                                      NULL) ||
            !svirt_run_status_is_active(&run) || noted(&run)) {
            return;
        }
        (void)poll(NULL, 0, 1);
    }
}

bool
svirt_life_qmp(SvirtManager *manager, const SvirtDefinition *definition,
               const char *json, bool taint, char **ret, GError **error)
{
    char why[SVIRT_CONTROL_WHY] = "";
    SVIRT_AUTO_FD fd = -1;
    char *reply = NULL;

    if (!connect_monitor(manager, definition, &fd, error)) {
        return false;
    }
    if (!svirt_control_qmp(fd, json, NULL, 0, taint, ANSWER_MS, &reply, why)) {
        return control_failed(definition, why, error);
    }
    *ret = g_strdup(reply);
    free(reply);
    if (taint) {
        wait_noted(manager, definition, is_tainted);
    }
    return true;
}

/* The "return" of QEMU's answer, owned by the caller; NULL: it says no. */
static json_t *
take_reply(const SvirtDefinition *definition, const char *command,
           const char *text, GError **error)
{
    json_t *reply = svirt_json_load(text, strlen(text), 0);
    const json_t *refused = json_object_get(reply, "error");
    const char *words = json_string_value(json_object_get(refused, "desc"));
    json_t *said = json_incref(json_object_get(reply, "return"));
    GError *cause = NULL;

    if (said == NULL) {
        if (words != NULL) {
            svirt_raise(&cause, SVIRT_ERROR_REFUSED, NULL, NULL, "%s", words);
        }
        svirt_raise(error, SVIRT_ERROR_REFUSED, cause, NULL,
                    "QEMU refuses '%s' for domain '%s'", command,
                    definition->name);
    }
    json_decref(reply);
    return said;
}

bool
svirt_life_call(SvirtManager *manager, const SvirtDefinition *definition,
                const char *execute, json_t *arguments, int give_fd,
                json_t **ret, GError **error)
{
    json_t *command = json_pack("{s:s}", "execute", execute);
    char why[SVIRT_CONTROL_WHY] = "";
    SVIRT_AUTO_FD fd = -1;
    char *text, *reply = NULL;
    json_t *said;
    bool ok;

    if (arguments != NULL) {
        json_object_set_new(command, "arguments", arguments);
    }
    text = json_dumps(command, JSON_COMPACT);
    json_decref(command);
    ok = connect_monitor(manager, definition, &fd, error) &&
         (svirt_control_qmp(fd, text, &give_fd, give_fd >= 0, false,
                            ANSWER_MS, &reply, why) ||
          control_failed(definition, why, error));
    free(text);
    if (!ok) {
        return false;
    }
    said = take_reply(definition, execute, reply, error);
    free(reply);
    if (ret != NULL && said != NULL) {
        *ret = said;
        return true;
    }
    json_decref(said);
    return said != NULL;
}

bool
svirt_life_ask(SvirtManager *manager, const SvirtDefinition *definition,
               SvirtLifeVerb verb, GError **error)
{
    static const char *const commands[] = {
        [SVIRT_LIFE_SHUTDOWN] = "system_powerdown",
        [SVIRT_LIFE_REBOOT] = "system_reset",
        [SVIRT_LIFE_SUSPEND] = "stop",
        [SVIRT_LIFE_RESUME] = "cont",
    };
    SvirtRunStatus run;

    if (!svirt_manager_run_status(manager, &definition->uuid, &run, error)) {
        return false;
    }
    if (verb == SVIRT_LIFE_RESUME && run.state == SVIRT_GUEST_RUNNING) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL, NULL,
                           "domain '%s' is already running",
                           definition->name);
    }
    if (!svirt_life_call(manager, definition, commands[verb], NULL, -1, NULL,
                         error)) {
        return false;
    }
    if (verb == SVIRT_LIFE_SUSPEND || verb == SVIRT_LIFE_RESUME) {
        wait_noted(manager, definition,
                   verb == SVIRT_LIFE_SUSPEND ? is_paused : is_not_paused);
    }
    return true;
}

/*
 * The keeper releases and goes: its lock on the run is free, or the whole
 * directory is gone.
 */
static bool
wait_released(const SvirtDefinition *definition, const SvirtRunStatus *run,
              int timeout_ms, GError **error)
{
    SVIRT_AUTO_FD keeper = svirt_run_process_open(&run->keeper);
    struct pollfd end = { .fd = keeper, .events = POLLIN };

    if (keeper >= 0 && poll(&end, 1, timeout_ms) == 0) {
        return svirt_raise(error, SVIRT_ERROR_TIMEOUT, NULL,
                           "svirt destroy kills what does not end",
                           "domain '%s' did not end in time",
                           definition->name);
    }
    return true;
}

/* The keeper took the run directory along, unless something is left. */
static bool
check_released(SvirtManager *manager, const SvirtDefinition *definition,
               const SvirtRunStatus *run, GError **error)
{
    int runs = svirt_manager_run_dir(manager, false, NULL);
    char text[SVIRT_UUID_TEXT];
    SvirtRunStatus now;

    svirt_uuid_format(&definition->uuid, text);
    return runs < 0 || !svirt_run_status_read(runs, text, &now) ||
           now.id != run->id || now.state != SVIRT_GUEST_SHUT_OFF ||
           svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, "svirt recover",
                       "domain '%s' has ended, but its cgroup could not be "
                       "removed",
                       definition->name);
}

static bool
wait_end(SvirtManager *manager, const SvirtDefinition *definition,
         const SvirtRunStatus *run, int timeout_ms, GError **error)
{
    return wait_released(definition, run, timeout_ms, error) &&
           check_released(manager, definition, run, error);
}

bool
svirt_life_wait_off(SvirtManager *manager, const SvirtDefinition *definition,
                    int timeout_ms, GError **error)
{
    SvirtRunStatus run;

    return svirt_manager_run_status(manager, &definition->uuid, &run, error) &&
           (!svirt_run_status_is_active(&run) ||
            wait_end(manager, definition, &run, timeout_ms, error));
}

/* Its keeper died before it: nobody but us gives anything back. */
static bool
end_orphan(SvirtManager *manager, const SvirtDefinition *definition,
           GError **error)
{
    int runs = svirt_manager_run_dir(manager, false, error);
    char text[SVIRT_UUID_TEXT];
    const char *why = "";
    SvirtAdopt *orphan;
    bool ok;

    svirt_uuid_format(&definition->uuid, text);
    orphan = svirt_adopt_open(runs, text, &why);
    if (orphan == NULL) {
        return errno == ENOENT ||
               svirt_raise_errno(error, errno, "svirt recover",
                                 "cannot end domain '%s': %s",
                                 definition->name, why);
    }
    ok = svirt_orphan_end(manager, orphan, RELEASE_MS);
    svirt_adopt_free(orphan);
    return ok || svirt_raise_errno(error, errno, "svirt recover",
                                   "cannot end domain '%s' completely",
                                   definition->name);
}

static bool
send(int vmm, bool graceful)
{
    return syscall(SYS_pidfd_send_signal, vmm, graceful ? SIGTERM : SIGKILL,
                   NULL, 0) == 0 || errno == ESRCH;
}

/* A label that somebody else loaded may keep even root from it: then svirt's
 * own is loaded first. */
static bool
signal_vmm(SvirtManager *manager, const SvirtDefinition *definition, int vmm,
           bool graceful, GError **error)
{
    if (vmm < 0 || send(vmm, graceful)) {
        return true;
    }
    if (errno == EACCES || errno == EPERM) {
        if (!svirt_model_labels_mend(manager, definition, error)) {
            return false;
        }
        if (send(vmm, graceful)) {
            return true;
        }
    }
    return svirt_raise_errno(error, errno, NULL, "cannot stop domain '%s'",
                             definition->name);
}

/* No pid is known. With a keeper, it is the keeper that cleans up. */
static bool
end_damaged(SvirtManager *manager, const SvirtDefinition *definition,
            GError **error)
{
    int runs = svirt_manager_run_dir(manager, false, error);
    GError *problem = NULL;
    char text[SVIRT_UUID_TEXT];

    svirt_uuid_format(&definition->uuid, text);
    if (end_orphan(manager, definition, &problem)) {
        return true;
    }
    if (!svirt_orphan_kill(manager, &definition->uuid, RELEASE_MS)) {
        g_propagate_error(error, problem);
        return false;
    }
    for (int ms = 0; ms < RELEASE_MS; ms += 10) {
        if (faccessat(runs, text, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
            g_error_free(problem);
            return true;
        }
        (void)poll(NULL, 0, 10);
    }
    g_propagate_error(error, problem);
    return false;
}

bool
svirt_life_destroy(SvirtManager *manager, const SvirtDefinition *definition,
                   bool graceful, GError **error)
{
    SVIRT_AUTO_FD directory = -1;
    SVIRT_AUTO_FD vmm = -1;
    GError *problem = NULL;
    SvirtRunStatus run;
    bool kept;

    if (!graceful &&
        !svirt_manager_run_status(manager, &definition->uuid, &run,
                                  &problem) &&
        g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_CORRUPT)) {
        g_error_free(problem);
        return end_damaged(manager, definition, error);
    }
    g_clear_error(&problem);
    if (!svirt_manager_open_run(manager, &definition->uuid, definition->name,
                                &directory, error) ||
        !svirt_manager_run_status(manager, &definition->uuid, &run, error)) {
        return false;
    }
    kept = svirt_run_process_alive(&run.keeper);
    if (!kept && !graceful) {
        return end_orphan(manager, definition, error);
    }
    vmm = svirt_run_process_open(&run.process[SVIRT_PROCESS_VMM]);
    return signal_vmm(manager, definition, vmm, graceful, error) &&
           wait_end(manager, definition, &run, RELEASE_MS, error);
}

static bool
no_console(const SvirtDefinition *definition, uint32_t serial, bool force,
           const char *why, GError **error)
{
    g_autofree char *hint =
        force ? g_strdup("svirt dumpxml shows what it is")
              : g_strdup_printf("svirt console '%s' --force ends another "
                                "client's session",
                                definition->name);
    GError *cause = NULL;

    svirt_raise(&cause, SVIRT_ERROR_REFUSED, NULL, NULL, "%s", why);
    return svirt_raise(error, SVIRT_ERROR_REFUSED, cause, hint,
                       "console serial%u of domain '%s' is not to be had",
                       serial, definition->name);
}

/* The monitor would say so as well, but not which there are. */
static bool
has_console(const SvirtDefinition *definition, uint32_t serial, GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autofree char *hint = NULL;
    unsigned count = 0;

    if (!svirt_manager_parse(definition, &domain, error)) {
        return false;
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        count += !domain->chardevs[i].repeats_serial &&
                 domain->chardevs[i].type != SVIRT_CHARDEV_NULL;
    }
    if (serial < count) {
        return true;
    }
    hint = count == 0 ? g_strdup("give it a <serial type='pty'/>")
                      : g_strdup_printf("its last one is serial%u", count - 1);
    return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL, hint,
                       "domain '%s' has no console serial%u",
                       definition->name, serial);
}

bool
svirt_life_console(SvirtManager *manager, const SvirtDefinition *definition,
                   uint32_t serial, bool force, int *ret_fd, GError **error)
{
    char why[SVIRT_CONTROL_WHY] = "";
    SVIRT_AUTO_FD fd = -1;

    if (!connect_monitor(manager, definition, &fd, error) ||
        !has_console(definition, serial, error)) {
        return false;
    }
    if (!svirt_control_console(fd, serial, force, ANSWER_MS, why)) {
        return errno == EREMOTEIO
                   ? no_console(definition, serial, force, why, error)
                   : control_failed(definition, why, error);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}

bool
svirt_life_events(SvirtManager *manager, const SvirtDefinition *definition,
                  int *ret_fd, GError **error)
{
    char why[SVIRT_CONTROL_WHY] = "";
    SVIRT_AUTO_FD fd = -1;

    if (!connect_monitor(manager, definition, &fd, error)) {
        return false;
    }
    if (!svirt_control_events(fd, ANSWER_MS, why)) {
        return control_failed(definition, why, error);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}
