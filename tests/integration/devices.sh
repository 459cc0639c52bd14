#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 480
# shellcheck disable=SC2016 # what the guest's shell expands stands in '...'
# Every device that a definition may have starts under the compartment and is
# accepted by verify; what a guest can see of it cheaply is looked at from
# inside one on q35 and one on pc. What QEMU could not start is refused.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh

loop=
trap 'destroy_all; [ -z "$loop" ] || losetup -d "$loop"
    [ -z "${listener:-}" ] || kill "$listener" 2>/dev/null' EXIT
full=$(scripts/guest amd64 ahci usb_storage xhci_pci uhci_hcd ehci_pci \
    ohci_pci usbhid hid_generic e1000 e1000e 8139cp pcnet32 vmxnet3 \
    sym53c8xx pvpanic_pci pvpanic_mmio virtio_input psmouse usbserial usbnet) || {
    echo "Bail out! cannot make the guest with every driver"
    exit 1
}

cdrom() { # BUS TARGET [FILE] [POLICY]
    echo "<disk type='file' device='cdrom'>" \
        "${3:+<source file='$3' ${4:-}/>}<target dev='$2' bus='$1'/></disk>"
}
controller() { # TYPE MODEL INDEX [CHILDREN] [ATTRIBUTES]
    echo "<controller type='$1' ${2:+model='$2'} index='$3' ${5:-}>${4:-}</controller>"
}
at() { echo "<address type='pci' bus='$1' slot='$2' function='${3:-0}' ${4:-}/>"; }
drive() {
    echo "<address type='drive' controller='$1' bus='0' target='$2' unit='$3'/>"
}
letters() # NUMBER: as libvirt counts disks
{
    local all=({a..z})
    echo "$([ "$1" -lt 26 ] || echo "${all[$1 / 26 - 1]}")${all[$1 % 26]}"
}
image() # NAME [FORMAT]
{
    qemu-img create -q -f "${2:-raw}" "$work/$1" 8M && echo "$work/$1"
}
nic() { echo "<interface type='user'>$*</interface>"; }

# ---- what needs no guest ---------------------------------------------------
a=$(image a)
for MACHINE in q35 pc pc-q35-7.2 pc-i440fx-7.2; do
    starts "$MACHINE: a disk on every bus" "$(disk virtio vda "$a")" \
        "$(disk sata sda "$(image b)")" "$(disk ide hdb "$(image c)")" \
        "$(disk scsi sda1 "$(image d)" | sed s/sda1/sdc/)" \
        "$(disk usb sdd "$(image e)")"
    starts "$MACHINE: a cdrom on every bus, one without a medium" \
        "$(cdrom sata sda "$a")" "$(cdrom ide hdb "$a")" \
        "$(cdrom scsi sdc "$a")" "$(cdrom usb sdd "$a")" "$(cdrom usb sde)"
