/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/device.h"
#include "domain/domain.h"

SVIRT_ENUM_TABLE(
    SvirtAddressType, svirt_address_type,
    SVIRT_ADDRESS_MAX, [SVIRT_ADDRESS_UNSET] = "", [SVIRT_ADDRESS_PCI] = "pci",
    [SVIRT_ADDRESS_DRIVE] = "drive", [SVIRT_ADDRESS_USB] = "usb",
    [SVIRT_ADDRESS_VIRTIO_SERIAL] = "virtio-serial",
    [SVIRT_ADDRESS_ISA] = "isa")

SVIRT_ENUM_TABLE(SvirtFirmware, svirt_firmware,
                 SVIRT_FIRMWARE_MAX, [SVIRT_FIRMWARE_UNSET] = "",
                 [SVIRT_FIRMWARE_BIOS] = "bios", [SVIRT_FIRMWARE_EFI] = "efi")

SVIRT_ENUM_TABLE(SvirtDiskDevice, svirt_disk_device,
                 SVIRT_DISK_DEVICE_MAX, [SVIRT_DISK_DEVICE_DISK] = "disk",
                 [SVIRT_DISK_DEVICE_CDROM] = "cdrom",
                 [SVIRT_DISK_DEVICE_FLOPPY] = "floppy")

SVIRT_ENUM_TABLE(SvirtDiskBus, svirt_disk_bus,
                 SVIRT_DISK_BUS_MAX, [SVIRT_DISK_BUS_VIRTIO] = "virtio",
                 [SVIRT_DISK_BUS_SATA] = "sata", [SVIRT_DISK_BUS_IDE] = "ide",
                 [SVIRT_DISK_BUS_SCSI] = "scsi", [SVIRT_DISK_BUS_USB] = "usb",
                 [SVIRT_DISK_BUS_FDC] = "fdc")

SVIRT_ENUM_TABLE(
    SvirtDiskFormat, svirt_disk_format, SVIRT_DISK_FORMAT_MAX,
    [SVIRT_DISK_FORMAT_UNSET] = "", [SVIRT_DISK_FORMAT_RAW] = "raw",
    [SVIRT_DISK_FORMAT_QCOW] = "qcow", [SVIRT_DISK_FORMAT_QCOW2] = "qcow2",
    [SVIRT_DISK_FORMAT_QED] = "qed", [SVIRT_DISK_FORMAT_VMDK] = "vmdk",
    [SVIRT_DISK_FORMAT_VHDX] = "vhdx", [SVIRT_DISK_FORMAT_VPC] = "vpc",
    [SVIRT_DISK_FORMAT_VDI] = "vdi", [SVIRT_DISK_FORMAT_BOCHS] = "bochs",
    [SVIRT_DISK_FORMAT_CLOOP] = "cloop", [SVIRT_DISK_FORMAT_DMG] = "dmg")

SVIRT_ENUM_TABLE(SvirtDiskCache, svirt_disk_cache,
                 SVIRT_DISK_CACHE_MAX, [SVIRT_DISK_CACHE_UNSET] = "default",
                 [SVIRT_DISK_CACHE_NONE] = "none",
                 [SVIRT_DISK_CACHE_WRITETHROUGH] = "writethrough",
                 [SVIRT_DISK_CACHE_WRITEBACK] = "writeback",
                 [SVIRT_DISK_CACHE_DIRECTSYNC] = "directsync",
                 [SVIRT_DISK_CACHE_UNSAFE] = "unsafe")

SVIRT_ENUM_TABLE(
    SvirtDiskIo, svirt_disk_io, SVIRT_DISK_IO_MAX, [SVIRT_DISK_IO_UNSET] = "",
    [SVIRT_DISK_IO_THREADS] = "threads", [SVIRT_DISK_IO_NATIVE] = "native",
    [SVIRT_DISK_IO_IO_URING] = "io_uring")

SVIRT_ENUM_TABLE(SvirtDiskDiscard, svirt_disk_discard,
                 SVIRT_DISK_DISCARD_MAX, [SVIRT_DISK_DISCARD_UNSET] = "",
                 [SVIRT_DISK_DISCARD_IGNORE] = "ignore",
                 [SVIRT_DISK_DISCARD_UNMAP] = "unmap")

