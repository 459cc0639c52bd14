/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/table.h"
#include "hypervisor/agent.h"
#include "hypervisor/life.h"

/* What the agent in the guest is asked. All of it is the guest's word. */

static bool
parse_seconds(const SvirtCli *cli, const char *option, guint64 fallback,
              guint64 *ret, GError **error)
{
    const char *text = svirt_arguments_text(cli->args, option);

    *ret = fallback;
    return text == NULL ||
           g_ascii_string_to_unsigned(text, 10, 1, 86400, ret, NULL) ||
           svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                       "give 1 to 86400 seconds",
                       "--%s '%s' is no number of seconds", option, text);
}

/* Nothing a guest says steers the terminal. */
static void
print_json(const json_t *value, bool pretty)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII |
                                       (pretty ? JSON_INDENT(2)
                                               : JSON_COMPACT));

    (void)puts(text != NULL ? text : "null");
    free(text);
}

static json_t *
call(const SvirtCli *cli, SvirtDefinition **definition, const char *execute,
     json_t *arguments, GError **error)
{
    if (!svirt_cli_domain(cli, definition, error)) {
        json_decref(arguments);
        return NULL;
    }
    return svirt_agent_call(cli->manager, *definition, execute, arguments,
                            error);
}

bool
svirt_cmd_agent_command(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autofree char *joined =
        g_strjoinv(" ", svirt_arguments_rest(cli->args));
    g_autoptr(SvirtDefinition) definition = NULL;
    json_t *command = json_loads(joined, JSON_REJECT_DUPLICATES, NULL);
    json_t *answer = NULL, *shown;
    guint64 seconds = 0;

    (void)ret_exit;
    if (!json_is_object(command)) {
        json_decref(command);
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "quote one JSON object, as "
                           "'{\"execute\": \"guest-info\"}'",
                           "command '%s' is no JSON object", joined);
    }
    if (parse_seconds(cli, "timeout", SVIRT_AGENT_TIMEOUT_MS / 1000,
                      &seconds, error) &&
        svirt_cli_domain(cli, &definition, error)) {
        answer = svirt_agent_ask(cli->manager, definition, command,
                                 (int)seconds * 1000, error);
    }
    json_decref(command);
    if (answer == NULL) {
        return false;
    }
    shown = json_pack("{s:o}", "return", answer);
    print_json(shown, svirt_arguments_flag(cli->args, "pretty"));
    json_decref(shown);
    return true;
}

/* A guest says what it likes: what it can make of a table has an end. */
#define TABLE_ROWS 4096
#define NAME_BYTES 256
#define VALUE_BYTES 4096

static bool
add_bounded(SvirtTable *table, const char *name, const char *value)
{
    if (strlen(name) > NAME_BYTES || strlen(value) > VALUE_BYTES ||
        svirt_table_rows(table) >= TABLE_ROWS) {
        return false;
    }
    svirt_table_add(table, name, value, NULL);
    return true;
}

static bool
raise_too_much(const SvirtDefinition *definition, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL,
                       "svirt qemu-agent-command shows an answer as it is",
                       "the agent of domain '%s' says more than a table holds",
                       definition->name);
}

/*
 * "a.b.0.c: value" for each leaf, as virsh guestinfo has them. False: there is
 * more than is shown.
 */
static bool
add_leaves(SvirtTable *table, const char *path, const json_t *value)
{
    g_autofree char *text = NULL;
    const json_t *each;
    const char *key;
    bool ok = strlen(path) <= NAME_BYTES;
    size_t i;

    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, each) {
            g_autofree char *below = NULL;

            ok = ok && strlen(key) <= NAME_BYTES;
            below = ok ? g_strdup_printf("%s.%s", path, key) : NULL;
            ok = ok && add_leaves(table, below, each);
        }
        return ok;
    }
    if (json_is_array(value)) {
        text = g_strdup_printf("%zu", json_array_size(value));
        ok = ok && add_bounded(table, path, text);
        for (i = 0; ok && i < json_array_size(value); i++) {
            g_autofree char *below = g_strdup_printf("%s.%zu", path, i);

            ok = add_leaves(table, below, json_array_get(value, i));
        }
        return ok;
    }
    if (json_is_string(value)) {
        return add_bounded(table, path, json_string_value(value));
    }
    text = json_dumps(value, JSON_ENCODE_ANY);
    return add_bounded(table, path, text);
}

