/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/notices.h"
#include "cli/obstacles.h"
#include "domain/resource.h"
#include "hypervisor/define.h"
#include "hypervisor/live.h"
#include "hypervisor/nvram.h"
#include "hypervisor/volume.h"
#include "hypervisor/qemu.h"
#include "hypervisor/transient.h"

bool
svirt_cli_read_input(const char *file, char **ret_text, size_t *ret_length,
                     GError **error)
{
    SVIRT_AUTO_FD fd = -1;
    bool standard = strcmp(file, "-") == 0;
    g_autofree char *text = g_malloc(SVIRT_XML_TEXT_MAX + 1);
    ssize_t got;

    fd = standard ? dup(STDIN_FILENO)
                  : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return svirt_raise_errno(error, errno, "name a file of domain XML",
                                 "cannot open '%s'", file);
    }
    got = svirt_read_full(fd, text, SVIRT_XML_TEXT_MAX + 1);
    if (got < 0) {
        return svirt_raise_errno(error, errno, "name a file of domain XML",
                                 "cannot read '%s'", file);
    }
    if ((size_t)got > SVIRT_XML_TEXT_MAX) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "a definition has at most 4 MiB",
                           "'%s' is too large", file);
    }
    *ret_text = g_steal_pointer(&text);
    *ret_length = (size_t)got;
    return true;
}

static bool
parse_author(const char *text, uid_t *ret, GError **error)
{
    const struct passwd *account;
    guint64 number;

    if (text == NULL) {
        *ret = 0;
        return true;
    }
    if (g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX - 1, &number,
                                   NULL)) {
        *ret = (uid_t)number;
        return true;
    }
    account = getpwnam(text);
    if (account == NULL) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "give a user name or a uid",
                           "author '%s' is no user of this host", text);
    }
    *ret = account->pw_uid;
    return true;
}

static void
print_warnings(const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->warning_count; i++) {
        g_autofree char *safe = svirt_text_printable(domain->warnings[i].text);

        (void)fprintf(stderr, "warning: %s\n", safe);
    }
}

static void
free_error(gpointer error)
{
    g_error_free(error);
}

/* Who may not read the state has no rights to open anything with, either. */
static bool
look_at_files(const SvirtCli *cli, SvirtDomain *domain, uid_t author,
              GPtrArray *warnings, GError **error)
{
    GError *problem = NULL;
    GError *warning = NULL;

    if (svirt_manager_state(cli->manager, SVIRT_STATE_READ, &problem) ==
        NULL) {
        svirt_raise(&warning, SVIRT_ERROR_SYSTEM, problem, "run it as root",
                    "no file that it names was looked at");
        g_ptr_array_add(warnings, warning);
        return true;
    }
    return svirt_define_check(cli->manager, domain, author, time(NULL),
                              warnings, error);
}

static bool
validate(const SvirtCli *cli, SvirtDomain **given, uid_t author,
         const char *file, GPtrArray *warnings, GError **error)
{
    g_autoptr(SvirtResourceList) resources = NULL;
    SvirtDomain *domain;
    size_t count;

    if (!svirt_define_complete(cli->manager, given, author, error)) {
        return false;
    }
    domain = *given;
    if (!svirt_resource_list_from_domain(domain, &resources, error) ||
        !svirt_qemu_validate(domain, error) ||
        !look_at_files(cli, domain, author, warnings, error)) {
        return false;
    }
    svirt_notices_print(warnings);
    if (cli->json) {
        g_autofree char *json = svirt_resource_list_to_json(resources);

        (void)fputs(json, stdout);
    }
    count = resources->count + resources->withheld_count;
    svirt_cli_say(cli, "%s validates: domain '%s', %zu resource%s%s", file,
                  domain->name, count, count == 1 ? "" : "s",
                  domain->obstacle_count > 0 ? "; it will not start" : "");
    return true;
}

static void
free_fault(gpointer fault)
{
    svirt_domain_fault_free(fault);
}