SVIRT_ENUM_TABLE(
    SvirtDiskDetectZeroes, svirt_disk_detect_zeroes,
    SVIRT_DISK_DETECT_ZEROES_MAX, [SVIRT_DISK_DETECT_ZEROES_UNSET] = "",
    [SVIRT_DISK_DETECT_ZEROES_OFF] = "off",
    [SVIRT_DISK_DETECT_ZEROES_ON] = "on",
    [SVIRT_DISK_DETECT_ZEROES_UNMAP] = "unmap")

SVIRT_ENUM_TABLE(
    SvirtDiskErrorPolicy, svirt_disk_error_policy,
    SVIRT_DISK_ERROR_POLICY_MAX, [SVIRT_DISK_ERROR_POLICY_UNSET] = "",
    [SVIRT_DISK_ERROR_POLICY_STOP] = "stop",
    [SVIRT_DISK_ERROR_POLICY_REPORT] = "report",
    [SVIRT_DISK_ERROR_POLICY_IGNORE] = "ignore",
    [SVIRT_DISK_ERROR_POLICY_ENOSPACE] = "enospace")

SVIRT_ENUM_TABLE(
    SvirtStartupPolicy, svirt_startup_policy,
    SVIRT_STARTUP_POLICY_MAX, [SVIRT_STARTUP_POLICY_MANDATORY] = "mandatory",
    [SVIRT_STARTUP_POLICY_REQUISITE] = "requisite",
    [SVIRT_STARTUP_POLICY_OPTIONAL] = "optional")

SVIRT_ENUM_TABLE(
    SvirtControllerType, svirt_controller_type,
    SVIRT_CONTROLLER_TYPE_MAX, [SVIRT_CONTROLLER_PCI] = "pci",
    [SVIRT_CONTROLLER_USB] = "usb", [SVIRT_CONTROLLER_SATA] = "sata",
    [SVIRT_CONTROLLER_IDE] = "ide", [SVIRT_CONTROLLER_SCSI] = "scsi",
    [SVIRT_CONTROLLER_VIRTIO_SERIAL] = "virtio-serial",
    [SVIRT_CONTROLLER_FDC] = "fdc")

SVIRT_ENUM_TABLE(
    SvirtControllerModel, svirt_controller_model,
    SVIRT_CONTROLLER_MODEL_MAX, [SVIRT_CONTROLLER_MODEL_UNSET] = "",
    [SVIRT_CONTROLLER_MODEL_PCI_ROOT] = "pci-root",
    [SVIRT_CONTROLLER_MODEL_PCIE_ROOT] = "pcie-root",
    [SVIRT_CONTROLLER_MODEL_PCI_BRIDGE] = "pci-bridge",
    [SVIRT_CONTROLLER_MODEL_DMI_TO_PCI_BRIDGE] = "dmi-to-pci-bridge",
    [SVIRT_CONTROLLER_MODEL_PCIE_TO_PCI_BRIDGE] = "pcie-to-pci-bridge",
    [SVIRT_CONTROLLER_MODEL_PCIE_ROOT_PORT] = "pcie-root-port",
    [SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_UPSTREAM_PORT] =
        "pcie-switch-upstream-port",
    [SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT] =
        "pcie-switch-downstream-port",
    [SVIRT_CONTROLLER_MODEL_PIIX3_UHCI] = "piix3-uhci",
    [SVIRT_CONTROLLER_MODEL_PIIX4_UHCI] = "piix4-uhci",
    [SVIRT_CONTROLLER_MODEL_VT82C686B_UHCI] = "vt82c686b-uhci",
    [SVIRT_CONTROLLER_MODEL_PCI_OHCI] = "pci-ohci",
    [SVIRT_CONTROLLER_MODEL_EHCI] = "ehci",
    [SVIRT_CONTROLLER_MODEL_ICH9_EHCI1] = "ich9-ehci1",
    [SVIRT_CONTROLLER_MODEL_ICH9_UHCI1] = "ich9-uhci1",
    [SVIRT_CONTROLLER_MODEL_ICH9_UHCI2] = "ich9-uhci2",
    [SVIRT_CONTROLLER_MODEL_ICH9_UHCI3] = "ich9-uhci3",
    [SVIRT_CONTROLLER_MODEL_NEC_XHCI] = "nec-xhci",
    [SVIRT_CONTROLLER_MODEL_QEMU_XHCI] = "qemu-xhci",
    [SVIRT_CONTROLLER_MODEL_USB_NONE] = "none",
    [SVIRT_CONTROLLER_MODEL_VIRTIO_SCSI] = "virtio-scsi",
    [SVIRT_CONTROLLER_MODEL_LSILOGIC] = "lsilogic",
    [SVIRT_CONTROLLER_MODEL_VIRTIO] = "virtio",
    [SVIRT_CONTROLLER_MODEL_VIRTIO_TRANSITIONAL] = "virtio-transitional",
    [SVIRT_CONTROLLER_MODEL_VIRTIO_NON_TRANSITIONAL] =
        "virtio-non-transitional")

