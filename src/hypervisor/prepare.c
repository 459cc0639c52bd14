/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/prepare.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "compartment/relabel-apply.h"
#include "hypervisor/commandline.h"
#include "hypervisor/nvram.h"
#include "state/chains.h"
#include "state/waivers.h"

static void
free_disk(gpointer disk)
{
    svirt_disk_images_free(disk);
}

static void
free_waiver(gpointer waiver)
{
    svirt_waiver_free(waiver);
}

static void
free_error(gpointer error)
{
    g_error_free(error);
}

static void
free_object(SvirtObject **object)
{
    if (*object != NULL) {
        svirt_object_free(*object);
    }
}

void
svirt_prepared_free(SvirtPrepared *prepared)
{
    if (prepared == NULL) {
        return;
    }
    /* The plan borrows objects, the compartment's and disks' owners. */
    if (prepared->plan != NULL) {
        svirt_relabel_plan_free(prepared->plan);
    }
    svirt_compartment_free(prepared->compartment);
    free_object(&prepared->kernel);
    free_object(&prepared->initrd);
    free_object(&prepared->loader);
    free_object(&prepared->emulator);
    if (prepared->made != NULL) {
        (void)unlink(prepared->made);
        g_free(prepared->made);
    }
    g_ptr_array_unref(prepared->disks);
    g_clear_pointer(&prepared->nets, g_ptr_array_unref);
    g_ptr_array_unref(prepared->waivers);
    g_clear_pointer(&prepared->warnings, g_ptr_array_unref);
    svirt_refusal_facts_free(prepared->facts);
    svirt_credentials_free(prepared->author);
    svirt_domain_free(prepared->domain);
    g_free(prepared);
}

SvirtRefusals
svirt_prepared_refusals(const SvirtPrepared *prepared, SvirtState *state)
{
    return (SvirtRefusals){
        .facts = prepared->facts,
        .state = state,
        .definition = prepared->definition,
        .now_s = prepared->now_s,
        .waivers = prepared->waivers,
    };
}

static bool
is_chain_of(const SvirtChain *chain, const char *path)
{
    const SvirtChainMember *active =
        chain->members->len > 0 ? chain->members->pdata[0] : NULL;

    return active != NULL && path != NULL && strcmp(active->path, path) == 0;
}

/* What was recorded of this file while it was the disk of another target. */
static bool
chain_of_path(SvirtState *state, const SvirtUuid *uuid, const char *path,
              SvirtChain **ret, GError **error)
{
    g_autoptr(GPtrArray) records = NULL;

    *ret = NULL;
    if (!svirt_chains_list(state, uuid, &records, error)) {
        return false;
    }
    for (unsigned i = 0; i < records->len && *ret == NULL; i++) {
        const SvirtChainRecord *record = records->pdata[i];
        g_autoptr(SvirtChain) chain = NULL;

        if (!svirt_chain_from_json(record->json, &chain, error)) {
            return false;
        }
        if (is_chain_of(chain, path)) {
            *ret = g_steal_pointer(&chain);
        }
    }
    return true;
}

bool
svirt_prepared_recorded_chain(SvirtState *state, const SvirtUuid *uuid,
                              const SvirtDisk *disk, SvirtChain **ret,
                              GError **error)
{
    const char *path = disk->images[0].path;
    g_autoptr(SvirtChain) chain = NULL;
    g_autofree char *json = NULL;

    if (!svirt_chains_get(state, uuid, disk->target, &json, error) ||
        (json != NULL && !svirt_chain_from_json(json, &chain, error))) {
        return false;
    }
    if (chain != NULL && is_chain_of(chain, path)) {
        *ret = g_steal_pointer(&chain);
        return true;
    }
    return chain_of_path(state, uuid, path, ret, error);
}

