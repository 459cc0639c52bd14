/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "cli/arguments.h"
#include "cli/table.h"
#include "hypervisor/manager.h"

/* What every command is run with. */
typedef struct SvirtCli {
    SvirtManager *manager;     /* borrowed */
    const SvirtArguments *args; /* borrowed */
    bool json;                 /* --format json */
    bool quiet;                /* --quiet: no confirmations */
} SvirtCli;

/*
 * Runs a command; false with error. A command that ran and has bad news to
 * tell by its exit code alone (verify, selftest) sets *ret_exit.
 */
typedef bool (*SvirtCommandRun)(const SvirtCli *cli, int *ret_exit,
                                GError **error);

typedef struct SvirtCommand {
    const char *name; /* NULL ends the table */
    const char *group;
    const char *summary;
    const SvirtOption *options;
    SvirtCommandRun run;
} SvirtCommand;

/* Every command, by group: the one list that --help, the man page, the
 * completion and their lint test walk. */
extern const SvirtCommand svirt_commands[];

/* The definition that --domain names. Owned by the caller. */
bool svirt_cli_domain(const SvirtCli *cli, SvirtDefinition **ret,
                      GError **error);
/*
 * The run of a domain; a damaged status is a warning, *ret as of one that is
 * shut off, and *ret_damaged set.
 */
bool svirt_cli_run_status(const SvirtCli *cli, const SvirtUuid *uuid,
                          SvirtRunStatus *ret, bool *ret_damaged,
                          GError **error);
/* Prints the table as text or JSON, as --format says. */
void svirt_cli_print_table(const SvirtCli *cli, const SvirtTable *table);
/* "Domain 'web' started" and the like: to stdout, unless --quiet or JSON. */
void svirt_cli_say(const SvirtCli *cli, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

/*
 * The same where it is all that a command prints: with JSON an object of
 * "domain" (NULL: null) and "message".
 */
void svirt_cli_done(const SvirtCli *cli, const char *domain,
                    const char *format, ...) G_GNUC_PRINTF(3, 4);

/* What was given back, a row each; no table for no rows. */
void svirt_cli_print_restored(const SvirtCli *cli, const GPtrArray *rows);

/* The text of a definition; "-" is standard input. Owned by the caller. */
bool svirt_cli_read_input(const char *file, char **ret_text,
                          size_t *ret_length, GError **error);

/* One runner per command, in the file of its group. */
#define SVIRT_COMMAND(function)                                              \
    bool function(const SvirtCli *cli, int *ret_exit, GError **error)
extern const SvirtOption svirt_blkdeviotune_options[];
extern const SvirtOption svirt_setvcpus_options[];
extern const SvirtOption svirt_setmaxmem_options[];
extern const SvirtOption svirt_setmem_options[];
SVIRT_COMMAND(svirt_cmd_setvcpus);
SVIRT_COMMAND(svirt_cmd_setmaxmem);
SVIRT_COMMAND(svirt_cmd_blkdeviotune);
SVIRT_COMMAND(svirt_cmd_define);
SVIRT_COMMAND(svirt_cmd_undefine);
SVIRT_COMMAND(svirt_cmd_dumpxml);
SVIRT_COMMAND(svirt_cmd_list);
SVIRT_COMMAND(svirt_cmd_dominfo);
SVIRT_COMMAND(svirt_cmd_domstate);
SVIRT_COMMAND(svirt_cmd_domuuid);
SVIRT_COMMAND(svirt_cmd_autostart);
SVIRT_COMMAND(svirt_cmd_capabilities);
SVIRT_COMMAND(svirt_cmd_create);
SVIRT_COMMAND(svirt_cmd_desc);
SVIRT_COMMAND(svirt_cmd_domid);
SVIRT_COMMAND(svirt_cmd_domname);
SVIRT_COMMAND(svirt_cmd_domrename);
SVIRT_COMMAND(svirt_cmd_edit);
SVIRT_COMMAND(svirt_cmd_hostname);
SVIRT_COMMAND(svirt_cmd_nodeinfo);
SVIRT_COMMAND(svirt_cmd_uri);
SVIRT_COMMAND(svirt_cmd_run);
SVIRT_COMMAND(svirt_cmd_domblkinfo);
SVIRT_COMMAND(svirt_cmd_domblklist);
SVIRT_COMMAND(svirt_cmd_domiflist);
SVIRT_COMMAND(svirt_cmd_start);
SVIRT_COMMAND(svirt_cmd_shutdown);
SVIRT_COMMAND(svirt_cmd_destroy);
SVIRT_COMMAND(svirt_cmd_suspend);
SVIRT_COMMAND(svirt_cmd_resume);
SVIRT_COMMAND(svirt_cmd_reboot);
SVIRT_COMMAND(svirt_cmd_console);
SVIRT_COMMAND(svirt_cmd_agent_command);
SVIRT_COMMAND(svirt_cmd_guestinfo);
SVIRT_COMMAND(svirt_cmd_domifaddr);
SVIRT_COMMAND(svirt_cmd_domtime);
SVIRT_COMMAND(svirt_cmd_domfsfreeze);
SVIRT_COMMAND(svirt_cmd_domfsthaw);
SVIRT_COMMAND(svirt_cmd_dompmsuspend);
SVIRT_COMMAND(svirt_cmd_reset);
SVIRT_COMMAND(svirt_cmd_inject_nmi);
SVIRT_COMMAND(svirt_cmd_dompmwakeup);
SVIRT_COMMAND(svirt_cmd_send_key);
SVIRT_COMMAND(svirt_cmd_setmem);
SVIRT_COMMAND(svirt_cmd_screenshot);
SVIRT_COMMAND(svirt_cmd_domstats);
SVIRT_COMMAND(svirt_cmd_event);
SVIRT_COMMAND(svirt_cmd_ttyconsole);
SVIRT_COMMAND(svirt_cmd_vncdisplay);
SVIRT_COMMAND(svirt_cmd_domdisplay);
SVIRT_COMMAND(svirt_cmd_monitor_command);
SVIRT_COMMAND(svirt_cmd_label);
SVIRT_COMMAND(svirt_cmd_relabel);
SVIRT_COMMAND(svirt_cmd_release);
SVIRT_COMMAND(svirt_cmd_recover);
SVIRT_COMMAND(svirt_cmd_chain);
SVIRT_COMMAND(svirt_cmd_waiver);
SVIRT_COMMAND(svirt_cmd_verify);
SVIRT_COMMAND(svirt_cmd_selftest);
SVIRT_COMMAND(svirt_cmd_doctor);
SVIRT_COMMAND(svirt_cmd_policy);
SVIRT_COMMAND(svirt_cmd_exec);
