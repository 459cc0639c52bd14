/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/spec-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sources, targets and indices: nothing in a spec is larger than this. */
#define MAX_READY_TIMEOUT_MS (24u * 3600 * 1000)
#define MAX_PATH 4096

#define TO_CHILD (SVIRT_TO_VMM | SVIRT_TO_MONITOR | SVIRT_TO_PASSTS)

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/*
 * Which children may hold a descriptor of a role. A spec that hands the run
 * lock or a log file to a VMM is refused, whoever wrote it.
 */
static const uint32_t role_to[SVIRT_FD_MAX] = {
    [SVIRT_FD_NULL] = TO_CHILD,
    [SVIRT_FD_LOG] = TO_CHILD,
    [SVIRT_FD_QMP] = SVIRT_TO_VMM | SVIRT_TO_MONITOR,
    [SVIRT_FD_SERIAL] = SVIRT_TO_VMM | SVIRT_TO_MONITOR,
    [SVIRT_FD_IMAGE] = SVIRT_TO_VMM,
    [SVIRT_FD_KERNEL] = SVIRT_TO_VMM,
    [SVIRT_FD_LOCK] = SVIRT_TO_VMM,
    [SVIRT_FD_NET] = SVIRT_TO_VMM | SVIRT_TO_PASSTS,
    [SVIRT_FD_CONTROL] = SVIRT_TO_MONITOR,
    [SVIRT_FD_LOG_FILE] = SVIRT_TO_MONITOR,
    [SVIRT_FD_SERIAL_FILE] = SVIRT_TO_MONITOR,
    [SVIRT_FD_SERIAL_LISTEN] = SVIRT_TO_MONITOR,
    [SVIRT_FD_RUN_DIR] = 0,
    [SVIRT_FD_RUN_LOCK] = 0,
    [SVIRT_FD_CGROUP] = 0,
    [SVIRT_FD_DEVICE] = SVIRT_TO_VMM,
    [SVIRT_FD_STATUS] = 0,
    [SVIRT_FD_PROBE] = TO_CHILD,
    [SVIRT_FD_SERIAL_PEER] = SVIRT_TO_MONITOR,
    [SVIRT_FD_SOCKET_DIR] = 0,
    [SVIRT_FD_GRAPHICS_LISTEN] = SVIRT_TO_MONITOR,
};

/* What may stand on 0, 1 and 2: never a terminal, never a file. */
#define STANDARD_ROLES \
    (1u << SVIRT_FD_NULL | 1u << SVIRT_FD_LOG | 1u << SVIRT_FD_PROBE)

bool
svirt_spec_string_ok(const SvirtLaunchSpec *spec, uint32_t offset)
{
    /* The block ends in a NUL, so a valid offset has an end. */
    return offset < spec->strings_bytes;
}