done
for MACHINE in q35 pc; do
    for model in piix3-uhci piix4-uhci pci-ohci ehci ich9-ehci1 ich9-uhci1 \
        ich9-uhci2 ich9-uhci3 nec-xhci qemu-xhci; do
        starts "$MACHINE: USB $model" "$(controller usb "$model" 0)" \
            "<input type='tablet' bus='usb'/>" "$(disk usb sda "$a")"
    done
    starts "$MACHINE: USB companions before their controller" \
        "$(controller usb ich9-uhci1 0 "<master startport='0'/>$(at 0 0x1d 0 "multifunction='on'")")" \
        "$(controller usb ich9-uhci2 0 "<master startport='2'/>$(at 0 0x1d 1)")" \
        "$(controller usb ich9-uhci3 0 "<master startport='4'/>$(at 0 0x1d 2)")" \
        "$(controller usb ich9-ehci1 0 "$(at 0 0x1d 7)")" \
        "<input type='keyboard' bus='usb'/>"
    starts "$MACHINE: two USB controllers, 15 ports, a device on the second" \
        "$(controller usb qemu-xhci 0 '' "ports='15'")" \
        "$(controller usb nec-xhci 1)" "<input type='mouse' bus='usb'>
         <address type='usb' bus='1' port='2'/></input>"
    starts "$MACHINE: no USB" "$(controller usb none 0)"
    for model in virtio-scsi lsilogic; do
        starts "$MACHINE: SCSI $model, a second controller by itself" \
            "$(controller scsi "$model" 0)" "$(disk scsi sda "$a")" \
            "$(cdrom scsi sdb)" "$(disk scsi sdp "$(image b)")"
    done
    starts "$MACHINE: a second SATA controller" "$(disk sata sdg "$a")"
    starts "$MACHINE: virtio-serial with 16 ports and 4 vectors" \
        "$(controller virtio-serial virtio 0 '' "ports='16' vectors='4'")" \
        "<channel type='unix'><target type='virtio' name='a'/></channel>"
    for model in virtio e1000 e1000e rtl8139 vmxnet3 pcnet ne2k_pci usb-net ''; do
        starts "$MACHINE: interface ${model:-without a model}" \
            "$(nic "<mac address='52:54:00:12:34:56'/>
            ${model:+<model type='$model'/>}<link state='up'/>
            <backend type='passt'/><boot order='1'/>")"
    done
    for model in vga cirrus bochs virtio qxl vmvga ramfb none; do
        second="<video><model type='virtio' heads='2'/></video>"
        starts "$MACHINE: video $model" \
            "<video><model type='$model' primary='yes' heads='1'/></video>" \
            "$([ "$model" = none ] || echo "$second")"
    done
    starts "$MACHINE: qxl with sizes" "<video><model type='qxl' ram='65536'
        vram='65536' vgamem='16384'/></video>"
    starts "$MACHINE: every input" "<input type='tablet'/>" \
        "<input type='mouse' bus='usb'/>" "<input type='keyboard' bus='usb'/>" \
        "<input type='mouse' bus='ps2'/>" "<input type='keyboard'/>" \
        "<input type='tablet' bus='virtio'/>" \
        "<input type='mouse' bus='virtio'/>" \
        "<input type='keyboard' bus='virtio'/>"
    starts "$MACHINE: every rng, a balloon, both panic devices" \
        "<rng model='virtio'><rate bytes='1024' period='2000'/>
         <backend model='random'>/dev/random</backend></rng>" \
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>" \
        "<rng model='virtio'><backend model='builtin'/></rng>" \
        "<memballoon model='virtio' autodeflate='on' freePageReporting='on'>
         <stats period='10'/></memballoon>" \
        "<panic model='isa'/>" "<panic model='pvpanic'/>"
    TOP="<clock offset='localtime'><timer name='rtc' tickpolicy='catchup'/>
        <timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/>
        <timer name='tsc'/><timer name='kvmclock' present='no'/></clock>
        <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='yes'/></pm>" \
        starts "$MACHINE: timers and sleep states" "<memballoon model='none'/>"
    for mode in "mode='host-model'" "mode='host-passthrough'" "mode='maximum'"; do
        TOP="<cpu $mode/>" starts "$MACHINE: cpu $mode"
    done
    VCPU=4 TOP="<cpu mode='custom' match='exact'><model>Nehalem</model>
        <topology sockets='1' dies='2' cores='1' threads='2'/>
        <feature policy='require' name='aes'/>
        <feature policy='disable' name='vme'/></cpu>" \
        starts "$MACHINE: a model of a cpu, features, dies"
    BOOT="<boot dev='network'/><boot dev='cdrom'/><boot dev='hd'/><boot dev='fd'/>
        <bootmenu enable='yes' timeout='3000'/>" starts "$MACHINE: boot order" \
        "$(nic)" "$(disk virtio vda "$a")" "$(cdrom sata sda)"
    FEATURES="<acpi/><apic/><pae/><hap/><vmport state='off'/><pmu state='off'/>
        <smm state='on'/><vmcoreinfo state='on'/><kvm><hidden state='on'/></kvm>" \
        starts "$MACHINE: features"
    lines=
    for ((i = 0; i < 20; i++)); do
        lines+=$(disk virtio "vd$(letters "$i")" "$(image "d$i")")
    done
    starts "$MACHINE: 20 virtio disks" "$lines"