static const struct {
    const char *option;
    const char *execute;
    const char *name;
} guest_facts[] = {
    { "os", "guest-get-osinfo", "os" },
    { "timezone", "guest-get-timezone", "timezone" },
    { "hostname", "guest-get-host-name", "hostname" },
    { "user", "guest-get-users", "user" },
    { "filesystem", "guest-get-fsinfo", "fs" },
    { "disk", "guest-get-disks", "disk" },
    { "interface", "guest-network-get-interfaces", "if" },
};

bool
svirt_cmd_guestinfo(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Name", "Value", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autofree char *text = NULL;
    bool some = false;

    (void)ret_exit;
    for (size_t i = 0; i < G_N_ELEMENTS(guest_facts); i++) {
        some = some || svirt_arguments_flag(cli->args, guest_facts[i].option);
    }
    if (!svirt_cli_domain(cli, &definition, error)) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(guest_facts); i++) {
        bool asked = svirt_arguments_flag(cli->args, guest_facts[i].option);
        GError *problem = NULL;
        json_t *answer;

        if (some && !asked) {
            continue;
        }
        answer = svirt_agent_call(cli->manager, definition,
                                  guest_facts[i].execute, NULL, &problem);
        /* An agent need not know them all. */
        if (answer == NULL &&
            (asked || !g_error_matches(problem, SVIRT_ERROR,
                                       SVIRT_ERROR_REFUSED))) {
            g_propagate_error(error, problem);
            return false;
        }
        g_clear_error(&problem);
        if (answer != NULL &&
            !add_leaves(table, guest_facts[i].name, answer)) {
            json_decref(answer);
            return raise_too_much(definition, error);
        }
        json_decref(answer);
    }
    text = cli->json ? svirt_table_to_object(table)
                     : svirt_table_to_list(table);
    (void)fputs(text, stdout);
    return true;
}

static bool
is_short(const char *text)
{
    return text == NULL || strlen(text) <= NAME_BYTES;
}

static bool
add_addresses(SvirtTable *table, const json_t *interface)
{
    const json_t *list = json_object_get(interface, "ip-addresses");
    const char *mac =
        json_string_value(json_object_get(interface, "hardware-address"));
    const char *name = json_string_value(json_object_get(interface, "name"));
    const json_t *each;
    size_t i;

    json_array_foreach(list, i, each) {
        const char *type = json_string_value(
            json_object_get(each, "ip-address-type"));
        const char *address =
            json_string_value(json_object_get(each, "ip-address"));
        g_autofree char *shown = NULL;

        if (!is_short(name) || !is_short(mac) || !is_short(type) ||
            !is_short(address) || svirt_table_rows(table) >= TABLE_ROWS) {
            return false;
        }
        shown = g_strdup_printf(
            "%s/%lld", address != NULL ? address : "?",
            (long long)json_integer_value(json_object_get(each, "prefix")));
        svirt_table_add(table, name, mac, type, shown, NULL);
    }
    return true;
}

bool
svirt_cmd_domifaddr(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Name", "MAC address", "Protocol",
                                           "Address", NULL };
    const char *source = svirt_arguments_text(cli->args, "source");
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(SvirtDefinition) definition = NULL;
    json_t *answer;
    const json_t *each;
    size_t i;

    (void)ret_exit;
    if (source != NULL && strcmp(source, "agent") != 0) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use --source agent",
                           "source '%s' is not built: svirt gives out no "
                           "leases", source);
    }
    answer = call(cli, &definition, "guest-network-get-interfaces", NULL,
                  error);
    if (answer == NULL) {
        return false;
    }
    json_array_foreach(answer, i, each) {
        if (!add_addresses(table, each)) {
            json_decref(answer);
            return raise_too_much(definition, error);
        }
    }
    json_decref(answer);
    svirt_cli_print_table(cli, table);
    return true;
}

