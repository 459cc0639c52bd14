/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/refusal-rules.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "host/block-device.h"
#include "host/filesystem.h"
#include "state/objects.h"

#define HELD_TRIES 5
#define HELD_WAIT_US 2000

/* Among the names the mounts give the object is the one through the very mount
 * the directory is on, so its path is all there is to compare. */
static bool
is_below_own(const SvirtRefusalCheck *check, const SvirtRefusalOwn *own)
{
    g_autofree char *store =
        own->store != NULL ? g_build_filename(own->path, own->store, NULL)
                           : NULL;

    for (char *const *alias = check->aliases; *alias != NULL; alias++) {
        if (svirt_path_is_below(*alias, own->path)) {
            return store == NULL || !svirt_path_is_below(*alias, store);
        }
    }
    return false;
}

static bool
rule_state(const SvirtRefusalCheck *check, char **ret_why, GError **error)
{
    bool is_own;

    for (unsigned i = 0; i < check->facts->own->len; i++) {
        const SvirtRefusalOwn *own = check->facts->own->pdata[i];

        if (own->takes_output &&
            check->request->use == SVIRT_REFUSAL_USE_OUTPUT) {
            continue;
        }
        if (is_below_own(check, own)) {
            *ret_why = g_strdup_printf("it belongs to svirt's own %s '%s'",
                                       own->what, own->path);
            return true;
        }
    }
    if (!svirt_refusal_is_own(check->facts, check->object, &is_own, error)) {
        return false;
    }
    if (is_own) {
        *ret_why = g_strdup("it is another name of a file of svirt's own");
    }
    return true;
}

static bool
rule_pseudo_fs(const SvirtRefusalCheck *check, char **ret_why, GError **error)
{
    const char *name = svirt_filesystem_pseudo_name(check->object->path_fd);

    if (name != NULL) {
        *ret_why = g_strdup_printf(
            "it lies on the pseudo file system %s", name);
    }
    return true;
}

/*
 * The kernel's own word: a file system (of any mount namespace), a volume
 * group or an array holds its devices exclusively. Another start may be asking
 * at the same moment, so a first answer is not believed.
 */
static bool
is_held(const SvirtObject *object)
{
    for (unsigned i = 0; i < HELD_TRIES; i++) {
        g_autoptr(GError) cause = NULL;
        SVIRT_AUTO_FD fd = -1;

        if (svirt_object_reopen(object, NULL,
                                O_RDONLY | O_EXCL | O_NONBLOCK, &fd,
                                &cause) ||
            !g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_BUSY)) {
            return false;
        }
        g_usleep(HELD_WAIT_US);
    }
    return true;
}

static bool
judge_block_device(const SvirtObject *object, char **ret_why, GError **error)
{
    g_autofree char *use = NULL;

    if (!svirt_block_device_host_use(object->rdev, &use, error)) {
        return false;
    }
    if (use != NULL) {
        *ret_why = g_strdup_printf("the host uses the device: %s", use);
    } else if (is_held(object)) {
        *ret_why = g_strdup("the kernel holds the device for a file system, "
                            "a volume group or an array");
    }
    return true;
}

static bool
rule_mounted_device(const SvirtRefusalCheck *check, char **ret_why,
                    GError **error)
{
    const SvirtObject *object = check->object;
    g_autofree char *use = NULL;

    if (object->type == SVIRT_OBJECT_BLOCK) {
        return judge_block_device(object, ret_why, error);
    }
    for (unsigned i = 0; i < check->facts->loops->len; i++) {
        const SvirtRefusalLoop *loop = check->facts->loops->pdata[i];

        if (loop->file.dev != object->dev || loop->file.ino != object->ino) {
            continue;
        }
        g_clear_pointer(&use, g_free);
        if (!svirt_block_device_host_use(loop->device, &use, error)) {
            return false;
        }
        if (use != NULL) {
            *ret_why = g_strdup_printf("the host uses it through %s: %s",
                                       loop->name, use);
            return true;
        }
    }
    return true;
}

static bool
rule_swap_file(const SvirtRefusalCheck *check, char **ret_why, GError **error)
{
    if (svirt_refusal_inode_is_in(check->facts->swap_files, check->object)) {
        *ret_why = g_strdup("the host swaps to it");
    }
    return true;
}

/* Nodes are judged by the device behind them, not by where they are. */
static bool
rule_system_dir(const SvirtRefusalCheck *check, char **ret_why, GError **error)
{
    const SvirtRefusalUse use = check->request->use;
    const char *system_dir = NULL;
    const char *system_path = NULL;

    if (check->object->type == SVIRT_OBJECT_BLOCK ||
        check->object->type == SVIRT_OBJECT_CHARACTER) {
        return true;
    }
    for (char *const *alias = check->aliases; *alias != NULL; alias++) {
        const char *directory = NULL;

        switch (svirt_refusal_place(*alias, use, check->facts->roots,
                                    &directory)) {
        case SVIRT_REFUSAL_PLACE_GIVEN:
            return true;
        case SVIRT_REFUSAL_PLACE_SYSTEM:
            if (system_dir == NULL) {
                system_dir = directory;
                system_path = *alias;
            }
            break;
        case SVIRT_REFUSAL_PLACE_FREE:
            break;
        }
    }
    if (system_dir != NULL) {
        *ret_why = g_strdup_printf(
            "'%s' is in the system directory '%s', closed to this use (%s)",
            system_path, system_dir, svirt_refusal_use_to_string(use));
    }
    return true;
}

