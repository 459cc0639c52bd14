/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "exec/exec.h"

/* What env(1) and its kin say of themselves, so that it is no program's. */
#define EXIT_OWN 125
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND 127

#define MIB (1ull << 20)

static bool
add_file(GArray *files, const char *path, bool write, int number)
{
    SvirtExecFile file = { path, write, number };

    g_array_append_val(files, file);
    return true;
}

static bool
add_rw(const char *value, void *data, GError **error)
{
    (void)error;
    return add_file(data, value, true, -1);
}

static bool
add_ro(const char *value, void *data, GError **error)
{
    (void)error;
    return add_file(data, value, false, -1);
}

static bool
add_numbered(const char *value, GArray *files, bool write, GError **error)
{
    const char *equals = strchr(value, '=');
    g_autofree char *digits =
        g_strndup(value, equals != NULL ? (size_t)(equals - value) : 0);
    guint64 number;

    if (equals == NULL || equals[1] == '\0' ||
        !g_ascii_string_to_unsigned(digits, 10, 3, 4095, &number, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "svirt exec --fd 9=disk.img -- PROGRAM",
                           "'%s' is no descriptor from 3 to 4095 and file",
                           value);
    }
    return add_file(files, equals + 1, write, (int)number);
}

static bool
add_fd(const char *value, void *data, GError **error)
{
    return add_numbered(value, data, true, error);
}

static bool
add_fd_ro(const char *value, void *data, GError **error)
{
    return add_numbered(value, data, false, error);
}

static bool
add_port(const char *value, void *data, GError **error)
{
    GArray *ports = data;
    guint64 number;
    uint16_t port;

    if (!g_ascii_string_to_unsigned(value, 10, 1, 65535, &number, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give a number from 1 to 65535",
                           "--tcp-connect '%s' is no TCP port", value);
    }
    if (ports->len == SVIRT_SPEC_MAX_PORTS) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, NULL,
                           "more than %d ports", SVIRT_SPEC_MAX_PORTS);
    }
    port = (uint16_t)number;
    g_array_append_val(ports, port);
    return true;
}

static bool
allow(const char *value, void *data, GError **error)
{
    SvirtExecRequest *request = data;

    if (strcmp(value, "locks") != 0) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, "--allow locks",
                           "--allow '%s' is nothing that can be allowed",
                           value);
    }
    request->locks = true;
    return true;
}

static bool
read_mib(const SvirtCli *cli, const char *option, uint64_t *ret,
         GError **error)
{
    const char *text = svirt_arguments_text(cli->args, option);
    guint64 number = 0;

    if (text != NULL &&
        !g_ascii_string_to_unsigned(text, 10, 1, 1u << 30, &number, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give whole MiB", "--%s '%s' is no size", option,
                           text);
    }
    *ret = number * MIB;
    return true;
}

static bool
read_network(const SvirtCli *cli, SvirtExecRequest *request, GError **error)
{
    const char *net = svirt_arguments_text(cli->args, "net");

    request->passt = g_strcmp0(net, "passt") == 0;
    if (net != NULL && !request->passt && strcmp(net, "none") != 0) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "--net none or --net passt",
                           "network '%s' is unknown", net);
    }
    return true;
}

static bool
read_request(const SvirtCli *cli, SvirtExecRequest *request, GArray *files,
             GArray *ports, GError **error)
{
    char **rest = svirt_arguments_rest(cli->args);

    if (*rest == NULL) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "svirt exec --rw disk.img -- PROGRAM ARGUMENTS",
                           "exec: no program is given");
    }
    request->argv = (const char *const *)rest;
    request->name = svirt_arguments_text(cli->args, "name");
    if (request->name != NULL &&
        (strlen(request->name) > 64 || strchr(request->name, '/') != NULL ||
         *request->name == '\0')) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "use at most 64 letters", "'%s' is no host name",
                           request->name);
    }
    request->kvm = svirt_arguments_flag(cli->args, "kvm");
    request->dry_run = svirt_arguments_flag(cli->args, "dry-run");
    return svirt_arguments_each(cli->args, "rw", add_rw, files, error) &&
           svirt_arguments_each(cli->args, "ro", add_ro, files, error) &&
           svirt_arguments_each(cli->args, "fd", add_fd, files, error) &&
           svirt_arguments_each(cli->args, "fd-ro", add_fd_ro, files,
                                error) &&
           svirt_arguments_each(cli->args, "tcp-connect", add_port, ports,
                                error) &&
           svirt_arguments_each(cli->args, "allow", allow, request, error) &&
           read_mib(cli, "memory", &request->memory_bytes, error) &&
           read_mib(cli, "file-size", &request->file_limit_bytes, error) &&
           read_network(cli, request, error);
}

static void
print_dry_run(const SvirtCli *cli, const SvirtExecReport *report)
{
    static const char *const columns[] = { "File", "Access", "Way", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);

    for (unsigned i = 0; i < report->files->len; i++) {
        const SvirtExecShown *shown = report->files->pdata[i];
        const char *const cells[] = {
            shown->path, shown->write ? "read-write" : "read", shown->way };

        svirt_table_add_row(table, cells);
    }
    svirt_cli_print_table(cli, table);
    if (!cli->json && *report->plan != '\0') {
        (void)printf("\n%s", report->plan);
    }
}

/* Its own troubles have codes of their own: the others are the program's. */
static int
exit_code(const GError *error, const SvirtExecReport *report)
{
    if (report->no_program) {
        return EXIT_NOT_FOUND;
    }
    switch (error->code) {
    case SVIRT_ERROR_LAUNCH:
    case SVIRT_ERROR_UNVERIFIED:
        return EXIT_CANNOT_RUN;
    default:
        return EXIT_OWN;
    }
}

bool
svirt_cmd_exec(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(SvirtExecFile));
    g_autoptr(GArray) ports = g_array_new(FALSE, TRUE, sizeof(uint16_t));
    SvirtExecRequest request = { .files = files, .ports = ports };
    g_autoptr(GError) problem = NULL;
    g_autofree char *text = NULL;
    SvirtExecReport report = { .status = 0 };

    (void)error;
    if (!read_request(cli, &request, files, ports, &problem) ||
        !svirt_exec(cli->manager, &request, &report, &problem)) {
        text = svirt_error_render(problem);
        (void)fputs(text, stderr);
        *ret_exit = exit_code(problem, &report);
        svirt_exec_report_clear(&report);
        return true;
    }
    if (request.dry_run) {
        print_dry_run(cli, &report);
    }
    *ret_exit = report.status;
    svirt_exec_report_clear(&report);
    return true;
}
