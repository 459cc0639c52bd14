/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/refusal.h"

#include <string.h>
#include <unistd.h>

#include "compartment/refusal-rules.h"
#include "state/waivers.h"

SVIRT_ENUM_TABLE(SvirtRefusalRule, svirt_refusal_rule, SVIRT_REFUSAL_MAX,
                 [SVIRT_REFUSAL_STATE] = "state",
                 [SVIRT_REFUSAL_PSEUDO_FS] = "pseudo-fs",
                 [SVIRT_REFUSAL_MOUNTED_DEVICE] = "mounted-device",
                 [SVIRT_REFUSAL_SWAP_FILE] = "swap-file",
                 [SVIRT_REFUSAL_SYSTEM_DIR] = "system-dir",
                 [SVIRT_REFUSAL_DEVICE] = "device",
                 [SVIRT_REFUSAL_SET_ID] = "set-id",
                 [SVIRT_REFUSAL_HARD_LINK] = "hard-link",
                 [SVIRT_REFUSAL_OTHER_AUTHOR] = "other-author")

SVIRT_ENUM_TABLE(SvirtRefusalUse, svirt_refusal_use, SVIRT_REFUSAL_USE_MAX,
                 [SVIRT_REFUSAL_USE_IMAGE_READ_ONLY] = "read-only image",
                 [SVIRT_REFUSAL_USE_IMAGE_SHARED] = "shared image",
                 [SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE] = "image",
                 [SVIRT_REFUSAL_USE_BOOT] = "boot file",
                 [SVIRT_REFUSAL_USE_EMULATOR] = "emulator",
                 [SVIRT_REFUSAL_USE_OUTPUT] = "output file",
                 [SVIRT_REFUSAL_USE_SOCKET] = "socket",
                 [SVIRT_REFUSAL_USE_DEVICE] = "character device")

bool
svirt_refusal_rule_can_be_waived(SvirtRefusalRule rule)
{
    return rule != SVIRT_REFUSAL_STATE;
}

SvirtRefusalUse
svirt_refusal_use_for(SvirtResourceKind kind, SvirtAccess access)
{
    switch (kind) {
    case SVIRT_RESOURCE_NVRAM:
    case SVIRT_RESOURCE_DISK:
    case SVIRT_RESOURCE_CDROM:
    case SVIRT_RESOURCE_BACKING:
    case SVIRT_RESOURCE_DATA_FILE:
        return access == SVIRT_ACCESS_READ_ONLY
                   ? SVIRT_REFUSAL_USE_IMAGE_READ_ONLY
               : access == SVIRT_ACCESS_SHARED
                   ? SVIRT_REFUSAL_USE_IMAGE_SHARED
                   : SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE;
    case SVIRT_RESOURCE_KERNEL:
    case SVIRT_RESOURCE_INITRD:
    case SVIRT_RESOURCE_LOADER:
        return SVIRT_REFUSAL_USE_BOOT;
    case SVIRT_RESOURCE_EMULATOR:
        return SVIRT_REFUSAL_USE_EMULATOR;
    case SVIRT_RESOURCE_CHARDEV_FILE:
    case SVIRT_RESOURCE_CHARDEV_LOG:
        return SVIRT_REFUSAL_USE_OUTPUT;
    case SVIRT_RESOURCE_SOCKET_LISTEN:
    case SVIRT_RESOURCE_SOCKET_CONNECT:
        return SVIRT_REFUSAL_USE_SOCKET;
    case SVIRT_RESOURCE_RNG:
        return SVIRT_REFUSAL_USE_DEVICE;
    case SVIRT_RESOURCE_NETWORK:
    case SVIRT_RESOURCE_PTY:
    case SVIRT_RESOURCE_TCP_LISTEN:
    case SVIRT_RESOURCE_TCP_CONNECT:
    case SVIRT_RESOURCE_VSOCK:
    case SVIRT_RESOURCE_NETWORK_DISK: /* from here on: obstacles' alone */
    case SVIRT_RESOURCE_VOLUME:
    case SVIRT_RESOURCE_DIRECTORY:
    case SVIRT_RESOURCE_HOST_FILE:
    case SVIRT_RESOURCE_HOST_DEVICE:
    case SVIRT_RESOURCE_PCI_DEVICE:
    case SVIRT_RESOURCE_USB_DEVICE:
    case SVIRT_RESOURCE_SCSI_DEVICE:
    case SVIRT_RESOURCE_MEDIATED:
    case SVIRT_RESOURCE_SHARED_MEMORY:
    case SVIRT_RESOURCE_PIPE:
    case SVIRT_RESOURCE_UDP:
    case SVIRT_RESOURCE_STDIO:
    case SVIRT_RESOURCE_DISPLAY:
    case SVIRT_RESOURCE_AUDIO:
    case SVIRT_RESOURCE_SECRET:
    case SVIRT_RESOURCE_SCRIPT:
    case SVIRT_RESOURCE_MAX:
        break;
    }
    g_assert_not_reached();
}

