/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/enum-table.h"
#include "domain/domain.h"

/*
 * Everything of the host that a definition names, one row each: emulator,
 * kernel, initrd, disks with what is below them, character devices,
 * interfaces, rng. It is what is opened, labelled and handed to the VM;
 * nothing else of the host ever is.
 */
typedef enum SvirtResourceKind {
    SVIRT_RESOURCE_EMULATOR,
    SVIRT_RESOURCE_KERNEL,
    SVIRT_RESOURCE_INITRD,
    SVIRT_RESOURCE_LOADER,
    SVIRT_RESOURCE_NVRAM,
    SVIRT_RESOURCE_DISK,
    SVIRT_RESOURCE_CDROM,
    SVIRT_RESOURCE_BACKING,   /* an image below a disk */
    SVIRT_RESOURCE_DATA_FILE, /* external data file of an image */
    SVIRT_RESOURCE_NETWORK,   /* no path: passt, or a tap */
    SVIRT_RESOURCE_PTY,       /* no path: made at start */
    SVIRT_RESOURCE_SOCKET_LISTEN,
    SVIRT_RESOURCE_SOCKET_CONNECT,
    SVIRT_RESOURCE_CHARDEV_FILE, /* a serial that writes into a file */
    SVIRT_RESOURCE_CHARDEV_LOG,  /* <log file=> beside a chardev */
    SVIRT_RESOURCE_RNG,
    SVIRT_RESOURCE_TCP_LISTEN,  /* `path` is ADDRESS:PORT; NULL: any port */
    SVIRT_RESOURCE_TCP_CONNECT, /* the same */
    SVIRT_RESOURCE_VSOCK,       /* no path: an address of the host's */
    /* What only obstacles name. Those without a path have a `name`. */
    SVIRT_RESOURCE_NETWORK_DISK,  /* name: a URI */
    SVIRT_RESOURCE_VOLUME,        /* name: POOL/VOLUME */
    SVIRT_RESOURCE_DIRECTORY,     /* a tree of files, shared or as a FAT */
    SVIRT_RESOURCE_HOST_FILE,     /* a file that a device or QEMU reads */
    SVIRT_RESOURCE_HOST_DEVICE,   /* a device node */
    SVIRT_RESOURCE_PCI_DEVICE,    /* name: 0000:03:00.1 */
    SVIRT_RESOURCE_USB_DEVICE,    /* name: BUS.DEVICE or VENDOR:PRODUCT */
    SVIRT_RESOURCE_SCSI_DEVICE,   /* name: ADAPTER:BUS:TARGET:UNIT, or WWPN */
    SVIRT_RESOURCE_MEDIATED,      /* name: a UUID */
    SVIRT_RESOURCE_SHARED_MEMORY, /* name; a path where it has one */
    SVIRT_RESOURCE_PIPE,
    SVIRT_RESOURCE_UDP,     /* name: "connect HOST:PORT" or "bind ..." */
    SVIRT_RESOURCE_STDIO,   /* that of who starts it */
    SVIRT_RESOURCE_DISPLAY, /* of the host's user; name: its address */
    SVIRT_RESOURCE_AUDIO,   /* name: of the server; or a path */
    SVIRT_RESOURCE_SECRET,  /* name: UUID or usage */
    SVIRT_RESOURCE_SCRIPT,  /* would run as root */
    SVIRT_RESOURCE_MAX
} SvirtResourceKind;
SVIRT_ENUM_DECLARE(SvirtResourceKind, svirt_resource_kind)

typedef enum SvirtAccess {
    SVIRT_ACCESS_READ_ONLY,
    SVIRT_ACCESS_SHARED,    /* read-write, by several VMs */
    SVIRT_ACCESS_EXCLUSIVE, /* read-write, by this VM alone */
    SVIRT_ACCESS_MAX
} SvirtAccess;
SVIRT_ENUM_DECLARE(SvirtAccess, svirt_access)

typedef struct SvirtResource {
    SvirtResourceKind kind;
    SvirtAccess access;
    const char *path;       /* NULL where the kind has none */
    const char *name;       /* network: "bridge br0", "network lan", "tap t0";
                               NULL: passt, and other kinds */
    SvirtDiskFormat format; /* of images; UNSET: raw */
    bool block;             /* a block device is wanted */
    bool optional;          /* may be missing at start */
    bool transient;         /* what is written is dropped at the end */
    bool append;            /* chardev files */
    unsigned line;
    const char *origin; /* "devices/disk[2]/source" */
    const char *target; /* "vda", "serial0", "net0"; NULL none */
    /* Place in the domain's array of that device; image, in disk->images. */
    size_t device_index;
    size_t image_index;
    const GPtrArray *seclabels; /* of SvirtSeclabel *; NULL none */
} SvirtResource;

typedef struct SvirtResourceList {
    const SvirtDomain *domain; /* borrowed; must outlive the list */
    SvirtArena *arena;         /* owned */
    const SvirtResource *items;
    size_t count;
    /* The domain's withheld ones: shown, and never opened or labelled. */
    const SvirtResource *withheld;
    size_t withheld_count;
} SvirtResourceList;

/*
 * Owned by the caller. Errors: INVALID when one path is named for two uses
 * that exclude each other (the same file for two disks, one of them written).
 */
bool svirt_resource_list_from_domain(const SvirtDomain *domain,
                                     SvirtResourceList **ret_list,
                                     GError **error);
void svirt_resource_list_free(SvirtResourceList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtResourceList, svirt_resource_list_free)

/*
 * {"domain": {name, uuid}, "resources": [...], "warnings": [...],
 * "obstacles": [...]} with keys in a fixed order, indented, a newline at the
 * end. Owned by the caller. What `svirt define --validate --format json`
 * prints.
 */
char *svirt_resource_list_to_json(const SvirtResourceList *list);
