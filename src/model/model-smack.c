/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "base/procfs.h"
#include "base/xattr.h"
#include "label/derive.h"
#include "model/smack-ask.h"
#include "model/smack-facts.h"
#include "model/smack-floor.h"
#include "model/smack-rules.h"

#define ATTRIBUTE "security.SMACK64"
#define SOCKET_OUT "security.SMACK64IPOUT"
/* Classes that all VMs of a host share. */
#define CLASS_SHARED "svirt-shared"
#define CLASS_CONTENT "svirt-content"
#define CLASS_LOG "svirt-log"
#define SUFFIX_MONITOR ".monitor"

/* The kernel registers smackfs exactly when Smack runs. */
static bool
probe(bool *ret_active, GError **error)
{
    SVIRT_AUTO_FD procfs = svirt_procfs_open();
    SVIRT_AUTO_FD root = -1;
    char text[4096];

    if (procfs < 0 ||
        svirt_read_small(procfs, "filesystems", text, sizeof(text)) < 0) {
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot read /proc/filesystems");
    }
    if (strstr(text, "\tsmackfs\n") == NULL) {
        *ret_active = false;
        return true;
    }
    if (!svirt_smackfs_open(&root, error)) {
        return false;
    }
    *ret_active = true;
    return true;
}

static bool
read_label(const SvirtObject *object, char **ret_label, GError **error)
{
    size_t size;

    return svirt_xattr_get(object, ATTRIBUTE, ret_label, &size, error);
}

static bool
labels_equal(const char *a, const char *b)
{
    return g_strcmp0(a, b) == 0;
}

/* The host's own objects have the reserved labels; a VM is never given one. */
static bool
validate(const char *label, GError **error)
{
    if (label != NULL &&
        (svirt_smack_label_is_valid(label) ||
         (strlen(label) == 1 && strchr("_^*?@", label[0]) != NULL))) {
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "use 1 to 255 printable characters without space, /, "
                       "quotes and backslash",
                       "'%.64s' is no Smack label",
                       label != NULL ? label : "");
}

static bool
write_label(const SvirtObject *object, const char *label, GError **error)
{
    return validate(label, error) &&
           svirt_xattr_set(object, ATTRIBUTE, label, strlen(label), error);
}

static bool
raise_label(const char *what, const char *label, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "use 1 to 255 printable characters without space, /, "
                       "quotes and backslash, and none of _ ^ * @ alone",
                       "%s '%.64s' is no Smack label for a VM", what, label);
}

/* Is it a class, the host's, a monitor's, or derived for some other UUID? */
static bool
is_of_another(const char *label, const char *own)
{
    const size_t length = strlen(label);
    const size_t uuid_length = SVIRT_UUID_TEXT - 1;
    SvirtUuid uuid;

    return strcmp(label, CLASS_SHARED) == 0 ||
           strcmp(label, SVIRT_SMACK_HOST) == 0 ||
           strcmp(label, CLASS_CONTENT) == 0 ||
           strcmp(label, CLASS_LOG) == 0 ||
           g_str_has_suffix(label, SUFFIX_MONITOR) ||
           (length > uuid_length && label[length - uuid_length - 1] == '-' &&
            svirt_uuid_parse(label + length - uuid_length, &uuid) &&
            strcmp(label, own) != 0);
}

/*
 * Labels of over 23 bytes, as these are, go into a packet's CIPSO option as a
 * number of this boot, not as text: a name that tells the VM by its UUID is
 * worth more than a label on the wire, where no VM of svirt is seen anyway.
 */