static bool
find_waiver(const SvirtRefusalCheck *check, SvirtRefusalRule rule,
            const char *resource, SvirtWaiver **ret, GError **error)
{
    g_autoptr(SvirtWaiver) waiver = NULL;

    if (!svirt_waivers_active(
            check->state, &check->request->definition->uuid,
            svirt_refusal_rule_to_string(rule), resource,
            check->request->now_s, &waiver, error)) {
        return false;
    }
    /* Nobody waives a rule for himself but who could break it anyway. */
    if (waiver != NULL &&
        (waiver->author == 0 || waiver->author == geteuid())) {
        *ret = g_steal_pointer(&waiver);
    }
    return true;
}

/*
 * A target may come to name another path; only where root alone can make that
 * change is the target's waiver as good as the path's.
 */
static bool
find_any_waiver(const SvirtRefusalCheck *check, SvirtRefusalRule rule,
                SvirtWaiver **ret, GError **error)
{
    const SvirtRefusalRequest *request = check->request;

    if (check->state == NULL || !svirt_refusal_rule_can_be_waived(rule)) {
        return true;
    }
    if (!find_waiver(check, rule, request->path, ret, error)) {
        return false;
    }
    if (*ret == NULL && request->target != NULL &&
        (request->definition->author == 0 ||
         request->definition->author == geteuid())) {
        return find_waiver(check, rule, request->target, ret, error);
    }
    return true;
}

/* As a shell takes it; left bare where that is safe. */
static char *
shell_word(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("/._-+:@,", *p) == NULL) {
            return g_shell_quote(text);
        }
    }
    return *text != '\0' && *text != '-' ? g_strdup(text)
                                         : g_shell_quote(text);
}

static bool
raise_refusal(const SvirtRefusalCheck *check, SvirtRefusalRule rule,
              const char *why, GError **error)
{
    const SvirtRefusalRequest *request = check->request;
    const char *word = svirt_refusal_rule_to_string(rule);
    g_autofree char *name = shell_word(request->definition->name);
    g_autofree char *path = shell_word(request->path);
    g_autofree char *hint = NULL;

    if (request->can_be_waived != NULL) {
        *request->can_be_waived = svirt_refusal_rule_can_be_waived(rule);
    }
    if (svirt_refusal_rule_can_be_waived(rule)) {
        hint = g_strdup_printf("name another, or as root: svirt waiver add "
                               "%s --layer %s --resource %s --reason WHY "
                               "--expires DAYS",
                               name, word, path);
    } else {
        hint = g_strdup("name another: nothing waives this rule");
    }
    return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                       "'%s' is refused to '%s' by rule %s: %s",
                       request->path, request->definition->name, word, why);
}

static bool
raise_nowhere(const SvirtObject *object, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                       "name a file that stays where it is",
                       "'%s' has no place in the host's directories",
                       object->shown_path);
}

/* Every name the mounts give the object, the present one first. */
static bool
locate(const SvirtRefusalFacts *facts, const SvirtObject *object,
       GStrv *ret_aliases, GError **error)
{
    g_autofree char *path = svirt_object_current_path(object);
    const SvirtMounts *mounts = facts->mounts;
    g_autoptr(SvirtMounts) fresh = NULL;
    const SvirtMount *mount;

    if (path == NULL || path[0] != '/' ||
        (object->link_count == 0 && object->type != SVIRT_OBJECT_DIRECTORY)) {
        return raise_nowhere(object, error);
    }
    mount = svirt_mounts_by_id(mounts, object->mount_id);
    if (mount == NULL) {
        /* It was mounted since: an automount. */
        if (!svirt_mounts_read(&fresh, error)) {
            return false;
        }
        mounts = fresh;
        mount = svirt_mounts_by_id(mounts, object->mount_id);
    }
    if (mount == NULL || !svirt_path_is_below(path, mount->mountpoint)) {
        return raise_nowhere(object, error);
    }
    *ret_aliases = svirt_mounts_aliases(mounts, mount, path);
    return true;
}

bool
svirt_refusal_check(const SvirtRefusalFacts *facts, SvirtState *state,
                    const SvirtObject *object,
                    const SvirtRefusalRequest *request,
                    GPtrArray *ret_waivers, GError **error)
{
    SvirtRefusalCheck check = { .facts = facts,
                                .state = state,
                                .object = object,
                                .request = request };
    g_autoptr(GPtrArray) used = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_waiver_free);
    g_auto(GStrv) aliases = NULL;

    if (!locate(facts, object, &aliases, error)) {
        return false;
    }
    check.aliases = aliases;
    for (unsigned i = 0; i < SVIRT_REFUSAL_MAX; i++) {
        g_autofree char *why = NULL;
        SvirtWaiver *waiver = NULL;

        if (!svirt_refusal_rule_judge((SvirtRefusalRule)i, &check, &why,
                                      error) ||
            (why != NULL &&
             !find_any_waiver(&check, (SvirtRefusalRule)i, &waiver, error))) {
            return false;
        }
        if (why != NULL && waiver == NULL) {
            return raise_refusal(&check, (SvirtRefusalRule)i, why, error);
        }
        if (waiver != NULL) {
            g_ptr_array_add(used, waiver);
        }
    }
    if (ret_waivers != NULL) {
        g_ptr_array_extend_and_steal(ret_waivers, g_steal_pointer(&used));
    }
    return true;
}
