/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"

/*
 * Parts of the domain and of devices; whole devices are in obstacle-devices.c.
 * Names from libvirt's "Domain XML format" of every release up to 12.
 */
/* clang-format off */
#define LISTED(path, verdict, hint, shape, list)                               \
    { path, SVIRT_VERDICT_##verdict, hint, shape, list },
#define ROW(path, verdict, hint, shape) LISTED(path, verdict, hint, shape, NULL)
#define VALUE(path, verdict, hint) ROW(path, verdict, hint, NULL)

#define USE_VIRTIO "use model='virtio'"
#define USE_SSH "tunnel the port, as by ssh -L"
#define IN_THE_GUEST "encrypt the disk in the guest, or below it on the host"
#define SCHEDULER "@scheduler!=batch|idle|fifo|rr @priority=#99"
#define FLOW "@average=# @peak=# @burst=# @floor=#"

static const SvirtObstacleRow table[] = {
    /* ---- the domain itself ---- */
    VALUE("@type=hvf", UNBUILT, "use type='kvm' or type='qemu'")
    ROW("vcpus", UNBUILT, "say how many in <vcpu>",
        "vcpu+ { @id!=# @enabled=yes|no @hotpluggable=yes|no @order=# }")
    ROW("memtune/min_guarantee", LIMIT, "remove it", "@unit=% $=#")
    ROW("memoryBacking/locked", LIMIT,
        "raise what the host lets be locked first", "")
    LISTED("numatune/memory@mode=restrictive", LIMIT, "use mode='strict'",
           NULL, svirt_list_restrictive)
    LISTED("numatune/memnode@mode=restrictive", LIMIT, "use mode='strict'",
           NULL, svirt_list_restrictive)
    ROW("cpu/numa/cell/cache", UNBUILT, "remove it",
        "@level!=# @associativity!=none|direct|full "
        "@policy!=none|writeback|writethrough size! { @value!=# @unit!=% } "
        "line! { @value!=# @unit!=% }")
    ROW("cpu/numa/interconnects", UNBUILT, "remove it",
        "latency* { @initiator!=# @target!=# @cache=# "
        "@type!=access|read|write @value!=# } "
        "bandwidth* { @initiator!=# @target!=# @cache=# "
        "@type!=access|read|write @value!=# @unit!=% }")
    VALUE("memory@dumpCore=on", UNBUILT, "svirt never dumps guest memory")
    ROW("iothreadids/iothread@thread_pool_min", LIMIT, "remove it", "#")
    ROW("iothreadids/iothread@thread_pool_max", LIMIT, "remove it", "#")
    ROW("defaultiothread", LIMIT, "remove it",
        "@thread_pool_min=# @thread_pool_max=#")
    ROW("sysinfo/entry@file", RESOURCE, "give the value as its text",
        "/>host-file,ro")
    VALUE("cpu@match=strict", UNBUILT, "use match='exact'")
    LISTED("cputune/vcpusched", LIMIT, "remove it", "@vcpus!=SET " SCHEDULER,
           svirt_list_sched)
    LISTED("cputune/iothreadsched", LIMIT, "remove it",
           "@iothreads!=SET " SCHEDULER, svirt_list_sched)
    ROW("cputune/emulatorsched", LIMIT, "remove it", SCHEDULER)
    ROW("cputune/cachetune", LIMIT, "remove it",
        "@vcpus!=SET @id=% cache* { @id!=# @level!=# @type!=both|code|data "
        "@size!=# @unit=% } monitor* { @level!=# @vcpus!=SET }")
    ROW("cputune/memorytune", LIMIT, "remove it",
        "@vcpus!=SET node* { @id!=# @bandwidth!=# } monitor* { @vcpus!=SET }")
    ROW("resource", LIMIT, "remove it",
        "partition { $=? } fibrechannel { @appid!=? }")
    ROW("perf", RESOURCE, "remove it",
        "event* { @name!=% @enabled!=yes|no }")
    LISTED("launchSecurity@type=sev", PROTECT, "remove it",
        "@kernelHashes=yes|no cbitpos { $=# } reducedPhysBits { $=# } "
        "policy { $=# } dhCert { $=? } session { $=? }", svirt_list_enclave)
    LISTED("launchSecurity@type=sev-snp", PROTECT, "remove it",
        "@kernelHashes=yes|no @authorKey=yes|no @vcek=yes|no "
        "cbitpos { $=# } reducedPhysBits { $=# } policy { $=# } "
        "guestVisibleWorkarounds { $=? } idBlock { $=? } idAuth { $=? } "
        "hostData { $=? }", svirt_list_enclave)
    VALUE("on_crash=coredump-destroy", RESOURCE, "use 'destroy'")
    VALUE("on_crash=coredump-restart", RESOURCE, "use 'restart'")
    ROW("os/acpi", RESOURCE, "remove it",
        "table* { @type!=raw|rawset|slic|msdm $=/>host-file,ro }")
    ROW("os/dtb", RESOURCE, "remove it", "$=/>host-file,ro")
    ROW("os/shim", RESOURCE, "remove it", "$=/>host-file,ro")
    ROW("features/tcg", LIMIT, "remove it", "tb-cache { @unit=% $=# }")

    /* ---- what many devices share ---- */
    VALUE("devices/rng@model=virtio-transitional", UNBUILT, USE_VIRTIO)
    VALUE("devices/rng@model=virtio-non-transitional", UNBUILT, USE_VIRTIO)
    VALUE("devices/memballoon@model=virtio-transitional", UNBUILT, USE_VIRTIO)
    VALUE("devices/memballoon@model=virtio-non-transitional", UNBUILT,
          USE_VIRTIO)
    VALUE("devices/vsock@model=virtio-transitional", UNBUILT, USE_VIRTIO)
    VALUE("devices/vsock@model=virtio-non-transitional", UNBUILT, USE_VIRTIO)
    ROW("devices/*/rom@file", RESOURCE, "remove file=", "/>host-file,ro")

    /* ---- graphics, video ---- */
    ROW("devices/graphics@websocket", UNBUILT, "put a proxy before the port",
        "?")
    ROW("devices/graphics@passwdValidTo", PROTECT,
        "a password is valid until the next start", "?")
    ROW("devices/graphics@connected", UNBUILT, "remove it",
        "fail|disconnect|keep")
    ROW("devices/graphics/listen@type=network", UNBUILT,
        "use type='address' with an address", "@network!=? @address=?")
    VALUE("devices/graphics@defaultMode=secure", PROTECT, USE_SSH)
    VALUE("devices/graphics/channel@mode=secure", PROTECT, USE_SSH)
    LISTED("devices/graphics/gl@enable=yes", RESOURCE, "use enable='no'",
           NULL, svirt_list_display)
    ROW("devices/graphics/gl@rendernode", RESOURCE, "remove rendernode=",
        "/>host-device,sh")
    LISTED("devices/video/model/acceleration@accel3d=yes", RESOURCE,
           "use accel3d='no'", NULL, svirt_list_display)
    ROW("devices/video/model/acceleration@rendernode", RESOURCE,
        "remove rendernode=", "/>host-device,sh")

    /* ---- disk ---- */
    VALUE("devices/disk@rawio=yes", RESOURCE, "remove rawio=")
    VALUE("devices/disk@sgio=unfiltered", RESOURCE, "use sgio='filtered'")
    ROW("devices/disk/auth", RESOURCE, "copy the disk into a file", "&auth")
    ROW("devices/disk/source/auth", RESOURCE, "copy the disk into a file",
        "&auth")
    LISTED("devices/disk/encryption", PROTECT, IN_THE_GUEST, "&encryption",
           svirt_list_encryption)
    LISTED("devices/disk/source/encryption", PROTECT, IN_THE_GUEST,
           "&encryption", svirt_list_encryption)
    LISTED("devices/disk/backingStore/source/encryption", PROTECT, IN_THE_GUEST,
           "&encryption", svirt_list_encryption)
    ROW("devices/disk/source/reservations", RESOURCE, "remove it",
        "@managed!=yes|no @migration=yes|no source { @type!=unix "
        "@path!=/>socket-connect,sh @mode!=client }")
    ROW("devices/disk/source/slices", LIMIT, "copy the slice into a file",
        "slice* { @type!=storage @offset!=# @size!=# }")
    ROW("devices/disk/backingStore/source/slices", LIMIT,
        "copy the slice into a file",
        "slice* { @type!=storage @offset!=# @size!=# }")
    ROW("devices/disk/source/cookies", RESOURCE, "copy the disk into a file",
        "cookie* { @name!=? $=? }")
    ROW("devices/disk/source/ssl", PROTECT, "copy the disk into a file",
        "@verify=yes|no")
    ROW("devices/disk/source@fdgroup", RESOURCE, "name the file alone", "?")
    ROW("devices/disk/backingStore/source@fdgroup", RESOURCE,
        "name the file alone", "?")
    VALUE("devices/disk@model=virtio-transitional", UNBUILT, USE_VIRTIO)
    VALUE("devices/disk@model=virtio-non-transitional", UNBUILT, USE_VIRTIO)
    VALUE("devices/disk/transient@shareBacking=yes", RESOURCE,
          "remove shareBacking=")
    VALUE("devices/disk/driver@copy_on_read=on", UNBUILT,
          "remove copy_on_read=")

    /* ---- interface ---- */
    VALUE("devices/interface@trustGuestRxFilters=yes", RESOURCE,
          "remove trustGuestRxFilters=")
    ROW("devices/interface/portForward", RESOURCE,
        "use <interface type='bridge'>",
        "@proto!=tcp|udp @address=? @dev=% range* { @start!=#65535 "
        "@end=#65535 @to=#65535 @exclude=yes|no }")
    ROW("devices/interface/source", RESOURCE, "remove it",
        "@dev=% ip* { &ip } route* { &route }")
    ROW("devices/interface/ip", UNBUILT, "the network gives its address",
        "&ip")
    ROW("devices/interface/route", UNBUILT, "the network gives its routes",
        "&route")
    ROW("devices/interface/script", RESOURCE, "svirt runs no script",
        "@path!=?>script,ro")
    ROW("devices/interface/downscript", RESOURCE, "svirt runs no script",
        "@path!=?>script,ro")
    ROW("devices/interface/bandwidth", LIMIT, "shape the bridge, by tc",
        "inbound { " FLOW " } outbound { " FLOW " }")
    ROW("devices/interface/tune", LIMIT, "remove it", "sndbuf { $=# }")
    ROW("devices/interface/filterref", PROTECT,
        "filter on the bridge, by nftables",
        "@filter!=? parameter* { @name!=? @value!=? }")
    ROW("devices/interface/vlan", PROTECT,
        "name a bridge that is on the VLAN",
        "@trunk=yes|no tag+ { @id!=#4095 @nativeMode=tagged|untagged }")
    ROW("devices/interface/virtualport", PROTECT,
        "name a bridge of the kernel's",
        "@type=802.1Qbg|802.1Qbh|openvswitch|midonet "
        "parameters { @managerid=? @typeid=? @typeidversion=? @instanceid=? "
        "@profileid=? @interfaceid=? }")
    ROW("devices/interface/source@portgroup", PROTECT, "remove portgroup=",
        "?")
    ROW("devices/interface/teaming", UNBUILT, "remove it",
        "@type!=persistent|transient @persistent=?")
    ROW("devices/interface/backend@tap", RESOURCE, "remove tap=",
        "/>host-device,sh")
    ROW("devices/interface/backend@vhost", RESOURCE, "remove vhost=",
        "/>host-device,sh")
    ROW("devices/interface/backend@logFile", RESOURCE, "remove logFile=",
        "/>chardev-log")
    ROW("devices/interface/backend@hostname", UNBUILT, "remove hostname=",
        "?")
    ROW("devices/interface/backend@fqdn", UNBUILT, "remove fqdn=", "?")

    /* ---- character devices, watchdog ---- */
    VALUE("devices/*/source@tls=yes", PROTECT, USE_SSH)
    VALUE("devices/*/protocol@type=telnet", UNBUILT, "use type='raw'")
    VALUE("devices/*/protocol@type=telnets", UNBUILT, "use type='raw'")
    VALUE("devices/*/protocol@type=tls", PROTECT, USE_SSH)
    VALUE("devices/watchdog@action=dump", UNBUILT,
          "svirt never dumps guest memory")
    { 0 },
};

static const SvirtShapeFragment fragments[] = {
    { "auth", "@username!=? secret! { @type!=iscsi|ceph|ssh "
              "@uuid=UUID>secret,ro @usage=?>secret,ro }" },
    { "encryption",
      "@format!=default|qcow|luks|luks2|luks-any @engine=qemu|librbd "
      "secret+ { @type!=passphrase @uuid=UUID>secret,ro "
      "@usage=?>secret,ro }" },
    { "ip", "@family=ipv4|ipv6 @address!=? @prefix=#128 @peer=?" },
    { "route", "@family=ipv4|ipv6 @address!=? @netmask=? @prefix=#128 "
               "@gateway!=? @metric=#" },
    { "pci", "@type=pci @domain=#65535 @bus!=#255 @slot!=#31 @function!=#7 "
             "@multifunction=on|off" },
    { "reconnect", "@enabled=yes|no @timeout=# @delay=#" },
    { "seclabel", "seclabel* { @model=% @relabel=yes|no @labelskip=yes|no "
                  "label { $=? } }" },

    /* Whatever a character device may say; obstacle-list.c knows which. */
    { "char",
      "source* { @path=? @mode=bind|connect @host=? @service=? "
      "@append=on|off @tls=yes|no @tlsFromConfig=# @channel=? @wiremode=? "
      "@master=/>host-device @slave=/>host-device reconnect { &reconnect } "
      "clipboard { @copypaste!=yes|no } mouse { @mode!=client|server } "
      "&seclabel } "
      "protocol { @type!=raw|telnet|telnets|tls } "
      "log { @file!=/>chardev-log @append=on|off } "
      "target { @type=% @port=# @name=? @address=? @state=% "
      "model { @name!=% } }" },

    { "source",
      "@file=/ @dev=/ @dir=/ @protocol=nbd|iscsi|rbd|gluster|http|https|ftp"
      "|ftps|tftp|ssh|nfs|vxhs|sheepdog @name=? @tls=yes|no "
      "@tlsHostname=? @query=? @pool=? @volume=? @mode=host|direct "
      "@type=pci|unix @managed=yes|no @namespace=# @path=/ "
      "@startupPolicy=mandatory|requisite|optional @index=# "
      "host* { @name=? @port=#65535 @transport=tcp|rdma|unix @socket=/ } "
      "snapshot { @name!=? } config { @file!=/>host-file,ro } address { &pci } "
      "reconnect { &reconnect } initiator { iqn! { @name!=? } } "
      "identity { @user=? @group=? @username=? @keyfile=?>host-file,ro "
      "@agentsock=?>socket-connect,sh } "
      "readahead { @size!=# @unit=% } timeout { @seconds!=# } "
      "knownHosts { @path!=/>host-file,ro } &seclabel "
      "dataStore { @type=file|block|dir|network|volume|nvme|vhostuser"
      "|vhostvdpa @index=# format { @type!=% } "
      "source { &source } }" },
    { "disk",
      "@type=% @device=disk|cdrom|lun|floppy "
      "driver { @name=qemu @type=raw|qcow|qcow2|qed|vmdk|vhdx|vpc|vdi|bochs"
      "|cloop|dmg|fat @cache=default|none|writethrough|writeback|directsync"
      "|unsafe @io=native|threads|io_uring @discard=unmap|ignore "
      "@detect_zeroes=off|on|unmap @error_policy=stop|report|ignore|enospace "
      "@rerror_policy=stop|report|ignore @copy_on_read=on|off } "
      "source { &source } &below target! { @dev!=% "
      "@bus=ide|fdc|scsi|virtio|usb|sata|sd } readonly shareable transient "
      "serial { $=? } blockio { @logical_block_size=# "
      "@physical_block_size=# }" },
    { "below",
      "backingStore { @type=file|block|dir|network|volume|nvme|vhostuser"
      "|vhostvdpa @index=# format { @type!=raw|qcow|qcow2|qed|vmdk|vhdx|vpc"
      "|vdi|bochs|cloop|dmg|fat|vpc } source { &source } &below }" },

    { "net", "@managed=yes|no mac { @address!=MAC @type=% @check=yes|no } "
             "model { @type!=% } link { @state!=up|down } mtu { @size!=# } "
             "target { @dev=? } "
             "driver { @name=vfio|kvm|vhost|qemu @queues=# "
             "@rx_queue_size=256|512|1024|2048|4096 "
             "@tx_queue_size=256|512|1024|2048|4096 }" },

    { "audio", "@id!=# @timerPeriod=# input { &audiodev } "
               "output { &audiodev }" },
    { "audiodev",
      "@mixingEngine=yes|no @fixedSettings=yes|no @voices=# "
      "@bufferLength=# @bufferCount=# @latency=# @tryPoll=yes|no @name=? "
      "@streamName=? @clientName=? @connectPorts=? @exactName=yes|no "
      "@serverName=?>audio,sh @dev=?>host-device,sh "
      "settings { @frequency=# @channels=# @format=s8|u8|s16|u16|s32|u32"
      "|f32 }" },
    { NULL, NULL },
};
/* clang-format on */

const SvirtObstacleRow *
svirt_obstacle_table(void)
{
    return table;
}

const SvirtShapeFragment *
svirt_shape_fragments(void)
{
    return fragments;
}