static bool
derive(const SvirtLabelSeed *seed, SvirtLabelSet *ret, GError **error)
{
    const char *base = seed->base != NULL ? seed->base : "svirt";
    char uuid[SVIRT_UUID_TEXT];
    g_autofree char *own = NULL;
    g_autofree char *monitor = NULL;

    svirt_uuid_format(&seed->uuid, uuid);
    own = g_strdup_printf("%s-%s", base, uuid);
    monitor = g_strconcat(own, SUFFIX_MONITOR, NULL);
    if (!svirt_smack_label_is_valid(monitor)) {
        return raise_label("baselabel", base, error);
    }
    if (seed->given != NULL && !svirt_smack_label_is_valid(seed->given)) {
        return raise_label("label", seed->given, error);
    }
    if (seed->given != NULL && is_of_another(seed->given, own)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give it a label without a UUID, or leave the "
                           "<seclabel> out",
                           "label '%.64s' is one that svirt derives for "
                           "others", seed->given);
    }
    *ret = (SvirtLabelSet){
        .vmm = g_strdup(seed->given != NULL ? seed->given : own),
        .monitor = g_steal_pointer(&monitor),
        /* Under a label of its own the kernel would add a CIPSO option to each
         * of passt's packets, and routers drop those. */
        .helper = NULL,
        .shared = g_strdup(CLASS_SHARED),
        .content = g_strdup(CLASS_CONTENT),
        .log = g_strdup(CLASS_LOG),
    };
    /* A disk's label reads as the VM's name, and needs no rule to be its. */
    ret->image = g_strdup(ret->vmm);
    ret->socket = g_strdup(ret->vmm);
    return true;
}

static bool
open_host(int *ret_root, char **ret_own, GError **error)
{
    SVIRT_AUTO_FD root = -1;

    if (!svirt_smackfs_open(&root, error) ||
        !svirt_smack_own_label(ret_own, error)) {
        return false;
    }
    *ret_root = svirt_fd_steal(&root);
    return true;
}

static bool
load(const SvirtLabelSeed *seed, const SvirtLabelSet *labels, GError **error)
{
    SVIRT_AUTO_FD root = -1;
    g_autofree char *own = NULL;

    return open_host(&root, &own, error) &&
           svirt_smack_rules_load(root, labels, own, error);
}

static bool
unload(const SvirtLabelSeed *seed, const SvirtLabelSet *labels,
       GError **error)
{
    SVIRT_AUTO_FD root = -1;
    g_autofree char *own = NULL;

    return open_host(&root, &own, error) &&
           svirt_smack_rules_unload(root, labels, own, seed->given != NULL,
                                    error);
}

/*
 * What a socket sends as. Whoever receives its descriptor must be allowed to
 * write to that, and be written to by what it takes packets as, which stays
 * the host's: so the keeper hands it on and the VMM takes it, another VM's does
 * not. The monitor's sockets listen for programs of the host, and stay theirs.
 */
static bool
label_socket(int fd, const char *label, GError **error)
{
    char now[SVIRT_SMACK_LABEL_BYTES];
    ssize_t size;

    if (g_str_has_suffix(label, SUFFIX_MONITOR)) {
        return true;
    }
    if (fsetxattr(fd, SOCKET_OUT, label, strlen(label), 0) != 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot set the Smack label of a socket to "
                                 "'%.64s'", label);
    }
    size = fgetxattr(fd, SOCKET_OUT, now, sizeof(now) - 1);
    if (size < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the Smack label of a socket");
    }
    now[size] = '\0';
    return labels_equal(now, label) ||
           svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                       "a socket sends as '%s' after '%.64s' was written",
                       now, label);
}

static bool
is_enforcing(const char *process, bool *ret_enforcing, GError **error)
{
    SVIRT_AUTO_FD root = -1;

    return svirt_smackfs_open(&root, error) &&
           svirt_smack_enforces(root, process, ret_enforcing, error);
}

static bool
separates(const SvirtLabelSet *a, const SvirtLabelSet *b,
          bool *ret_separates, GError **error)
{
    SVIRT_AUTO_FD root = -1;

    return svirt_smackfs_open(&root, error) &&
           svirt_smack_separates(root, a, b, ret_separates, error);
}

const SvirtModel svirt_model_smack = {
    .kind = SVIRT_MODEL_SMACK,
    .labels_objects = true,
    .labels_processes = true,
    .gap = svirt_smack_floor_gap,
    /* There is none for the next exec: it is in force at once. Sockets and
     * files get the label of the process that makes them. */
    .process = { .path = "attr/smack/current", .fallback = "attr/current" },
    .probe = probe,
    .read_label = read_label,
    .write_label = write_label,
    .labels_equal = labels_equal,
    .validate = validate,
    .derive = derive,
    .load = load,
    .unload = unload,
    .label_socket = label_socket,
    .read_process = svirt_smack_task_label,
    .is_enforcing = is_enforcing,
    .separates = separates,
};
