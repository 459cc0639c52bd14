/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/enum-table.h"
#include "domain/tune.h"
#include "domain/xml.h"
#include "label/seclabel.h"

/*
 * The devices of a definition, as libvirt's formatdomain describes them. Every
 * text and array is owned by the SvirtDomain; a text is NULL where the
 * definition says nothing. `line` is the line of the element, `ordinal` its
 * place among those of its name under <devices>, from 1.
 *
 * Enums whose word the definition may leave out have _UNSET as 0 ("").
 */

/* ---- addresses ---------------------------------------------------------- */

typedef enum SvirtAddressType {
    SVIRT_ADDRESS_UNSET,
    SVIRT_ADDRESS_PCI,
    SVIRT_ADDRESS_DRIVE,
    SVIRT_ADDRESS_USB,
    SVIRT_ADDRESS_VIRTIO_SERIAL,
    SVIRT_ADDRESS_ISA,
    SVIRT_ADDRESS_MAX
} SvirtAddressType;
SVIRT_ENUM_DECLARE(SvirtAddressType, svirt_address_type)

typedef struct SvirtAddress {
    SvirtAddressType type;
    unsigned domain;      /* pci */
    unsigned bus;         /* pci, drive, usb, virtio-serial */
    unsigned slot;        /* pci */
    unsigned function;    /* pci */
    bool multifunction;   /* pci */
    unsigned controller;  /* drive, virtio-serial */
    unsigned target;      /* drive */
    unsigned unit;        /* drive */
    unsigned port;        /* virtio-serial; usb: the first port number */
    const char *usb_port; /* usb: "1" or "1.2" */
    unsigned iobase;      /* isa */
    unsigned irq;         /* isa */
    unsigned line;
} SvirtAddress;

/* What nearly every device has. */
typedef struct SvirtDeviceInfo {
    unsigned line;
    unsigned ordinal;
    const char *alias;   /* <alias name=>; letters, digits, '-', '_', '.' */
    unsigned boot_order; /* <boot order=>, 0 unset */
    SvirtAddress address;
    SvirtXmlNode *node; /* borrowed from the tree; NULL: no such element */
} SvirtDeviceInfo;

/* ---- disks -------------------------------------------------------------- */

typedef enum SvirtDiskDevice {
    SVIRT_DISK_DEVICE_DISK,
    SVIRT_DISK_DEVICE_CDROM,
    SVIRT_DISK_DEVICE_FLOPPY,
    SVIRT_DISK_DEVICE_MAX
} SvirtDiskDevice;
SVIRT_ENUM_DECLARE(SvirtDiskDevice, svirt_disk_device)

typedef enum SvirtDiskBus {
    SVIRT_DISK_BUS_VIRTIO,
    SVIRT_DISK_BUS_SATA,
    SVIRT_DISK_BUS_IDE,
    SVIRT_DISK_BUS_SCSI,
    SVIRT_DISK_BUS_USB,
    SVIRT_DISK_BUS_FDC,
    SVIRT_DISK_BUS_MAX
} SvirtDiskBus;
SVIRT_ENUM_DECLARE(SvirtDiskBus, svirt_disk_bus)

/* libvirt's words for what QEMU can read; UNSET means raw, never probed. */
typedef enum SvirtDiskFormat {
    SVIRT_DISK_FORMAT_UNSET,
    SVIRT_DISK_FORMAT_RAW,
    SVIRT_DISK_FORMAT_QCOW,
    SVIRT_DISK_FORMAT_QCOW2,
    SVIRT_DISK_FORMAT_QED,
    SVIRT_DISK_FORMAT_VMDK,
    SVIRT_DISK_FORMAT_VHDX,
    SVIRT_DISK_FORMAT_VPC,
    SVIRT_DISK_FORMAT_VDI,
    SVIRT_DISK_FORMAT_BOCHS,
    SVIRT_DISK_FORMAT_CLOOP,
    SVIRT_DISK_FORMAT_DMG,
    SVIRT_DISK_FORMAT_MAX
} SvirtDiskFormat;
SVIRT_ENUM_DECLARE(SvirtDiskFormat, svirt_disk_format)

