/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/spec.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/enum-table.h"
#include "base/fd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u /* Linux 6.3 */
#endif

SVIRT_ENUM_TABLE(SvirtStep, svirt_step, SVIRT_STEP_MAX,
    [SVIRT_STEP_NONE] = "none",
    [SVIRT_STEP_SPEC] = "read the launch spec",
    [SVIRT_STEP_CLONE] = "create the process in its cgroup and namespaces",
    [SVIRT_STEP_SESSION] = "start a session of its own",
    [SVIRT_STEP_RLIMIT] = "set resource limits",
    [SVIRT_STEP_MOUNT_PRIVATE] = "make the mounts private",
    [SVIRT_STEP_ROOT] = "build the root directory",
    [SVIRT_STEP_PIVOT] = "enter the root directory",
    [SVIRT_STEP_HOSTNAME] = "set the host name",
    [SVIRT_STEP_DESCRIPTORS] = "arrange the descriptors",
    [SVIRT_STEP_LABEL] = "take the security label",
    [SVIRT_STEP_CAPABILITIES] = "give up the capabilities",
    [SVIRT_STEP_IDENTITY] = "take the user and group",
    [SVIRT_STEP_NO_NEW_PRIVS] = "set no_new_privs",
    [SVIRT_STEP_LANDLOCK] = "restrict by Landlock",
    [SVIRT_STEP_SECCOMP] = "install the system call filter",
    [SVIRT_STEP_EXEC] = "execute the program",
    [SVIRT_STEP_READY] = "wait for the first reply")

SVIRT_ENUM_TABLE(SvirtProcess, svirt_process, SVIRT_PROCESS_MAX,
    [SVIRT_PROCESS_VMM] = "vmm",
    [SVIRT_PROCESS_MONITOR] = "monitor",
    [SVIRT_PROCESS_PASST] = "passt",
    [SVIRT_PROCESS_PASST + 1] = "passt2",
    [SVIRT_PROCESS_PASST + 2] = "passt3",
    [SVIRT_PROCESS_PASST + 3] = "passt4",
    [SVIRT_PROCESS_PASST + 4] = "passt5",
    [SVIRT_PROCESS_PASST + 5] = "passt6",
    [SVIRT_PROCESS_PASST + 6] = "passt7",
    [SVIRT_PROCESS_PASST_LAST] = "passt8")

SVIRT_ENUM_TABLE(SvirtFdRole, svirt_fd_role, SVIRT_FD_MAX,
    [SVIRT_FD_NULL] = "null",
    [SVIRT_FD_LOG] = "log",
    [SVIRT_FD_QMP] = "qmp",
    [SVIRT_FD_SERIAL] = "serial",
    [SVIRT_FD_IMAGE] = "image",
    [SVIRT_FD_KERNEL] = "kernel",
    [SVIRT_FD_LOCK] = "lock",
    [SVIRT_FD_NET] = "net",
    [SVIRT_FD_CONTROL] = "control",
    [SVIRT_FD_LOG_FILE] = "log-file",
    [SVIRT_FD_SERIAL_FILE] = "serial-file",
    [SVIRT_FD_SERIAL_LISTEN] = "serial-listen",
    [SVIRT_FD_RUN_DIR] = "run-dir",
    [SVIRT_FD_RUN_LOCK] = "run-lock",
    [SVIRT_FD_CGROUP] = "cgroup",
    [SVIRT_FD_DEVICE] = "device",
    [SVIRT_FD_STATUS] = "status",
    [SVIRT_FD_PROBE] = "probe",
    [SVIRT_FD_SERIAL_PEER] = "serial-peer",
    [SVIRT_FD_SOCKET_DIR] = "socket-dir",
    [SVIRT_FD_GRAPHICS_LISTEN] = "graphics-listen")

SVIRT_ENUM_TABLE(SvirtSerialKind, svirt_serial_kind, SVIRT_SERIAL_KIND_MAX,
    [SVIRT_SERIAL_CONSOLE] = "console",
    [SVIRT_SERIAL_PTY] = "pty",
    [SVIRT_SERIAL_FILE] = "file",
    [SVIRT_SERIAL_UNIX] = "unix",
    [SVIRT_SERIAL_CONNECTED] = "connected")

static const char *const layer_table[] = {
    "landlock", "seccomp", "cgroup", "namespaces", "device-filter", "root",
    "uid",
};
#define N_LAYERS (sizeof(layer_table) / sizeof(layer_table[0]))
_Static_assert((1u << N_LAYERS) - 1 == SVIRT_LAYER_ALL, "a word per layer");

const char *
svirt_layer_to_string(uint32_t layer)
{
    assert(layer != 0 && (layer & (layer - 1)) == 0);
    return svirt_enum_word(layer_table, N_LAYERS,
                           (unsigned)__builtin_ctz(layer));
}

bool
svirt_layer_from_string(const char *text, uint32_t *ret)
{
    int found = svirt_enum_find(layer_table, N_LAYERS, text);

    if (found < 0) {
        return false;
    }
    *ret = 1u << found;
    return true;
}

SvirtLaunchSpec *
svirt_spec_new(const SvirtUuid *uuid, const char *name)
{
    SvirtLaunchSpec *spec;
    size_t length = strlen(name);

    if (length == 0 || length >= SVIRT_SPEC_MAX_NAME) {
        errno = EINVAL;
        return NULL;
    }
    spec = calloc(1, sizeof(*spec));
    if (spec == NULL) {
        return NULL;
    }
    spec->magic = SVIRT_SPEC_MAGIC;
    spec->version = SVIRT_SPEC_VERSION;
    spec->size_bytes = sizeof(*spec);
    spec->uuid = *uuid;
    memcpy(spec->name, name, length + 1);
    spec->landlock_abi_limit = -1;
    spec->cwd = SVIRT_SPEC_NO_STRING;
    return spec;
}