done
MACHINE=q35
starts "PCI: a switch, bridges before what they are behind, a root port left out" \
    "$(controller pci pci-bridge 3 "$(at 2 1)")" \
    "$(controller pci dmi-to-pci-bridge 2)" \
    "$(controller pci pcie-root-port 4 "<model name='ioh3420'/><target chassis='4' port='0x10'/>")" \
    "$(controller pci pcie-switch-upstream-port 5 "$(at 4 0)")" \
    "$(controller pci pcie-switch-downstream-port 6 "$(at 5 0)")" \
    "$(controller pci pcie-to-pci-bridge 7 "$(at 8 0)")" \
    "$(disk virtio vda "$a" "$(at 3 5)")" \
    "$(disk virtio vdb "$(image b)" "$(at 6 0)")" \
    "$(disk virtio vdc "$(image c)" "$(at 9 0)")" \
    "$(nic "<model type='e1000'/>$(at 7 1)")"
lines=
for ((i = 0; i < 100; i++)); do
    truncate -s 1M "$work/s$i"
    lines+=$(disk scsi "sd$(letters "$i")" "$work/s$i")
done
starts "100 disks on virtio-scsi" "$lines"
for cache in none writethrough writeback directsync unsafe default; do
    io=threads
    case $cache in none | directsync) io=native ;; esac
    starts "cache $cache, io $io, discard, detect_zeroes, error policies" \
        "$(disk virtio vda "$(image r)" '' "type='raw' cache='$cache' io='$io'
        discard='unmap' detect_zeroes='unmap' error_policy='enospace'
        rerror_policy='report'")" \
        "$(disk scsi sda "$(image q qcow2)" '' "type='qcow2' cache='$cache'
        io='$io' discard='ignore' detect_zeroes='on' error_policy='stop'")"
done
machine ring "$(disk virtio vda "$a" '' "type='raw' io='io_uring'")" \
    >"$work/said" 2>&1
grep -q "^warning: .*io_uring.* is ignored" "$work/said"
verdict $? "io_uring is ignored with a warning"
check "and the disk starts" svirt -q start --paused ring
forget ring
for format in raw qcow qcow2 qed vmdk vhdx vpc vdi; do
    starts "format $format: written, only read, transient" \
        "$(disk virtio vda "$(image "1.$format" "$format")" '' "type='$format'")" \
        "$(disk virtio vdb "$(image "2.$format" "$format")" '<readonly/>' "type='$format'")" \
        "$(disk virtio vdc "$(image "3.$format" "$format")" '<transient/>' "type='$format'")"
done
starts "a cdrom whose medium is optional and missing" \
    "$(cdrom sata sda "$work/none.iso" "startupPolicy='optional'")" \
    "$(cdrom usb sdb "$work/none.iso" "startupPolicy='optional'")"
MACHINE=isapc starts "isapc with an IDE disk" "$(disk ide hda "$a")" \
    "<serial type='pty'/>"
TYPE=kvm
svirt -q start --paused "$(machine k && echo k)" >"$work/said" 2>&1
case $? in
0)
    check "kvm: verify accepts it" svirt verify k
    is "kvm: QEMU uses it" "$(svirt qemu-monitor-command k --hmp info kvm |
        tr -d '\r')" "kvm support: enabled"
    ;;
*)
    grep -q '^error: .*kvm' "$work/said" && grep -q '^  hint: ' "$work/said"
    verdict $? "kvm: without it the start says so" || note "$(cat "$work/said")"
    ;;
esac
forget k
TYPE=qemu

# ---- what QEMU or svirt cannot --------------------------------------------
MACHINE=q35
fails "a missing medium" 4 "none.iso" "$(cdrom sata sda "$work/none.iso")"
fails "a disk that may be missing" 8 "of what is no cdrom" \
    "$(disk virtio vda "$a" | sed "s/<source /&startupPolicy='optional' /")"
fails "an unknown interface model" 8 "no interface model 'nonsense'" \
    "$(nic "<model type='nonsense'/>")"
fails "a tablet without USB" 8 "no USB port" "$(controller usb none 0)" \
    "<input type='tablet'/>"
fails "hyperv's panic without KVM" 8 "without KVM" \
    "<panic model='hyperv'/>"
fails "a read-only disk on SATA" 8 "read-only" \
    "$(disk sata sda "$a" "<readonly/>")"
