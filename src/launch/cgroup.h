/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "launch/failure.h"

/*
 * The cgroups of one VM, cgroup v2 only:
 *
 *     <mount>/<parent>/<uuid>/vmm      the VMM
 *     <mount>/<parent>/<uuid>/helper   monitor and passt
 *
 * Processes live in the two leaves alone (the kernel's "no internal processes"
 * rule). Used by `svirt start` (create, filters), the keeper (kill, remove)
 * and `svirt recover` (open, kill, remove). Life cycle: _create or _open,
 * filters, launch, _remove, _close. Failures name SVIRT_STEP_CLONE.
 * cgroup-v2.rst is the source for every file name.
 */

/* Controllers svirt asks for. */
#define SVIRT_CONTROLLER_MEMORY 1u
#define SVIRT_CONTROLLER_PIDS 2u
#define SVIRT_CONTROLLER_CPU 4u
#define SVIRT_CONTROLLER_IO 8u
#define SVIRT_CONTROLLER_ALL 15u

/* `controller` is one bit. */
const char *svirt_controller_to_string(uint32_t controller);
bool svirt_controller_from_string(const char *text, uint32_t *ret);

/*
 * What a definition asks for of its VMM's leaf. Unlike the limits that svirt
 * sets of its own accord, one that cannot be set is an error.
 */
typedef struct SvirtCgroupWish {
    uint32_t controller; /* one SVIRT_CONTROLLER_* */
    const char *file; /* a weight is the whole VM's, the rest the VMM's */
    char text[120];
} SvirtCgroupWish;

typedef struct SvirtCgroupLimits {
    uint64_t memory_max_bytes; /* of the VMM; 0 no limit */
    uint64_t helper_memory_max_bytes;
    uint32_t pids_max;         /* threads of the VMM; 0 no limit */
    uint32_t helper_pids_max;
    uint32_t cpu_weight;       /* 1-10000 for the whole VM; 0 leave 100 */
    const SvirtCgroupWish *wishes; /* borrowed; written last */
    size_t wish_count;
} SvirtCgroupLimits;

/*
 * Limits for a VMM whose guest has `guest_bytes` of memory: 1.25 GiB and
 * an eighth of the guest on top (TCG's code buffer is up to 1 GiB; page tables,
 * video memory, block caches), 512 threads more than vCPUs.
 */
void svirt_cgroup_limits_for_guest(uint64_t guest_bytes, uint32_t n_vcpus,
                                   SvirtCgroupLimits *ret);

typedef struct SvirtCgroup {
    int parent_fd; /* owned, -1 unset: <mount>/<parent> */
    int vm_fd;     /* owned, -1 unset: <mount>/<parent>/<uuid> */
    int vmm_fd;    /* owned, -1 unset: for svirt_launch_process */
    int helper_fd; /* owned, -1 unset */
    uint32_t missing_controllers; /* SVIRT_CONTROLLER_*: their limits are off */
    char path[512]; /* absolute, of <uuid>; add "/vmm" or "/helper" */
} SvirtCgroup;

#define SVIRT_CGROUP_INIT { -1, -1, -1, -1, 0, "" }

/*
 * Where cgroup2 is mounted, from the mountinfo text (proc(5)) in `fd`; -1
 * opens /proc/self/mountinfo. False with errno: ENOENT there is none.
 */
bool svirt_cgroup_find_mount(int fd, char *ret, size_t size);

/*
 * `parent` is a relative path below the mount, such as "svirt" or the unit's
 * own delegated cgroup; its directories are made. An existing VM cgroup of that
 * uuid is used again when empty, else EBUSY. Controllers the kernel or the
 * parent does not give are named in missing_controllers, not an error; a limit
 * the kernel refuses is one.
 */
bool svirt_cgroup_create(const char *parent, const SvirtUuid *uuid,
                         const SvirtCgroupLimits *limits, SvirtCgroup *ret,
                         SvirtLaunchFailure *ret_failure);
/* The existing one; ENOENT when there is none. */
bool svirt_cgroup_open(const char *parent, const SvirtUuid *uuid,
                       SvirtCgroup *ret, SvirtLaunchFailure *ret_failure);
/* Closes the descriptors; the cgroup stays. */
void svirt_cgroup_close(SvirtCgroup *cgroup);

/*
 * Kills everything in and below the cgroup directory (cgroup.kill, Linux 5.14)
 * and waits until it is empty. False with errno: ETIMEDOUT.
 */
bool svirt_cgroup_kill(int cgroup_fd, int timeout_ms);
/*
 * Removes leaves and VM directory as far as they are empty; false with errno,
 * EBUSY: something lives there. ENOENT is success.
 */
bool svirt_cgroup_rmdir(int parent_fd, const SvirtUuid *uuid);
/*
 * Kills, waits, removes leaves and VM directory. ENOENT is success. From a
 * leaf's descriptor the parent is openat(leaf, "../..").
 */
bool svirt_cgroup_remove(int parent_fd, const SvirtUuid *uuid,
                         int timeout_ms);

/* A device the processes of a cgroup may use. */
typedef struct SvirtDeviceRule {
    char type;      /* 'c' or 'b' */
    uint32_t major;
    uint32_t minor;
    bool read;
    bool write;
    bool mknod;
} SvirtDeviceRule;

#define SVIRT_DEVICE_RULES_MAX 128

/*
 * A BPF_PROG_TYPE_CGROUP_DEVICE program that allows these and refuses every
 * other device. The rules for SVIRT_NODE_* nodes are written by
 * svirt_device_rules_for_nodes (its mknod rights are what the launch needs to
 * make the private /dev). False with errno: ENOSYS, EPERM: this kernel or this
 * caller cannot (SVIRT_LAYER_DEVICE_FILTER is missing).
 */
bool svirt_cgroup_set_devices(int cgroup_fd, const SvirtDeviceRule *rules,
                              size_t count);
/*
 * The same in two steps, for the many cgroups that have the same rules: the
 * kernel checks and compiles a program once. The first gives the caller's
 * descriptor, or -1 with errno.
 */
int svirt_device_filter_load(const SvirtDeviceRule *rules, size_t count);
bool svirt_device_filter_put(int program_fd, int cgroup_fd);
size_t svirt_device_rules_for_nodes(uint32_t nodes,
                                    SvirtDeviceRule rules[static 8]);

/* Addresses a helper's sockets may not reach: `bits` of `address` compared. */
typedef struct SvirtAddressRule {
    bool ipv6;
    uint8_t address[16]; /* network order; IPv4 in the first four */
    uint8_t bits;
} SvirtAddressRule;

#define SVIRT_ADDRESS_RULES_MAX 256

/*
 * Programs on connect, UDP sendmsg and bind of the cgroup, IPv4 and IPv6, and
 * on every packet that leaves. Refused (EPERM): the always-refused list of
 * address-filter.c (loopback, link-local with the cloud's 169.254.169.254,
 * unspecified, multicast, broadcast, IPv4 inside IPv6) and `rules`. Of a bind
 * the port is taken away (the kernel picks a free one): no port of the host's
 * choosing can be taken. Dropped: every packet to the host itself, at addresses
 * it gets later too. Set again, the programs are replaced. False with errno.
 */
bool svirt_cgroup_set_addresses(int cgroup_fd, const SvirtAddressRule *rules,
                                size_t count);
/*
 * The addresses this host has now (getifaddrs(3)) as rules; *ret_count of
 * them, the first `max`. They give a guest an answer at once where the rule on
 * packets would let it wait.
 */
bool svirt_address_rules_for_host(SvirtAddressRule *rules, size_t max,
                                  size_t *ret_count);