typedef enum SvirtDiskCache {
    SVIRT_DISK_CACHE_UNSET, /* also libvirt's "default" */
    SVIRT_DISK_CACHE_NONE,
    SVIRT_DISK_CACHE_WRITETHROUGH,
    SVIRT_DISK_CACHE_WRITEBACK,
    SVIRT_DISK_CACHE_DIRECTSYNC,
    SVIRT_DISK_CACHE_UNSAFE,
    SVIRT_DISK_CACHE_MAX
} SvirtDiskCache;
SVIRT_ENUM_DECLARE(SvirtDiskCache, svirt_disk_cache)

typedef enum SvirtDiskIo {
    SVIRT_DISK_IO_UNSET,
    SVIRT_DISK_IO_THREADS,
    SVIRT_DISK_IO_NATIVE,
    SVIRT_DISK_IO_IO_URING,
    SVIRT_DISK_IO_MAX
} SvirtDiskIo;
SVIRT_ENUM_DECLARE(SvirtDiskIo, svirt_disk_io)

typedef enum SvirtDiskDiscard {
    SVIRT_DISK_DISCARD_UNSET,
    SVIRT_DISK_DISCARD_IGNORE,
    SVIRT_DISK_DISCARD_UNMAP,
    SVIRT_DISK_DISCARD_MAX
} SvirtDiskDiscard;
SVIRT_ENUM_DECLARE(SvirtDiskDiscard, svirt_disk_discard)

typedef enum SvirtDiskDetectZeroes {
    SVIRT_DISK_DETECT_ZEROES_UNSET,
    SVIRT_DISK_DETECT_ZEROES_OFF,
    SVIRT_DISK_DETECT_ZEROES_ON,
    SVIRT_DISK_DETECT_ZEROES_UNMAP,
    SVIRT_DISK_DETECT_ZEROES_MAX
} SvirtDiskDetectZeroes;
SVIRT_ENUM_DECLARE(SvirtDiskDetectZeroes, svirt_disk_detect_zeroes)

typedef enum SvirtDiskErrorPolicy {
    SVIRT_DISK_ERROR_POLICY_UNSET,
    SVIRT_DISK_ERROR_POLICY_STOP,
    SVIRT_DISK_ERROR_POLICY_REPORT,
    SVIRT_DISK_ERROR_POLICY_IGNORE,
    SVIRT_DISK_ERROR_POLICY_ENOSPACE,
    SVIRT_DISK_ERROR_POLICY_MAX
} SvirtDiskErrorPolicy;
SVIRT_ENUM_DECLARE(SvirtDiskErrorPolicy, svirt_disk_error_policy)

/* What to do when a source is not there at start. */
typedef enum SvirtStartupPolicy {
    SVIRT_STARTUP_POLICY_MANDATORY,
    SVIRT_STARTUP_POLICY_REQUISITE,
    SVIRT_STARTUP_POLICY_OPTIONAL,
    SVIRT_STARTUP_POLICY_MAX
} SvirtStartupPolicy;
SVIRT_ENUM_DECLARE(SvirtStartupPolicy, svirt_startup_policy)

/* One file or block device that holds data of a disk. */
typedef struct SvirtDiskImage SvirtDiskImage;
struct SvirtDiskImage {
    bool block;       /* type='block': a block device is wanted */
    const char *path; /* absolute; NULL: empty drive */
    SvirtDiskFormat format;
    SvirtStartupPolicy startup_policy;
    const GPtrArray *seclabels; /* of SvirtSeclabel *, checked; NULL none */
    const SvirtDiskImage *data_file; /* <dataStore>; NULL none */
    unsigned line;                   /* of <source>, else of its parent */
};

typedef struct SvirtDisk {
    SvirtDeviceInfo info;
    SvirtDiskDevice device;
    SvirtDiskBus bus;
    const char *target; /* "vda"; unique within the domain */
    /* [0] is the disk, the rest its <backingStore> elements from the top. */
    const SvirtDiskImage *images;
    size_t image_count; /* at least 1 */
    /* The definition ends the chain itself (<backingStore/>), so that no
       recorded chain is looked for below the last image. */
    bool chain_complete;
    bool read_only; /* always for a cdrom */
    bool shareable;
    bool transient; /* writes are dropped at the end */
    SvirtDiskCache cache;
    SvirtDiskIo io;
    SvirtDiskDiscard discard;
    SvirtDiskDetectZeroes detect_zeroes;
    SvirtDiskErrorPolicy error_policy;
    SvirtDiskErrorPolicy read_error_policy;
    const char *serial;
    uint32_t logical_block_size_bytes;  /* 0 unset */
    uint32_t physical_block_size_bytes; /* 0 unset */
    SvirtIotune iotune;
    unsigned iothread; /* 0: QEMU's main loop */
} SvirtDisk;