fails "io native through the page cache" 3 "cache='none'" \
    "$(disk virtio vda "$a" '' "io='native' cache='writeback'")"
fails "two disks in one place" 3 "place of another disk" \
    "$(disk sata sda "$a")" "$(disk ide hda "$(image b)")"
MACHINE=q36 fails "an unknown machine" 3 "has no machine 'q36'"
TOP="<cpu><model>nonsense</model></cpu>" \
    fails "an unknown cpu" 3 "has no CPU model 'nonsense'"
fails "more PCI devices than slots" 8 "no PCI slot is left" \
    "$(for ((i = 0; i < 300; i++)); do
        echo "<rng model='virtio'><backend model='builtin'/></rng>"
    done)"

# ---- seen from inside ------------------------------------------------------
# Nothing of the host may be reached through passt: everything that listens on
# its addresses notes who came.
cat >"$work/listen.py" <<'PYTHON'
import socket, sys
listener = socket.socket(socket.AF_INET6)
listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
listener.bind(("::", 0))
listener.listen(16)
with open(sys.argv[1] + ".port", "w") as port:
    port.write(str(listener.getsockname()[1]))
while True:
    connection, peer = listener.accept()
    with open(sys.argv[1], "a") as log:
        print("from", peer[0], "to", connection.getsockname()[0], file=log)
    connection.sendall(b"reached\n")
    connection.close()
PYTHON
python3 "$work/listen.py" "$work/reached" &
listener=$!
soon test -s "$work/reached.port"
port=$(cat "$work/reached.port")

image inside.qcow2 qcow2 >"$work/ignored"
for name in sata usb lsi vscsi behind ro transient pc-ide pc-usb pc-scsi pc-vd; do
    image "in-$name" >"$work/ignored"
done
printf 'a medium' >"$work/medium"
truncate -s 1M "$work/medium"
printf 'only read' | dd of="$work/in-ro" conv=notrunc 2>/dev/null
sum=$(sha256sum <"$work/in-transient")
loopfile=$(image loopfile)
loop=$(losetup -f --show "$loopfile") || loop=
block="<disk type='block' device='disk'><driver name='qemu' type='raw'
    cache='none' io='native'/><source dev='$loop'/>
    <target dev='vdf' bus='virtio'/></disk>"

MEMORY=256
boots q "$full"
TOP="<on_crash>preserve</on_crash>" machine q "<serial type='pty'/>" \
    "$(disk virtio vda "$work/inside.qcow2" "<serial>SN-1</serial>" "type='qcow2' cache='none' io='native' discard='unmap'")" \
    "$(disk virtio vdb "$work/in-behind" "<serial>SN-B</serial>$(at 1 0)")" \
    "$(disk virtio vdc "$work/in-ro" '<readonly/><serial>SN-R</serial>')" \
    "$(disk virtio vdd "$work/in-transient" '<transient/><serial>SN-T</serial>')" \
    "$(disk sata sda "$work/in-sata" "<serial>SN-2</serial>")" \
    "$(cdrom sata sdb "$work/medium")" \
    "$(disk usb sdc "$work/in-usb")" "$(cdrom usb sdd)" \
    "$(disk scsi sde "$work/in-lsi" "$(drive 0 0 3)")" \
    "$(disk scsi sdf "$work/in-vscsi" "<blockio logical_block_size='4096'/>$(drive 1 2 1)")" \
    "$([ -z "$loop" ] || echo "$block")" \
    "$(controller scsi lsilogic 0)" "$(controller scsi virtio-scsi 1)" \
    "$(controller pci pcie-root-port 1 "$(at 0 0x10)")" \
    "$(nic "<mac address='52:54:00:aa:bb:cc'/><model type='e1000e'/>")" \
    "<input type='tablet' bus='usb'/>" "<video><model type='vga'/></video>" \
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>" \
    "<memballoon model='virtio'><stats period='1'/></memballoon>" \
    "<panic model='pvpanic'/>"
