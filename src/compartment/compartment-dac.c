/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/compartment-private.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "base/credentials.h"

/* getpwnam_r(3): entries are rarely longer; ERANGE doubles it. */
#define ENTRY_BYTES 4096u
#define ENTRY_BYTES_MAX (1u << 20)

static bool
look_up_user(const char *name, uid_t *ret, void *data)
{
    for (size_t size = ENTRY_BYTES; size <= ENTRY_BYTES_MAX; size *= 2) {
        g_autofree char *buffer = g_malloc(size);
        struct passwd entry;
        struct passwd *found = NULL;
        int result = getpwnam_r(name, &entry, buffer, size, &found);

        if (result == ERANGE) {
            continue;
        }
        if (found == NULL) {
            return false;
        }
        *ret = found->pw_uid;
        return true;
    }
    return false;
}

static bool
look_up_group(const char *name, gid_t *ret, void *data)
{
    for (size_t size = ENTRY_BYTES; size <= ENTRY_BYTES_MAX; size *= 2) {
        g_autofree char *buffer = g_malloc(size);
        struct group entry;
        struct group *found = NULL;
        int result = getgrnam_r(name, &entry, buffer, size, &found);

        if (result == ERANGE) {
            continue;
        }
        if (found == NULL) {
            return false;
        }
        *ret = found->gr_gid;
        return true;
    }
    return false;
}

static const SvirtDacLookup lookup = { .user = look_up_user,
                                       .group = look_up_group };

bool
svirt_compartment_dac_text(const char *text, char **ret_label, GError **error)
{
    SvirtDacLabel label;

    if (!svirt_dac_label_parse(text, &lookup, &label, error)) {
        return false;
    }
    *ret_label = svirt_dac_label_format(&label);
    return true;
}

static bool
raise_label(const SvirtDefinition *definition, const char *text,
            const char *why, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                       "leave the dac <seclabel> out: each VM gets a uid of "
                       "its own",
                       "static DAC label '%.64s' of '%s' %s", text,
                       definition->name, why);
}

/* Nobody but root has a VM run as somebody else. */
static bool
check_author(const SvirtDefinition *definition, const char *text,
             const SvirtDacLabel *label, GError **error)
{
    g_autoptr(SvirtCredentials) author = NULL;
    bool member;

    if (definition->author == 0) {
        return true;
    }
    if (!svirt_credentials_for_uid(definition->author, &author, error)) {
        return false;
    }
    member = label->gid == author->gid;
    for (size_t i = 0; i < author->group_count && !member; i++) {
        member = label->gid == author->groups[i];
    }
    if (label->uid != author->uid || !member) {
        return raise_label(definition, text, "is not its author's own", error);
    }
    return true;
}

bool
svirt_compartment_static_dac(const SvirtConfig *config,
                             const SvirtDefinition *definition,
                             const SvirtDomain *domain, bool *ret_has,
                             SvirtDacLabel *ret_label, GError **error)
{
    const SvirtSeclabel *seclabel =
        svirt_compartment_seclabel(domain, SVIRT_MODEL_DAC);
    SvirtDacLabel label;

    if (seclabel == NULL || seclabel->type != SVIRT_SECLABEL_STATIC) {
        *ret_has = false;
        return true;
    }
    if (!svirt_dac_label_parse(seclabel->label, &lookup, &label, error)) {
        return false;
    }
    if (label.uid == 0 || label.gid == 0) {
        return raise_label(definition, seclabel->label, "is root's", error);
    }
    if ((label.uid >= config->uid_first && label.uid <= config->uid_last) ||
        (label.gid >= config->uid_first && label.gid <= config->uid_last)) {
        return raise_label(definition, seclabel->label,
                           "is in the range svirt gives to VMs", error);
    }
    if (!check_author(definition, seclabel->label, &label, error)) {
        return false;
    }
    *ret_label = label;
    *ret_has = true;
    return true;
}