static void
print_faults_json(const GPtrArray *faults, const GError *problem)
{
    json_t *list = json_array();

    for (guint i = 0; i < faults->len; i++) {
        const SvirtDomainFault *fault = faults->pdata[i];
        json_t *item = svirt_notice_to_json(fault->error);

        json_object_set_new(item, "line", json_integer(fault->line));
        json_array_append_new(list, item);
    }
    if (faults->len == 0) {
        json_array_append_new(list, svirt_notice_to_json(problem));
    }
    svirt_json_print(json_pack("{s:o}", "faults", list));
}

/* All of them, so that a definition is mended in one round. */
static bool
report_faults(const SvirtCli *cli, const GPtrArray *faults, GError *problem,
              int *ret_exit, GError **error)
{
    if (cli->json) {
        print_faults_json(faults, problem);
    }
    if (faults->len < 2) {
        g_propagate_error(error, problem);
        return false;
    }
    for (guint i = 0; i < faults->len; i++) {
        const SvirtDomainFault *fault = faults->pdata[i];
        g_autofree char *text = svirt_error_render(fault->error);

        (void)fputs(text, stderr);
    }
    if (faults->len == SVIRT_DOMAIN_FAULTS_MAX) {
        (void)fprintf(stderr, "error: there may be more; %u are listed\n",
                      faults->len);
    }
    *ret_exit = svirt_error_exit_code(problem);
    g_error_free(problem);
    return true;
}

bool
svirt_cmd_define(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *file = svirt_arguments_text(cli->args, "file");
    const char *shown = strcmp(file, "-") == 0 ? "standard input" : file;
    g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(free_error);
    g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(free_fault);
    g_autoptr(SvirtDomain) domain = NULL;
    g_autofree char *text = NULL;
    GError *problem = NULL;
    SvirtDefined outcome;
    size_t length = 0;
    uid_t author = 0;

    if (!parse_author(svirt_arguments_text(cli->args, "author"), &author,
                      error) ||
        !svirt_cli_read_input(file, &text, &length, error)) {
        return false;
    }
    if (!svirt_domain_parse_all(text, length, shown, &domain, faults,
                                &problem)) {
        return report_faults(cli, faults, problem, ret_exit, error);
    }
    if (!svirt_volumes_complete(svirt_manager_connection(cli->manager),
                                domain, error)) {
        return false;
    }
    print_warnings(domain);
    svirt_obstacles_print(domain);
    if (svirt_arguments_flag(cli->args, "validate")) {
        return validate(cli, &domain, author, shown, warnings, &problem) ||
               report_faults(cli, faults, problem, ret_exit, error);
    }
    if (!svirt_define(cli->manager, &domain, author, time(NULL), &outcome,
                      warnings, error)) {
        return false;
    }
    svirt_notices_print(warnings);
    svirt_cli_done(cli, domain->name, "Domain '%s' %s from %s", domain->name,
                   svirt_defined_to_string(outcome), shown);
    return true;
}

/* A guest's boot entries do not go by the way. */
static bool
allow_nvram(const SvirtCli *cli, const SvirtDefinition *definition,
            GError **error)
{
    return svirt_arguments_flag(cli->args, "nvram") ||
           !svirt_nvram_exists(svirt_manager_connection(cli->manager),
                               &definition->uuid) ||
           svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                       "give --nvram to remove them too",
                       "domain '%s' keeps variables of its firmware",
                       definition->name);
}

bool
svirt_cmd_undefine(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error)) {
        return false;
    }
    if (svirt_arguments_flag(cli->args, "if-transient")) {
        return svirt_transient_end(cli->manager, definition, error);
    }
    if (!allow_nvram(cli, definition, error) ||
        !svirt_undefine(cli->manager, definition,
                        svirt_arguments_flag(cli->args, "keep-labels")
                            ? SVIRT_UNDEFINE_KEEPING_LABELS
                            : SVIRT_UNDEFINE_WHOLLY,
                        &rows, error)) {
        return false;
    }
    svirt_cli_print_restored(cli, rows);
    svirt_cli_say(cli, "Domain '%s' has been undefined", definition->name);
    return true;
}

bool
svirt_cmd_dumpxml(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autofree char *xml = NULL;

    (void)ret_exit;
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_live_print(cli->manager, definition,
                          svirt_arguments_flag(cli->args, "inactive"),
                          svirt_arguments_flag(cli->args, "security-info"),
                          &xml, error)) {
        return false;
    }
    (void)fputs(xml, stdout);
    return true;
}