SVIRT_ENUM_TABLE(SvirtInterfaceType, svirt_interface_type,
                 SVIRT_INTERFACE_TYPE_MAX, [SVIRT_INTERFACE_USER] = "user",
                 [SVIRT_INTERFACE_NETWORK] = "network",
                 [SVIRT_INTERFACE_BRIDGE] = "bridge",
                 [SVIRT_INTERFACE_ETHERNET] = "ethernet",
                 [SVIRT_INTERFACE_DIRECT] = "direct")

SVIRT_ENUM_TABLE(SvirtInterfaceMode, svirt_interface_mode,
                 SVIRT_INTERFACE_MODE_MAX,
                 [SVIRT_INTERFACE_MODE_PRIVATE] = "private",
                 [SVIRT_INTERFACE_MODE_VEPA] = "vepa",
                 [SVIRT_INTERFACE_MODE_BRIDGE] = "bridge",
                 [SVIRT_INTERFACE_MODE_PASSTHROUGH] = "passthrough")

SVIRT_ENUM_TABLE(SvirtInterfaceDriver, svirt_interface_driver,
                 SVIRT_INTERFACE_DRIVER_MAX,
                 [SVIRT_INTERFACE_DRIVER_UNSET] = "",
                 [SVIRT_INTERFACE_DRIVER_QEMU] = "qemu",
                 [SVIRT_INTERFACE_DRIVER_VHOST] = "vhost")

SVIRT_ENUM_TABLE(
    SvirtChardevRole, svirt_chardev_role,
    SVIRT_CHARDEV_ROLE_MAX, [SVIRT_CHARDEV_SERIAL] = "serial",
    [SVIRT_CHARDEV_CONSOLE] = "console", [SVIRT_CHARDEV_CHANNEL] = "channel",
    [SVIRT_CHARDEV_PARALLEL] = "parallel")

SVIRT_ENUM_TABLE(SvirtChardevType, svirt_chardev_type, SVIRT_CHARDEV_TYPE_MAX,
                 [SVIRT_CHARDEV_PTY] = "pty", [SVIRT_CHARDEV_UNIX] = "unix",
                 [SVIRT_CHARDEV_FILE] = "file", [SVIRT_CHARDEV_NULL] = "null",
                 [SVIRT_CHARDEV_TCP] = "tcp",
                 [SVIRT_CHARDEV_SPICEVMC] = "spicevmc")

SVIRT_ENUM_TABLE(SvirtChardevTarget, svirt_chardev_target,
                 SVIRT_CHARDEV_TARGET_MAX, [SVIRT_CHARDEV_TARGET_UNSET] = "",
                 [SVIRT_CHARDEV_TARGET_ISA_SERIAL] = "isa-serial",
                 [SVIRT_CHARDEV_TARGET_USB_SERIAL] = "usb-serial",
                 [SVIRT_CHARDEV_TARGET_PCI_SERIAL] = "pci-serial",
                 [SVIRT_CHARDEV_TARGET_SERIAL] = "serial",
                 [SVIRT_CHARDEV_TARGET_VIRTIO] = "virtio")

SVIRT_ENUM_TABLE(
    SvirtInputType, svirt_input_type,
    SVIRT_INPUT_TYPE_MAX, [SVIRT_INPUT_TABLET] = "tablet",
    [SVIRT_INPUT_MOUSE] = "mouse", [SVIRT_INPUT_KEYBOARD] = "keyboard")

SVIRT_ENUM_TABLE(SvirtInputBus, svirt_input_bus,
                 SVIRT_INPUT_BUS_MAX, [SVIRT_INPUT_BUS_UNSET] = "",
                 [SVIRT_INPUT_BUS_PS2] = "ps2", [SVIRT_INPUT_BUS_USB] = "usb",
                 [SVIRT_INPUT_BUS_VIRTIO] = "virtio")