/* ---- controllers -------------------------------------------------------- */

typedef enum SvirtControllerType {
    SVIRT_CONTROLLER_PCI,
    SVIRT_CONTROLLER_USB,
    SVIRT_CONTROLLER_SATA,
    SVIRT_CONTROLLER_IDE,
    SVIRT_CONTROLLER_SCSI,
    SVIRT_CONTROLLER_VIRTIO_SERIAL,
    SVIRT_CONTROLLER_FDC,
    SVIRT_CONTROLLER_TYPE_MAX
} SvirtControllerType;
SVIRT_ENUM_DECLARE(SvirtControllerType, svirt_controller_type)

/* Models of every type in one list; the parser checks the type they fit. */
typedef enum SvirtControllerModel {
    SVIRT_CONTROLLER_MODEL_UNSET,
    SVIRT_CONTROLLER_MODEL_PCI_ROOT,
    SVIRT_CONTROLLER_MODEL_PCIE_ROOT,
    SVIRT_CONTROLLER_MODEL_PCI_BRIDGE,
    SVIRT_CONTROLLER_MODEL_DMI_TO_PCI_BRIDGE,
    SVIRT_CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE,
    SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT,
    SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_UPSTREAM_PORT,
    SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT,
    SVIRT_CONTROLLER_MODEL_PIIX3_UHCI,
    SVIRT_CONTROLLER_MODEL_PIIX4_UHCI,
    SVIRT_CONTROLLER_MODEL_VT82C686B_UHCI,
    SVIRT_CONTROLLER_MODEL_PCI_OHCI,
    SVIRT_CONTROLLER_MODEL_EHCI,
    SVIRT_CONTROLLER_MODEL_ICH9_EHCI1,
    SVIRT_CONTROLLER_MODEL_ICH9_UHCI1,
    SVIRT_CONTROLLER_MODEL_ICH9_UHCI2,
    SVIRT_CONTROLLER_MODEL_ICH9_UHCI3,
    SVIRT_CONTROLLER_MODEL_NEC_XHCI,
    SVIRT_CONTROLLER_MODEL_QEMU_XHCI,
    SVIRT_CONTROLLER_MODEL_USB_NONE,
    SVIRT_CONTROLLER_MODEL_VIRTIO_SCSI,
    SVIRT_CONTROLLER_MODEL_LSILOGIC,
    SVIRT_CONTROLLER_MODEL_VIRTIO,
    SVIRT_CONTROLLER_MODEL_VIRTIO_TRANSITIONAL,
    SVIRT_CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL,
    SVIRT_CONTROLLER_MODEL_MAX
} SvirtControllerModel;
SVIRT_ENUM_DECLARE(SvirtControllerModel, svirt_controller_model)

typedef struct SvirtController {
    SvirtDeviceInfo info;
    SvirtControllerType type;
    SvirtControllerModel model;
    int index;              /* -1: the next free one of its type */
    unsigned ports;         /* usb, virtio-serial; 0 unset */
    int vectors;            /* virtio-serial; -1 unset */
    int chassis;            /* pci <target>; -1 unset */
    int port;               /* pci <target>; -1 unset */
    int chassis_nr;         /* pci <target>; -1 unset */
    int master_port;        /* usb companion <master startport=>; -1 unset */
    const char *pci_device; /* <model name=>, "pcie-root-port" */
    unsigned iothread;      /* virtio-scsi; 0: QEMU's main loop */
} SvirtController;

/* ---- network ------------------------------------------------------------ */

typedef enum SvirtInterfaceType {
    SVIRT_INTERFACE_USER, /* guest networking through passt */
    SVIRT_INTERFACE_NETWORK,
    SVIRT_INTERFACE_BRIDGE,
    SVIRT_INTERFACE_ETHERNET, /* a tap that is on no bridge of svirt's */
    SVIRT_INTERFACE_DIRECT,   /* a macvtap on a device of the host's */
    SVIRT_INTERFACE_TYPE_MAX
} SvirtInterfaceType;
SVIRT_ENUM_DECLARE(SvirtInterfaceType, svirt_interface_type)

