/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/command.h"
#include "hypervisor/runtime.h"
#include "compartment/uid-use.h"
#include "keeper/programs.h"
#include "selftest/perform.h"
#include "selftest/qmp-attack.h"
#include "state/claims.h"

#define PROBE_PROGRAM "svirt-probe"
#define CGROUP_PARENT "svirt-selftest"
#define HIGHEST_ABI 64

static const char *
verdict_word(SvirtQmpVerdict verdict)
{
    switch (verdict) {
    case SVIRT_QMP_BLOCKED:
        return "blocked";
    case SVIRT_QMP_BREACH:
        return "BREACH";
    case SVIRT_QMP_BROKEN:
        return "broken";
    case SVIRT_QMP_VERDICT_MAX:
        break;
    }
    g_assert_not_reached();
}

/* From inside one running VM's own QEMU against another. */
static bool
attack(const SvirtCli *cli, const char *from, const char *against,
       int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Attempt", "Target", "Result",
                                           "Blocked by", "QEMU says", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(SvirtDefinition) attacker = NULL;
    g_autoptr(SvirtDefinition) victim = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    if (!svirt_manager_find(cli->manager, from, &attacker, error) ||
        !svirt_manager_find(cli->manager, against, &victim, error) ||
        !svirt_qmp_attack(cli->manager, attacker, victim, &rows, error)) {
        return false;
    }
    for (unsigned i = 0; i < rows->len; i++) {
        const SvirtQmpAttackRow *row = rows->pdata[i];
        const char *const cells[] = { row->what, row->target,
                                      verdict_word(row->verdict), row->layer,
                                      row->answer };

        svirt_table_add_row(table, cells);
    }
    svirt_cli_print_table(cli, table);
    svirt_cli_say(cli, "%u attempts from inside '%s' against '%s': %s",
                  rows->len, attacker->name, victim->name,
                  svirt_qmp_attack_held(rows) ? "all blocked"
                                              : "NOT ALL BLOCKED");
    *ret_exit = svirt_qmp_attack_held(rows) ? 0 : SVIRT_ERROR_UNVERIFIED;
    return true;
}

typedef struct ThrowAway {
    SvirtOwner owner[2];
    SvirtSpecIds ids[2];
} ThrowAway;

static bool
claim_ids(const SvirtCli *cli, ThrowAway *ret, GError **error)
{
    const SvirtConfig *config = svirt_manager_config(cli->manager, error);
    SvirtState *state =
        config != NULL
            ? svirt_manager_state(cli->manager, SVIRT_STATE_WRITE, error)
            : NULL;

    g_autoptr(SvirtUidUse) use = NULL;

    if (state == NULL ||
        !svirt_uid_use_read(state, "", config->uid_first, config->uid_last,
                            &use, error) ||
        !svirt_state_begin(state, error)) {
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        uid_t first = 0;

        svirt_uuid_generate(&ret->owner[i].uuid);
        if (!svirt_claims_uid_block(state, &ret->owner[i], config->uid_first,
                                    config->uid_last, svirt_uid_use_has, use,
                                    &first, error)) {
            svirt_state_rollback(state);
            return false;
        }
        ret->ids[i] = (SvirtSpecIds){ first, first };
    }
    return svirt_state_commit(state, error);
}

/* The uids go back; a failure leaves claims of UUIDs nobody has. */
static void
drop_ids(const SvirtCli *cli, const ThrowAway *throw_away)
{
    SvirtState *state =
        svirt_manager_state(cli->manager, SVIRT_STATE_WRITE, NULL);

    if (state == NULL || !svirt_state_begin(state, NULL)) {
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)svirt_claims_remove_all(state, &throw_away->owner[i].uuid,
                                      NULL);
    }
    (void)svirt_state_commit(state, NULL);
}

static bool
parse_abi(const char *text, int32_t *ret, GError **error)
{
    guint64 number;

    *ret = -1;
    if (text == NULL) {
        return true;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 0, HIGHEST_ABI, &number,
                                    NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give a number, 0 for none",
                           "--landlock-abi '%s' is no ABI", text);
    }
    *ret = (int32_t)number;
    return true;
}

static bool
perform(const SvirtCli *cli, SvirtSelftestRequest *request,
        SvirtSelftest **ret, GError **error)
{
    const SvirtConnection *connection =
        svirt_manager_connection(cli->manager);
    g_autofree char *state_file =
        g_build_filename(connection->state_dir, "state.db", NULL);
    char probe[PATH_MAX];
    ThrowAway ids = { 0 };
    bool ok;

    if (!svirt_program_path("selftest", PROBE_PROGRAM, probe,
                            sizeof(probe))) {
        return svirt_raise_errno(error, errno, "install svirt completely",
                                 "cannot find program '%s'", PROBE_PROGRAM);
    }
    if (!claim_ids(cli, &ids, error)) {
        return false;
    }
    request->probe = probe;
    request->places.state_file = state_file;
    request->attacker = ids.ids[0];
    request->other = ids.ids[1];
    request->cgroup_parent = CGROUP_PARENT;
    if (connection->unprivileged) {
        const SvirtConfig *config =
            svirt_manager_config(cli->manager, NULL);
        bool alike;

        request->user = true;
        request->waived_layers =
            svirt_runtime_user_lacks(config, false, &alike);
    }
    ok = svirt_selftest_perform(request, ret, error);
    drop_ids(cli, &ids);
    return ok;
}

/* On a terminal alone: it takes seconds, with --layers many. */
static void
show_progress(SvirtSelftestMode mode, guint made, guint all)
{
    (void)fprintf(stderr, "\r%s: %u of %u attempts ",
                  mode == SVIRT_SELFTEST_OUTSIDE  ? "outside  "
                  : mode == SVIRT_SELFTEST_INSIDE ? "inside   "
                                                  : "one layer",
                  made, all);
}

static void
end_progress(void)
{
    (void)fprintf(stderr, "\r%40s\r", "");
}

bool
svirt_cmd_selftest(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *from = svirt_arguments_text(cli->args, "from");
    const char *against = svirt_arguments_text(cli->args, "against");
    SvirtSelftestRequest request = {
        .alone = svirt_arguments_flag(cli->args, "layers"),
        .exec = svirt_arguments_flag(cli->args, "exec"),
    };
    g_autoptr(SvirtSelftest) selftest = NULL;
    g_autofree char *report = NULL;
    bool ok;

    if ((from != NULL) != (against != NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "svirt selftest --from web --against db",
                           "--from and --against belong together");
    }
    if (from != NULL) {
        return attack(cli, from, against, ret_exit, error);
    }
    if (!parse_abi(svirt_arguments_text(cli->args, "landlock-abi"),
                   &request.landlock_abi_limit, error)) {
        return false;
    }
    request.tell = isatty(STDERR_FILENO) ? show_progress : NULL;
    ok = perform(cli, &request, &selftest, error);
    if (request.tell != NULL) {
        end_progress();
    }
    if (!ok) {
        return false;
    }
    report = cli->json ? svirt_selftest_report_json(selftest)
                       : svirt_selftest_report_table(selftest);
    (void)fputs(report, stdout);
    *ret_exit = svirt_selftest_exit_code(selftest) == 0
                    ? 0
                    : SVIRT_ERROR_UNVERIFIED;
    return true;
}