bool
svirt_spec_path_ok(const char *path)
{
    size_t length = strnlen(path, MAX_PATH);

    if (length < 2 || length == MAX_PATH || path[0] != '/') {
        return false;
    }
    for (const char *part = path; *part == '/';) {
        const char *name = part + 1;
        size_t size = strcspn(name, "/");

        if (size == 0 || size > 255 ||
            (name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')))) {
            return false;
        }
        part = name + size;
    }
    return true;
}

static bool
check_header(const SvirtLaunchSpec *spec, const char **ret_why)
{
    static const SvirtUuid nil;
    size_t name_length = strnlen(spec->name, sizeof(spec->name));

    *ret_why = "name";
    if (name_length == 0 || name_length == sizeof(spec->name)) {
        return false;
    }
    for (size_t i = 0; i < name_length; i++) {
        unsigned char c = (unsigned char)spec->name[i];

        if (c < 0x20 || c == 0x7f || c == '/') {
            return false;
        }
    }
    *ret_why = "uuid";
    if (svirt_uuid_equal(&spec->uuid, &nil)) {
        return false;
    }
    *ret_why = "counts";
    return spec->n_fds <= SVIRT_SPEC_MAX_FDS &&
           spec->n_files <= SVIRT_SPEC_MAX_FILES &&
           spec->n_locks <= SVIRT_SPEC_MAX_LOCKS &&
           spec->n_sockets <= SVIRT_SPEC_MAX_SOCKETS &&
           spec->n_args <= SVIRT_SPEC_MAX_ARGS &&
           spec->n_labels <= SVIRT_SPEC_MAX_LABELS;
}

static bool
check_settings(const SvirtLaunchSpec *spec, const char **ret_why)
{
    const uint32_t nodes = SVIRT_NODE_NULL | SVIRT_NODE_ZERO |
        SVIRT_NODE_URANDOM | SVIRT_NODE_RANDOM | SVIRT_NODE_KVM;

    *ret_why = "waived_layers";
    if ((spec->waived_layers & ~SVIRT_LAYER_ALL) != 0) {
        return false;
    }
    *ret_why = "landlock_abi_limit";
    if (spec->landlock_abi_limit < -1 || spec->landlock_abi_limit > 1000) {
        return false;
    }
    *ret_why = "device_nodes";
    if ((spec->device_nodes & ~nodes) != 0) {
        return false;
    }
    *ret_why = "paused";
    if (spec->paused > 1) {
        return false;
    }
    *ret_why = "rlimit_nofile";
    if (spec->rlimit_nofile < 8 ||
        spec->rlimit_nofile > SVIRT_SPEC_MAX_NOFILE) {
        return false;
    }
    *ret_why = "ready_timeout_ms";
    if (spec->ready_timeout_ms == 0 ||
        spec->ready_timeout_ms > MAX_READY_TIMEOUT_MS) {
        return false;
    }
    *ret_why = "n_serials";
    return spec->n_serials <= SVIRT_SPEC_MAX_SERIALS;
}

static bool
check_args(const SvirtLaunchSpec *spec, const char **ret_why)
{
    uint32_t counted = 0;

    *ret_why = "args";
    for (uint32_t i = 0; i < spec->n_args; i++) {
        if (!svirt_spec_string_ok(spec, spec->args[i])) {
            return false;
        }
    }
    *ret_why = "argv";
    for (unsigned p = 0; p < SVIRT_PROCESS_MAX; p++) {
        const SvirtSpecArgv *argv = &spec->argv[p];

        if (argv->count == 0) {
            continue;
        }
        if (argv->first > spec->n_args ||
            argv->count > spec->n_args - argv->first ||
            !svirt_spec_path_ok(
                svirt_spec_string(spec, spec->args[argv->first]))) {
            return false;
        }
        counted += argv->count;
    }
    /* Ranges that overlap would count more, gaps less. */
    return counted == spec->n_args && spec->argv[SVIRT_PROCESS_VMM].count > 0;
}

/* Each kind an identity of its own, none of them root or "unchanged". */
static bool
check_ids(const SvirtLaunchSpec *spec, const char **ret_why)
{
    *ret_why = "ids";
    if ((spec->waived_layers & SVIRT_LAYER_UID) != 0) {
        return true;
    }
    for (unsigned p = 0; p < SVIRT_PROCESS_MAX; p++) {
        const SvirtSpecIds *ids = &spec->ids[p];

        if (spec->argv[p].count == 0) {
            continue;
        }
        if (ids->uid == 0 || ids->gid == 0 || ids->uid == UINT32_MAX ||
            ids->gid == UINT32_MAX) {
            return false;
        }
        for (unsigned q = 0; q < p; q++) {
            if (svirt_process_kind(q) != svirt_process_kind(p) &&
                spec->argv[q].count > 0 && (spec->ids[q].uid == ids->uid ||
                                            spec->ids[q].gid == ids->gid)) {
                return false;
            }
        }
    }
    return true;
}

/* Below a thread's directory: "comm", "attr/exec", never out of it. */
static bool
attribute_ok(const char *path)
{
    size_t length = strspn(path, "abcdefghijklmnopqrstuvwxyz_/");

    return length > 0 && length < 64 && path[length] == '\0' &&
           path[0] != '/';
}

static bool
optional_ok(const SvirtLaunchSpec *spec, uint32_t offset)
{
    return offset == SVIRT_SPEC_NO_STRING || svirt_spec_string_ok(spec, offset);
}

static bool
label_text_ok(const SvirtLaunchSpec *spec, uint32_t offset)
{
    const char *text;
    size_t length;

    if (offset == SVIRT_SPEC_NO_STRING) {
        return true;
    }
    if (!svirt_spec_string_ok(spec, offset)) {
        return false;
    }
    text = svirt_spec_string(spec, offset);
    length = strnlen(text, SVIRT_SPEC_MAX_LABEL_BYTES);
    /* An empty one would clear the label instead of giving it. */
    if (length == 0 || length == SVIRT_SPEC_MAX_LABEL_BYTES) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '!' || text[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool
check_labels(const SvirtLaunchSpec *spec, const char **ret_why)
{
    uint32_t models = 0;

    *ret_why = "labels";
    for (uint32_t i = 0; i < spec->n_labels; i++) {
        const SvirtSpecLabel *label = &spec->labels[i];

        if (label->model >= 32 || (models & (1u << label->model)) != 0 ||
            !svirt_spec_string_ok(spec, label->path) ||
            !attribute_ok(svirt_spec_string(spec, label->path)) ||
            !optional_ok(spec, label->fallback) ||
            (label->fallback != SVIRT_SPEC_NO_STRING &&
             !attribute_ok(svirt_spec_string(spec, label->fallback))) ||
            !optional_ok(spec, label->prefix) ||
            (label->prefix != SVIRT_SPEC_NO_STRING &&
             strnlen(svirt_spec_string(spec, label->prefix), 64) == 64)) {
            return false;
        }
        models |= 1u << label->model;
        for (unsigned p = 0; p < SVIRT_PROCESS_KINDS; p++) {
            if (!label_text_ok(spec, label->value[p])) {
                return false;
            }
        }
    }
    return true;
}

/* One descriptor's number in one process: there exactly when it goes there. */
static bool
check_number(const SvirtLaunchSpec *spec, const SvirtSpecFd *fd,
             SvirtProcess process, int32_t number, uint8_t *seen)
{
    if ((fd->to & (1u << process)) == 0) {
        return number == -1;
    }
    if (spec->argv[process].count == 0 || number < 0 ||
        number >= SVIRT_SPEC_MAX_FD_NUMBER ||
        (uint64_t)number >= spec->rlimit_nofile ||
        (seen[number / 8] & (1u << (number % 8))) != 0) {
        return false;
    }
    seen[number / 8] |= (uint8_t)(1u << (number % 8));
    return number > 2 || (STANDARD_ROLES & (1u << fd->role)) != 0;
}

/* One number serves them all; a guest's connection goes to one of them. */
static bool
check_passts(const SvirtLaunchSpec *spec, const SvirtSpecFd *fd,
             uint8_t seen[SVIRT_PROCESS_MAX][SVIRT_SPEC_MAX_FD_NUMBER / 8])
{
    const uint32_t to = fd->to & SVIRT_TO_PASSTS;

    if (to == 0) {
        return fd->passt == -1;
    }
    for (unsigned p = SVIRT_PROCESS_PASST; p < SVIRT_PROCESS_MAX; p++) {
        if ((to & (1u << p)) != 0 &&
            !check_number(spec, fd, p, fd->passt, seen[p])) {
            return false;
        }
    }
    return fd->role != SVIRT_FD_NET || (to & (to - 1)) == 0;
}

static bool
check_fds(const SvirtLaunchSpec *spec, const char **ret_why)
{
    uint8_t seen[SVIRT_PROCESS_MAX][SVIRT_SPEC_MAX_FD_NUMBER / 8] = { 0 };

    *ret_why = "fds";
    for (uint32_t i = 0; i < spec->n_fds; i++) {
        const SvirtSpecFd *fd = &spec->fds[i];

        if (fd->role >= SVIRT_FD_MAX || fd->source < 0 ||
            fd->source >= SVIRT_SPEC_MAX_FD_NUMBER || fd->to == 0 ||
            (fd->to & ~(role_to[fd->role] | SVIRT_TO_KEEPER)) != 0) {
            return false;
        }
        if (fd->role == SVIRT_FD_SERIAL && fd->index >= spec->n_serials) {
            return false;
        }
        if (!check_number(spec, fd, SVIRT_PROCESS_VMM, fd->vmm,
                          seen[SVIRT_PROCESS_VMM]) ||
            !check_number(spec, fd, SVIRT_PROCESS_MONITOR, fd->monitor,
                          seen[SVIRT_PROCESS_MONITOR]) ||
            !check_passts(spec, fd, seen)) {
            return false;
        }
    }
    /* A closed 0, 1 or 2 would be taken by the first file a program opens. */
    *ret_why = "fds 0 to 2";
    for (unsigned p = 0; p < SVIRT_PROCESS_MAX; p++) {
        if (spec->argv[p].count > 0 && (seen[p][0] & 7) != 7) {
            return false;
        }
    }
    return true;
}

static bool
check_block(const SvirtLaunchSpec *spec, size_t size, const char **ret_why)
{
    *ret_why = "magic";
    if (spec->magic != SVIRT_SPEC_MAGIC) {
        return false;
    }
    *ret_why = "version";
    if (spec->version != SVIRT_SPEC_VERSION) {
        return false;
    }
    *ret_why = "size_bytes";
    if (spec->size_bytes != size ||
        spec->strings_bytes != size - sizeof(*spec)) {
        return false;
    }
    *ret_why = "strings";
    if (spec->strings_bytes == 0 ||
        spec->strings[spec->strings_bytes - 1] != '\0') {
        return false;
    }
    return check_header(spec, ret_why) && check_settings(spec, ret_why) &&
           check_args(spec, ret_why) && check_ids(spec, ret_why) &&
           svirt_spec_check_files(spec, ret_why) &&
           check_labels(spec, ret_why) &&
           check_fds(spec, ret_why) &&
           svirt_spec_check_held(spec, ret_why);
}

static bool
has_size(size_t size)
{
    return size > sizeof(SvirtLaunchSpec) &&
           size <= sizeof(SvirtLaunchSpec) + SVIRT_SPEC_MAX_STRINGS;
}

bool
svirt_spec_check(const SvirtLaunchSpec *spec, size_t size,
                 const char **ret_why)
{
    *ret_why = "size_bytes";
    if (!has_size(size) || !check_block(spec, size, ret_why)) {
        errno = EPROTO;
        return false;
    }
    return true;
}

const SvirtLaunchSpec *
svirt_spec_map(int fd, const char **ret_why)
{
    const SvirtLaunchSpec *spec;
    const char *why;
    struct stat st;
    size_t size;
    int seals = fcntl(fd, F_GET_SEALS);

    /* Unsealed, the block could change between the check and the use. */
    if (seals < 0 || (seals & SEALS) != SEALS) {
        *ret_why = "seals";
        errno = EPROTO;
        return NULL;
    }
    if (fstat(fd, &st) < 0) {
        *ret_why = "descriptor";
        return NULL;
    }
    size = (size_t)st.st_size;
    if (!has_size(size)) {
        *ret_why = "size_bytes";
        errno = EPROTO;
        return NULL;
    }
    spec = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (spec == MAP_FAILED) {
        *ret_why = "mapping";
        return NULL;
    }
    if (!check_block(spec, size, &why)) {
        (void)munmap((void *)spec, size);
        *ret_why = why;
        errno = EPROTO;
        return NULL;
    }
    return spec;
}

void
svirt_spec_unmap(const SvirtLaunchSpec *spec)
{
    if (spec != NULL) {
        (void)munmap((void *)spec, spec->size_bytes);
    }
}

const char *
svirt_spec_string(const SvirtLaunchSpec *spec, uint32_t offset)
{
    return spec->strings + offset;
}

const char *
svirt_spec_label(const SvirtLaunchSpec *spec, uint32_t model,
                 SvirtProcess process)
{
    for (uint32_t i = 0; i < spec->n_labels; i++) {
        uint32_t offset =
            spec->labels[i].value[svirt_process_kind(process)];

        if (spec->labels[i].model == model) {
            return offset == SVIRT_SPEC_NO_STRING
                       ? NULL : svirt_spec_string(spec, offset);
        }
    }
    return NULL;
}