static bool
rule_device(const SvirtRefusalCheck *check, char **ret_why, GError **error)
{
    const dev_t device = check->object->rdev;

    if (check->object->type != SVIRT_OBJECT_CHARACTER ||
        device == makedev(1, 8) || device == makedev(1, 9) ||
        device == makedev(10, 183) ||
        (device == makedev(1, 3) &&
         check->request->use == SVIRT_REFUSAL_USE_OUTPUT)) {
        return true;
    }
    *ret_why = g_strdup_printf("character device %u:%u is none of random, "
                               "urandom and hwrng",
                               major(device), minor(device));
    return true;
}

static bool
rule_set_id(const SvirtRefusalCheck *check, char **ret_why, GError **error)
{
    const SvirtObject *object = check->object;

    if (object->type == SVIRT_OBJECT_REGULAR &&
        (object->mode & (S_ISUID | S_ISGID)) != 0) {
        *ret_why = g_strdup_printf("its mode %04o is setuid or setgid",
                                   (unsigned)object->mode & 07777);
    }
    return true;
}

static bool
rule_hard_link(const SvirtRefusalCheck *check, char **ret_why, GError **error)
{
    const SvirtRefusalUse use = check->request->use;

    if (check->object->type == SVIRT_OBJECT_REGULAR &&
        check->object->link_count > 1 &&
        (use == SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE ||
         use == SVIRT_REFUSAL_USE_IMAGE_SHARED ||
         use == SVIRT_REFUSAL_USE_OUTPUT)) {
        *ret_why = g_strdup_printf("the file has %u names, and may be "
                                   "something else by another of them",
                                   check->object->link_count);
    }
    return true;
}

static char *
name_of(SvirtState *state, const SvirtUuid *uuid)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    char text[SVIRT_UUID_TEXT];

    if (svirt_definitions_by_uuid(state, uuid, &definition, NULL)) {
        return g_strdup(definition->name);
    }
    svirt_uuid_format(uuid, text);
    return g_strdup(text);
}

static bool
rule_other_author(const SvirtRefusalCheck *check, char **ret_why,
                  GError **error)
{
    const SvirtDefinition *definition = check->request->definition;
    /* It is emptied and written over: nobody's image may be that, whoever
       asks. A directory is looked at for the file to be made in it. */
    const bool output = check->request->use == SVIRT_REFUSAL_USE_OUTPUT &&
                        check->object->type == SVIRT_OBJECT_REGULAR;
    /* A base that another author's VM only reads, and that carries a label
       for it, serves both. */
    const bool reads =
        check->request->use == SVIRT_REFUSAL_USE_IMAGE_READ_ONLY;
    SvirtIdentity identity = check->object->identity;
    g_autoptr(GPtrArray) owners = NULL;

    if (check->state == NULL ||
        (!output && check->request->use > SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE)) {
        return true;
    }
    /* What an earlier rule refuses is never opened to be identified. */
    if ((identity.format == 0 &&
         !svirt_identity_read(check->object->path_fd, &identity, error)) ||
        !(reads ? svirt_objects_writers : svirt_objects_owners)(
            check->state, &identity, &owners, error)) {
        return false;
    }
    for (unsigned i = 0; i < owners->len; i++) {
        const SvirtOwner *owner = owners->pdata[i];

        if (output || owner->author != definition->author) {
            g_autofree char *name = name_of(check->state, &owner->uuid);

            *ret_why = g_strdup_printf("'%s', whose author is uid %u, "
                                       "claims it",
                                       name, owner->author);
            return true;
        }
    }
    return true;
}

/* Each leaves *ret_why NULL when it has nothing against the object. */
typedef bool (*RuleFunc)(const SvirtRefusalCheck *check, char **ret_why,
                         GError **error);

static const RuleFunc rules[SVIRT_REFUSAL_MAX] = {
    [SVIRT_REFUSAL_STATE] = rule_state,
    [SVIRT_REFUSAL_PSEUDO_FS] = rule_pseudo_fs,
    [SVIRT_REFUSAL_MOUNTED_DEVICE] = rule_mounted_device,
    [SVIRT_REFUSAL_SWAP_FILE] = rule_swap_file,
    [SVIRT_REFUSAL_SYSTEM_DIR] = rule_system_dir,
    [SVIRT_REFUSAL_DEVICE] = rule_device,
    [SVIRT_REFUSAL_SET_ID] = rule_set_id,
    [SVIRT_REFUSAL_HARD_LINK] = rule_hard_link,
    [SVIRT_REFUSAL_OTHER_AUTHOR] = rule_other_author,
};

bool
svirt_refusal_rule_judge(SvirtRefusalRule rule,
                         const SvirtRefusalCheck *check, char **ret_why,
                         GError **error)
{
    return rules[rule](check, ret_why, error);
}
