/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/define.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "hypervisor/emulator.h"
#include "hypervisor/firmware.h"
#include "hypervisor/hardware.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/nvram.h"
#include "hypervisor/output-file.h"
#include "hypervisor/prepare.h"
#include "hypervisor/qemu.h"
#include "hypervisor/run-dir.h"
#include "hypervisor/runtime.h"
#include "hypervisor/volume.h"
#include "state/autostart.h"

SVIRT_ENUM_TABLE(SvirtDefined, svirt_defined, SVIRT_DEFINED_MAX,
                 [SVIRT_DEFINED_NEW] = "defined",
                 [SVIRT_DEFINED_CHANGED] = "redefined",
                 [SVIRT_DEFINED_UNCHANGED] = "unchanged")

/* NULL in *ret when the UUID is not defined yet. */
static bool
find_former(SvirtState *state, const SvirtUuid *uuid, SvirtDefinition **ret,
            GError **error)
{
    GError *problem = NULL;

    if (svirt_definitions_by_uuid(state, uuid, ret, &problem)) {
        return true;
    }
    if (!g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, problem);
        return false;
    }
    g_clear_error(&problem);
    *ret = NULL;
    return true;
}

/*
 * Until the end: a start must not run what this takes its claims from. What is
 * new stays new: to find it defined after all is an error.
 */
static bool
hold_run(SvirtManager *manager, const SvirtDefinition *definition,
         SvirtDefinition **former, SvirtRunDir *ret, GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);

    if (*former == NULL && !svirt_run_dir_exists(manager, &definition->uuid)) {
        return true;
    }
    g_clear_pointer(former, svirt_definition_free);
    return state != NULL &&
           svirt_run_dir_hold(manager, definition, " and cannot be redefined",
                              ret, error) &&
           find_former(state, &definition->uuid, former, error);
}

/*
 * The definition, its uids and labels, the chains of its disks and the claims
 * on them: all or nothing, and durable with one commit.
 */
static bool
store(SvirtManager *manager, SvirtState *state, SvirtDefinition *definition,
      bool replace, SvirtPrepared *prepared, SvirtUidUse *use, GError **error)
{
    if (!svirt_state_begin(state, error)) {
        return false;
    }
    if (!(replace ? svirt_definitions_replace(state, definition, error)
                  : svirt_definitions_add(state, definition, error)) ||
        !svirt_prepared_label(manager, prepared, use, true, error) ||
        !svirt_prepared_record_within(state, prepared, error)) {
        svirt_state_rollback(state);
        return false;
    }
    return svirt_state_commit(state, error);
}

static bool
name_domain(SvirtDomain *domain, SvirtUuid *ret_uuid, GError **error)
{
    if (domain->uuid_given && svirt_uuid_is_program(&domain->uuid)) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "leave <uuid> out: one is made",
                           "the UUID of domain '%s' is one of svirt exec's",
                           domain->name);
    }
    *ret_uuid = domain->uuid;
    if (!domain->uuid_given) {
        svirt_uuid_generate(ret_uuid);
        svirt_domain_set_uuid(domain, ret_uuid);
    }
    return true;
}

/* What `svirt create` made for one run stays from here on. */
static bool
keep(SvirtManager *manager, const SvirtUuid *uuid, GError **error)
{
    return svirt_transient_write(svirt_manager_connection(manager), uuid,
                                 false, error);
}

/*
 * The definition is there already. One that was to go at the end of its run
 * stays from now on, unless it goes at this moment: svirt_undefine asks once
 * more when the state is its own. *ret false: it is not there any more.
 */
static bool
keep_unchanged(SvirtManager *manager, SvirtState *state,
               const SvirtUuid *uuid, bool *ret, GError **error)
{
    g_autoptr(SvirtDefinition) present = NULL;
    bool transient;
    bool ok;

    *ret = true;
    if (!svirt_transient_read(svirt_manager_connection(manager), uuid,
                              &transient, error)) {
        return false;
    }
    if (!transient) {
        return true;
    }
    if (!svirt_state_begin(state, error)) {
        return false;
    }
    ok = find_former(state, uuid, &present, error) &&
         (present == NULL || keep(manager, uuid, error));
    svirt_state_rollback(state);
    *ret = present != NULL;
    return ok;
}

/* Files are opened, and the host is looked at, before other writers have to
 * wait: an author's file system may take its time. */
static bool
open_all(SvirtManager *manager, const SvirtDefinition *definition,
         int64_t now_s, SvirtPrepared **ret, GError **error)
{
    g_autoptr(SvirtPrepared) prepared = NULL;

    if (!svirt_prepared_new(definition, now_s, &prepared, error) ||
        !svirt_prepared_plan_nets(manager, prepared, SVIRT_PREPARE_DEFINE,
                                  error) ||
        !svirt_prepared_open(manager, prepared, SVIRT_PREPARE_DEFINE,
                             error)) {
        return false;
    }
    *ret = g_steal_pointer(&prepared);
    return true;
}

static void
give_warnings(SvirtPrepared *prepared, GPtrArray *ret_warnings)
{
    if (ret_warnings != NULL) {
        g_ptr_array_extend_and_steal(ret_warnings,
                                     g_steal_pointer(&prepared->warnings));
    }
}

bool
svirt_define_complete(SvirtManager *manager, SvirtDomain **domain,
                      uid_t author, GError **error)
{
    g_autofree char *machine = NULL;

    if (!svirt_emulator_resolve(manager, *domain, author, &machine, error)) {
        return false;
    }
    svirt_emulator_fix_cpu(manager, *domain, author);
    return svirt_volumes_complete(svirt_manager_connection(manager), *domain,
                                  error) &&
           svirt_firmware_complete(svirt_manager_connection(manager), *domain,
                                   machine, error) &&
           svirt_hardware_assign(domain, machine, error);
}

