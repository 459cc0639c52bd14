#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# The guest's hardware does not move: what its own PCI bus lists is what the
# definition says, which is what libvirt would have written.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh
trap 'destroy_all' EXIT

# DEFINITION LISTING: do both have the same PCI functions in the same places?
# A place is the way to it: slots and functions from the root bus on.
cat >"$work/same.py" <<'PYTHON'
import sys
import xml.etree.ElementTree as ET

devices = ET.parse(sys.argv[1]).getroot().find("devices")
pci = {}
for node in devices.iter():
    address = node.find("address")
    if address is not None and address.get("type") == "pci":
        pci[node] = [int(address.get(name), 0)
                     for name in ("bus", "slot", "function")]
bridges = {int(node.get("index")): node
           for node in devices.findall("controller")
           if node.get("type") == "pci"}


def way(node):
    bus, slot, function = pci[node]
    above = way(bridges[bus]) + "/" if bus != 0 else ""
    return above + "%02x.%x" % (slot, function)


written = {way(node) for node in pci}
seen = set()
for line in open(sys.argv[2]):
    if "/pci0000:00/" in line:
        parts = line.strip().split("/pci0000:00/")[1].split("/")
        seen.add("/".join(part.split(":")[-1] for part in parts))
board = {"00.0", "01.0", "01.1", "01.3", "1f.0", "1f.3"}
if written - seen or seen - written - board:
    sys.exit("written %s\nseen %s" % (sorted(written - seen),
                                      sorted(seen - written)))
PYTHON

nic() { echo "<interface type='user'><model type='$1'/></interface>"; }
same() # GUEST
{
    svirt dumpxml "$1" >"$work/$1.now"
    ask "$1" 'for d in /sys/bus/pci/devices/*; do readlink -f $d; done' \
        >"$work/$1.pci"
    python3 "$work/same.py" "$work/$1.now" "$work/$1.pci" 2>"$work/said"
    verdict $? "$2" || note "$(cat "$work/said")"
}

# ---- what the emulator says of itself --------------------------------------
for MACHINE in pc q35; do
    machine alias
    is "$MACHINE: the machine's own name is stored" \
        "$(svirt dumpxml alias | grep -Ec "machine='pc-(i440fx|q35)-[0-9.]+'")" 1
    svirt -q undefine alias
done
is "what it said is kept" "$(find "$root/lib/emulators" -type f | wc -l)" 1
for program in true yes; do
    machine silent "<emulator>/usr/bin/$program</emulator>"
    is "an emulator that says nothing ($program): the alias stays" \
        "$(svirt dumpxml silent | grep -o "machine='pc'\|machine='q35'")" \
        "machine='$MACHINE'"
    svirt -q undefine silent
done
is "nothing of it is left" "$(pgrep -x yes)" ''

truncate -s 1M "$work"/{a,b,c,d}
for MACHINE in q35 pc; do
    boots "$MACHINE"
    machine "$MACHINE" "<serial type='pty'/>" "$(disk virtio vda "$work/a")" \
        "$(disk scsi sda "$work/b")" "$(disk sata sdb "$work/c")" \
        "$(nic virtio)" "$(nic e1000)" "<video><model type='vga'/></video>" \
        "<rng model='virtio'><backend model='builtin'/></rng>" \
        "<input type='tablet' bus='usb'/>" \
        "<channel type='unix'><target type='virtio' name='a'/></channel>"
    verdict $? "$MACHINE: a definition that leaves its hardware open"
    svirt dumpxml "$MACHINE" >"$work/first"
    is "$MACHINE: dumpxml has a MAC for each interface" \
        "$(grep -c "<mac address='52:54:00:" "$work/first")" 2
    is "$MACHINE: and defined again it is unchanged" \
        "$(svirt define "$work/first" | grep -o unchanged)" unchanged
    check "$MACHINE: starts" start "$MACHINE"
    attach "$MACHINE"
    same "$MACHINE" "$MACHINE: the guest's PCI bus is what dumpxml says"
    svirt -q destroy "$MACHINE"
    sed -e "/vda/,/<.disk>/{/<address/d}" -e "s|<devices>|&$(disk virtio vdb \
        "$work/d")$(nic virtio)|" "$work/first" >"$work/more"
    check "$MACHINE: defined with more devices" svirt -q define "$work/more"
    svirt dumpxml "$MACHINE" >"$work/second"
    is "$MACHINE: which moves none of the others" \
        "$(grep -E "<(address type|mac)" "$work/first" | grep -vxFf "$work/second")" ''
    check "$MACHINE: starts again" start "$MACHINE"
    attach "$MACHINE"
    same "$MACHINE" "$MACHINE: and the guest sees it"
    forget "$MACHINE"
done
done_testing
