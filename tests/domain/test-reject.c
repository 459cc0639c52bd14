/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"

/* A definition with `top` beside its first elements and `devices` inside. */
static char *
build(const char *top, const char *devices)
{
    return g_strdup_printf("<domain type='qemu'><name>t</name>"
                           "<memory>65536</memory><vcpu>4</vcpu>"
                           "<os><type>hvm</type></os>\n%s"
                           "<devices>\n%s</devices></domain>",
                           top, devices);
}

typedef enum Place { WHOLE, TOP, DEVICES } Place;

typedef struct Row {
    const char *name;
    Place place;
    const char *xml;
    SvirtErrorCode code;
    const char *message; /* behind "x.xml:" */
} Row;

#define DISK(inside) "<disk>" inside "<target dev='vda'/></disk>"
#define SOURCE "<source file='/a'/>"
#define DOMAIN(type, inside) "<domain" type ">" inside "</domain>"
#define HVM "<os><type>hvm</type></os>"
#define NAME "<name>t</name>"
#define MEMORY "<memory>65536</memory>"
#define INV SVIRT_ERROR_INVALID
#define REF SVIRT_ERROR_REFUSED
#define UNS SVIRT_ERROR_UNSUPPORTED

static const Row rows[] = {
    /* the domain itself */
    { "root", WHOLE, "<network/>", INV, "1: <network> is not a domain" },
    { "root-namespace", WHOLE, "<domain xmlns='u'/>", INV,
      "1: <domain> is not a domain" },
    { "no-type", WHOLE, DOMAIN("", NAME MEMORY HVM), INV,
      "1: <domain> has no attribute 'type'" },
    { "bad-type", WHOLE, DOMAIN(" type='vmware'", NAME MEMORY HVM), INV,
      "1: type='vmware' of <domain> is unknown" },
    { "no-name", WHOLE, DOMAIN(" type='kvm'", MEMORY HVM), INV,
      "1: <domain> has no <name>" },
    { "no-memory", WHOLE, DOMAIN(" type='kvm'", NAME HVM), INV,
      "1: <domain> has no <memory>" },
    { "no-os", WHOLE, DOMAIN(" type='kvm'", NAME MEMORY), INV,
      "1: no <os> with a <type>" },
    { "no-os-type", WHOLE, DOMAIN(" type='kvm'", NAME MEMORY "<os/>"), INV,
      "1: no <os> with a <type>" },
    { "slash-in-name", WHOLE,
      DOMAIN(" type='kvm'", "<name>a/b</name>" MEMORY HVM), INV,
      "1: domain name 'a/b' contains '/'" },
    { "memory-0", WHOLE, DOMAIN(" type='kvm'", NAME "<memory>0</memory>" HVM),
      INV, "1: <memory> is 0" },
    { "memory-negative", WHOLE,
      DOMAIN(" type='kvm'", NAME "<memory>-1</memory>" HVM), INV,
      "1: '-1' in <memory> is not a size" },
    { "memory-fraction", WHOLE,
      DOMAIN(" type='kvm'", NAME "<memory unit='G'>1.5</memory>" HVM), INV,
      "1: '1.5' in <memory> is not a size" },
    { "memory-empty", WHOLE, DOMAIN(" type='kvm'", NAME "<memory/>" HVM), INV,
      "1: <memory> is empty" },
    { "memory-unit", WHOLE,
      DOMAIN(" type='kvm'", NAME "<memory unit='Kb2'>1</memory>" HVM), INV,
      "1: unit='Kb2' of <memory> is unknown" },
    { "memory-overflow", WHOLE,
      DOMAIN(" type='kvm'", NAME "<memory unit='EiB'>16</memory>" HVM), INV,
      "1: <memory> is more than 1125899906842624 bytes" },
    { "memory-overflow-number", WHOLE,
      DOMAIN(" type='kvm'", NAME "<memory>18446744073709551616</memory>" HVM),
      INV, "1: '18446744073709551616' in <memory> is not a size" },
    { "memory-over-bound", WHOLE,
      DOMAIN(" type='kvm'", NAME "<memory unit='PiB'>2</memory>" HVM), INV,
      "1: <memory> is more than 1125899906842624 bytes" },
    { "stray-text", TOP, "oops", INV, "1: stray text in <domain>" },
    { "stray-text-in-devices", DEVICES, "oops", INV,
      "2: stray text in <devices>" },
    { "unknown-element", TOP, "<frobnicate/>", INV,
      "2: <frobnicate> in <domain> is unknown" },
    { "unknown-attribute", TOP, "<on_reboot mode='x'>restart</on_reboot>", INV,
      "2: attribute 'mode' of <on_reboot> is unknown" },
    { "unknown-device", DEVICES, "<teleporter/>", INV,
      "3: <teleporter> in <devices> is unknown" },
    { "unknown-in-disk", DEVICES, DISK(SOURCE "<turbo/>"), INV,
      "3: <turbo> in <disk> is unknown" },
    { "unknown-disk-attribute", DEVICES,
      "<disk turbo='1'>" SOURCE "<target dev='vda'/></disk>", INV,
      "3: attribute 'turbo' of <disk> is unknown" },
    { "foreign-device", DEVICES, "<a:disk xmlns:a='u'/>", INV,
      "3: <a:disk> in <devices> belongs to another namespace" },
    { "disk-in-foreign-namespace", DEVICES, "<disk xmlns='u'/>", INV,
      "3: <disk> in <devices> belongs to another namespace" },
    { "qemu-namespace-attribute", TOP,
      "<on_reboot xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0' "
      "q:x='1'>restart</on_reboot>",
      REF,
      "2: attribute 'q:x' of <on_reboot> would pass the hypervisor what "
      "nobody checked" },
    { "lxc-namespace", TOP,
      "<l:n xmlns:l='http://libvirt.org/schemas/domain/lxc/1.0'/>", REF,
      "2: <l:n> in <domain> would pass the hypervisor what nobody checked" },
    { "default-qemu-namespace", TOP,
      "<override xmlns='http://libvirt.org/schemas/domain/qemu/1.0'/>", REF,
      "2: <override> in <domain> would pass the hypervisor what nobody "
      "checked" },

    /* one of each */
    { "message-on-one-line", WHOLE, "<a&#10;b/>", INV,
      "1: not well-formed XML: not well-formed (invalid token)" },
    { "newline-in-value", WHOLE, DOMAIN(" type='a&#10;hint: b&#x9b;1m'", ""),
      INV, "1: type='a?hint: b?1m' of <domain> is unknown" },
    { "newline-in-label", TOP,
      "<seclabel type='static' model='dac'><label>a&#10;b</label></seclabel>",
      INV, "2: 'a?b' is no DAC label" },
    { "second-name", TOP, "<name>u</name>", INV,
      "2: second <name> in <domain>, the first is in line 1" },
    { "second-memory", TOP, MEMORY, INV,
      "2: second <memory> in <domain>, the first is in line 1" },
    { "second-uuid", TOP,
      "<uuid>8f2b5c1e-3a47-4d0c-9a55-6e1f0b7d2c31</uuid>\n"
      "<uuid>8f2b5c1e-3a47-4d0c-9a55-6e1f0b7d2c31</uuid>",
      INV, "3: second <uuid> in <domain>, the first is in line 2" },
    { "second-devices", TOP, "<devices/>", INV,
      "2: second <devices> in <domain>, the first is in line 2" },
    { "second-source", DEVICES, DISK(SOURCE SOURCE), INV,
      "3: second <source> in <disk>, the first is in line 3" },
    { "second-balloon", DEVICES,
      "<memballoon model='none'/><memballoon model='none'/>", INV,
      "3: second <memballoon> in <devices>, the first is in line 3" },
    { "second-emulator", DEVICES,
      "<emulator>/a</emulator><emulator>/b</emulator>", INV,
      "3: second <emulator> in <devices>, the first is in line 3" },
    { "second-timer", TOP,
      "<clock><timer name='rtc'/>\n<timer name='rtc'/></clock>", INV,
      "3: timer 'rtc' is already taken in line 2" },
    { "second-feature", TOP,
      "<cpu><model>qemu64</model><feature name='aes'/>\n"
      "<feature name='aes'/></cpu>",
      INV, "3: CPU feature 'aes' is given twice" },
    { "second-target", DEVICES,
      DISK(SOURCE) "\n<disk><source file='/b'/><target dev='vda'/></disk>", INV,
      "4: disk target 'vda' is already taken in line 3" },
    { "second-boot-order", DEVICES,
      DISK(
          SOURCE
          "<boot order='1'/>") "\n<interface type='user'><boot order='1'/></interface>",
      INV, "4: boot order 1 is already taken in line 3" },
    { "second-alias", DEVICES,
      DISK(SOURCE
           "<alias name='ua-1'/>") "\n<rng model='virtio'><alias name='ua-1'/>"
                                   "<backend model='builtin'/></rng>",
      INV, "4: alias 'ua-1' is already taken in line 3" },
    { "second-pci-address", DEVICES,
      DISK(
          SOURCE
          "<address type='pci' slot='4'/>") "\n<interface type='user'><address type='pci' slot='0x4'/></interface>",
      INV, "4: PCI address 0000:00:04.0 is already taken in line 3" },
    { "second-controller", DEVICES,
      "<controller type='usb' index='0'/>\n<controller type='usb' index='0'/>",
      INV, "4: index 0 of controllers 'usb' is already taken in line 3" },
    { "second-serial-port", DEVICES,
      "<serial><target port='0'/></serial>\n<serial><target port='0'/>"
      "</serial>",
      INV, "4: port 0 of a serial is already taken in line 3" },
    { "second-channel", DEVICES,
      "<channel type='unix'><target type='virtio' name='a'/></channel>\n"
      "<channel type='unix'><target type='virtio' name='a'/></channel>",
      INV, "4: channel 'a' is already taken in line 3" },
    { "second-primary", DEVICES,
      "<video><model type='vga' primary='yes'/></video>\n"
      "<video><model type='vga' primary='yes'/></video>",
      INV, "4: second primary <video>" },

    /* uuid, title, vcpu, cpu, os, clock */
    { "uuid", TOP, "<uuid>12</uuid>", INV, "2: '12' is no UUID" },
    { "uuid-nil", TOP, "<uuid>00000000-0000-0000-0000-000000000000</uuid>", INV,
      "2: '00000000-0000-0000-0000-000000000000' is no UUID" },
    { "title", TOP, "<title>a\nb</title>", INV,
      "2: <title> has more than one line" },
    { "vcpu-0", WHOLE, DOMAIN(" type='kvm'", NAME MEMORY HVM "<vcpu>0</vcpu>"),
      INV, "1: '0' in <vcpu> is not a number from 1 to 4096" },
    { "vcpu-current", WHOLE,
      DOMAIN(" type='kvm'", NAME MEMORY HVM "<vcpu current='3'>2</vcpu>"), INV,
      "1: current='3' of <vcpu> is not a number from 1 to 2" },
    { "vcpu-cpuset", WHOLE,
      DOMAIN(" type='kvm'", NAME MEMORY HVM "<vcpu cpuset='3-1'>2</vcpu>"), INV,
      "1: cpuset='3-1' of <vcpu> is no list of CPUs" },
    { "topology", TOP,
      "<cpu><topology sockets='1' cores='2' threads='1'/></cpu>", INV,
      "2: CPU topology has 2 threads, <vcpu> 4" },
    { "topology-overflow", TOP,
      "<cpu><topology sockets='4096' dies='4096' clusters='4096' "
      "cores='4096' threads='4096'/></cpu>",
      INV, "2: CPU topology has 1152921504606846976 threads, <vcpu> 4" },
    { "custom-without-model", TOP, "<cpu mode='custom'/>", INV,
      "2: <cpu mode='custom'> has no <model>" },
    { "features-without-model", TOP, "<cpu><feature name='aes'/></cpu>", INV,
      "2: <cpu> has features and no model" },
    { "cpu-model-with-comma", TOP, "<cpu><model>a,b=c</model></cpu>", INV,
      "2: CPU model 'a,b=c' is not a single word" },
    { "cpu-feature-with-comma", TOP,
      "<cpu><model>a</model><feature name='a,b'/></cpu>", INV,
      "2: name='a,b' of <feature> is not a single word" },
    { "machine-with-comma", WHOLE,
      DOMAIN(" type='kvm'",
             NAME MEMORY "<os><type machine='q35,x=y'>hvm</type></os>"),
      INV, "1: machine='q35,x=y' of <type> is not a single word" },
    { "foreign-arch", WHOLE,
      DOMAIN(" type='qemu'",
             NAME MEMORY "<os><type arch='aarch64'>hvm</type></os>"),
      UNS, "1: architecture 'aarch64' is not built" },
    { "initrd-without-kernel", WHOLE,
      DOMAIN(" type='kvm'",
             NAME MEMORY "<os><type>hvm</type><initrd>/i</initrd></os>"),
      INV, "1: <os> has an <initrd> or <cmdline> and no <kernel>" },
    { "kernel-relative", WHOLE,
      DOMAIN(" type='kvm'",
             NAME MEMORY "<os><type>hvm</type><kernel>vmlinuz</kernel></os>"),
      INV, "1: path 'vmlinuz' of <kernel> is not absolute" },
    { "boot-twice", WHOLE,
      DOMAIN(" type='kvm'", NAME MEMORY
             "<os><type>hvm</type><boot dev='hd'/><boot dev='hd'/></os>"),
      INV, "1: second <boot dev='hd'>" },
    { "boot-in-both", WHOLE,
      DOMAIN(" type='kvm'", NAME MEMORY
             "<os><type>hvm</type><boot dev='hd'/></os><devices>" DISK(
                 SOURCE "<boot order='1'/>") "</devices>"),
      INV, "1: <boot> stands in <os> and in devices" },
    { "boot-word", WHOLE,
      DOMAIN(" type='kvm'",
             NAME MEMORY "<os><type>hvm</type><boot dev='tape'/></os>"),
      INV, "1: dev='tape' of <boot> is unknown" },
    { "action", TOP, "<on_crash>explode</on_crash>", INV,
      "2: 'explode' in <on_crash> is unknown" },
    { "switch", TOP, "<features><vmport state='maybe'/></features>", INV,
      "2: state='maybe' of <vmport> is neither 'on' nor 'off'" },

    /* disks */
    { "disk-without-target", DEVICES, "<disk>" SOURCE "</disk>", INV,
      "3: <disk> has no <target>" },
    { "disk-without-source", DEVICES, DISK(""), INV,
      "3: <disk> has no <source>" },
    { "disk-with-empty-source", DEVICES, DISK("<source/>"), INV,
      "3: <source> has no attribute 'file'" },
    { "disk-file-for-block", DEVICES,
      "<disk type='block'>" SOURCE "<target dev='vda'/></disk>", INV,
      "3: <source> has no attribute 'dev'" },
    { "path-relative", DEVICES, DISK("<source file='a.raw'/>"), INV,
      "3: path 'a.raw' of <source> is not absolute" },
    { "path-empty", DEVICES, DISK("<source file=''/>"), INV,
      "3: attribute 'file' of <source> is empty" },
    { "path-newline", DEVICES, DISK("<source file='/a&#10;b'/>"), INV,
      "3: path '/a\\nb' of <source> contains a control character" },
    { "path-json", DEVICES, DISK("<source file='json:{}'/>"), INV,
      "3: path 'json:{}' of <source> is not absolute" },
    { "format", DEVICES, DISK("<driver type='zip'/>" SOURCE), INV,
      "3: type='zip' of <driver> is unknown" },
    { "format-empty", DEVICES, DISK("<driver type=''/>" SOURCE), INV,
      "3: attribute 'type' of <driver> is empty" },
    { "driver-name", DEVICES, DISK("<driver name='phy'/>" SOURCE), UNS,
      "3: name='phy' of <driver> is not supported" },
    { "cache", DEVICES, DISK("<driver cache='fast'/>" SOURCE), INV,
      "3: cache='fast' of <driver> is unknown" },
    { "target-name", DEVICES, "<disk>" SOURCE "<target dev='nvme0n1'/></disk>",
      INV, "3: dev='nvme0n1' of <target> is no name of a disk" },
    { "target-partition", DEVICES,
      "<disk>" SOURCE "<target dev='vda1'/></disk>", INV,
      "3: dev='vda1' of <target> is no name of a disk" },
    { "target-xen", DEVICES, "<disk>" SOURCE "<target dev='xvda'/></disk>", UNS,
      "3: bus='xen' of <target> is not supported" },
    { "cdrom-virtio", DEVICES,
      "<disk device='cdrom'><target dev='vda'/></disk>", INV,
      "3: a cdrom cannot be on the bus virtio" },
    { "shareable-qcow2", DEVICES,
      DISK("<driver type='qcow2'/>" SOURCE "<shareable/>"), INV,
      "3: disk 'vda' is shareable and has format qcow2: two writers would "
      "destroy it" },
    { "transient-readonly", DEVICES, DISK(SOURCE "<transient/><readonly/>"),
      INV, "3: disk 'vda' is transient and also read-only" },
    { "transient-shareable", DEVICES, DISK(SOURCE "<transient/><shareable/>"),
      INV, "3: disk 'vda' is transient and also shareable" },
    { "serial-quote", DEVICES, DISK(SOURCE "<serial>a,b</serial>"), INV,
      "3: <serial> contains another character" },
    { "backing-below-raw", DEVICES,
      DISK(SOURCE "<backingStore><format type='raw'/><source file='/b'/>"
                  "</backingStore>"),
      INV, "3: <backingStore> below an image without backing" },
    { "backing-without-format", DEVICES,
      DISK("<driver type='qcow2'/>" SOURCE
           "<backingStore><source file='/b'/></backingStore>"),
      INV, "3: <backingStore> has no <format>" },
    { "backing-without-source", DEVICES,
      DISK("<driver type='qcow2'/>" SOURCE
           "<backingStore><format type='raw'/></backingStore>"),
      INV, "3: <backingStore> has no <source>" },
    { "backing-type-only", DEVICES,
      DISK("<driver type='qcow2'/>" SOURCE "<backingStore type='file'/>"), INV,
      "3: <backingStore> has no <format>" },
    { "data-store-of-raw", DEVICES,
      DISK("<source file='/a'><dataStore><format type='raw'/>"
           "<source file='/b'/></dataStore></source>"),
      INV, "3: <dataStore> needs a qcow2 image and format raw" },
    { "block-size", DEVICES,
      DISK(SOURCE "<blockio logical_block_size='1000'/>"), INV,
      "3: logical_block_size='1000' is no power of two" },
    { "boot-order-0", DEVICES, DISK(SOURCE "<boot order='0'/>"), INV,
      "3: order='0' of <boot> is not a number from 1 to 2147483647" },
    { "address-octal", DEVICES, DISK(SOURCE "<address type='pci' slot='010'/>"),
      INV, "3: slot='010' of <address> is not a number from 0 to 31" },
    { "address-range", DEVICES,
      DISK(SOURCE "<address type='pci' slot='0x20'/>"), INV,
      "3: slot='0x20' of <address> is not a number from 0 to 31" },
    { "usb-port", DEVICES,
      DISK(SOURCE "<address type='usb' bus='0' port='a'/>"), INV,
      "3: port='a' of <address> is not a USB port" },
    { "startup-policy", DEVICES,
      DISK("<source file='/a' startupPolicy='never'/>"), INV,
      "3: startupPolicy='never' of <source> is unknown" },

    /* labels */
    { "static-without-label", TOP, "<seclabel type='static' model='dac'/>", INV,
      "2: seclabel type 'static' needs a <label>" },
    { "none-with-relabel", TOP, "<seclabel type='none' relabel='yes'/>", INV,
      "2: seclabel type 'none' cannot relabel" },
    { "label-twice", TOP,
      "<seclabel type='none' model='dac'/>\n"
      "<seclabel type='none' model='dac'/>",
      INV, "3: seclabel for model 'dac' is given twice" },
    { "label-model", TOP, "<seclabel model='grsecurity'/>", INV,
      "2: model='grsecurity' of <seclabel> is unknown" },
    { "label-type", TOP, "<seclabel type='loose' model='dac'/>", INV,
      "2: type='loose' of <seclabel> is unknown" },
    { "source-label-twice", DEVICES,
      DISK("<source file='/a'><seclabel model='dac' relabel='no'/>"
           "<seclabel model='dac' relabel='no'/></source>"),
      INV, "3: second <seclabel> for one model in <source>" },
    { "source-label-and-no", DEVICES,
      DISK("<source file='/a'><seclabel model='dac' relabel='no'>"
           "<label>1:1</label></seclabel></source>"),
      INV, "3: seclabel of a device has a <label> and relabel='no'" },
    { "source-label-against-domain", WHOLE,
      DOMAIN(" type='kvm'", NAME MEMORY HVM
             "<seclabel type='none' model='dac'/><devices>" DISK(
                 "<source file='/a'><seclabel model='dac'>"
                 "<label>1:1</label></seclabel></source>") "</devices>"),
      INV,
      "1: <source> has a label, the domain's <seclabel> says not to "
      "relabel" },

    /* character devices */
    { "serial-file-without-source", DEVICES, "<serial type='file'/>", INV,
      "3: <serial type='file'> has no <source>" },
    { "serial-unix-without-path", DEVICES,
      "<serial type='unix'><source mode='bind'/></serial>", INV,
      "3: <source> has no attribute 'path'" },
    { "serial-unix-mode", DEVICES,
      "<serial type='unix'><source mode='both' path='/a'/></serial>", INV,
      "3: mode='both' of <source> is unknown" },
    { "serial-target", DEVICES, "<serial><target type='virtio'/></serial>", INV,
      "3: type='virtio' of <target> is unknown" },
    { "serial-model", DEVICES,
      "<serial><target type='isa-serial'><model name='16550a'/></target>"
      "</serial>",
      UNS,
      "3: model '16550a' of a <serial> of type 'isa-serial' is not "
      "supported" },
    { "serial-log-relative", DEVICES, "<serial><log file='a'/></serial>", INV,
      "3: path 'a' of <log> is not absolute" },
    { "console-differs", DEVICES,
      "<serial type='pty'/>\n<console type='null'/>", INV,
      "4: <console> and the first <serial> in line 3 are one device and "
      "differ" },
    { "second-serial-console", DEVICES, "<console/>\n<console/>", INV,
      "4: only the first <console> can be a serial port" },
    { "channel-without-target", DEVICES, "<channel type='unix'/>", INV,
      "3: <channel> has no <target> with a type" },
    { "channel-name", DEVICES,
      "<channel type='unix'><target type='virtio' name='a,b'/></channel>", INV,
      "3: name='a,b' of <target> is not a single word" },

    /* small devices */
    { "mac", DEVICES,
      "<interface type='user'><mac address='52:54:00:00:00'/></interface>", INV,
      "3: '52:54:00:00:00' is no MAC address" },
    { "mac-multicast", DEVICES,
      "<interface type='user'><mac address='53:54:00:00:00:01'/></interface>",
      INV, "3: MAC address '53:54:00:00:00:01' is a multicast address" },
    { "interface-model", DEVICES,
      "<interface type='user'><model type='e1000,x=y'/></interface>", INV,
      "3: type='e1000,x=y' of <model> is not a single word" },
    { "interface-without-type", DEVICES, "<interface/>", INV,
      "3: <interface> has no attribute 'type'" },
    { "controller-model", DEVICES,
      "<controller type='usb' model='virtio-scsi'/>", INV,
      "3: model='virtio-scsi' does not fit a controller of type 'usb'" },
    { "pcie-root-on-pc", DEVICES,
      "<controller type='pci' model='pcie-root'/>", INV,
      "3: this machine has no PCI controller 'pcie-root'" },
    { "root-with-index", DEVICES,
      "<controller type='pci' index='1' model='pci-root'/>", INV,
      "3: the PCI root has index 1" },
    { "root-with-address", DEVICES,
      "<controller type='pci' model='pci-root'><address type='pci' slot='3'/>"
      "</controller>",
      INV, "3: the PCI root has an address" },
    { "companion-of-none", DEVICES,
      "<controller type='usb' index='0' model='ich9-uhci2'>"
      "<master startport='2'/></controller>",
      INV, "3: USB controller 0 has a <master> and there is none" },
    { "disk-with-another-bus-address", DEVICES,
      "<disk>" SOURCE "<target dev='sda' bus='sata'/>"
      "<address type='pci' slot='3'/></disk>",
      INV, "3: disk 'sda' on the bus sata has an address of type 'pci'" },
    { "no-video-and-one", DEVICES,
      "<video><model type='none'/></video><video><model type='vga'/></video>",
      INV, "3: <video> of type none stands beside another" },
    { "controller-pci-without-model", DEVICES, "<controller type='pci'/>", INV,
      "3: model='' does not fit a controller of type 'pci'" },
    { "tablet-ps2", DEVICES, "<input type='tablet' bus='ps2'/>", INV,
      "3: a tablet cannot be on the bus ps2" },
    { "video-without-model", DEVICES, "<video/>", INV,
      "3: <video> has no <model>" },
    { "rng-hwrng", DEVICES,
      "<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>",
      REF,
      "3: '/dev/hwrng' in <backend> is neither /dev/random nor "
      "/dev/urandom" },
    { "rng-without-backend", DEVICES, "<rng model='virtio'/>", INV,
      "3: <rng> has no <backend>" },
    { "rng-model", DEVICES,
      "<rng model='rdrand'><backend model='builtin'/></rng>", INV,
      "3: model='rdrand' of <rng> is unknown" },
};

