/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of the host, by their nodes and by making nodes. */
#include "selftest/probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NODE (L(ROOT) | L(LANDLOCK) | L(DAC) | L(CGROUP))
#define RAW (NODE | L(CAPABILITY))
#define OPEN_NODE svirt_probe_open_path
#define IF_THERE SVIRT_PROBE_ABSENCE_PATH

static int
open_block(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return *t->block_device
               ? svirt_probe_opened(
                     open(t->block_device, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
               : SVIRT_PROBE_UNAIMED;
}

static int
open_pty(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
         SvirtProbeNote *note)
{
    return *t->pty ? svirt_probe_opened(
                         open(t->pty, O_RDWR | O_NOCTTY | O_NONBLOCK))
                   : SVIRT_PROBE_UNAIMED;
}

/*
 * Makes a node in the first directory that takes one and opens it. Every
 * place an attacker may have is tried: the host's and its own.
 */
static int
make_node(const SvirtProbeTarget *t, mode_t type, dev_t number, int flags)
{
    const char *directories[] = { t->tmp_directory, "/dev", "/tmp", "/" };
    int error = EPERM;

    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]);
         i++) {
        char path[2 * SVIRT_PROBE_PATH];

        if (!*directories[i]) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", directories[i],
                       t->attempt_name);
        if (mknod(path, type | 0600, number) < 0) {
            error = errno;
            continue;
        }
        error = svirt_probe_opened(open(path, flags | O_CLOEXEC));
        (void)unlink(path);
        return error;
    }
    return error;
}

static int
make_block(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
           SvirtProbeNote *note)
{
    return t->block_number < 0
               ? SVIRT_PROBE_UNAIMED
               : make_node(t, S_IFBLK, (dev_t)t->block_number,
                           O_RDONLY | O_NONBLOCK);
}

static int
make_kernel_log(const SvirtProbeTarget *t, const SvirtProbeAttempt *a,
                SvirtProbeNote *note)
{
    return make_node(t, S_IFCHR, makedev(1, 11), O_RDONLY | O_NONBLOCK);
}

SVIRT_PROBE_ROWS(
    devices,
    { "block-node", "open the host's disk", NODE, open_block,
      .absence = SVIRT_PROBE_ABSENCE_TARGET },
    { "block-mknod", "make a node of the host's disk and open it",
      L(CAPABILITY) | L(FILTER) | L(CGROUP) | L(LANDLOCK), make_block,
      .absence = SVIRT_PROBE_ABSENCE_TARGET },
    { "char-mknod", "make a node of the kernel's log and open it",
      L(CAPABILITY) | L(FILTER) | L(CGROUP) | L(LANDLOCK), make_kernel_log },
    { "pty", "open another session's terminal", NODE, open_pty,
      .absence = SVIRT_PROBE_ABSENCE_TARGET },
    { "ptmx", "make a terminal", L(ROOT) | L(LANDLOCK) | L(CGROUP),
      OPEN_NODE, "/dev/ptmx", O_RDWR, IF_THERE },
    { "dev-kmsg", "open the kernel's log", NODE | L(CAPABILITY),
      OPEN_NODE, "/dev/kmsg", O_RDONLY | O_NONBLOCK, IF_THERE },
    { "dev-mem", "open physical memory", RAW, OPEN_NODE,
      "/dev/mem",
      O_RDONLY, IF_THERE },
    { "dev-port", "open the I/O ports", RAW, OPEN_NODE,
      "/dev/port",
      O_RDONLY, IF_THERE },
    { "dev-tty", "open the host's first console", NODE, OPEN_NODE,
      "/dev/tty1", O_RDWR | O_NONBLOCK, IF_THERE },
    { "dev-fuse", "serve a file system", NODE, OPEN_NODE, "/dev/fuse", O_RDWR,
      IF_THERE },
    { "dev-tun", "make a network interface", NODE, OPEN_NODE, "/dev/net/tun",
      O_RDWR, IF_THERE },
    { "dev-loop", "make a block device", NODE, OPEN_NODE, "/dev/loop-control",
      O_RDWR, IF_THERE },
    { "dev-mapper", "control the device mapper", NODE, OPEN_NODE,
      "/dev/mapper/control", O_RDWR, IF_THERE },
    { "dev-kvm", "open KVM when it was not granted", NODE, OPEN_NODE,
      "/dev/kvm", O_RDWR, IF_THERE },
    { "dev-vfio", "open the VFIO container", NODE, OPEN_NODE,
      "/dev/vfio/vfio", O_RDWR, IF_THERE },
    { "dev-vhost-net", "open vhost-net", NODE, OPEN_NODE, "/dev/vhost-net",
      O_RDWR, IF_THERE },
    { "dev-vhost-vsock", "open vhost-vsock", NODE, OPEN_NODE,
      "/dev/vhost-vsock", O_RDWR, IF_THERE },
    { "dev-vsock", "ask for the host's own vsock number", NODE, OPEN_NODE,
      "/dev/vsock", O_RDONLY, IF_THERE },
    { "dev-userfaultfd", "get a userfaultfd from its device", NODE, OPEN_NODE,
      "/dev/userfaultfd", O_RDWR, IF_THERE },
    { "dev-uinput", "make an input device", NODE, OPEN_NODE, "/dev/uinput",
      O_WRONLY | O_NONBLOCK, IF_THERE },
    { "dev-msr", "open the processor's registers", RAW, OPEN_NODE,
      "/dev/cpu/0/msr", O_RDONLY, IF_THERE },
    { "dev-hwrng", "open the hardware's random source", NODE, OPEN_NODE,
      "/dev/hwrng", O_RDONLY | O_NONBLOCK, IF_THERE },
    { "dev-rtc", "open the host's clock", NODE, OPEN_NODE, "/dev/rtc0",
      O_RDONLY, IF_THERE },
    { "dev-udmabuf", "make DMA buffers", NODE, OPEN_NODE, "/dev/udmabuf",
      O_RDWR, IF_THERE },
    { "dev-btrfs", "control btrfs devices", NODE, OPEN_NODE,
      "/dev/btrfs-control", O_RDWR, IF_THERE })
