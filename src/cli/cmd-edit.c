/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/notices.h"
#include "cli/obstacles.h"
#include "hypervisor/define.h"

extern char **environ;

static void
free_error(gpointer error)
{
    g_error_free(error);
}

/* The user's own words; no shell reads them. */
static bool
editor_words(const char *file, char ***ret, GError **error)
{
    const char *editor = getenv("VISUAL");
    g_auto(GStrv) words = NULL;
    int count;

    editor = editor != NULL && *editor != '\0' ? editor : getenv("EDITOR");
    editor = editor != NULL && *editor != '\0' ? editor : "vi";
    if (!g_shell_parse_argv(editor, &count, &words, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "set $VISUAL or $EDITOR to a program and options",
                           "editor '%s' is no command", editor);
    }
    words = g_renew(char *, words, count + 2);
    words[count] = g_strdup(file);
    words[count + 1] = NULL;
    *ret = g_steal_pointer(&words);
    return true;
}

/* Meanwhile an interrupt is the editor's. */
static bool
run_editor(const char *file, GError **error)
{
    g_auto(GStrv) words = NULL;
    void (*interrupt)(int);
    int status = -1;
    pid_t child;
    int failed;

    if (!editor_words(file, &words, error)) {
        return false;
    }
    interrupt = signal(SIGINT, SIG_IGN);
    failed = posix_spawnp(&child, words[0], NULL, NULL, words, environ);
    while (failed == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    (void)signal(SIGINT, interrupt);
    if (failed != 0) {
        return svirt_raise_errno(error, failed, "set $VISUAL or $EDITOR",
                                 "cannot run editor '%s'", words[0]);
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           svirt_raise(error, SVIRT_ERROR_FAILED, NULL, NULL,
                       "editor '%s' failed: nothing was changed", words[0]);
}

/* A new file nobody else can read; its name is the caller's. */
static bool
write_draft(const char *text, char **ret_file, GError **error)
{
    g_autofree char *file =
        g_build_filename(g_get_tmp_dir(), "svirt-XXXXXX.xml", NULL);
    SVIRT_AUTO_FD fd = mkostemps(file, 4, O_CLOEXEC);

    if (fd < 0 || !svirt_write_full(fd, text, strlen(text))) {
        svirt_raise_errno(error, errno, "free space, or set TMPDIR",
                          "cannot write '%s'", file);
        if (fd >= 0) {
            (void)unlink(file);
        }
        return false;
    }
    *ret_file = g_steal_pointer(&file);
    return true;
}

static bool
read_draft(const char *file, char **ret, size_t *ret_length, GError **error)
{
    g_autoptr(GError) cause = NULL;
    gsize length;

    /* Of this user's own directory and making: its size is the user's. */
    if (!g_file_get_contents(file, ret, &length, &cause) ||
        length > SVIRT_XML_TEXT_MAX) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL, "%s",
                           cause != NULL ? cause->message
                                         : "a definition has at most 4 MiB");
    }
    *ret_length = length;
    return true;
}

static bool
define(const SvirtCli *cli, const SvirtDefinition *former, const char *text,
       size_t length, GError **error)
{
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(free_error);
    SvirtState *state =
        svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
    g_autoptr(SvirtDefinition) now = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    SvirtDefined outcome;

    if (state == NULL ||
        !svirt_domain_parse(text, length, "the edited definition", &domain,
                            error) ||
        !svirt_definitions_by_uuid(state, &former->uuid, &now, error)) {
        return false;
    }
    if (!domain->uuid_given) {
        svirt_domain_set_uuid(domain, &former->uuid);
    }
    if (!svirt_uuid_equal(&domain->uuid, &former->uuid)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "svirt define makes another domain of it",
                           "the <uuid> cannot be edited");
    }
    if (strcmp(now->xml, former->xml) != 0) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL, "edit it again",
                           "domain '%s' was redefined meanwhile",
                           former->name);
    }
    if (!svirt_define(cli->manager, &domain, former->author, time(NULL),
                      &outcome, warnings, error)) {
        return false;
    }
    svirt_obstacles_print(domain);
    svirt_notices_print(warnings);
    return true;
}