/* May the start deal with it? Then it is the caller's no longer. */
bool
svirt_prepared_put_off(SvirtPrepared *prepared, SvirtPrepareMode mode,
                       bool can_be_waived, GError *problem)
{
    if (mode == SVIRT_PREPARE_LOOK) {
        g_ptr_array_add(prepared->warnings, problem);
        return true;
    }
    if (mode != SVIRT_PREPARE_DEFINE) {
        return false;
    }
    if (g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND) ||
        (can_be_waived &&
         g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_REFUSED))) {
        g_prefix_error(&problem, "the start will fail: ");
        g_ptr_array_add(prepared->warnings, problem);
        return true;
    }
    return false;
}

static bool
open_disks(SvirtPrepared *prepared, SvirtState *state, SvirtPrepareMode mode,
           GError **error)
{
    const SvirtDomain *domain = prepared->domain;
    SvirtRefusals refusals = svirt_prepared_refusals(prepared, state);

    for (size_t i = 0; i < domain->disk_count; i++) {
        SvirtChain *recorded = NULL;
        SvirtDiskImages *images = NULL;
        GError *problem = NULL;
        bool can_be_waived = false;

        refusals.can_be_waived = &can_be_waived;
        /* A guest may have written the header since: defining anew, of which
           any word may be the reason, does not accept that. */
        if (mode != SVIRT_PREPARE_ACCEPT &&
            !svirt_prepared_recorded_chain(
                state, &prepared->definition->uuid, &domain->disks[i],
                &recorded, error)) {
            return false;
        }
        if (!svirt_disk_images_open(&refusals, prepared->author,
                                    &domain->disks[i], recorded, &images,
                                    &problem) &&
            !svirt_prepared_put_off(prepared, mode, can_be_waived,
                                    problem)) {
            g_propagate_error(error, problem);
            return false;
        }
        if (images != NULL && images->chain != NULL) {
            svirt_prepared_warn_of_images(prepared, images);
        }
        g_ptr_array_add(prepared->disks, images);
    }
    return true;
}

typedef struct BootFile {
    const char *what;
    const char *path;
    unsigned line;
    SvirtRefusalUse use;
} BootFile;

static bool
open_boot_file(SvirtPrepared *prepared, SvirtState *state,
               const BootFile *file, SvirtPrepareMode mode, SvirtObject **ret,
               GError **error)
{
    SvirtRefusals refusals = svirt_prepared_refusals(prepared, state);
    g_autoptr(SvirtObject) object = NULL;
    SVIRT_AUTO_FD fd = -1; /* of no use but to know that the author may */
    bool can_be_waived = false;
    GError *problem = NULL;
    GError *cause = NULL;

    if (file->path == NULL) {
        return true;
    }
    refusals.can_be_waived = &can_be_waived;
    if (svirt_object_open(file->path, prepared->author,
                          SVIRT_OBJECT_WANT(REGULAR), SVIRT_OBJECT_NO_IDENTITY,
                          &object, &cause) &&
        svirt_refusals_check(&refusals, object, file->path, NULL, file->use,
                             &cause) &&
        svirt_object_reopen(object, prepared->author, O_RDONLY, &fd,
                            &cause)) {
        *ret = g_steal_pointer(&object);
        return true;
    }
    svirt_refusals_raise_use(&problem, cause, file->what, file->path,
                             file->line);
    if (svirt_prepared_put_off(prepared, mode, can_be_waived, problem)) {
        return true;
    }
    g_propagate_error(error, problem);
    return false;
}

/*
 * The launch binds the emulator into the VM's root by its name. What root
 * alone may replace cannot be swapped between the look and the bind.
 */
static bool
refuse_own_emulator(const SvirtPrepared *prepared, GError **error)
{
    g_autofree char *path = NULL;

    if (prepared->author == NULL || prepared->emulator == NULL) {
        return true;
    }
    path = svirt_object_current_path(prepared->emulator);
    return (path != NULL && g_str_has_prefix(path, "/usr/")) ||
           svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                       "use an emulator below /usr",
                       "line %u: emulator '%s' is not the host's own, and the "
                       "author of domain '%s' is not root",
                       prepared->domain->emulator_line,
                       prepared->emulator->shown_path,
                       prepared->definition->name);
}

