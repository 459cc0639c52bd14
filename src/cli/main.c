/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "hypervisor/session.h"
#include "cli/notices.h"

/* Options before the command's name; virsh's letters. */
typedef struct Global {
    const char *uri;
    bool json;
    bool quiet;
    int command; /* index of the command's name in argv */
} Global;

void
svirt_cli_print_table(const SvirtCli *cli, const SvirtTable *table)
{
    g_autofree char *text = cli->json ? svirt_table_to_json(table)
                                      : svirt_table_to_text(table);

    (void)fputs(text, stdout);
}

static char *
printable(const char *format, va_list args) G_GNUC_PRINTF(1, 0);

static char *
printable(const char *format, va_list args)
{
    g_autofree char *text = g_strdup_vprintf(format, args);

    return svirt_text_printable(text);
}

void
svirt_cli_say(const SvirtCli *cli, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (cli->quiet || cli->json) {
        return;
    }
    va_start(args, format);
    text = printable(format, args);
    va_end(args);
    (void)puts(text);
}

void
svirt_cli_done(const SvirtCli *cli, const char *domain, const char *format,
               ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = printable(format, args);
    va_end(args);
    if (cli->json) {
        svirt_json_print(json_pack("{s:s?,s:s}", "domain", domain, "message",
                                   text));
    } else if (!cli->quiet) {
        (void)puts(text);
    }
}

bool
svirt_cli_domain(const SvirtCli *cli, SvirtDefinition **ret, GError **error)
{
    return svirt_manager_find(cli->manager,
                              svirt_arguments_text(cli->args, "domain"), ret,
                              error);
}

bool
svirt_cli_run_status(const SvirtCli *cli, const SvirtUuid *uuid,
                     SvirtRunStatus *ret, bool *ret_damaged, GError **error)
{
    g_autofree char *text = NULL;
    GError *problem = NULL;

    *ret_damaged = false;
    if (svirt_manager_run_status(cli->manager, uuid, ret, &problem)) {
        return true;
    }
    if (!g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_CORRUPT)) {
        g_propagate_error(error, problem);
        return false;
    }
    text = svirt_error_render(problem);
    (void)fprintf(stderr, "warning%s", strchr(text, ':'));
    g_error_free(problem);
    memset(ret, 0, sizeof(*ret));
    *ret_damaged = true;
    return true;
}

static void
print_help(void)
{
    const char *group = NULL;

    (void)puts("svirt runs every virtual machine in a security compartment of "
               "its own.\n\n"
               "  svirt [-c URI] [-q] COMMAND [ARGUMENTS]\n\n"
               "  -c, --connect URI  qemu:///system (root's default), "
               "qemu:///session or\n"
               "                     qemu:///embed?root=/dir;\n"
               "                     $SVIRT_DEFAULT_URI when not given\n"
               "  -q, --quiet        no confirmations\n"
               "  --format FORMAT    table or json, for every listing\n"
               "  -V, --version\n"
               "  svirt COMMAND --help");
    for (const SvirtCommand *c = svirt_commands; c->name != NULL; c++) {
        if (group == NULL || strcmp(group, c->group) != 0) {
            group = c->group;
            (void)printf("\n%s\n", group);
        }
        (void)printf("  %-22s %s\n", c->name, c->summary);
    }
}

static void
print_command_help(const SvirtCommand *command)
{
    (void)printf("svirt %s: %s\n\n  svirt %s", command->name,
                 command->summary, command->name);
    for (const SvirtOption *o = command->options; o->name != NULL; o++) {
        switch (o->kind) {
        case SVIRT_OPTION_FLAG:
            (void)printf(" [--%s]", o->name);
            break;
        case SVIRT_OPTION_TEXT:
            (void)printf(" [--%s %s]", o->name, o->value);
            break;
        case SVIRT_OPTION_LIST:
            (void)printf(" [--%s %s]...", o->name, o->value);
            break;
        case SVIRT_OPTION_REQUIRED:
            (void)printf(" %s", o->value);
            break;
        case SVIRT_OPTION_POSITIONAL:
            (void)printf(" [%s]", o->value);
            break;
        case SVIRT_OPTION_REST:
            (void)printf(" [%s...]", o->value);
            break;
        }
    }
    (void)puts("\n");
    for (const SvirtOption *o = command->options; o->name != NULL; o++) {
        g_autofree char *left =
            o->kind == SVIRT_OPTION_FLAG
                ? g_strdup_printf("--%s", o->name)
                : g_strdup_printf("--%s %s", o->name, o->value);

        (void)printf("  %-24s %s\n", left, o->help);
    }
}

static int
fail(const GError *error)
{
    g_autofree char *text = svirt_error_render(error);

    (void)fflush(stdout);
    (void)fputs(text, stderr);
    return svirt_error_exit_code(error);
}

static bool
set_format(const char *value, bool *ret_json, GError **error)
{
    if (value != NULL && strcmp(value, "json") == 0) {
        *ret_json = true;
        return true;
    }
    if (value != NULL && strcmp(value, "table") == 0) {
        *ret_json = false;
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                       "use --format table or --format json",
                       "format '%s' is unknown", value != NULL ? value : "");
}

/* -c URI, --connect URI, --connect=URI: the value, or NULL. */
static const char *
value_of(char **argv, int argc, int *index, const char *name)
{
    size_t length = strlen(name);

    if (strncmp(argv[*index], name, length) == 0 &&
        argv[*index][length] == '=') {
        return argv[*index] + length + 1;
    }
    return *index + 1 < argc ? argv[++*index] : NULL;
}

static bool
matches(const char *word, const char *letter, const char *name)
{
    size_t length = strlen(name);

    return strcmp(word, letter) == 0 ||
           (strncmp(word, name, length) == 0 &&
            (word[length] == '\0' || word[length] == '='));
}

