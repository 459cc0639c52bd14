/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "cli/command.h"
#include "hypervisor/output-file.h"
#include "keeper/message.h"
#include "state/autostart.h"

typedef struct Row {
    char id[16];
    char uuid[SVIRT_UUID_TEXT];
    const char *name;  /* borrowed */
    const char *state; /* static */
    char *title;       /* owned, NULL: not asked for or none */
} Row;

static const char *const columns[] = { "Id", "Name", "State", NULL };
static const char *const columns_title[] = { "Id", "Name", "State", "Title",
                                             NULL };
static const char *const columns_json[] = { "#Id", "Name", "State", "UUID",
                                            NULL };
static const char *const columns_json_title[] = { "#Id",  "Name",  "State",
                                                  "UUID", "Title", NULL };

static const SvirtRunStatus *
find_run(const GPtrArray *runs, const SvirtUuid *uuid)
{
    for (unsigned i = 0; i < runs->len; i++) {
        const SvirtRunStatus *run = runs->pdata[i];

        if (svirt_uuid_equal(&run->uuid, uuid)) {
            return run;
        }
    }
    return NULL;
}

static bool
is_among(const GPtrArray *uuids, const SvirtUuid *uuid)
{
    for (unsigned i = 0; i < uuids->len; i++) {
        if (svirt_uuid_equal(uuids->pdata[i], uuid)) {
            return true;
        }
    }
    return false;
}

/* Whether such a one runs, its status does not tell. */
static void
warn_of_damaged(const GPtrArray *uuids)
{
    for (unsigned i = 0; i < uuids->len; i++) {
        char text[SVIRT_UUID_TEXT];

        svirt_uuid_format(uuids->pdata[i], text);
        (void)fprintf(stderr,
                      "warning: the status of running VM %s is damaged\n"
                      "  hint: svirt recover\n",
                      text);
    }
}

static char *
title_of(SvirtState *state, const SvirtUuid *uuid)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;

    /* A title is decoration: what cannot be read is shown as none. */
    if (!svirt_definitions_by_uuid(state, uuid, &definition, NULL) ||
        !svirt_manager_parse(definition, &domain, NULL)) {
        return NULL;
    }
    return g_strdup(domain->title);
}

/* virsh's list: what to show. */
typedef struct Filter {
    bool active;
    bool inactive;
    bool running, paused, shut_off, other; /* none of them: every state */
    bool marked, unmarked;     /* neither: whether autostarted or not */
    bool persistent, transient; /* the same */
    const SvirtConnection *connection;
    const GArray *transients;  /* borrowed, SvirtUuid; read once for all */
} Filter;

static bool
flag(const SvirtCli *cli, const char *name)
{
    return svirt_arguments_flag(cli->args, name);
}

/* A state that is asked for is shown without --all, unlike with virsh. */
static Filter
read_filter(const SvirtCli *cli)
{
    Filter filter = {
        .running = flag(cli, "state-running"),
        .paused = flag(cli, "state-paused"),
        .shut_off = flag(cli, "state-shutoff"),
        .other = flag(cli, "state-other"),
    };
    bool live = filter.running || filter.paused || filter.other;

    filter.inactive =
        flag(cli, "all") || flag(cli, "inactive") || filter.shut_off;
    filter.active = flag(cli, "all") || live ||
                    !(flag(cli, "inactive") || filter.shut_off);
    filter.marked = flag(cli, "autostart");
    filter.unmarked = flag(cli, "no-autostart");
    filter.persistent = flag(cli, "persistent");
    filter.transient = flag(cli, "transient");
    filter.connection = svirt_manager_connection(cli->manager);
    return filter;
}

static bool
is_transient(const Filter *filter, const SvirtUuid *uuid)
{
    const GArray *list = filter->transients;

    for (unsigned i = 0; list != NULL && i < list->len; i++) {
        if (svirt_uuid_equal(&g_array_index(list, SvirtUuid, i), uuid)) {
            return true;
        }
    }
    return false;
}