bool
svirt_define_check(SvirtManager *manager, SvirtDomain *domain, uid_t author,
                   int64_t now_s, GPtrArray *ret_warnings, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtPrepared) prepared = NULL;
    g_autofree char *xml = NULL;
    SvirtUuid uuid;

    if (!name_domain(domain, &uuid, error)) {
        return false;
    }
    xml = svirt_domain_print(domain);
    definition = svirt_definition_new(&uuid, domain->name, author, xml, now_s);
    if (!open_all(manager, definition, now_s, &prepared, error)) {
        return false;
    }
    give_warnings(prepared, ret_warnings);
    return true;
}

bool
svirt_define(SvirtManager *manager, SvirtDomain **domain, uid_t author,
             int64_t now_s, SvirtDefined *ret, GPtrArray *ret_warnings,
             GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDefinition) former = NULL;
    g_autoptr(SvirtPrepared) prepared = NULL;
    g_autoptr(SvirtUidUse) use = NULL;
    const SvirtConfig *config = svirt_manager_config(manager, error);
    g_autofree char *xml = NULL;
    SVIRT_AUTO_RUN_DIR run = SVIRT_RUN_DIR_INIT;
    SvirtUuid uuid;

    if (!name_domain(*domain, &uuid, error) || state == NULL ||
        config == NULL ||
        !svirt_define_complete(manager, domain, author, error) ||
        !svirt_qemu_validate(*domain, error) ||
        !find_former(state, &uuid, &former, error)) {
        return false;
    }
    xml = svirt_domain_print(*domain);
    if (former != NULL && former->author == author &&
        strcmp(former->xml, xml) == 0) {
        bool still;

        if (!keep_unchanged(manager, state, &uuid, &still, error)) {
            return false;
        }
        if (still) {
            *ret = SVIRT_DEFINED_UNCHANGED;
            return true;
        }
        g_clear_pointer(&former, svirt_definition_free);
    }
    definition =
        svirt_definition_new(&uuid, (*domain)->name, author, xml, now_s);
    if (!hold_run(manager, definition, &former, &run, error)) {
        return false;
    }
    if (former != NULL) {
        definition->incarnation = former->incarnation;
    }
    if (!open_all(manager, definition, now_s, &prepared, error) ||
        !svirt_compartment_look(state, config, definition, &use, error) ||
        !store(manager, state, definition, former != NULL, prepared, use,
               error) ||
        !keep(manager, &uuid, error)) {
        return false;
    }
    give_warnings(prepared, ret_warnings);
    *ret = former != NULL ? SVIRT_DEFINED_CHANGED : SVIRT_DEFINED_NEW;
    return true;
}

/* What is left of its runs; who cannot remove it has lost nothing. */
static void
remove_traces(SvirtManager *manager, const SvirtDefinition *definition)
{
    const SvirtConnection *connection = svirt_manager_connection(manager);
    SVIRT_AUTO_FD dir = -1;

    if (svirt_connection_open_dir(connection->log_dir, false, &dir, NULL)) {
        for (unsigned i = 0; i < 2; i++) {
            g_autofree char *name = svirt_log_file_name(
                definition->name, &definition->uuid, i);

            (void)unlinkat(dir, name, 0);
        }
    }
    svirt_runtime_remove_cgroup_parent(connection);
}

/* With the state its own: what a define made stay was written before, or its
 * writer waits and finds nothing. */
static bool
goes(SvirtManager *manager, const SvirtDefinition *definition,
     SvirtUndefine how, bool *ret, GError **error)
{
    *ret = true;
    return how != SVIRT_UNDEFINE_IF_TRANSIENT ||
           svirt_transient_read(svirt_manager_connection(manager),
                                &definition->uuid, ret, error);
}

bool
svirt_undefine(SvirtManager *manager, const SvirtDefinition *definition,
               SvirtUndefine how, GPtrArray **ret_rows, GError **error)
{
    bool keep_labels = how == SVIRT_UNDEFINE_KEEPING_LABELS;
    bool wanted = false;
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    const SvirtAutostart unmarked = { .uuid = definition->uuid };
    g_autoptr(GPtrArray) rows = NULL;
    SVIRT_AUTO_RUN_DIR run = SVIRT_RUN_DIR_INIT;

    /* A start that has begun counts: its VMM would lose its profile. */
    if (state == NULL ||
        !svirt_run_dir_hold(manager, definition, " and cannot be undefined",
                            &run, error) ||
        !svirt_model_labels_forget(manager, definition, error) ||
        (!keep_labels && !svirt_restore_owner(state, &definition->uuid, NULL,
                                              NULL, &rows, error)) ||
        !svirt_state_begin(state, error)) {
        return false;
    }
    if (!goes(manager, definition, how, &wanted, error) ||
        (wanted &&
         !svirt_definitions_remove(state, &definition->uuid, error))) {
        svirt_state_rollback(state);
        return false;
    }
    if (!wanted) {
        svirt_state_rollback(state);
        *ret_rows = rows != NULL ? g_steal_pointer(&rows) : g_ptr_array_new();
        return true;
    }
    if (!svirt_state_commit(state, error) ||
        !svirt_autostart_write(svirt_manager_connection(manager), &unmarked,
                               error) ||
        !svirt_transient_write(svirt_manager_connection(manager),
                               &definition->uuid, false, error) ||
        !svirt_nvram_remove(svirt_manager_connection(manager),
                            &definition->uuid, error)) {
        return false;
    }
    remove_traces(manager, definition);
    *ret_rows = rows != NULL ? g_steal_pointer(&rows) : g_ptr_array_new();
    return true;
}
