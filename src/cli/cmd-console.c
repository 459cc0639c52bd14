/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/console.h"
#include "hypervisor/life.h"
#include "image/json-load.h"

static bool
parse_device(const char *text, uint32_t *ret, GError **error)
{
    guint64 number = 0;

    if (text != NULL &&
        (!g_str_has_prefix(text, "serial") ||
         !g_ascii_string_to_unsigned(text + strlen("serial"), 10, 0, 255,
                                     &number, NULL))) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "use serial0, serial1, ...",
                           "console device '%s' is unknown", text);
    }
    *ret = (uint32_t)number;
    return true;
}

bool
svirt_cmd_console(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    uint32_t serial = 0;

    (void)ret_exit;
    return parse_device(svirt_arguments_text(cli->args, "devname"), &serial,
                        error) &&
           svirt_cli_domain(cli, &definition, error) &&
           svirt_console_attach(cli->manager, definition, serial,
                                svirt_arguments_flag(cli->args, "force"),
                                svirt_arguments_flag(cli->args, "safe"),
                                error);
}

/* The words as one QMP command: JSON as it is, --hmp as QMP's own wrapper. */
static bool
make_command(const SvirtCli *cli, char **ret, GError **error)
{
    char **words = svirt_arguments_rest(cli->args);
    g_autofree char *joined = g_strjoinv(" ", words);
    json_error_t where;
    json_t *command;
    char *text;

    if (joined[0] == '\0') {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "svirt qemu-monitor-command DOMAIN "
                           "'{\"execute\": \"query-status\"}'",
                           "no command is given");
    }
    if (svirt_arguments_flag(cli->args, "hmp")) {
        command = json_pack("{s:s,s:{s:s}}", "execute",
                            "human-monitor-command", "arguments",
                            "command-line", joined);
    } else {
        command = json_loads(joined, 0, &where);
    }
    if (!json_is_object(command)) {
        json_decref(command);
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "quote one object, '{\"execute\": \"query-status\"}', "
                           "or use --hmp",
                           "command '%s' is no JSON object", joined);
    }
    text = json_dumps(command, JSON_COMPACT);
    json_decref(command);
    *ret = g_strdup(text);
    free(text);
    return true;
}

/* An owned emulator says what it likes: nothing of it steers the terminal. */
static void
print_words(const char *words)
{
    g_auto(GStrv) lines = g_strsplit(words, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_autofree char *safe = NULL;

        /* QEMU's human monitor ends its lines as a terminal does. */
        if (g_str_has_suffix(*line, "\r")) {
            (*line)[strlen(*line) - 1] = '\0';
        }
        g_strdelimit(*line, "\t", ' ');
        safe = svirt_text_printable(*line);
        (void)fputs(safe, stdout);
        if (line[1] != NULL) {
            (void)putchar('\n');
        }
    }
}

static void
print_answer(const SvirtCli *cli, const char *text)
{
    json_t *answer = svirt_json_load(text, strlen(text), 0);
    const char *words = json_string_value(json_object_get(answer, "return"));

    if (svirt_arguments_flag(cli->args, "hmp") && words != NULL) {
        print_words(words);
    } else {
        char *shown = json_dumps(
            answer, svirt_arguments_flag(cli->args, "pretty")
                        ? JSON_INDENT(2)
                        : JSON_COMPACT);

        /* Jansson escapes what is below a blank, not what is above ASCII. */
        print_words(shown != NULL ? shown : text);
        (void)putchar('\n');
        free(shown);
    }
    json_decref(answer);
}

bool
svirt_cmd_monitor_command(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autofree char *command = NULL;
    g_autofree char *answer = NULL;

    (void)ret_exit;
    if (!make_command(cli, &command, error) ||
        !svirt_cli_domain(cli, &definition, error) ||
        !svirt_life_qmp(cli->manager, definition, command, true, &answer,
                        error)) {
        return false;
    }
    print_answer(cli, answer);
    return true;
}
