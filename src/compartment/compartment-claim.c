/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/compartment-private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "compartment/uid-use.h"
#include "label/context.h"
#include "label/derive.h"
#include "label/level.h"
#include "state/doi.h"

/* A policy with few categories and a host with many VMs: what it may take. */
#define MAX_ATTEMPTS 100000u

/*
 * systemd's, or D-Bus's on hosts without it. A host that has neither gets a
 * name of its own once: the key file keeps it from then on.
 */
static char *
machine_id(void)
{
    static const char *const files[] = { "/etc/machine-id",
                                         "/var/lib/dbus/machine-id" };
    char text[SVIRT_UUID_TEXT + 1];
    SvirtUuid random;

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        if (svirt_read_small(AT_FDCWD, files[i], text, sizeof(text)) >= 32) {
            return g_strdup(g_strstrip(text));
        }
    }
    svirt_uuid_generate(&random);
    svirt_uuid_format(&random, text);
    return g_strdup(text);
}

static bool
open_key(const SvirtConnection *connection, SvirtDoi **ret, GError **error)
{
    g_autofree char *directory =
        g_build_filename(connection->config_dir, "doi", NULL);
    g_autofree char *machine = machine_id();
    SVIRT_AUTO_FD fd = -1;

    return svirt_connection_open_dir(connection->config_dir, true, &fd,
                                     error) &&
           svirt_doi_open(directory, NULL, machine, ret, error);
}

static bool
claim_set(SvirtState *state, const SvirtOwner *owner,
          const SvirtCategorySet *set, GError **error)
{
    const SvirtLevel level = { .sensitivity = 0, .categories = *set };
    g_autofree char *text = svirt_level_format(&level);
    g_autoptr(SvirtClaim) claim = NULL;

    claim = svirt_claim_new(owner, SVIRT_MODEL_SELINUX,
                            SVIRT_COMPARTMENT_TYPE, text);
    claim->has_categories = true;
    claim->categories = *set;
    return svirt_claims_add(state, claim, error);
}

/*
 * The set is the UUID's wherever the range allows 2^64 of them; a policy with
 * fewer than 68 categories gets the first that nobody has.
 */
static bool
claim_categories(SvirtState *state, const SvirtConnection *connection,
                 const SvirtOwner *owner, SvirtCategorySet *ret,
                 GError **error)
{
    SvirtCategoryRange range;
    g_autoptr(SvirtDoi) doi = NULL;
    g_autoptr(SvirtDeriver) deriver = NULL;
    uint64_t attempts;

    if (!svirt_compartment_range(&range, error) ||
        !open_key(connection, &doi, error) ||
        !svirt_deriver_new(doi->key, &range, SVIRT_DERIVE_CLAIMED, &deriver,
                           error)) {
        return false;
    }
    attempts = svirt_deriver_mode(deriver) == SVIRT_DERIVE_DERIVED
                   ? 1
                   : svirt_deriver_set_count(deriver);
    for (uint64_t i = 0; i < MIN(attempts, MAX_ATTEMPTS); i++) {
        g_autoptr(GError) taken = NULL;

        svirt_deriver_candidate(deriver, &owner->uuid, i, ret);
        if (claim_set(state, owner, ret, &taken)) {
            return true;
        }
        if (attempts == 1 ||
            !g_error_matches(taken, SVIRT_ERROR, SVIRT_ERROR_EXISTS)) {
            g_propagate_error(error, g_steal_pointer(&taken));
            return false;
        }
    }
    return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                       "undefine VMs, or load a policy with c0.c1023",
                       "the loaded policy's categories c%u.c%u are all taken",
                       range.first, range.last);
}

/* As the definition spells it: others may spell out the same one. */
static bool
claim_static(SvirtState *state, const SvirtOwner *owner, const char *label,
             GError **error)
{
    g_autoptr(SvirtContext) context = NULL;
    g_autoptr(SvirtClaim) claim = NULL;

    if (!svirt_context_parse(label, &context, error)) {
        return false;
    }
    claim = svirt_claim_new(owner, SVIRT_MODEL_SELINUX, context->type, label);
    claim->shared = true;
    if (context->has_range) {
        claim->has_categories = true;
        claim->categories = context->range.high.categories;
    }
    return svirt_claims_add(state, claim, error);
}

static bool
find_categories(SvirtState *state, const SvirtConnection *connection,
                const SvirtOwner *owner, const SvirtDomain *domain,
                SvirtCategorySet *ret, GError **error)
{
    const SvirtSeclabel *seclabel =
        svirt_compartment_seclabel(domain, SVIRT_MODEL_SELINUX);
    g_autoptr(SvirtClaim) present = NULL;
    SvirtCategoryRange range;

    if (seclabel != NULL && seclabel->type == SVIRT_SECLABEL_STATIC) {
        svirt_category_set_clear(ret);
        return claim_static(state, owner, seclabel->label, error);
    }
    if (!svirt_compartment_range(&range, error) ||
        !svirt_claims_find(state, &owner->uuid, SVIRT_MODEL_SELINUX, &present,
                           error)) {
        return false;
    }
    if (present != NULL && present->has_categories && !present->shared &&
        svirt_category_set_next(&present->categories, 0) >= range.first &&
        svirt_category_set_next(&present->categories, range.last + 1) ==
            SVIRT_CATEGORY_MAX &&
        present->owner.incarnation == owner->incarnation &&
        present->owner.author == owner->author) {
        *ret = present->categories;
        return true;
    }
    return claim_categories(state, connection, owner, ret, error);
}

