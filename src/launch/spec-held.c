/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "launch/spec-private.h"

static bool
has_source(const SvirtLaunchSpec *spec, int32_t source, SvirtFdRole role)
{
    for (uint32_t i = 0; i < spec->n_fds; i++) {
        if (spec->fds[i].source == source &&
            spec->fds[i].role == (uint32_t)role) {
            return true;
        }
    }
    return false;
}

static bool
check_locks(const SvirtLaunchSpec *spec)
{
    for (uint32_t i = 0; i < spec->n_locks; i++) {
        const SvirtSpecLock *lock = &spec->locks[i];

        if (((lock->bytes.used | lock->bytes.unshared) & ~SVIRT_LOCK_ALL) !=
                0 ||
            !has_source(spec, lock->source, SVIRT_FD_LOCK)) {
            return false;
        }
    }
    return true;
}

/* One component: nothing above or below the directory can be meant. */
static bool
name_ok(const char *name)
{
    size_t length = strnlen(name, 256);

    return length > 0 && length < 256 && strchr(name, '/') == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static bool
check_sockets(const SvirtLaunchSpec *spec)
{
    for (uint32_t i = 0; i < spec->n_sockets; i++) {
        const SvirtSpecSocket *socket = &spec->sockets[i];
        const char *dir;

        if (!has_source(spec, socket->source, SVIRT_FD_SOCKET_DIR) ||
            !svirt_spec_string_ok(spec, socket->dir_path) ||
            !svirt_spec_string_ok(spec, socket->name) ||
            !name_ok(svirt_spec_string(spec, socket->name))) {
            return false;
        }
        dir = svirt_spec_string(spec, socket->dir_path);
        if (strcmp(dir, "/") != 0 && !svirt_spec_path_ok(dir)) {
            return false;
        }
    }
    return spec->author.n_groups <= SVIRT_SPEC_MAX_GROUPS;
}

bool
svirt_spec_check_held(const SvirtLaunchSpec *spec, const char **ret_why)
{
    *ret_why = "locks";
    if (!check_locks(spec)) {
        return false;
    }
    *ret_why = "sockets";
    return check_sockets(spec);
}