verdict $? "defines a q35 with everything"
boots p "$full"
VCPU=2 MACHINE=pc TOP="<cpu><model>qemu64</model>
    <feature policy='require' name='aes'/></cpu>
    <on_reboot>destroy</on_reboot>" machine p \
    "<serial type='pty'/>" "$(disk virtio vda "$work/in-pc-vd" "$(at 2 7)")" \
    "$(controller pci pci-bridge 2)" "$(disk ide hda "$work/in-pc-ide")" \
    "$(cdrom ide hdc "$work/medium")" "$(disk usb sda "$work/in-pc-usb")" \
    "$(controller usb ich9-uhci1 0 "<master startport='0'/>")" \
    "$(controller usb ich9-ehci1 0)" "$(disk scsi sdb "$work/in-pc-scsi")" \
    "$(nic "<model type='rtl8139'/>")" "<input type='tablet' bus='virtio'/>"
verdict $? "defines a pc with everything"
start q && start p
verdict $? "both start"
check "verify accepts both" svirt verify q p
attach q && attach p
verdict $? "both guests are up"

# The guests' own helpers: drivers by name, virtio disks by serial number.
load='load() { for m; do for f in $(cat /lib/modules/$m.order); do
[ -d /sys/module/$f ] || insmod /lib/modules/$f.ko; done; done; };
by() { for b in /sys/block/vd*; do [ "$(cat $b/serial)" != "$1" ] || echo ${b##*/}; done; }'
for name in q p; do
    ask "$name" "$(tr '\n' ' ' <<<"$load")" >"$work/ignored"
done
ask q "load ahci usb_storage xhci_pci sym53c8xx sd_mod sr_mod virtio_scsi e1000e pvpanic_pci; sleep 4" 120 \
    >"$work/ignored"
ask p "load ata_piix usb_storage ehci_pci uhci_hcd sym53c8xx sd_mod sr_mod 8139cp virtio_input; sleep 4" 120 \
    >"$work/ignored"
seen() # FACT GUEST COMMAND WANTED
{
    # A guest on a busy host finds its devices one by one.
    local got began=$SECONDS
    got=$(ask "$2" "$3")
    while [ "$got" != "$4" ] && [ $((SECONDS - began)) -lt 20 ]; do
        sleep 1
        got=$(ask "$2" "$3")
    done
    is "$1" "$got" "$4"
}
seen "q35: a serial number on virtio" q 'by SN-1 | wc -l' 1
seen "q35: a serial number on SATA" q \
    'for d in /sys/block/sd*; do strings -n 4 $d/device/vpd_pg80 2>/dev/null; done | grep -c SN-2' 1
seen "q35: behind a root port" q \
    'case $(readlink /sys/block/$(by SN-B)) in *:00:10.0/*:00.0/*) echo yes;; esac' yes
seen "q35: read-only" q 'cat /sys/block/$(by SN-R)/ro; head -c 9 /dev/$(by SN-R); echo' "1
only read"
seen "q35: blocks of 4096 bytes" q \
    'cat /sys/block/sd*/queue/logical_block_size | sort -u | tr "\n" " "; echo' \
    "4096 512 "
seen "q35: a cdrom with a medium, one without" q \
    'head -c 8 /dev/sr0 2>/dev/null || head -c 8 /dev/sr1; echo; ls -d /sys/block/sr* | wc -l' \
    "a medium
2"
# Every disk gets its guest's word, which the image on the host then shows.
for name in q p; do
    ask "$name" "for d in /dev/vd? /dev/sd?; do
        printf '$name wrote' | dd of=\$d conv=fsync 2>/dev/null; done; sync" 30 \
        >"$work/ignored"
done
for name in behind sata usb lsi vscsi; do
    is "q35: the guest writes the disk '$name'" \
        "$(head -c 7 "$work/in-$name" | tr -d '\0')" "q wrote"
done
for name in pc-ide pc-usb pc-scsi pc-vd; do
    is "pc: the guest writes the disk '$name'" \
        "$(head -c 7 "$work/in-$name" | tr -d '\0')" "p wrote"
done
if [ -n "$loop" ]; then
    is "q35: the guest writes the block device" \
        "$(dd if="$loop" bs=512 count=1 iflag=direct 2>/dev/null |
            head -c 7 | tr -d '\0')" "q wrote"
else
    skip "q35: the guest writes the block device" "no loop device"
fi
is "q35: what is only read is not written" "$(head -c 9 "$work/in-ro")" \
    "only read"
seen "q35: the guest reads back what it wrote to the transient disk" q \
    'head -c 7 /dev/$(by SN-T); echo' "q wrote"
seen "pc: two CPUs with the feature" p \
    'grep -c "^flags.* aes" /proc/cpuinfo' 2
seen "q35: random numbers" q 'cat /sys/class/misc/hw_random/rng_current' \
    virtio_rng.0
svirt qemu-monitor-command q '{"execute": "qom-get", "arguments":
    {"path": "/machine/peripheral/balloon0", "property": "guest-stats"}}' |
    grep -Eq '"last-update": *[1-9]'