SVIRT_ENUM_TABLE(SvirtVideoModel, svirt_video_model, SVIRT_VIDEO_MODEL_MAX,
                 [SVIRT_VIDEO_VGA] = "vga", [SVIRT_VIDEO_CIRRUS] = "cirrus",
                 [SVIRT_VIDEO_BOCHS] = "bochs", [SVIRT_VIDEO_VIRTIO] = "virtio",
                 [SVIRT_VIDEO_QXL] = "qxl", [SVIRT_VIDEO_VMVGA] = "vmvga",
                 [SVIRT_VIDEO_RAMFB] = "ramfb", [SVIRT_VIDEO_NONE] = "none")

SVIRT_ENUM_TABLE(SvirtRngBackend, svirt_rng_backend, SVIRT_RNG_BACKEND_MAX,
                 [SVIRT_RNG_RANDOM] = "random", [SVIRT_RNG_BUILTIN] = "builtin")

SVIRT_ENUM_TABLE(
    SvirtBalloonModel, svirt_balloon_model,
    SVIRT_BALLOON_MODEL_MAX, [SVIRT_BALLOON_UNSET] = "",
    [SVIRT_BALLOON_VIRTIO] = "virtio", [SVIRT_BALLOON_NONE] = "none")

SVIRT_ENUM_TABLE(
    SvirtPanicModel, svirt_panic_model,
    SVIRT_PANIC_MODEL_MAX, [SVIRT_PANIC_UNSET] = "", [SVIRT_PANIC_ISA] = "isa",
    [SVIRT_PANIC_PVPANIC] = "pvpanic", [SVIRT_PANIC_HYPERV] = "hyperv")

SVIRT_ENUM_TABLE(SvirtDomainType, svirt_domain_type,
                 SVIRT_DOMAIN_TYPE_MAX, [SVIRT_DOMAIN_TYPE_QEMU] = "qemu",
                 [SVIRT_DOMAIN_TYPE_KVM] = "kvm")

SVIRT_ENUM_TABLE(
    SvirtBootDevice, svirt_boot_device, SVIRT_BOOT_DEVICE_MAX,
    [SVIRT_BOOT_DEVICE_HD] = "hd", [SVIRT_BOOT_DEVICE_CDROM] = "cdrom",
    [SVIRT_BOOT_DEVICE_NETWORK] = "network", [SVIRT_BOOT_DEVICE_FD] = "fd")

SVIRT_ENUM_TABLE(SvirtSwitch, svirt_switch,
                 SVIRT_SWITCH_MAX, [SVIRT_SWITCH_UNSET] = "",
                 [SVIRT_SWITCH_ON] = "on", [SVIRT_SWITCH_OFF] = "off")

SVIRT_ENUM_TABLE(SvirtCpuMode, svirt_cpu_mode,
                 SVIRT_CPU_MODE_MAX, [SVIRT_CPU_MODE_UNSET] = "",
                 [SVIRT_CPU_MODE_CUSTOM] = "custom",
                 [SVIRT_CPU_MODE_HOST_MODEL] = "host-model",
                 [SVIRT_CPU_MODE_HOST_PASSTHROUGH] = "host-passthrough",
                 [SVIRT_CPU_MODE_MAXIMUM] = "maximum")

SVIRT_ENUM_TABLE(
    SvirtCpuCheck, svirt_cpu_check, SVIRT_CPU_CHECK_MAX,
    [SVIRT_CPU_CHECK_UNSET] = "", [SVIRT_CPU_CHECK_NONE] = "none",
    [SVIRT_CPU_CHECK_PARTIAL] = "partial", [SVIRT_CPU_CHECK_FULL] = "full")

SVIRT_ENUM_TABLE(SvirtCpuPolicy, svirt_cpu_policy,
                 SVIRT_CPU_POLICY_MAX, [SVIRT_CPU_POLICY_REQUIRE] = "require",
                 [SVIRT_CPU_POLICY_DISABLE] = "disable",
                 [SVIRT_CPU_POLICY_FORCE] = "force",
                 [SVIRT_CPU_POLICY_OPTIONAL] = "optional",
                 [SVIRT_CPU_POLICY_FORBID] = "forbid")

SVIRT_ENUM_TABLE(SvirtCpuCache, svirt_cpu_cache, SVIRT_CPU_CACHE_MAX,
                 [SVIRT_CPU_CACHE_UNSET] = "",
                 [SVIRT_CPU_CACHE_EMULATE] = "emulate",
                 [SVIRT_CPU_CACHE_PASSTHROUGH] = "passthrough",
                 [SVIRT_CPU_CACHE_DISABLE] = "disable")