static bool
open_boot_files(SvirtPrepared *prepared, SvirtState *state,
                SvirtPrepareMode mode, GError **error)
{
    const SvirtDomain *domain = prepared->domain;
    BootFile kernel = { "kernel", domain->os.kernel, domain->os.kernel_line,
                        SVIRT_REFUSAL_USE_BOOT };
    BootFile initrd = { "initrd", domain->os.initrd, domain->os.initrd_line,
                        SVIRT_REFUSAL_USE_BOOT };
    BootFile loader = { "loader", domain->os.loader, domain->os.loader_line,
                        SVIRT_REFUSAL_USE_BOOT };
    BootFile emulator = { "emulator", svirt_qemu_emulator(domain),
                          domain->emulator_line, SVIRT_REFUSAL_USE_EMULATOR };

    return open_boot_file(prepared, state, &kernel, mode, &prepared->kernel,
                          error) &&
           open_boot_file(prepared, state, &initrd, mode, &prepared->initrd,
                          error) &&
           open_boot_file(prepared, state, &loader, mode, &prepared->loader,
                          error) &&
           open_boot_file(prepared, state, &emulator, mode,
                          &prepared->emulator, error) &&
           refuse_own_emulator(prepared, error);
}

static bool
find_compartment(SvirtManager *manager, SvirtPrepared *prepared,
                 const SvirtConfig *config, GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, error);

    if (state == NULL ||
        !svirt_compartment_find(state, config, prepared->definition,
                                prepared->domain, &prepared->compartment,
                                error)) {
        return false;
    }
    if (prepared->compartment != NULL) {
        return true;
    }
    state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    return state != NULL &&
           svirt_compartment_claim(state, svirt_manager_connection(manager),
                                   config, prepared->definition,
                                   prepared->domain, &prepared->compartment,
                                   error);
}

static bool
plan_labels(SvirtPrepared *prepared, GError **error)
{
    g_autoptr(GArray) items =
        g_array_new(FALSE, TRUE, sizeof(SvirtRelabelItem));

    for (unsigned i = 0; i < prepared->disks->len; i++) {
        const SvirtDiskImages *disk = prepared->disks->pdata[i];

        for (unsigned j = 0; disk != NULL && j < disk->images->len; j++) {
            const SvirtImage *image = disk->images->pdata[j];
            SvirtRelabelItem item = {
                .object = image->object,
                .kind = svirt_disk_images_kind(image->role),
                .access = image->access,
                .target = disk->disk->target,
            };

            if (j < disk->disk->image_count) {
                item.seclabels = disk->disk->images[j].seclabels;
            }
            g_array_append_val(items, item);
        }
    }
    return svirt_relabel_plan_new(prepared->compartment,
                                  (const SvirtRelabelItem *)(void *)items->data,
                                  items->len, &prepared->plan, error);
}

bool
svirt_prepared_new(const SvirtDefinition *definition, int64_t now_s,
                   SvirtPrepared **ret, GError **error)
{
    g_autoptr(SvirtPrepared) prepared = g_new0(SvirtPrepared, 1);

    prepared->definition = definition;
    prepared->now_s = now_s;
    prepared->disks = g_ptr_array_new_with_free_func(free_disk);
    prepared->waivers = g_ptr_array_new_with_free_func(free_waiver);
    prepared->warnings = g_ptr_array_new_with_free_func(free_error);
    if (!svirt_manager_parse(definition, &prepared->domain, error)) {
        return false;
    }
    *ret = g_steal_pointer(&prepared);
    return true;
}

bool
svirt_prepared_plan_nets(SvirtManager *manager, SvirtPrepared *prepared,
                         SvirtPrepareMode mode, GError **error)
{
    return svirt_nets_plan(svirt_manager_connection(manager), prepared->domain,
                           prepared->definition->author,
                           mode == SVIRT_PREPARE_DEFINE ? prepared->warnings
                                                        : NULL,
                           &prepared->nets, error);
}

