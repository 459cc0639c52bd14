/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exec/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "compartment/recover.h"
#include "compartment/restore.h"
#include "hypervisor/model-labels.h"
#include "hypervisor/runtime.h"
#include "state/objects.h"

#define DIRECTORY "exec"
/* What a compartment is made for; labels alone depend on it. */
#define DOMAIN_XML                                                           \
    "<domain type='%s'><name>exec</name><memory>1024</memory>"               \
    "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
#define MAX_SLOTS 1024u
#define END_MS 5000

void
svirt_exec_slot_clear(SvirtExecSlot *slot)
{
    svirt_fd_close(&slot->lock);
}

/* Two instances on one host must not share the profile of a name. */
static SvirtUuid
uuid_of(const SvirtConnection *connection, unsigned number)
{
    const uint32_t place = g_str_hash(connection->run_dir);
    SvirtUuid uuid = { { 0 } };

    memcpy(uuid.bytes, SVIRT_UUID_PROGRAM, sizeof(SVIRT_UUID_PROGRAM) - 1);
    for (unsigned i = 0; i < 4; i++) {
        uuid.bytes[10 + i] = (uint8_t)(place >> (8 * i));
    }
    uuid.bytes[14] = (uint8_t)(number >> 8);
    uuid.bytes[15] = (uint8_t)number;
    return uuid;
}

SvirtDefinition *
svirt_exec_slot_definition(const SvirtExecSlot *slot, const char *name,
                           bool kvm)
{
    g_autofree char *xml =
        g_strdup_printf(DOMAIN_XML, kvm ? "kvm" : "qemu");

    return svirt_definition_new(&slot->uuid, name, 0, xml, 0);
}

/* A slot nobody holds has no program: its svirt is gone. */
static bool
end_left_over(const SvirtConnection *connection, const SvirtUuid *uuid)
{
    g_autofree char *parent = svirt_runtime_cgroup_parent(connection);
    SvirtCgroup cgroup = SVIRT_CGROUP_INIT;
    SvirtLaunchFailure failure;
    bool ended;

    if (!svirt_cgroup_open(parent, uuid, &cgroup, &failure)) {
        return true;
    }
    ended = svirt_cgroup_remove(cgroup.parent_fd, uuid, END_MS);
    svirt_cgroup_close(&cgroup);
    return ended;
}

static bool
clean(SvirtManager *manager, const SvirtExecSlot *slot, GPtrArray *rows,
      GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    g_autoptr(GPtrArray) objects = NULL;
    g_autoptr(GPtrArray) undone = NULL;
    g_autoptr(GPtrArray) given = NULL;

    if (!end_left_over(svirt_manager_connection(manager), &slot->uuid)) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "see what its disks wait for: svirt recover then",
                           "a program of an earlier svirt exec does not end");
    }
    if (state == NULL ||
        !svirt_objects_list(state, &slot->uuid, &objects, error)) {
        return false;
    }
    if (objects->len == 0) {
        return true;
    }
    state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    if (state == NULL ||
        !svirt_recover_journals(state, &slot->uuid, NULL, &undone, NULL,
                                error) ||
        !svirt_restore_owner(state, &slot->uuid, NULL, NULL, &given, error)) {
        return false;
    }
    for (unsigned i = 0; rows != NULL && i < given->len; i++) {
        g_ptr_array_add(rows, g_ptr_array_index(given, i));
        given->pdata[i] = NULL;
    }
    return true;
}

static int
open_directory(SvirtManager *manager, bool create, GError **error)
{
    int run = svirt_manager_run_dir(manager, create, error);
    int fd;

    if (run < 0) {
        return -1;
    }
    if (create && mkdirat(run, DIRECTORY, 0700) < 0 && errno != EEXIST) {
        svirt_raise_errno(error, errno, NULL, "cannot make '%s/%s'",
                          svirt_manager_connection(manager)->run_dir,
                          DIRECTORY);
        return -1;
    }
    fd = openat(run, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                O_CLOEXEC);
    if (fd < 0 && (create || errno != ENOENT)) {
        svirt_raise_errno(error, errno, NULL, "cannot open '%s/%s'",
                          svirt_manager_connection(manager)->run_dir,
                          DIRECTORY);
    }
    return fd;
}

/* -1 with errno; EWOULDBLOCK: somebody holds it. */
static int
hold(int directory, unsigned number, int flags)
{
    char name[16];
    SVIRT_AUTO_FD fd = -1;

    (void)g_snprintf(name, sizeof(name), "%u", number);
    fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags,
                0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        return -1;
    }
    return svirt_fd_steal(&fd);
}

bool
svirt_exec_slot_take(SvirtManager *manager, SvirtExecSlot *ret,
                     GError **error)
{
    SVIRT_AUTO_FD directory = open_directory(manager, true, error);
    SVIRT_AUTO_EXEC_SLOT slot = SVIRT_EXEC_SLOT_INIT;

    if (directory < 0) {
        return false;
    }
    while (slot.lock < 0 && slot.number < MAX_SLOTS) {
        slot.lock = hold(directory, slot.number, O_CREAT);
        if (slot.lock < 0 && errno != EWOULDBLOCK) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot hold '%s/%s/%u'",
                                     svirt_manager_connection(manager)
                                         ->run_dir,
                                     DIRECTORY, slot.number);
        }
        slot.number += slot.lock < 0;
    }
    if (slot.lock < 0) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "end one of them",
                           "%u programs run in a compartment already",
                           MAX_SLOTS);
    }
    slot.uuid = uuid_of(svirt_manager_connection(manager), slot.number);
    if (!clean(manager, &slot, NULL, error)) {
        return false;
    }
    *ret = slot;
    slot.lock = -1;
    return true;
}

/* The next program of a slot loads its own; until then nobody needs them. */
static bool
forget_labels(SvirtManager *manager, const SvirtExecSlot *slot,
              GError **error)
{
    g_autoptr(SvirtDefinition) definition =
        svirt_exec_slot_definition(slot, "exec", false);

    return svirt_model_labels_forget(manager, definition, error);
}

bool
svirt_exec_recover(SvirtManager *manager, GPtrArray **ret_rows,
                   GError **error)
{
    GError *problem = NULL;
    SVIRT_AUTO_FD directory = open_directory(manager, false, &problem);
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(
        (GDestroyNotify)svirt_restore_row_free);

    for (unsigned i = 0; directory >= 0 && i < MAX_SLOTS; i++) {
        SVIRT_AUTO_EXEC_SLOT slot = {
            .lock = hold(directory, i, 0),
            .number = i,
            .uuid = uuid_of(svirt_manager_connection(manager), i),
        };

        /* They are made one after the other. */
        if (slot.lock < 0 && errno == ENOENT) {
            break;
        }
        if (slot.lock >= 0 && (!clean(manager, &slot, rows, error) ||
                               !forget_labels(manager, &slot, error))) {
            return false;
        }
    }
    if (problem != NULL) {
        g_propagate_error(error, problem);
        return false;
    }
    *ret_rows = g_steal_pointer(&rows);
    return true;
}
