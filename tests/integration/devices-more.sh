#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# shellcheck disable=SC2016 # what the guest's shell expands stands in '...'
# Floppies, limits of disks, threads for disks, and what a guest reads of its
# machine: started, seen from inside, changed while it runs.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh
trap 'destroy_all' EXIT

image() # NAME [SIZE]
{
    qemu-img create -q -f raw "$work/$1" "${2:-8M}" && echo "$work/$1"
}
floppy() # TARGET [FILE] [CHILD...]
{
    local target=$1 file=${2:-}
    shift $(($# < 2 ? $# : 2))
    echo "<disk type='file' device='floppy'>${file:+<source file='$file'/>}" \
        "<target dev='$target' bus='fdc'/>$*</disk>"
}
tuned() # TARGET FILE LIMITS [GROUP]
{
    echo "<disk type='file' device='disk'><source file='$2'/>" \
        "<target dev='$1' bus='virtio'/><iotune>$3" \
        "${4:+<group_name>$4</group_name>}</iotune></disk>"
}
limit() # NAME DEVICE LIMIT
{
    svirt blkdeviotune "$1" "$2" | sed -n "s/^$3: *//p"
}
serial="<serial type='pty'/>"
a=$(image a) b=$(image b) f=$(image f 1440K)

# ---- floppies ---------------------------------------------------------------
for MACHINE in q35 pc; do
    starts "$MACHINE: a floppy, and a drive without one" "$(floppy fda "$f")" \
        "$(floppy fdb)"
    starts "$MACHINE: a floppy that is read and booted from" \
        "$(floppy fda "$f" '<readonly/>' "<boot order='1'/>")"
    BOOT="<boot dev='fd'/>" starts "$MACHINE: booted by <os>" \
        "$(floppy fdb "$f")"
done
machine m "$(floppy fdb "$f")"
svirt dumpxml m | grep -q "<controller type='fdc' index='0'/>" &&
    svirt dumpxml m | grep -q \
        "<address type='drive' controller='0' bus='0' target='0' unit='1'/>"
verdict $? "its controller and place are in the definition"
svirt -q undefine m
fails "a third floppy" 8 "no place for more than two" "$(floppy fdc "$f")"
fails "a floppy on virtio" 3 "floppy cannot be on the bus virtio" \
    "$(floppy fda "$f" | sed s/fdc/virtio/)"
fails "a disk on the floppy's bus" 3 "disk cannot be on the bus fdc" \
    "$(floppy fda "$f" | sed s/floppy/disk/)"
fails "a floppy with a serial number" 8 "which a floppy has not" \
    "$(floppy fda "$f" '<serial>s</serial>')"
fails "two floppies in one place" 3 "already taken" "$(floppy fda "$f" \
    "<address type='drive' unit='0'/>")" "$(floppy fdb "$b" \
    "<address type='drive' unit='0'/>")"

# ---- limits of disks --------------------------------------------------------
rate='<total_bytes_sec>1048576</total_bytes_sec>'
machine l "$(tuned vda "$a" "$rate<read_iops_sec>100</read_iops_sec>
    <read_iops_sec_max>200</read_iops_sec_max>
    <read_iops_sec_max_length>10</read_iops_sec_max_length>
    <size_iops_sec>4096</size_iops_sec>")" "$(disk virtio vdb "$b")"
is "the definition's limit" "$(limit l vda total_bytes_sec)" 1048576
check "a disk with limits starts" svirt -q start --paused l
check "verify accepts it" svirt verify l
is "QEMU has the limit" "$(limit l vda read_iops_sec_max_length)" 10
check "one is changed as it runs" svirt -q blkdeviotune l vda \
    --total-bytes-sec 2097152 --read-iops-sec-max 300
is "QEMU has it" "$(limit l vda total_bytes_sec)" 2097152
is "the others stay" "$(limit l vda read_iops_sec)" 100
check "a disk without limits gets one" svirt -q blkdeviotune l vdb \
    --write-bytes-sec 4096
is "QEMU has that too" "$(limit l vdb write_bytes_sec)" 4096
check "and loses it" svirt -q blkdeviotune l vdb --write-bytes-sec 0
is "QEMU has none" "$(limit l vdb write_bytes_sec)" 0
svirt blkdeviotune l vda --read-bytes-sec 1 >"$work/said" 2>&1
is "limits that contradict each other" "$?" 3
grep -q "limit both the total" "$work/said"
verdict $? "are named"
svirt blkdeviotune l vdz >"$work/said" 2>&1
is "a disk that is not there" "$?" 4
svirt blkdeviotune l vda --total-iops-sec -1 >"$work/said" 2>&1
is "a limit that is none" "$?" 2
svirt -q destroy l
is "the definition was not changed" "$(limit l vda total_bytes_sec)" 1048576
check "it can be" svirt -q blkdeviotune l vdb --config --total-iops-sec 7
check "it starts with that" svirt -q start --paused l
is "and QEMU has it" "$(limit l vdb total_iops_sec)" 7
forget l
machine l "$(tuned vda "$a" "$rate" both)" "$(tuned vdb "$b" "$rate" both)"
check "disks of one group start" svirt -q start --paused l
check "their limit is changed once" svirt -q blkdeviotune l vda \
    --total-bytes-sec 512
is "for both" "$(limit l vdb total_bytes_sec)" 512
svirt -q destroy l
check "their definition's is changed once" svirt -q blkdeviotune l vdb \
    --config --total-bytes-sec 2048 --total-bytes-sec-max 4096
is "for both" "$(limit l vda total_bytes_sec_max)" 4096
check "and they start" svirt -q start --paused l
forget l
starts "a read-only disk with limits" \
    "$(tuned vda "$a" "$rate" | sed 's|<iotune>|<readonly/>&|')"
fails "a group with two limits" 3 "have different limits" \
    "$(tuned vda "$a" "$rate" both)" "$(tuned vdb "$b" '' both)"
fails "a total beside its half" 3 "limit both the total" \
    "$(tuned vda "$a" "$rate<read_bytes_sec>1</read_bytes_sec>")"
fails "a burst over nothing" 3 "allow a burst" "$(tuned vda "$a" \
    "<total_iops_sec_max>1</total_iops_sec_max>")"
fails "more than QEMU counts" 3 "total_bytes_sec" "$(tuned vda "$a" \
    "<total_bytes_sec>1000000000000001</total_bytes_sec>")"
fails "a group that is no name" 3 "is no name" \
    "$(tuned vda "$a" "$rate" 'x,id=y')"

# ---- threads for disks ------------------------------------------------------
threaded() # NUMBER [TARGET] [BUS]
{
    echo "<disk type='file' device='disk'><driver name='qemu'" \
        "iothread='$1'/><source file='$a'/>" \
        "<target dev='${2:-vda}' bus='${3:-virtio}'/></disk>"
}
threads() { cat "/proc/$(emulator t)/task/"*/comm | grep '^IO io' | sort | xargs; }
TOP="<iothreads>3</iothreads><iothreadids><iothread id='5'/></iothreadids>
    <cputune><iothreadpin iothread='5' cpuset='0'/></cputune>" machine t \
    "$(threaded 5)" "<controller type='scsi' model='virtio-scsi'>
    <driver iothread='1'/></controller>" "$(disk scsi sda "$b")"
check "disks with threads start" svirt -q start --paused t
check "verify accepts them" svirt verify t
is "the threads are there" "$(threads)" \
    "IO iothread1 IO iothread2 IO iothread5"
cpus=
for task in "/proc/$(emulator t)/task/"*; do
    [ "$(cat "$task/comm")" != "IO iothread5" ] ||
        cpus=$(sed -n 's/^Cpus_allowed_list:\t//p' "$task/status")
done
is "one runs where it should" "$cpus" 0
forget t
fails "a thread that is not there" 3 "iothread 1 is not there" "$(threaded 1)"
TOP="<iothreads>1</iothreads>" fails "one of a SATA disk" 8 \
    "which a disk on virtio alone has" "$(threaded 1 sda sata)"
TOP="<cputune><iothreadpin iothread='1' cpuset='0'/></cputune>" \
    fails "CPUs of a thread that is not there" 3 "names iothread 1"
TOP="<iothreads>1</iothreads><iothreadids><iothread id='10000'/></iothreadids>
    <cputune><iothreadpin iothread='10000' cpuset='0'/></cputune>" \
    fails "CPUs of a thread whose name is cut" 8 "an id up to 9999"
TOP="<iothreads>65</iothreads>" fails "65 threads" 3 "65"

# ---- what the guest reads of its machine ------------------------------------
info="<sysinfo type='smbios'><bios><entry name='vendor'>Firm, Ware</entry>
    </bios><system><entry name='manufacturer'>Ämter &amp; Co, Ltd</entry>
    <entry name='product'>prod,uct=x</entry></system>
    <baseBoard><entry name='serial'>board</entry></baseBoard>
    <chassis><entry name='asset'>case</entry></chassis>
    <oemStrings><entry>one,two</entry><entry>three</entry></oemStrings>
    </sysinfo><sysinfo type='fwcfg'><entry name='opt/org.example/key'>a,b</entry>
    </sysinfo>"
MACHINE=q35
boots s
BOOT+="<smbios mode='sysinfo'/>"
head -c 8M /dev/urandom >"$work/trim"
TOP=$info machine s "$serial" "$(tuned vda "$work/trim" \
    '<total_iops_sec>100000</total_iops_sec>' |
    sed "s|<source|<driver name='qemu' discard='unmap'/>&|")"
verdict $? "a machine with its own names is defined"
check "it starts" start s
attach s
read_dmi() { ask s "cat /sys/class/dmi/id/$1" | tr -d '\r'; }
is "the guest reads its maker" "$(read_dmi sys_vendor)" "Ämter & Co, Ltd"
is "its product" "$(read_dmi product_name)" "prod,uct=x"
is "its firmware's maker" "$(read_dmi bios_vendor)" "Firm, Ware"
is "its chassis" "$(read_dmi chassis_asset_tag)" case
ask s "blkdiscard /dev/vda" >/dev/null
is "what it discards of a disk with limits is given back" \
    "$(stat -c %b "$work/trim")" 0
forget s
fwcfg() { TOP="<sysinfo type='fwcfg'><entry name='$1' ${2:-}>v</entry></sysinfo>"; }
boots s
BOOT+="<smbios mode='host'/>" fails "the host's own names" 6 "mode='host'"
BOOT="<smbios mode='sysinfo'/>" fails "names that are nowhere" 3 "no <sysinfo>"
BOOT=
fwcfg opt/ovmf/x
fails "a name of the firmware's" 3 "no name for fwcfg"
fwcfg etc/x
fails "a name of QEMU's" 3 "no name for fwcfg"
fwcfg opt/x,file=/etc/shadow
fails "a name with an option" 3 "no name for fwcfg"
fwcfg opt/x "file='/etc/shadow'"
fails "a file of the host" 6 "attribute 'file' of <entry>"
TOP="<sysinfo type='smbios'><system><entry
    name='uuid'>00000000-0000-0000-0000-000000000001</entry></system></sysinfo>
    <uuid>00000000-0000-0000-0000-000000000002</uuid>" \
    fails "another UUID" 3 "is not that of the domain"
TOP="<sysinfo type='smbios'><bios><entry name='release'>x</entry></bios></sysinfo>" \
    fails "a release that is none" 3 "no release"
# ---- volumes ----------------------------------------------------------------
pool() # NAME TYPE [PATH]
{
    echo "<pool type='$2'><name>$1</name><target><path>${3:-$work/pool}</path>
        </target></pool>" >"$root/etc/storage/$1.xml"
}
volume() { echo "<disk type='volume'><source pool='$1' volume='$2'/>
    <target dev='vda' bus='virtio'/></disk>"; }
mkdir -p "$root/etc/storage" "$work/pool"
chmod 700 "$root/etc" "$root/etc/storage"
image pool/x.raw >/dev/null
pool p dir
pool l logical /dev/vg
TOP='' BOOT=''
starts "a volume of a directory" "$(volume p x.raw)"
machine v "$(volume p x.raw)" 2>"$work/said"
is "is a file of it" "$(svirt domblklist v | sed -n 's/^ *vda *//p')" \
    "$work/pool/x.raw"
is "without a warning" "$(cat "$work/said")" ''
machine v "$(volume p x.raw)" "$(volume none x | sed s/vda/vdb/)" \
    >/dev/null 2>&1
tr -d '\n' <"$work/v.xml" >"$work/line.xml"
svirt -q define --validate "$work/line.xml" >"$work/said" 2>&1
is "on one line another's warning stays" \
    "$(grep -c "type='volume'" "$work/said")" 1
svirt -q undefine v
machine v "$(volume p x.raw)"
svirt -q undefine v
check "svirt create takes it" svirt -q create --paused "$work/v.xml"
svirt -q destroy v
for bad in "none x.raw" "l x" "p ../a" "p .."; do
    # shellcheck disable=SC2086 # two words
    fails "a volume that is no file of a directory: $bad" 6 "type='volume'" \
        "$(volume $bad)"
    forget tried
done
echo '<pool' >"$root/etc/storage/broken.xml"
fails "a pool that is none" 3 broken.xml "$(volume broken x)"
pool open dir
chmod 666 "$root/etc/storage/open.xml"
chmod 777 "$root/etc/storage"
fails "a pool that others can change" 6 "is not root's alone" "$(volume open x)"
chmod 700 "$root/etc/storage"
forget tried

# ---- vsock: what needs no vhost_vsock (tests/kernel/in-vsock has the rest) ---
TOP=
BOOT=
vsock() { echo "<vsock model='virtio'><cid $1/></vsock>"; }
machine v "$(vsock "auto='no' address='5'")"
svirt dumpxml v | grep -q "<vsock" &&
    svirt dumpxml v | sed -n '/<vsock/,/vsock>/p' | grep -q "type='pci'"
verdict $? "a vsock has its place in the definition"
svirt dominfo v | grep -q "^Security gap: .*another vsock CID"
verdict $? "and dominfo says what it does not keep apart"
svirt -q undefine v
[ -e /dev/vhost-vsock ] ||
    fails "a vsock without vhost_vsock" 4 "cannot use '/dev/vhost-vsock'" \
        "$(vsock "auto='yes'")"
fails "the host's own CID" 3 "address='2'" "$(vsock "address='2'")"
fails "a vsock without a CID" 3 "has no attribute 'address'" "$(vsock "auto='no'")"
fails "two of them" 3 "second <vsock>" "$(vsock "auto='yes'")" \
    "$(vsock "auto='yes'")"
done_testing
