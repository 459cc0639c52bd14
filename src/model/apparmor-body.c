/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/apparmor-body.h"

#include "model/apparmor-profile.h"

#define LIBRARIES "/{,usr/,usr/local/}lib{,32,64,x32}/**"
#define READ SVIRT_PROFILE_READ
#define READ_WRITE                                                           \
    (SVIRT_PROFILE_READ | SVIRT_PROFILE_WRITE | SVIRT_PROFILE_APPEND)
#define LOAD (SVIRT_PROFILE_READ | SVIRT_PROFILE_MAP)

typedef struct PathRule {
    const char *glob;
    unsigned access;
} PathRule;

typedef struct SocketRule {
    int family;
    int type;
    unsigned operations;
} SocketRule;

typedef struct Body {
    const PathRule *paths;
    size_t path_count;
    const SocketRule *sockets;
    size_t socket_count;
} Body;

/*
 * QEMU. Its sockets were made by others, or come over a socket: it may use
 * them and make none. An accepted VNC client is one of TCP.
 */
static const PathRule vmm_paths[] = {
    { LIBRARIES, LOAD },
    { "/etc/ld.so.cache", READ },
    /* Firmware, option ROMs and keyboards that come with QEMU. */
    { "/usr/{,local/}share/{qemu,qemu-efi-*,seabios,OVMF,AAVMF,ovmf,edk2,"
      "edk2-*,ipxe,ipxe-qemu,vgabios,openbios,slof,sgabios}/**", READ },
    { "/dev/{null,zero,full}", READ_WRITE },
    { "/dev/{random,urandom}", READ },
    { "/dev/kvm", READ_WRITE },
    /* QEMU's own, process 1 of its namespace: how many NUMA nodes it has. */
    { "/proc/1/status", READ },
};
static const SocketRule vmm_sockets[] = {
    { AF_UNIX, SOCK_STREAM, SVIRT_PROFILE_SOCKET_USE },
    { AF_UNIX, SOCK_DGRAM, SVIRT_PROFILE_SOCKET_USE },
    { AF_UNIX, SOCK_SEQPACKET, SVIRT_PROFILE_SOCKET_USE },
    { AF_INET, SOCK_STREAM, SVIRT_PROFILE_SOCKET_USE },
    { AF_INET6, SOCK_STREAM, SVIRT_PROFILE_SOCKET_USE },
};

/* The monitor: its C library, once. What it works on it was given open. */
static const PathRule monitor_paths[] = {
    { LIBRARIES, LOAD },
};
static const SocketRule monitor_sockets[] = {
    { AF_UNIX, SOCK_STREAM, /* socketpair(2) is asked as creating */
      SVIRT_PROFILE_SOCKET_USE | SVIRT_PROFILE_SOCKET_ACCEPT |
          SVIRT_PROFILE_SOCKET_CREATE },
    { AF_UNIX, SOCK_SEQPACKET, SVIRT_PROFILE_SOCKET_USE },
    { AF_UNIX, SOCK_DGRAM, SVIRT_PROFILE_SOCKET_USE },
    { AF_INET, SOCK_STREAM,
      SVIRT_PROFILE_SOCKET_USE | SVIRT_PROFILE_SOCKET_ACCEPT },
    { AF_INET6, SOCK_STREAM,
      SVIRT_PROFILE_SOCKET_USE | SVIRT_PROFILE_SOCKET_ACCEPT },
};

/* passt: the guest's connections to the outside, which it makes itself, and
 * the host's addresses by netlink. It listens nowhere. */
#define SOCKET_OUTWARD                                                       \
    (SVIRT_PROFILE_SOCKET_USE | SVIRT_PROFILE_SOCKET_CREATE |                \
     SVIRT_PROFILE_SOCKET_CONNECT | SVIRT_PROFILE_SOCKET_BIND)
static const PathRule helper_paths[] = {
    { LIBRARIES, LOAD },
    { "/etc/ld.so.cache", READ },
    { "/dev/null", READ_WRITE },
};
static const SocketRule helper_sockets[] = {
    { AF_UNIX, SOCK_STREAM, SVIRT_PROFILE_SOCKET_USE },
    { AF_INET, SOCK_STREAM, SOCKET_OUTWARD },
    { AF_INET, SOCK_DGRAM, SOCKET_OUTWARD },
    { AF_INET6, SOCK_STREAM, SOCKET_OUTWARD },
    { AF_INET6, SOCK_DGRAM, SOCKET_OUTWARD },
    { AF_NETLINK, SOCK_RAW, SOCKET_OUTWARD },
};