static bool
has_block(SvirtState *state, const SvirtConfig *config,
          const SvirtDefinition *definition, bool *ret_has, uid_t *ret_first,
          GError **error)
{
    g_autoptr(SvirtClaim) claim = NULL;

    if (!svirt_claims_find(state, &definition->uuid, SVIRT_MODEL_DAC, &claim,
                           error)) {
        return false;
    }
    *ret_has = claim != NULL &&
               svirt_compartment_block_is_usable(claim, config, definition);
    if (*ret_has) {
        *ret_first = claim->uid_first;
    }
    return true;
}

/*
 * Before the writers' lock is held. A VM that starts meanwhile has claimed its
 * uids, which is asked for under the lock.
 */
bool
svirt_compartment_look(SvirtState *state, const SvirtConfig *config,
                       const SvirtDefinition *definition,
                       SvirtUidUse **ret_use, GError **error)
{
    uid_t first;
    bool has;

    return has_block(state, config, definition, &has, &first, error) &&
           (has || svirt_uid_use_read(state, "", config->uid_first,
                                      config->uid_last, ret_use, error));
}

/* `use` NULL: it was seen to have a block, which only its undefining, with
 * this definition, could have taken. */
static bool
find_block(SvirtState *state, const SvirtConnection *connection,
           const SvirtConfig *config, const SvirtDefinition *definition,
           const SvirtOwner *owner, SvirtUidUse *use, uid_t *ret_first,
           GError **error)
{
    GError *problem = NULL;
    bool has;

    if (!has_block(state, config, definition, &has, ret_first, error)) {
        return false;
    }
    if (!has && use == NULL) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL, "try again",
                           "the claims of '%s' were removed meanwhile",
                           definition->name);
    }
    if (!has && connection->embedded &&
        !svirt_claims_uid_start(state, config->uid_first, config->uid_last,
                                g_str_hash(connection->state_dir), error)) {
        return false;
    }
    if (has || svirt_claims_uid_block(state, owner, config->uid_first,
                                      config->uid_last, svirt_uid_use_has,
                                      use, ret_first, &problem)) {
        return has || svirt_uid_use_check(use, error);
    }
    /* What cannot be looked at counts as in use: why is the better reason. */
    if (svirt_uid_use_check(use, error)) {
        g_propagate_error(error, problem);
    } else {
        g_clear_error(&problem);
    }
    return false;
}

/*
 * One row for DAC holds both: the label the VMM runs as, and the block whose
 * uids its monitor and helper run as even when that label is a static one.
 */
static bool
claim_dac(SvirtState *state, const SvirtOwner *owner, uid_t first,
          const SvirtDacLabel *static_dac, GError **error)
{
    const SvirtDacLabel own = { .uid = first, .gid = first };
    g_autofree char *text =
        svirt_dac_label_format(static_dac != NULL ? static_dac : &own);
    g_autoptr(SvirtClaim) claim =
        svirt_claim_new(owner, SVIRT_MODEL_DAC, "", text);

    claim->shared = static_dac != NULL;
    claim->uid_first = first;
    claim->uid_count = SVIRT_UID_BLOCK;
    return svirt_claims_add(state, claim, error);
}

bool
svirt_compartment_claim_within(SvirtState *state,
                               const SvirtConnection *connection,
                               const SvirtConfig *config,
                               const SvirtDefinition *definition,
                               const SvirtDomain *domain, SvirtUidUse *use,
                               SvirtCompartment **ret, GError **error)
{
    const SvirtOwner owner = { .uuid = definition->uuid,
                               .incarnation = definition->incarnation,
                               .author = definition->author };
    SvirtCategorySet categories;
    SvirtDacLabel label;
    bool is_static;
    uid_t first;

    if (!svirt_compartment_check_author(definition, domain, error) ||
        !svirt_compartment_static_dac(config, definition, domain, &is_static,
                                      &label, error) ||
        !find_categories(state, connection, &owner, domain, &categories,
                         error) ||
        !find_block(state, connection, config, definition, &owner, use,
                    &first, error) ||
        !claim_dac(state, &owner, first, is_static ? &label : NULL, error)) {
        return false;
    }
    *ret = svirt_compartment_build(definition, domain, first, &categories,
                                   is_static ? &label : NULL);
    return true;
}

bool
svirt_compartment_claim(SvirtState *state, const SvirtConnection *connection,
                        const SvirtConfig *config,
                        const SvirtDefinition *definition,
                        const SvirtDomain *domain, SvirtCompartment **ret,
                        GError **error)
{
    SVIRT_AUTO_ROLLBACK *transaction = NULL;
    g_autoptr(SvirtUidUse) use = NULL;
    g_autoptr(SvirtCompartment) compartment = NULL;

    if (!svirt_compartment_look(state, config, definition, &use, error) ||
        !svirt_state_begin(state, error)) {
        return false;
    }
    transaction = state;
    if (!svirt_compartment_claim_within(state, connection, config, definition,
                                        domain, use, &compartment, error) ||
        !svirt_state_commit(state, error)) {
        return false;
    }
    *ret = g_steal_pointer(&compartment);
    return true;
}