static bool
unknown_option(const char *word, GError **error)
{
    static const char *const names[] = { "--connect", "--format", "--quiet",
                                         "--version", "--help" };
    g_autofree char *name = g_strndup(word, strcspn(word, "="));
    const char *nearest =
        svirt_nearest_word(name, names, G_N_ELEMENTS(names));
    g_autofree char *hint =
        nearest != NULL ? g_strdup_printf("did you mean '%s'?", nearest)
                        : g_strdup("svirt --help");

    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, hint,
                       "option '%s' is unknown", word);
}

static bool
parse_global(int argc, char **argv, Global *ret, GError **error)
{
    Global global = { .uri = getenv("SVIRT_DEFAULT_URI") };
    int i;

    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
            strcmp(argv[i], "--version") == 0 ||
            strcmp(argv[i], "-V") == 0) {
            break; /* a command like any other */
        }
        if (matches(argv[i], "-c", "--connect")) {
            global.uri = value_of(argv, argc, &i, "--connect");
            if (global.uri == NULL) {
                return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                                   "svirt -c qemu:///system list",
                                   "option '--connect' needs a URI");
            }
        } else if (matches(argv[i], "--format", "--format")) {
            if (!set_format(value_of(argv, argc, &i, "--format"),
                            &global.json, error)) {
                return false;
            }
        } else if (matches(argv[i], "-q", "--quiet")) {
            global.quiet = true;
        } else {
            return unknown_option(argv[i], error);
        }
    }
    global.command = i;
    *ret = global;
    return true;
}

static const SvirtCommand *
find_command(const char *name)
{
    for (const SvirtCommand *c = svirt_commands; c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

static bool
unknown_command(const char *name, GError **error)
{
    const char *names[128];
    g_autofree char *hint = NULL;
    const char *nearest;
    size_t count = 0;

    for (const SvirtCommand *c = svirt_commands;
         c->name != NULL && count < G_N_ELEMENTS(names); c++) {
        names[count++] = c->name;
    }
    nearest = svirt_nearest_word(name, names, count);
    hint = nearest != NULL
               ? g_strdup_printf("did you mean '%s'? svirt --help lists all",
                                 nearest)
               : g_strdup("svirt --help");
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, hint,
                       "command '%s' is unknown", name);
}

/* --format is everybody's: taken out before a command reads its own. */
static bool
take_format(int *argc, char **argv, bool *json, GError **error)
{
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < *argc) {
                argv[kept++] = argv[i++];
            }
        } else if (matches(argv[i], "--format", "--format")) {
            if (!set_format(value_of(argv, *argc, &i, "--format"), json,
                            error)) {
                return false;
            }
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return true;
}

/* What only reads needs no rights. */
static bool
enter_session(const SvirtCommand *command, SvirtManager *manager,
              GError **error)
{
    static const char *const readers[] = { "list", "domstate", "domuuid",
                                           "dumpxml", "dominfo", NULL };
    const char *lost = NULL;

    if (g_strv_contains(readers, command->name)) {
        return true;
    }
    if (!svirt_session_enter(manager, &lost, error)) {
        return false;
    }
    if (lost != NULL && (strcmp(command->name, "start") == 0 ||
                         strcmp(command->name, "exec") == 0)) {
        (void)fprintf(stderr, "warning: %s\n", lost);
    }
    return true;
}

static bool
run(const SvirtCommand *command, const Global *global, int argc, char **argv,
    int *ret_exit, GError **error)
{
    g_autoptr(SvirtArguments) arguments = NULL;
    g_autoptr(SvirtManager) manager = NULL;
    SvirtCli cli = { .json = global->json, .quiet = global->quiet };

    if (!take_format(&argc, argv, &cli.json, error) ||
        !svirt_arguments_parse(command->options, command->name, argc, argv,
                               &arguments, error) ||
        !svirt_manager_new(global->uri, &manager, error)) {
        return false;
    }
    cli.manager = manager;
    cli.args = arguments;
    if (!enter_session(command, manager, error)) {
        return false;
    }
    if (!command->run(&cli, ret_exit, error)) {
        return false;
    }
    /* The process ends: all of this goes with it, and sooner. */
    (void)g_steal_pointer(&manager);
    (void)g_steal_pointer(&arguments);
    return true;
}

static bool
is_word(const char *word, const char *name, const char *letter,
        const char *command)
{
    return strcmp(word, name) == 0 || strcmp(word, letter) == 0 ||
           strcmp(word, command) == 0;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    const SvirtCommand *command;
    Global global = { NULL, false, false, 0 };
    int exit_code = 0;

    /* A reader that goes away must not end a half-done change. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (!parse_global(argc, argv, &global, &error)) {
        return fail(error);
    }
    if (global.command >= argc || is_word(argv[global.command], "--help",
                                          "-h", "help")) {
        print_help();
        return global.command >= argc ? SVIRT_ERROR_USAGE : 0;
    }
    if (is_word(argv[global.command], "--version", "-V", "version")) {
        (void)puts(SVIRT_VERSION);
        return 0;
    }
    command = find_command(argv[global.command]);
    if (command == NULL) {
        (void)unknown_command(argv[global.command], &error);
        return fail(error);
    }
    argc -= global.command;
    argv += global.command;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_command_help(command);
        return 0;
    }
    if (!run(command, &global, argc, argv, &exit_code, &error)) {
        return fail(error);
    }
    if (fflush(stdout) != 0) {
        svirt_raise(&error, SVIRT_ERROR_SYSTEM, NULL, NULL,
                    "cannot write to standard output");
        return fail(error);
    }
    /* Nothing is left that a handler would have to do. */
    _exit(exit_code);
}