static bool
set_time(const SvirtCli *cli, json_int_t seconds, bool from_rtc,
         GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    json_t *answer =
        call(cli, &definition, "guest-set-time",
             from_rtc ? NULL
                      : json_pack("{s:I}", "time",
                                  seconds * (json_int_t)1000000000),
             error);

    json_decref(answer);
    return answer != NULL;
}

bool
svirt_cmd_domtime(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *given = svirt_arguments_text(cli->args, "time");
    bool sync = svirt_arguments_flag(cli->args, "sync");
    g_autoptr(SvirtDefinition) definition = NULL;
    guint64 seconds = (guint64)time(NULL);
    json_t *answer;
    time_t now;

    (void)ret_exit;
    if (given != NULL && !g_ascii_string_to_unsigned(
                             given, 10, 0, INT64_MAX / 2000000000, &seconds,
                             NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give seconds since 1970",
                           "--time '%s' is no time", given);
    }
    if (given != NULL || sync || svirt_arguments_flag(cli->args, "now")) {
        return set_time(cli, (json_int_t)seconds, sync, error);
    }
    answer = call(cli, &definition, "guest-get-time", NULL, error);
    if (answer == NULL) {
        return false;
    }
    now = (time_t)(json_integer_value(answer) / 1000000000);
    json_decref(answer);
    if (svirt_arguments_flag(cli->args, "pretty")) {
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(now);
        g_autofree char *text =
            date != NULL ? g_date_time_format(date, "%Y-%m-%d %H:%M:%S")
                         : NULL;

        (void)printf("Time: %s\n", text != NULL ? text : "-");
    } else {
        (void)printf("Time: %lld\n", (long long)now);
    }
    return true;
}

/* An answer that is a number of file systems. */
static bool
count_filesystems(const SvirtCli *cli, const char *execute,
                  const char *done, GError **error)
{
    const char *mountpoint = svirt_arguments_text(cli->args, "mountpoint");
    g_autoptr(SvirtDefinition) definition = NULL;
    bool some = mountpoint != NULL &&
                strcmp(execute, "guest-fsfreeze-freeze") == 0;
    json_t *answer = call(
        cli, &definition, some ? "guest-fsfreeze-freeze-list" : execute,
        some ? json_pack("{s:[s]}", "mountpoints", mountpoint) : NULL, error);

    if (answer == NULL) {
        return false;
    }
    svirt_cli_say(cli, "%s %lld filesystem(s)", done,
                  (long long)json_integer_value(answer));
    json_decref(answer);
    return true;
}

bool
svirt_cmd_domfsfreeze(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return count_filesystems(cli, "guest-fsfreeze-freeze", "Froze", error);
}

bool
svirt_cmd_domfsthaw(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return count_filesystems(cli, "guest-fsfreeze-thaw", "Thawed", error);
}

bool
svirt_cmd_dompmsuspend(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const targets[][2] = {
        { "mem", "guest-suspend-ram" },
        { "disk", "guest-suspend-disk" },
        { "hybrid", "guest-suspend-hybrid" },
    };
    const char *target = svirt_arguments_text(cli->args, "target");
    g_autoptr(SvirtDefinition) definition = NULL;

    (void)ret_exit;
    for (size_t i = 0; i < G_N_ELEMENTS(targets); i++) {
        if (strcmp(target, targets[i][0]) != 0) {
            continue;
        }
        if (!svirt_cli_domain(cli, &definition, error) ||
            !svirt_agent_tell(cli->manager, definition, targets[i][1], NULL,
                              error)) {
            return false;
        }
        svirt_cli_say(cli, "Domain '%s' successfully suspended",
                      definition->name);
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                       "use mem, disk or hybrid",
                       "'%s' is nothing to suspend to", target);
}