verdict $? "q35: the balloon's statistics are asked for"
seen "pc: a virtio tablet" p \
    'cat /sys/class/input/input*/name | grep -c "QEMU Virtio Tablet"' 1

# The network: an address, and nothing of the host behind it.
for name in q p; do
    ask "$name" 'ip link set eth0 up; udhcpc -q -n -i eth0 -s /etc/udhcpc.sh >/dev/null 2>&1; sleep 1' 60 \
        >"$work/ignored"
    ask "$name" 'ip -4 addr show dev eth0' | grep -q 'inet [1-9]'
    verdict $? "$name: an address by DHCP" || note "$(ask "$name" 'ip addr')"
done
seen "q35: the address of its card" q 'cat /sys/class/net/eth0/address' \
    52:54:00:aa:bb:cc
for address in 127.0.0.1 $(ip -4 -o addr show scope global |
    sed 's/.*inet \([0-9.]*\).*/\1/'); do
    python3 -c 'import socket, sys
print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).recv(9))' \
        "$address" "$port" | grep -q reached
    verdict $? "the host's $address:PORT answers the host"
    seen "and not the guests" q \
        "nc -w 3 $address $port </dev/null 2>/dev/null; echo \$?" 1
done
mv "$work/reached" "$work/reached.host"
seen "its gateway is not the host's loopback" q \
    "g=\$(ip route | sed -n 's/default via \([^ ]*\).*/\1/p'); nc -w 3 \$g $port </dev/null 2>/dev/null; echo \$?" 1
seen "nor for the other guest" p \
    "g=\$(ip route | sed -n 's/default via \([^ ]*\).*/\1/p'); nc -w 3 \$g $port </dev/null 2>/dev/null; echo \$?" 1
[ ! -e "$work/reached" ]
verdict $? "nobody came" || note "$(cat "$work/reached")"

# What happens at the end of a guest's life.
svirt -q reboot p
wait_state p "shut off"
verdict $? "on_reboot destroy"
exec {own}>&"${terminal[q]}"
echo 'echo c >/proc/sysrq-trigger' >&"$own"
stands() { is_state q crashed || is_state q paused; }
soon stands
verdict $? "on_crash preserve: a guest's panic is seen" || note "'$state'"
svirt -q destroy q
is "a transient disk is what it was" "$(sha256sum <"$work/in-transient")" "$sum"

# Ends that need a guest but no more of it.
boots r
MEMORY=128 TOP="<on_crash>destroy</on_crash>" machine r "<serial type='pty'/>" \
    "$(nic "<model type='virtio'/><mtu size='1400'/>")" "<panic model='isa'/>"
MEMORY=128 MACHINE=pc boots e "$full"
machine e "<serial type='pty'/>" "$(nic "<model type='e1000'/>")"
start r && start e && attach r && attach e
verdict $? "two more guests are up"
seen "virtio: the guest knows its mtu" r 'cat /sys/class/net/eth0/mtu' 1400
ask e "$(tr '\n' ' ' <<<"$load"); load e1000; ip link set eth0 up; udhcpc -q -n -i eth0 -s /etc/udhcpc.sh >/dev/null 2>&1; sleep 1" 90 \
    >"$work/ignored"
for name in r e; do
    ask "$name" 'ip -4 addr show dev eth0' | grep -q 'inet [1-9]'
    verdict $? "$name: an address by DHCP" || note "$(ask "$name" 'ip addr')"
done
svirt -q reboot r
hear_up r
verdict $? "on_reboot restart: it comes up again"
svirt -q shutdown e --wait 60
verdict $? "on_poweroff destroy"
done_testing