/* A transient one that has ended is on its way out, and nobody's any more. */
static bool
is_marked_so(const Filter *filter, const SvirtUuid *uuid, bool active)
{
    SvirtAutostart mark = { 0 };
    bool transient;

    if (filter->marked != filter->unmarked) {
        (void)svirt_autostart_read(filter->connection, uuid, &mark, NULL);
        if (mark.on != filter->marked) {
            return false;
        }
    }
    if (active && filter->persistent == filter->transient) {
        return true;
    }
    transient = is_transient(filter, uuid);
    return (active || !transient) &&
           (filter->persistent == filter->transient ||
            transient == filter->transient);
}

static bool
is_wanted(const Filter *filter, const SvirtUuid *uuid,
          const SvirtRunStatus *run)
{
    if (!is_marked_so(filter, uuid, run != NULL)) {
        return false;
    }
    if (!(filter->running || filter->paused || filter->shut_off ||
          filter->other)) {
        return true;
    }
    if (run == NULL) {
        return filter->shut_off;
    }
    switch ((SvirtGuestState)run->state) {
    case SVIRT_GUEST_RUNNING:
        return filter->running;
    case SVIRT_GUEST_PAUSED:
        return filter->paused;
    case SVIRT_GUEST_SHUT_OFF:
        return filter->shut_off;
    case SVIRT_GUEST_NOSTATE:
    case SVIRT_GUEST_BLOCKED:
    case SVIRT_GUEST_IN_SHUTDOWN:
    case SVIRT_GUEST_CRASHED:
    case SVIRT_GUEST_PMSUSPENDED:
    case SVIRT_GUEST_STATE_MAX:
        break;
    }
    return filter->other;
}

/* --name, --uuid and --id: a line without a head, as scripts want it. */
static void
print_bare(const SvirtCli *cli, const Row *row)
{
    g_autofree char *safe = svirt_text_printable(row->name);
    const char *words[3];
    unsigned count = 0;

    if (flag(cli, "id")) {
        words[count++] = row->id;
    }
    if (flag(cli, "uuid")) {
        words[count++] = row->uuid;
    }
    if (flag(cli, "name")) {
        words[count++] = safe;
    }
    for (unsigned i = 0; i < count; i++) {
        (void)printf("%s%s", words[i], i + 1 < count ? " " : "\n");
    }
}

static bool
is_bare(const SvirtCli *cli)
{
    return !cli->json && !flag(cli, "table") &&
           (flag(cli, "name") || flag(cli, "uuid") || flag(cli, "id"));
}

static void
print_row(const SvirtCli *cli, SvirtTable *table, const Row *row)
{
    if (cli->json) {
        const char *const cells[] = { row->id[0] != '-' ? row->id : NULL,
                                      row->name, row->state, row->uuid,
                                      row->title };

        svirt_table_add_row(table, cells);
    } else if (is_bare(cli)) {
        print_bare(cli, row);
    } else {
        const char *const cells[] = { row->id, row->name, row->state,
                                      row->title != NULL ? row->title : "" };

        svirt_table_add_row(table, cells);
    }
}

static void
fill_row(Row *row, const SvirtUuid *uuid, const char *name,
         const SvirtRunStatus *run, const char *off)
{
    svirt_uuid_format(uuid, row->uuid);
    row->name = name;
    if (run == NULL) {
        (void)g_strlcpy(row->id, "-", sizeof(row->id));
        row->state = off;
    } else {
        (void)g_snprintf(row->id, sizeof(row->id), "%" PRIu32, run->id);
        row->state = svirt_guest_state_to_string(run->state);
    }
}

/* Running ones first, by id, then the others by name: as virsh. */
static void
list_running(const SvirtCli *cli, const Filter *filter, const GPtrArray *runs,
             SvirtTable *table, SvirtState *state, bool title)
{
    for (unsigned i = 0; i < runs->len; i++) {
        const SvirtRunStatus *run = runs->pdata[i];
        Row row = { 0 };

        if (!is_wanted(filter, &run->uuid, run)) {
            continue;
        }
        fill_row(&row, &run->uuid, run->name, run, NULL);
        row.title = title ? title_of(state, &run->uuid) : NULL;
        print_row(cli, table, &row);
        g_free(row.title);
    }
}

