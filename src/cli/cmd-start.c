/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/notices.h"
#include "hypervisor/start.h"

/* How many VMMs load at the same time: enough to keep every core busy, few
 * enough for the descriptors that one process may have. */
#define PER_CORE 8
#define MOST_AT_ONCE 16

/* One domain of the command line. */
typedef struct Start {
    SvirtDefinition *definition; /* owned */
    SvirtStarting *starting;     /* owned; NULL: begun and ended */
} Start;

static json_t *
dry_run_to_json(const SvirtDefinition *definition,
                const SvirtStartReport *report)
{
    json_t *argv = json_array();

    for (char **arg = report->argv; *arg != NULL; arg++) {
        g_autofree char *valid = g_utf8_make_valid(*arg, -1);

        json_array_append_new(argv, json_string(valid));
    }
    return json_pack("{s:s,s:o,s:o,s:o}", "domain", definition->name,
                     "labels", json_loads(report->plan_json, 0, NULL), "argv",
                     argv, "warnings",
                     svirt_notices_to_json(report->warnings));
}

static void
print_dry_run(const SvirtStartReport *report)
{
    (void)fputs(report->plan[0] != '\0' ? report->plan
                                        : "No label has to be written.\n",
                stdout);
    (void)puts("The emulator would be run as:");
    for (char **arg = report->argv; *arg != NULL; arg++) {
        g_autofree char *safe = svirt_text_printable(*arg);

        (void)printf("  %s\n", safe);
    }
}

static json_t *
started_to_json(const SvirtDefinition *definition,
                const SvirtStartReport *report)
{
    json_t *consoles = json_array();
    json_t *waivers = json_array();

    for (char **pty = report->pty_paths; pty != NULL && *pty != NULL; pty++) {
        json_array_append_new(consoles, json_string(*pty));
    }
    for (unsigned i = 0; i < report->waivers->len; i++) {
        json_array_append_new(waivers,
                              json_string(report->waivers->pdata[i]));
    }
    return json_pack(
        "{s:s,s:i,s:o,s:o,s:o}", "domain", definition->name, "id",
        (int)report->id, "consoles", consoles, "waivers", waivers, "warnings",
        svirt_notices_to_json(report->warnings));
}

static void
print_waivers(const SvirtStartReport *report)
{
    for (unsigned i = 0; i < report->waivers->len; i++) {
        (void)fprintf(stderr, "warning: %s\n",
                      (const char *)report->waivers->pdata[i]);
    }
}

static void
print_started(const SvirtCli *cli, const SvirtDefinition *definition,
              const SvirtStartReport *report)
{
    svirt_cli_say(cli, "Domain '%s' started", definition->name);
    for (char **pty = report->pty_paths; pty != NULL && *pty != NULL; pty++) {
        svirt_cli_say(cli, "  %s", *pty);
    }
}

/* The domains of one command: what is under way, and what went wrong. */
typedef struct Batch {
    const SvirtCli *cli;
    SvirtStartOptions options;
    bool several;
    GQueue under_way; /* Start *, owned, oldest first */
    json_t *list;     /* owned, one row per domain; NULL: one, or no JSON */
    GError *failed;   /* owned: the last one; those before it are printed */
} Batch;

static void
start_free(Start *start)
{
    svirt_starting_free(start->starting);
    svirt_definition_free(start->definition);
    g_free(start);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Start, start_free)

/* One that fails does not stop the others; of several, each says whose it
 * is. */
static void
note_failure(Batch *batch, const char *name, GError *problem)
{
    GError *error = problem;

    if (batch->several) {
        error = NULL;
        svirt_raise(&error, (SvirtErrorCode)problem->code, problem, NULL,
                    "domain '%s' did not start", name);
    }
    if (batch->list != NULL) {
        json_array_append_new(batch->list,
                              json_pack("{s:s,s:o}", "domain", name, "error",
                                        svirt_notice_to_json(error)));
    }
    if (batch->failed != NULL) {
        g_autofree char *text = svirt_error_render(batch->failed);

        (void)fputs(text, stderr);
        g_clear_error(&batch->failed);
    }
    batch->failed = error;
}

static void
print_json(const Batch *batch, json_t *object)
{
    if (batch->list != NULL) {
        json_array_append_new(batch->list, object);
    } else {
        svirt_json_print(object);
    }
}

static void
finish_oldest(Batch *batch)
{
    g_autoptr(Start) start = g_queue_pop_head(&batch->under_way);
    SvirtStartReport report;
    GError *error = NULL;

    if (!svirt_start_finish(start->starting, &report, &error)) {
        note_failure(batch, start->definition->name, error);
        return;
    }
    svirt_notices_print(report.warnings);
    print_waivers(&report);
    if (batch->cli->json) {
        print_json(batch, batch->options.dry_run
                              ? dry_run_to_json(start->definition, &report)
                              : started_to_json(start->definition, &report));
    } else if (batch->options.dry_run) {
        print_dry_run(&report);
    } else {
        print_started(batch->cli, start->definition, &report);
    }
    svirt_start_report_clear(&report);
}

static void
begin(Batch *batch, const char *name)
{
    g_autoptr(Start) start = g_new0(Start, 1);
    GError *error = NULL;

    if (svirt_manager_find(batch->cli->manager, name, &start->definition,
                           &error) &&
        svirt_start_begin(batch->cli->manager, start->definition,
                          &batch->options, &start->starting, &error)) {
        g_queue_push_tail(&batch->under_way, g_steal_pointer(&start));
        return;
    }
    note_failure(batch, name, error);
}

static unsigned
at_once(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return (unsigned)CLAMP(PER_CORE * cores, PER_CORE, MOST_AT_ONCE);
}

static void
run_batch(Batch *batch, const char *first, char **others)
{
    begin(batch, first);
    for (char **name = others; *name != NULL; name++) {
        if (g_queue_get_length(&batch->under_way) >= at_once()) {
            finish_oldest(batch);
        }
        begin(batch, *name);
    }
    while (!g_queue_is_empty(&batch->under_way)) {
        finish_oldest(batch);
    }
}

static bool
attach_console(const SvirtCli *cli, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;

    return svirt_cli_domain(cli, &definition, error) &&
           svirt_console_attach(cli->manager, definition, 0, false, false,
                                error);
}

bool
svirt_cmd_start(const SvirtCli *cli, int *ret_exit, GError **error)
{
    bool console = svirt_arguments_flag(cli->args, "console");
    char **others = svirt_arguments_rest(cli->args);
    Batch batch = {
        .cli = cli,
        .options = {
            .paused = svirt_arguments_flag(cli->args, "paused"),
            .reset_nvram = svirt_arguments_flag(cli->args, "reset-nvram"),
            .dry_run = svirt_arguments_flag(cli->args, "dry-run"),
        },
        .several = others[0] != NULL,
        .under_way = G_QUEUE_INIT,
    };

    (void)ret_exit;
    if (console && others[0] != NULL) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "start one domain with --console",
                           "a terminal shows one console, not that of '%s' "
                           "as well", others[0]);
    }
    if (cli->json && others[0] != NULL) {
        batch.list = json_array();
    }
    run_batch(&batch, svirt_arguments_text(cli->args, "domain"), others);
    if (batch.list != NULL) {
        svirt_json_print(batch.list);
    }
    if (batch.failed != NULL) {
        g_propagate_error(error, batch.failed);
        return false;
    }
    return !console || batch.options.dry_run || attach_console(cli, error);
}