/* virsh's question; end of file is no. */
static bool
ask_again(GError *problem)
{
    g_autofree char *text = svirt_error_render(problem);
    char answer[64];

    g_error_free(problem);
    (void)fputs(text, stderr);
    for (;;) {
        (void)fputs("Failed. Try again? [y,n]: ", stderr);
        if (fgets(answer, sizeof(answer), stdin) == NULL ||
            answer[0] == 'n' || answer[0] == 'N') {
            return false;
        }
        if (answer[0] == 'y' || answer[0] == 'Y') {
            return true;
        }
    }
}

static bool
edit(const SvirtCli *cli, const SvirtDefinition *definition, const char *file,
     GError **error)
{
    for (;;) {
        g_autofree char *text = NULL;
        GError *problem = NULL;
        size_t length = 0;

        if (!run_editor(file, error) ||
            !read_draft(file, &text, &length, error)) {
            return false;
        }
        if (strcmp(text, definition->xml) == 0) {
            svirt_cli_say(cli, "Domain '%s' unchanged", definition->name);
            return true;
        }
        if (define(cli, definition, text, length, &problem)) {
            svirt_cli_say(cli, "Domain '%s' edited", definition->name);
            return true;
        }
        if (!isatty(STDIN_FILENO) ||
            g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_BUSY)) {
            g_propagate_error(error, problem);
            return false;
        }
        if (!ask_again(problem)) {
            return svirt_raise(error, SVIRT_ERROR_FAILED, NULL, NULL,
                               "domain '%s' was not changed",
                               definition->name);
        }
    }
}

bool
svirt_cmd_edit(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autofree char *file = NULL;
    bool ok;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_manager_refuse_running(cli->manager, definition,
                                      " and cannot be redefined", error) ||
        !write_draft(definition->xml, &file, error)) {
        return false;
    }
    ok = edit(cli, definition, file, error);
    (void)unlink(file);
    return ok;
}

/* The child `name` of the root with that text; "": it goes. */
static void
set_text(SvirtDomain *domain, const char *name, const char *text)
{
    SvirtXmlNode *root = domain->document->root;
    SvirtXmlNode *after = NULL;

    for (SvirtXmlNode *child = root->first_child; child != NULL;
         child = child->next) {
        if (strcmp(child->name, name) == 0) {
            child->text = svirt_arena_printf(domain->document->arena, "%s",
                                             text);
            return;
        }
        /* Where libvirt prints them: behind these. */
        if (strcmp(child->name, "name") == 0 ||
            strcmp(child->name, "uuid") == 0 ||
            strcmp(child->name, "title") == 0) {
            after = child;
        }
    }
    (void)svirt_xml_insert(domain->document, root, after, name, text);
}

bool
svirt_cmd_desc(const SvirtCli *cli, int *ret_exit, GError **error)
{
    bool title = svirt_arguments_flag(cli->args, "title");
    char **words = svirt_arguments_rest(cli->args);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_autofree char *text = NULL;
    g_autofree char *xml = NULL;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_manager_parse(definition, &domain, error)) {
        return false;
    }
    if (words[0] == NULL) {
        const char *shown = title ? domain->title : domain->description;
        g_autofree char *safe = svirt_text_printable(
            shown != NULL      ? shown
            : title            ? "No title"
                               : "No description");

        (void)puts(safe);
        return true;
    }
    text = g_strjoinv(" ", words);
    if (!g_utf8_validate(text, -1, NULL) ||
        (title && strchr(text, '\n') != NULL)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give UTF-8, a title on one line",
                           "that is no %s", title ? "title" : "description");
    }
    set_text(domain, title ? "title" : "description", text);
    xml = svirt_domain_print(domain);
    if (!define(cli, definition, xml, strlen(xml), error)) {
        return false;
    }
    svirt_cli_say(cli, "Domain '%s' has a new %s", definition->name,
                  title ? "title" : "description");
    return true;
}