SVIRT_ENUM_TABLE(SvirtNumaMode, svirt_numa_mode, SVIRT_NUMA_MODE_MAX,
                 [SVIRT_NUMA_STRICT] = "strict",
                 [SVIRT_NUMA_PREFERRED] = "preferred",
                 [SVIRT_NUMA_INTERLEAVE] = "interleave")

SVIRT_ENUM_TABLE(
    SvirtHyperv, svirt_hyperv, SVIRT_HYPERV_MAX,
    [SVIRT_HYPERV_RELAXED] = "relaxed", [SVIRT_HYPERV_VAPIC] = "vapic",
    [SVIRT_HYPERV_SPINLOCKS] = "spinlocks", [SVIRT_HYPERV_VPINDEX] = "vpindex",
    [SVIRT_HYPERV_RUNTIME] = "runtime", [SVIRT_HYPERV_SYNIC] = "synic",
    [SVIRT_HYPERV_STIMER] = "stimer", [SVIRT_HYPERV_RESET] = "reset",
    [SVIRT_HYPERV_FREQUENCIES] = "frequencies",
    [SVIRT_HYPERV_REENLIGHTENMENT] = "reenlightenment",
    [SVIRT_HYPERV_TLBFLUSH] = "tlbflush", [SVIRT_HYPERV_IPI] = "ipi",
    [SVIRT_HYPERV_EVMCS] = "evmcs", [SVIRT_HYPERV_AVIC] = "avic",
    [SVIRT_HYPERV_EMSR_BITMAP] = "emsr_bitmap",
    [SVIRT_HYPERV_XMM_INPUT] = "xmm_input")

SVIRT_ENUM_TABLE(SvirtKvmFeature, svirt_kvm_feature, SVIRT_KVM_FEATURE_MAX,
                 [SVIRT_KVM_FEATURE_HINT_DEDICATED] = "kvm-hint-dedicated",
                 [SVIRT_KVM_FEATURE_POLL_CONTROL] = "kvm-poll-control",
                 [SVIRT_KVM_FEATURE_PV_IPI] = "kvm-pv-ipi",
                 [SVIRT_KVM_FEATURE_PV_EOI] = "kvm-pv-eoi",
                 [SVIRT_KVM_FEATURE_PV_UNHALT] = "kvm-pv-unhalt")

SVIRT_ENUM_TABLE(SvirtTimerTrack, svirt_timer_track, SVIRT_TIMER_TRACK_MAX,
                 [SVIRT_TIMER_TRACK_UNSET] = "",
                 [SVIRT_TIMER_TRACK_GUEST] = "guest",
                 [SVIRT_TIMER_TRACK_WALL] = "wall")

SVIRT_ENUM_TABLE(SvirtClockOffset, svirt_clock_offset,
                 SVIRT_CLOCK_OFFSET_MAX, [SVIRT_CLOCK_UTC] = "utc",
                 [SVIRT_CLOCK_LOCALTIME] = "localtime",
                 [SVIRT_CLOCK_TIMEZONE] = "timezone",
                 [SVIRT_CLOCK_VARIABLE] = "variable",
                 [SVIRT_CLOCK_ABSOLUTE] = "absolute")

SVIRT_ENUM_TABLE(SvirtTimerName, svirt_timer_name,
                 SVIRT_TIMER_NAME_MAX, [SVIRT_TIMER_RTC] = "rtc",
                 [SVIRT_TIMER_PIT] = "pit", [SVIRT_TIMER_HPET] = "hpet",
                 [SVIRT_TIMER_TSC] = "tsc", [SVIRT_TIMER_KVMCLOCK] = "kvmclock",
                 [SVIRT_TIMER_HYPERVCLOCK] = "hypervclock")

SVIRT_ENUM_TABLE(SvirtTickPolicy, svirt_tick_policy,
                 SVIRT_TICK_POLICY_MAX, [SVIRT_TICK_POLICY_UNSET] = "",
                 [SVIRT_TICK_POLICY_DELAY] = "delay",
                 [SVIRT_TICK_POLICY_CATCHUP] = "catchup",
                 [SVIRT_TICK_POLICY_MERGE] = "merge",
                 [SVIRT_TICK_POLICY_DISCARD] = "discard")

SVIRT_ENUM_TABLE(
    SvirtLifecycleAction, svirt_lifecycle_action,
    SVIRT_ACTION_MAX, [SVIRT_ACTION_DESTROY] = "destroy",
    [SVIRT_ACTION_RESTART] = "restart", [SVIRT_ACTION_PRESERVE] = "preserve")