static void
free_fault(gpointer fault)
{
    svirt_domain_fault_free(fault);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *built = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) faults = g_ptr_array_new_with_free_func(free_fault);
    const char *text = row->xml;

    if (row->place != WHOLE) {
        built = build(row->place == TOP ? row->xml : "",
                      row->place == DEVICES ? row->xml : "");
        text = built;
    }
    g_assert_false(
        svirt_domain_parse_all(text, strlen(text), "x.xml", &domain, faults,
                               &error));
    /* One mistake is one fault: none is made up from what it hides. */
    for (guint i = 0; i < faults->len && faults->len > 1; i++) {
        const SvirtDomainFault *fault = faults->pdata[i];

        g_test_message("%s", fault->error->message);
    }
    if (row->place != WHOLE) {
        g_assert_cmpuint(faults->len, ==, 1);
    }
    g_assert_error(error, SVIRT_ERROR, (int)row->code);
    g_assert_true(g_str_has_prefix(error->message, "x.xml:"));
    g_assert_cmpstr(error->message + strlen("x.xml:"), ==, row->message);
    g_assert_null(domain);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name =
            g_strdup_printf("/domain/domain/rejects/%s", rows[i].name);

        g_test_add_data_func(name, &rows[i], test_row);
    }
    return g_test_run();
}