/* Of a macvtap: bit N of the kernel's MACVLAN_MODE_* (linux/if_link.h). */
typedef enum SvirtInterfaceMode {
    SVIRT_INTERFACE_MODE_PRIVATE,
    SVIRT_INTERFACE_MODE_VEPA,
    SVIRT_INTERFACE_MODE_BRIDGE,
    SVIRT_INTERFACE_MODE_PASSTHROUGH,
    SVIRT_INTERFACE_MODE_MAX
} SvirtInterfaceMode;
SVIRT_ENUM_DECLARE(SvirtInterfaceMode, svirt_interface_mode)

/* Who carries the frames of a virtio interface: QEMU or the kernel. */
typedef enum SvirtInterfaceDriver {
    SVIRT_INTERFACE_DRIVER_UNSET,
    SVIRT_INTERFACE_DRIVER_QEMU,
    SVIRT_INTERFACE_DRIVER_VHOST,
    SVIRT_INTERFACE_DRIVER_MAX
} SvirtInterfaceDriver;
SVIRT_ENUM_DECLARE(SvirtInterfaceDriver, svirt_interface_driver)

#define SVIRT_INTERFACE_QUEUES_MAX 64u

typedef struct SvirtInterface {
    SvirtDeviceInfo info;
    SvirtInterfaceType type;
    const char *source; /* name of network, bridge or device; else NULL */
    SvirtInterfaceMode mode; /* direct; vepa unless given */
    unsigned source_line;
    const char *target; /* the tap's name; NULL: any */
    bool target_exists; /* managed='no': somebody else made that tap */
    bool isolated;      /* <port isolated='yes'/>: from such ports */
    SvirtInterfaceDriver driver;
    unsigned queues; /* 1 unless given */
    bool mac_given;
    uint8_t mac[6];
    const char *model; /* "virtio", "e1000e"...; NULL: the hypervisor's */
    bool link_down;
    unsigned mtu; /* 0 unset */
} SvirtInterface;

/* ---- character devices -------------------------------------------------- */

typedef enum SvirtChardevRole {
    SVIRT_CHARDEV_SERIAL,
    SVIRT_CHARDEV_CONSOLE,
    SVIRT_CHARDEV_CHANNEL,
    SVIRT_CHARDEV_PARALLEL,
    SVIRT_CHARDEV_ROLE_MAX
} SvirtChardevRole;
SVIRT_ENUM_DECLARE(SvirtChardevRole, svirt_chardev_role)

typedef enum SvirtChardevType {
    SVIRT_CHARDEV_PTY,
    SVIRT_CHARDEV_UNIX,
    SVIRT_CHARDEV_FILE,
    SVIRT_CHARDEV_NULL,
    SVIRT_CHARDEV_TCP,
    SVIRT_CHARDEV_SPICEVMC, /* channel: QEMU's SPICE server has the end */
    SVIRT_CHARDEV_TYPE_MAX
} SvirtChardevType;
SVIRT_ENUM_DECLARE(SvirtChardevType, svirt_chardev_type)

typedef enum SvirtChardevTarget {
    SVIRT_CHARDEV_TARGET_UNSET,
    SVIRT_CHARDEV_TARGET_ISA_SERIAL,
    SVIRT_CHARDEV_TARGET_USB_SERIAL,
    SVIRT_CHARDEV_TARGET_PCI_SERIAL,
    SVIRT_CHARDEV_TARGET_SERIAL, /* console: it is serial 0 */
    SVIRT_CHARDEV_TARGET_VIRTIO, /* console and channel */
    SVIRT_CHARDEV_TARGET_MAX
} SvirtChardevTarget;
SVIRT_ENUM_DECLARE(SvirtChardevTarget, svirt_chardev_target)

typedef struct SvirtChardev {
    SvirtDeviceInfo info;
    SvirtChardevRole role;
    SvirtChardevType type;
    SvirtChardevTarget target;
    int target_port;         /* -1 unset */
    const char *target_name; /* channel: "org.qemu.guest_agent.0" */
    /* file and unix; NULL: a channel's socket in the run directory */
    const char *path;
    const char *host;     /* tcp: a numeric address */
    unsigned port;        /* tcp */
    bool append;          /* file: <source append='on'> */
    bool connect;         /* unix, tcp: mode='connect', else it listens */
    const char *log_path; /* <log file=>; NULL none */
    bool log_append;
    const GPtrArray *seclabels; /* of SvirtSeclabel *, checked; NULL none */
    unsigned source_line;       /* of <source>, else of the device */
    unsigned log_line;
    /* A <console> that only repeats serial 0: it makes no device. */
    bool repeats_serial;
} SvirtChardev;

