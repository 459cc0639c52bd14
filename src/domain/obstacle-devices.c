/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"

/* Whole devices: none of them is in an array of the domain. */
/* clang-format off */
#define DEVICE(path, verdict, hint, shape)                                     \
    { path, SVIRT_VERDICT_##verdict, hint, shape, NULL },
#define LISTED(path, hint, shape, list)                                        \
    { path, SVIRT_VERDICT_RESOURCE, hint, shape, list },
#define DISK(type)                                                             \
    LISTED("devices/disk@type=" type, USE_FILE, "&disk", svirt_list_disk)      \
    LISTED("^devices/disk/backingStore@type=" type, USE_FILE, "&disk",         \
           svirt_list_disk)
#define CHAR(type)                                                             \
    LISTED("devices/*@type=" type, USE_PTY, "&char", svirt_list_chardev)
#define REDIRDEV(type)                                                         \
    LISTED("devices/redirdev@type=" type, "use type='spicevmc'",               \
           "@bus=usb &char", svirt_list_chardev)
#define SMARTCARD(type)                                                        \
    LISTED("devices/smartcard@type=" type, "use type='spicevmc'",              \
           "@mode!=passthrough &char", svirt_list_chardev)
#define NET(type, source)                                                      \
    LISTED("devices/interface@type=" type, USE_NET, "&net " source,            \
           svirt_list_interface)
#define AUDIO(type, shape)                                                     \
    LISTED("devices/audio@type=" type, "use type='none' or 'spice'",           \
           "&audio " shape, svirt_list_audio)

#define USE_FILE "use <disk type='file'> or <disk type='block'>"
#define USE_PTY "use type='pty', 'unix', 'tcp', 'file' or 'null'"
#define USE_NET "use type='bridge', 'network', 'direct' or 'user'"
#define USE_VNC "use type='vnc' or 'spice'"
#define NO_PASS_THROUGH "remove it; svirt hands no device of the host over"

static const SvirtObstacleRow table[] = {
    /* ---- devices of the host ---- */
    LISTED("devices/hostdev@type=pci", NO_PASS_THROUGH,
           "@mode!=subsystem @managed=yes|no driver { @name=vfio|kvm } "
           "teaming { @type!=transient @persistent!=? } "
           "source! { @writeFiltering=yes|no address! { &pci } }",
           svirt_list_hostdev)
    LISTED("devices/hostdev@type=usb", NO_PASS_THROUGH,
           "@mode!=subsystem @managed=yes|no source! { "
           "@startupPolicy=mandatory|requisite|optional "
           "@guestReset=off|uninitialized|on vendor { @id!=#65535 } "
           "product { @id!=#65535 } address { @bus!=#255 @device!=#255 } }",
           svirt_list_hostdev)
    LISTED("devices/hostdev@type=scsi", NO_PASS_THROUGH,
           "@mode!=subsystem @managed=yes|no @sgio=filtered|unfiltered "
           "@rawio=yes|no readonly shareable source! { "
           "@protocol=adapter|iscsi @name=? adapter { @name!=? } "
           "address { @bus!=# @target!=# @unit!=# } "
           "host { @name!=? @port=#65535 } auth { &auth } "
           "initiator { iqn! { @name!=? } } }", svirt_list_hostdev)
    LISTED("devices/hostdev@type=scsi_host", NO_PASS_THROUGH,
           "@mode!=subsystem @managed=yes|no "
           "@model=virtio|virtio-transitional|virtio-non-transitional "
           "source! { @protocol!=vhost @wwpn!=? }", svirt_list_hostdev)
    LISTED("devices/hostdev@type=mdev", NO_PASS_THROUGH,
           "@mode!=subsystem @managed=yes|no @model!=vfio-pci|vfio-ap "
           "@display=on|off @ramfb=on|off "
           "source! { address! { @uuid!=UUID } }", svirt_list_hostdev)
    DEVICE("devices/lease", RESOURCE, "remove it; svirt locks what it opens",
           "lockspace { $=? } key! { $=? } "
           "target! { @path!=/>host-file @offset=# }")
    DEVICE("devices/redirfilter", PROTECT, "remove it",
           "usbdev+ { @class=? @vendor=? @product=? @version=? "
           "@allow!=yes|no }")
    LISTED("devices/filesystem",
           "export it by NFS, or copy it into a disk",
           "@type=mount|template|file|block|ram|bind "
           "@accessmode=passthrough|mapped|squash @fmode=% @dmode=% "
           "@multidevs=default|remap|forbid|warn "
           "@model=virtio|virtio-transitional|virtio-non-transitional "
           "driver { @type=path|handle|loop|nbd|virtiofs @format=% "
           "@name=% @wrpolicy=immediate @queue=# } "
           "binary { @path=/>host-file,ro @xattr=on|off "
           "cache { @mode!=none|always } sandbox { @mode!=namespace|chroot } "
           "lock { @posix=on|off @flock=on|off } thread_pool { @size!=# } } "
           "source! { @dir=/>directory,sh @file=/>host-file "
           "@dev=/>host-device @name=? @usage=# @units=% "
           "@socket=/>socket-connect,sh } target! { @dir!=? } readonly "
           "space_hard_limit { @unit=% $=# } "
           "space_soft_limit { @unit=% $=# } "
           "idmap { uid* { @start!=# @target!=# @count!=# } "
           "gid* { @start!=# @target!=# @count!=# } }",
           svirt_list_filesystem)
    DEVICE("devices/crypto", UNBUILT, "remove it",
           "@model!=virtio @type!=qemu "
           "backend! { @model!=builtin|lkcf @queues=# }")
    DEVICE("devices/tpm", UNBUILT, "remove it; svirt runs no TPM",
           "@model=tpm-tis|tpm-crb|tpm-spapr|tpm-spapr-proxy "
           "backend! { @type!=passthrough|emulator|external "
           "@version=1.2|2.0 @persistent_state=yes|no @debug=# "
           "device { @path=/>host-device } encryption { @secret!=UUID } "
           "active_pcr_banks { sha1 sha256 sha384 sha512 } "
           "source { @type!=unix @mode!=connect "
           "@path!=/>socket-connect,sh } }")
    LISTED("devices/shmem",
           "remove it; VMs share no memory, but a <disk> with <shareable/>",
           "@name!=? @role=master|peer "
           "model { @type!=ivshmem|ivshmem-plain|ivshmem-doorbell } "
           "size { @unit=M|MiB|MB|K|KiB|KB|G|GiB|GB|T|TiB|TB|b|bytes $=# } "
           "server { @path=/>socket-connect,sh } "
           "msi { @vectors=# @enabled=yes|no @ioeventfd=on|off }",
           svirt_list_shmem)
    DEVICE("devices/pstore", RESOURCE, "remove it",
           "@backend!=acpi-erst path! { $=/>host-file } "
           "size! { @unit=% $=# }")

    { "devices/iommu@model=virtio", SVIRT_VERDICT_UNBUILT, "use model='intel'",
      "driver", svirt_list_iommu },

    /* ---- memory ---- */
    DEVICE("devices/memory@model=nvdimm", RESOURCE, "use model='dimm'",
           "@access=shared|private @discard=yes|no uuid { $=UUID } "
           "source! { path! { $=/>host-file } alignsize { @unit=% $=# } "
           "pmem } target! { size! { @unit=% $=# } node { $=# } readonly "
           "label { size! { @unit=% $=# } } }")
    DEVICE("devices/memory@model=virtio-pmem", RESOURCE, "use model='dimm'",
           "@access=shared|private source! { path! { $=/>host-file } } "
           "target! { size! { @unit=% $=# } }")
    DEVICE("devices/memory@model=virtio-mem", UNBUILT, "use model='dimm'",
           "@access=shared|private @discard=yes|no "
           "source { pagesize { @unit=% $=# } nodemask { $=? } } "
           "target! { size! { @unit=% $=# } node { $=# } "
           "block! { @unit=% $=# } requested! { @unit=% $=# } "
           "current { @unit=% $=# } }")
    { "devices/memory@model=sgx-epc", SVIRT_VERDICT_PROTECT, "remove it",
      "source { nodemask { $=? } } "
      "target! { size! { @unit=% $=# } node { $=# } }", svirt_list_enclave },

    /* ---- displays, sound, input ---- */
    LISTED("devices/graphics@type=sdl", USE_VNC,
           "@display=?>display,sh @xauth=/>host-file,ro @fullscreen=yes|no "
           "gl { @enable!=yes|no }", svirt_list_display)
    LISTED("devices/graphics@type=egl-headless", USE_VNC,
           "gl { @rendernode=/>host-device,sh }", svirt_list_display)
    LISTED("devices/graphics@type=dbus", USE_VNC,
           "@p2p=yes|no @address=?>display,sh gl { @enable=yes|no "
           "@rendernode=/>host-device,sh } audio { @id!=# }", svirt_list_display)
    LISTED("^devices/video/driver@name=vhostuser",
           "use name='qemu'",
           "driver! { @name! @vgaconf=io|on|off } "
           "model! { @type!=virtio @heads=# @primary=yes|no @blob=on|off "
           "@edid=on|off resolution { @x!=# @y!=# } "
           "acceleration { @accel2d=yes|no @accel3d=yes|no "
           "@rendernode=/>host-device,sh } }", svirt_list_display)
    AUDIO("alsa", "")
    AUDIO("coreaudio", "")
    AUDIO("dbus", "")
    AUDIO("file", "@path=?>host-file")
    AUDIO("jack", "")
    AUDIO("oss", "@tryMMap=yes|no @exclusive=yes|no @dspPolicy=#")
    AUDIO("pipewire", "@runtimeDir=?>audio,sh")
    AUDIO("pulseaudio", "@serverName=?>audio,sh")
    AUDIO("sdl", "@driver=%")
    DEVICE("devices/input@type=passthrough", RESOURCE, NO_PASS_THROUGH,
           "@bus=virtio source! { @evdev!=/>host-device } "
           "@model=virtio|virtio-transitional|virtio-non-transitional")
    DEVICE("devices/input@type=evdev", RESOURCE, NO_PASS_THROUGH,
           "source! { @dev!=/>host-device @grab=all @repeat=on|off "
           "@grabToggle=ctrl-ctrl|alt-alt|shift-shift|meta-meta|scrolllock"
           "|ctrl-scrolllock }")

    /* ---- disk ---- */
    DISK("network")
    DISK("volume")
    DISK("dir")
    DISK("nvme")
    DISK("vhostuser")
    DISK("vhostvdpa")

    /* ---- interface ---- */
    NET("hostdev", "source! { address! { @type!=pci|usb @domain=#65535 "
                   "@bus!=#255 @slot=#31 @function=#7 @device=#255 } }")
    NET("server", "source! { @address=? @port!=#65535 }")
    NET("client", "source! { @address!=? @port!=#65535 }")
    NET("mcast", "source! { @address!=? @port!=#65535 }")
    NET("udp", "source! { @address!=? @port!=#65535 "
               "local! { @address!=? @port!=#65535 } }")
    NET("internal", "source! { @name!=? }")
    NET("null", "")
    LISTED("devices/interface@type=vhostuser", USE_NET,
           "model { @type!=virtio|virtio-transitional"
           "|virtio-non-transitional } &net "
           "source! { @type!=unix @path!=/ @mode!=client|server @dev=% "
           "reconnect { &reconnect } }", svirt_list_interface)
    NET("vdpa", "source! { @dev!=/>host-device }")

    /* ---- character devices ---- */
    LISTED("devices/smartcard@mode=host",
           "use mode='passthrough' and type='spicevmc'", "", svirt_list_smartcards)
    LISTED("devices/smartcard@mode=host-certificates",
           "use mode='passthrough' and type='spicevmc'",
           "certificate+ { $=? } database { $=/>directory,ro }", svirt_list_smartcards)
    SMARTCARD("dev")
    SMARTCARD("pty")
    SMARTCARD("tcp")
    SMARTCARD("udp")
    SMARTCARD("unix")
    REDIRDEV("dbus")
    REDIRDEV("dev")
    REDIRDEV("pty")
    REDIRDEV("tcp")
    REDIRDEV("udp")
    REDIRDEV("unix")
    LISTED("^devices/rng/backend@model=egd", "use model='random'",
           "@model!=virtio|virtio-transitional|virtio-non-transitional "
           "rate { @bytes!=# @period=# } backend! { @model! "
           "@type!=dev|file|pipe|pty|tcp|udp|unix &char }",
           svirt_list_chardev)
    LISTED("^devices/channel/target@type=guestfwd",
           "use <target type='virtio' name='...'/>", "@type!=% &char",
           svirt_list_chardev)
    LISTED("^devices/serial/target@type=isa-debug", "use 'isa-serial'",
           "@type=% &char", svirt_list_chardev)
    LISTED("^devices/smartcard/address@type=ccid", "remove the <address>",
           "@mode!=passthrough @type!=spicevmc &char", NULL)
    DEVICE("devices/controller@type=ccid", UNBUILT, "remove it",
           "@index=# @model=%")
    CHAR("dev")
    CHAR("pipe")
    CHAR("stdio")
    CHAR("udp")
    CHAR("vc")
    CHAR("nmdm")
    CHAR("dbus")
    CHAR("spiceport")
    DEVICE("devices/channel@type=qemu-vdagent", UNBUILT,
           "use SPICE and type='spicevmc'", "&char")
    { 0 },
};
/* clang-format on */

const SvirtObstacleRow *
svirt_obstacle_device_table(void)
{
    return table;
}