void
svirt_spec_free(SvirtLaunchSpec *spec)
{
    free(spec);
}

/* Grows in powers of two, so that n strings cost n copies and no more. */
static bool
add_string(SvirtLaunchSpec **spec, const char *text, uint32_t *ret)
{
    size_t used = (*spec)->strings_bytes;
    size_t length = strlen(text) + 1;
    size_t room = used < 4096 ? 4096 : (size_t)1 << (64 -
        __builtin_clzl(used - 1));

    if (length > SVIRT_SPEC_MAX_STRINGS - used) {
        errno = E2BIG;
        return false;
    }
    if (used == 0 || used + length > room) {
        SvirtLaunchSpec *grown;

        while (room < used + length) {
            room *= 2;
        }
        grown = realloc(*spec, sizeof(**spec) + room);
        if (grown == NULL) {
            return false;
        }
        *spec = grown;
    }
    memcpy((*spec)->strings + used, text, length);
    (*spec)->strings_bytes = (uint32_t)(used + length);
    (*spec)->size_bytes = (uint32_t)(sizeof(**spec) + used + length);
    *ret = (uint32_t)used;
    return true;
}

bool
svirt_spec_add_arg(SvirtLaunchSpec **spec, SvirtProcess process,
                   const char *arg)
{
    SvirtSpecArgv *argv = &(*spec)->argv[process];
    uint32_t offset;

    if (argv->count > 0 && argv->first + argv->count != (*spec)->n_args) {
        errno = EINVAL;
        return false;
    }
    if ((*spec)->n_args == SVIRT_SPEC_MAX_ARGS) {
        errno = E2BIG;
        return false;
    }
    if (!add_string(spec, arg, &offset)) {
        return false;
    }
    argv = &(*spec)->argv[process];
    if (argv->count == 0) {
        argv->first = (*spec)->n_args;
    }
    argv->count++;
    (*spec)->args[(*spec)->n_args++] = offset;
    return true;
}

static bool
add_optional(SvirtLaunchSpec **spec, const char *text, uint32_t *ret)
{
    *ret = SVIRT_SPEC_NO_STRING;
    return text == NULL || add_string(spec, text, ret);
}

bool
svirt_spec_add_label(SvirtLaunchSpec **spec, uint32_t model, const char *path,
                     const char *fallback, const char *prefix,
                     const char *const value[SVIRT_PROCESS_KINDS])
{
    SvirtSpecLabel label = { .model = model };

    if ((*spec)->n_labels == SVIRT_SPEC_MAX_LABELS) {
        errno = E2BIG;
        return false;
    }
    if (!add_string(spec, path, &label.path) ||
        !add_optional(spec, fallback, &label.fallback) ||
        !add_optional(spec, prefix, &label.prefix)) {
        return false;
    }
    for (unsigned p = 0; p < SVIRT_PROCESS_KINDS; p++) {
        if (!add_optional(spec, value[p], &label.value[p])) {
            return false;
        }
    }
    (*spec)->labels[(*spec)->n_labels++] = label;
    return true;
}

bool
svirt_spec_add_shared(SvirtLaunchSpec **spec, const char *path,
                      const SvirtSpecFile *file)
{
    SvirtSpecFile added = *file;

    if ((*spec)->n_files == SVIRT_SPEC_MAX_FILES) {
        errno = E2BIG;
        return false;
    }
    if (!add_string(spec, path, &added.path)) {
        return false;
    }
    (*spec)->files[(*spec)->n_files++] = added;
    return true;
}

bool
svirt_spec_add_file(SvirtLaunchSpec **spec, const char *path, uint32_t flags)
{
    const SvirtSpecFile file = { .flags = flags, .mount = -1 };

    return svirt_spec_add_shared(spec, path, &file);
}

bool
svirt_spec_set_cwd(SvirtLaunchSpec **spec, const char *path)
{
    uint32_t offset;

    if (!add_string(spec, path, &offset)) {
        return false;
    }
    (*spec)->cwd = offset;
    return true;
}

bool
svirt_spec_add_fd(SvirtLaunchSpec **spec, const SvirtSpecFd *fd)
{
    if ((*spec)->n_fds == SVIRT_SPEC_MAX_FDS) {
        errno = E2BIG;
        return false;
    }
    (*spec)->fds[(*spec)->n_fds++] = *fd;
    return true;
}

bool
svirt_spec_add_lock(SvirtLaunchSpec **spec, const SvirtSpecLock *lock)
{
    if ((*spec)->n_locks == SVIRT_SPEC_MAX_LOCKS) {
        errno = E2BIG;
        return false;
    }
    (*spec)->locks[(*spec)->n_locks++] = *lock;
    return true;
}

bool
svirt_spec_add_socket(SvirtLaunchSpec **spec, const SvirtSpecSocket *socket,
                      const char *dir_path, const char *name)
{
    SvirtSpecSocket added = *socket;

    if ((*spec)->n_sockets == SVIRT_SPEC_MAX_SOCKETS) {
        errno = E2BIG;
        return false;
    }
    if (!add_string(spec, dir_path, &added.dir_path) ||
        !add_string(spec, name, &added.name)) {
        return false;
    }
    (*spec)->sockets[(*spec)->n_sockets++] = added;
    return true;
}

int
svirt_spec_seal(const SvirtLaunchSpec *spec)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    SVIRT_AUTO_FD fd = memfd_create("svirt-spec", flags | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create("svirt-spec", flags);
    }
    if (fd < 0 || !svirt_write_full(fd, spec, spec->size_bytes)) {
        return -1;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
              F_SEAL_SEAL) < 0) {
        return -1;
    }
    return svirt_fd_steal(&fd);
}