bool
svirt_prepared_open(SvirtManager *manager, SvirtPrepared *prepared,
                    SvirtPrepareMode mode, GError **error)
{
    const SvirtConfig *config = svirt_manager_config(manager, error);
    const SvirtDefinition *definition = prepared->definition;
    SvirtState *state;

    if (config == NULL ||
        (definition->author != 0 &&
         !svirt_credentials_for_uid(definition->author, &prepared->author,
                                    error)) ||
        !svirt_refusal_facts_new(svirt_manager_connection(manager), config,
                                 &prepared->facts, error)) {
        return false;
    }
    state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    return state != NULL && open_disks(prepared, state, mode, error) &&
           svirt_nvram_open(manager, prepared, state, mode, error) &&
           svirt_commandline_check(prepared, state, mode, error) &&
           (mode == SVIRT_PREPARE_LOOK ||
            open_boot_files(prepared, state, mode, error));
}

bool
svirt_prepared_label(SvirtManager *manager, SvirtPrepared *prepared,
                     SvirtUidUse *use, bool within, GError **error)
{
    const SvirtConfig *config = svirt_manager_config(manager, error);
    SvirtState *state;

    if (config == NULL) {
        return false;
    }
    if (!within) {
        return find_compartment(manager, prepared, config, error) &&
               plan_labels(prepared, error);
    }
    state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    return state != NULL &&
           svirt_compartment_claim_within(
               state, svirt_manager_connection(manager), config,
               prepared->definition, prepared->domain, use,
               &prepared->compartment, error) &&
           plan_labels(prepared, error);
}

bool
svirt_prepare(SvirtManager *manager, const SvirtDefinition *definition,
              SvirtPrepareMode mode, int64_t now_s, SvirtPrepared **ret,
              GError **error)
{
    g_autoptr(SvirtPrepared) prepared = NULL;

    if (!svirt_prepared_new(definition, now_s, &prepared, error) ||
        !svirt_prepared_open(manager, prepared, mode, error) ||
        (mode != SVIRT_PREPARE_LOOK &&
         !svirt_prepared_label(manager, prepared, NULL, false, error))) {
        return false;
    }
    *ret = g_steal_pointer(&prepared);
    return true;
}

static bool
has_new_chain(const SvirtPrepared *prepared)
{
    for (unsigned i = 0; i < prepared->disks->len; i++) {
        const SvirtDiskImages *disk = prepared->disks->pdata[i];

        if (disk != NULL && disk->chain != NULL && !disk->recorded) {
            return true;
        }
    }
    return false;
}

static bool
record_chains(SvirtState *state, const SvirtPrepared *prepared,
              GError **error)
{
    for (unsigned i = 0; i < prepared->disks->len; i++) {
        const SvirtDiskImages *disk = prepared->disks->pdata[i];
        g_autofree char *json = NULL;

        if (disk == NULL || disk->chain == NULL || disk->recorded) {
            continue;
        }
        json = svirt_chain_to_json(disk->chain);
        if (!svirt_chains_put(state, &prepared->definition->uuid,
                              disk->disk->target, json, error)) {
            return false;
        }
    }
    return true;
}

bool
svirt_prepared_record_within(SvirtState *state, const SvirtPrepared *prepared,
                             GError **error)
{
    return record_chains(state, prepared, error) &&
           svirt_relabel_claim(state, prepared->plan, error);
}

bool
svirt_prepared_record(SvirtManager *manager, const SvirtPrepared *prepared,
                      GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    bool needed = has_new_chain(prepared);

    if (state == NULL ||
        (!needed && !svirt_relabel_is_needed(state, prepared->plan, &needed,
                                             error))) {
        return false;
    }
    if (!needed) {
        return true;
    }
    state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    if (state == NULL || !svirt_state_begin(state, error)) {
        return false;
    }
    if (!svirt_prepared_record_within(state, prepared, error)) {
        svirt_state_rollback(state);
        return false;
    }
    return svirt_state_commit(state, error);
}