static const Body vmm_body = {
    .paths = vmm_paths, .path_count = G_N_ELEMENTS(vmm_paths),
    .sockets = vmm_sockets, .socket_count = G_N_ELEMENTS(vmm_sockets),
};
static const Body monitor_body = {
    .paths = monitor_paths, .path_count = G_N_ELEMENTS(monitor_paths),
    .sockets = monitor_sockets,
    .socket_count = G_N_ELEMENTS(monitor_sockets),
};
static const Body helper_body = {
    .paths = helper_paths, .path_count = G_N_ELEMENTS(helper_paths),
    .sockets = helper_sockets, .socket_count = G_N_ELEMENTS(helper_sockets),
};

/* Threads signal one another; svirt, unconfined, ends the process. Of other
 * VMs nobody may. */
static bool
add_signals(SvirtProfile *profile, const char *name, GError **error)
{
    return svirt_profile_allow_signal(profile, name,
                                      SVIRT_PROFILE_SIGNAL_SEND |
                                      SVIRT_PROFILE_SIGNAL_RECEIVE, error) &&
           svirt_profile_allow_signal(profile, "unconfined",
                                      SVIRT_PROFILE_SIGNAL_RECEIVE, error);
}

static SvirtProfile *
make_profile(const char *name, const Body *body, GError **error)
{
    g_autoptr(SvirtProfile) profile = svirt_profile_new(name, error);
    bool ok = profile != NULL && add_signals(profile, name, error) &&
        svirt_profile_allow_key(profile, SVIRT_APPARMOR_MARK,
                                SVIRT_APPARMOR_MARK_SIZE, READ, error);

    for (size_t i = 0; ok && i < body->path_count; i++) {
        ok = svirt_profile_allow_path(profile, body->paths[i].glob,
                                      body->paths[i].access, false, error);
    }
    for (size_t i = 0; ok && i < body->socket_count; i++) {
        ok = svirt_profile_allow_socket(profile, body->sockets[i].family,
                                        body->sockets[i].type,
                                        body->sockets[i].operations, error);
    }
    return ok ? g_steal_pointer(&profile) : NULL;
}

/* An object by name. What may be executed runs in the VMM's own profile. */
static bool
add_path(SvirtProfile *profile, const SvirtModelPath *path, GError **error)
{
    unsigned access = 0;

    if ((path->access & SVIRT_MODEL_PATH_READ) != 0) {
        access |= READ;
    }
    if ((path->access & SVIRT_MODEL_PATH_WRITE) != 0) {
        access |= SVIRT_PROFILE_WRITE | SVIRT_PROFILE_APPEND |
            SVIRT_PROFILE_LOCK;
    }
    if ((path->access & SVIRT_MODEL_PATH_EXECUTE) != 0) {
        access |= READ | SVIRT_PROFILE_EXEC_INHERIT;
    }
    return svirt_profile_allow_literal(profile, path->path,
        (path->access & SVIRT_MODEL_PATH_TREE) != 0, access, error);
}

static bool
append_vmm(const SvirtLabelSeed *seed, const char *name, GByteArray *out,
           GError **error)
{
    g_autoptr(SvirtProfile) profile = make_profile(name, &vmm_body, error);

    if (profile == NULL) {
        return false;
    }
    for (size_t i = 0; i < seed->path_count; i++) {
        if (!add_path(profile, &seed->paths[i], error)) {
            return false;
        }
    }
    return svirt_profile_append(profile, out, error);
}

static bool
append_other(const char *name, const Body *body, GByteArray *out,
             GError **error)
{
    g_autoptr(SvirtProfile) profile = NULL;

    if (name == NULL) {
        return true;
    }
    profile = make_profile(name, body, error);
    return profile != NULL && svirt_profile_append(profile, out, error);
}

bool
svirt_apparmor_make(const SvirtLabelSeed *seed, const SvirtLabelSet *labels,
                    GByteArray *out, GError **error)
{
    return append_vmm(seed, labels->vmm, out, error) &&
           append_other(labels->monitor, &monitor_body, out, error) &&
           append_other(labels->helper, &helper_body, out, error);
}