/* ---- small devices ------------------------------------------------------ */

typedef enum SvirtInputType {
    SVIRT_INPUT_TABLET,
    SVIRT_INPUT_MOUSE,
    SVIRT_INPUT_KEYBOARD,
    SVIRT_INPUT_TYPE_MAX
} SvirtInputType;
SVIRT_ENUM_DECLARE(SvirtInputType, svirt_input_type)

typedef enum SvirtInputBus {
    SVIRT_INPUT_BUS_UNSET,
    SVIRT_INPUT_BUS_PS2,
    SVIRT_INPUT_BUS_USB,
    SVIRT_INPUT_BUS_VIRTIO,
    SVIRT_INPUT_BUS_MAX
} SvirtInputBus;
SVIRT_ENUM_DECLARE(SvirtInputBus, svirt_input_bus)

typedef struct SvirtInput {
    SvirtDeviceInfo info;
    SvirtInputType type;
    SvirtInputBus bus;
} SvirtInput;

typedef enum SvirtVideoModel {
    SVIRT_VIDEO_VGA,
    SVIRT_VIDEO_CIRRUS,
    SVIRT_VIDEO_BOCHS,
    SVIRT_VIDEO_VIRTIO,
    SVIRT_VIDEO_QXL,
    SVIRT_VIDEO_VMVGA,
    SVIRT_VIDEO_RAMFB,
    SVIRT_VIDEO_NONE,
    SVIRT_VIDEO_MODEL_MAX
} SvirtVideoModel;
SVIRT_ENUM_DECLARE(SvirtVideoModel, svirt_video_model)

typedef struct SvirtVideo {
    SvirtDeviceInfo info;
    SvirtVideoModel model;
    bool primary;
    unsigned heads;      /* 0 unset */
    uint32_t ram_kib;    /* qxl; 0 unset */
    uint32_t vram_kib;   /* 0 unset */
    uint32_t vgamem_kib; /* qxl; 0 unset */
} SvirtVideo;

typedef enum SvirtRngBackend {
    SVIRT_RNG_RANDOM,
    SVIRT_RNG_BUILTIN,
    SVIRT_RNG_BACKEND_MAX
} SvirtRngBackend;
SVIRT_ENUM_DECLARE(SvirtRngBackend, svirt_rng_backend)

typedef struct SvirtRng {
    SvirtDeviceInfo info;
    SvirtRngBackend backend;
    const char *path; /* random: /dev/random or /dev/urandom */
    unsigned backend_line;
    unsigned rate_bytes;     /* 0: no limit */
    unsigned rate_period_ms; /* 1000 when not given */
} SvirtRng;

typedef enum SvirtBalloonModel {
    SVIRT_BALLOON_UNSET, /* no <memballoon> */
    SVIRT_BALLOON_VIRTIO,
    SVIRT_BALLOON_NONE,
    SVIRT_BALLOON_MODEL_MAX
} SvirtBalloonModel;
SVIRT_ENUM_DECLARE(SvirtBalloonModel, svirt_balloon_model)

typedef struct SvirtBalloon {
    SvirtDeviceInfo info;
    SvirtBalloonModel model;
    bool auto_deflate;
    bool free_page_reporting;
    unsigned stats_period_s; /* 0: none */
} SvirtBalloon;

typedef enum SvirtPanicModel {
    SVIRT_PANIC_UNSET, /* the machine's own */
    SVIRT_PANIC_ISA,
    SVIRT_PANIC_PVPANIC, /* PCI */
    SVIRT_PANIC_HYPERV,
    SVIRT_PANIC_MODEL_MAX
} SvirtPanicModel;
SVIRT_ENUM_DECLARE(SvirtPanicModel, svirt_panic_model)

typedef struct SvirtPanic {
    SvirtDeviceInfo info;
    SvirtPanicModel model;
} SvirtPanic;