static bool
list_others(const SvirtCli *cli, const Filter *filter, const GPtrArray *runs,
            const GPtrArray *damaged, SvirtTable *table, SvirtState *state,
            bool title, GError **error)
{
    g_autoptr(GPtrArray) definitions = NULL;

    if (!svirt_definitions_list(state, &definitions, error)) {
        return false;
    }
    for (unsigned i = 0; i < definitions->len; i++) {
        const SvirtDefinition *definition = definitions->pdata[i];
        Row row = { 0 };

        if (find_run(runs, &definition->uuid) != NULL ||
            !is_wanted(filter, &definition->uuid, NULL)) {
            continue;
        }
        fill_row(&row, &definition->uuid, definition->name, NULL,
                 is_among(damaged, &definition->uuid)
                     ? svirt_guest_state_to_string(SVIRT_GUEST_NOSTATE)
                     : "shut off");
        row.title = title ? title_of(state, &definition->uuid) : NULL;
        print_row(cli, table, &row);
        g_free(row.title);
    }
    return true;
}

bool
svirt_cmd_list(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(GArray) transients = NULL;
    Filter filter = read_filter(cli);
    bool title = flag(cli, "title");
    g_autoptr(SvirtTable) table =
        svirt_table_new(cli->json && title ? columns_json_title
                        : cli->json        ? columns_json
                        : title            ? columns_title
                                           : columns);
    g_autoptr(GPtrArray) runs = NULL;
    g_autoptr(GPtrArray) damaged = NULL;
    SvirtState *state = NULL;

    (void)ret_exit;
    if (!svirt_manager_list_all_runs(cli->manager, &runs, &damaged, error)) {
        return false;
    }
    warn_of_damaged(damaged);
    (void)svirt_transient_list(filter.connection, &transients, NULL);
    filter.transients = transients;
    if (filter.inactive || title) {
        state = svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
        if (state == NULL) {
            return false;
        }
    }
    if (filter.active) {
        list_running(cli, &filter, runs, table, state, title);
    }
    if (filter.inactive &&
        !list_others(cli, &filter, runs, damaged, table, state, title, error)) {
        return false;
    }
    if (!is_bare(cli)) {
        svirt_cli_print_table(cli, table);
    }
    return true;
}

bool
svirt_cmd_domuuid(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    char text[SVIRT_UUID_TEXT];

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error)) {
        return false;
    }
    svirt_uuid_format(&definition->uuid, text);
    (void)printf(cli->json ? "\"%s\"\n" : "%s\n", text);
    return true;
}

/* Where virsh has a word of its own for what svirt notes as one thing. */
static const char *
reason_word(const SvirtRunStatus *run)
{
    if (run->state == SVIRT_GUEST_RUNNING && run->reason == SVIRT_REASON_USER) {
        return "unpaused";
    }
    /* start --paused: it is not starting any more, somebody wants it so. */
    if (run->state == SVIRT_GUEST_PAUSED &&
        run->reason == SVIRT_REASON_STARTING &&
        (run->flags & SVIRT_RUN_STARTING) == 0) {
        return svirt_guest_reason_to_string(SVIRT_REASON_USER);
    }
    return svirt_guest_reason_to_string(run->reason);
}

bool
svirt_cmd_domstate(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    SvirtRunStatus run;
    const char *state = "shut off";
    const char *reason = "unknown";
    bool damaged = false;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_cli_run_status(cli, &definition->uuid, &run, &damaged,
                              error)) {
        return false;
    }
    if (damaged) {
        state = svirt_guest_state_to_string(SVIRT_GUEST_NOSTATE);
    } else if (svirt_run_status_is_active(&run)) {
        state = svirt_guest_state_to_string(run.state);
        reason = reason_word(&run);
    } else {
        reason = svirt_guest_reason_to_string(svirt_log_end_reason(
            svirt_manager_connection(cli->manager)->log_dir, definition->name,
            &definition->uuid));
    }
    if (cli->json) {
        (void)printf("{\"state\": \"%s\", \"reason\": \"%s\"}\n", state,
                     reason);
    } else if (svirt_arguments_flag(cli->args, "reason")) {
        (void)printf("%s (%s)\n", state, reason);
    } else {
        (void)puts(state);
    }
    return true;
}
