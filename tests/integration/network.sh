#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 400
# shellcheck disable=SC2016 # what the guest's shell expands stands in '...'
# Several interfaces, each with a helper of its own; a link that is down; what
# a helper's end costs; memory that a balloon takes at the start.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh

nic() { echo "<interface type='user'><model type='virtio'/>$*</interface>"; }
info() # NAME KEY
{
    svirt dominfo "$1" --format json | python3 -c 'import json, sys
print(json.load(sys.stdin).get(sys.argv[1], ""))' "$2"
}
pid_of() { info "$1" "$2" | sed -n 's/^pid \([0-9]*\),.*/\1/p'; }
balloon=$(scripts/guest amd64 virtio_balloon) || {
    echo "Bail out! cannot make the guest with a balloon"
    exit 1
}

# ---- eight are the most ----------------------------------------------------
lines=()
for ((i = 0; i < 8; i++)); do
    lines+=("$(nic)")
done
starts "eight interfaces" "${lines[@]}"
fails "a ninth interface" 8 "at most 8 interfaces" "${lines[@]}" "$(nic)"
MACHINE=pc starts "two interfaces of other models" \
    "<interface type='user'><model type='e1000'/></interface>" \
    "<interface type='user'><model type='rtl8139'/><link state='down'/></interface>"

# ---- three of them seen from inside ----------------------------------------
boots n
machine n "<serial type='pty'/>" "$(nic)" "$(nic "<link state='down'/>")" \
    "$(nic "<mac address='52:54:00:00:00:03'/>")"
start n && attach n
verdict $? "a guest with three interfaces is up"
check "verify accepts it" svirt verify n
svirt verify n --format json >"$work/said"
grep -q '"passt3"' "$work/said"
verdict $? "and names each helper"
first=$(pid_of n network_helper)
third=$(pid_of n network_helper_3)
[ -n "$first" ] && [ -n "$third" ] && [ "$first" != "$third" ]
verdict $? "each interface has a helper"
ask n 'ip link set eth0 up; ip link set eth1 up; ip link set eth2 up; sleep 1' \
    >"$work/ignored"
is "the link that is down has no carrier, the others have" \
    "$(ask n 'cat /sys/class/net/eth[012]/carrier' | tr '\n' ' ')" "1 0 1 "
for device in eth0 eth2; do
    ask n "udhcpc -q -n -i $device -s /etc/udhcpc.sh >/dev/null 2>&1" 60 \
        >"$work/ignored"
    ask n "ip -4 addr show dev $device" | grep -q 'inet [1-9]'
    verdict $? "$device: an address by DHCP" || note "$(ask n 'ip addr')"
done
is "the MAC of the third" "$(ask n 'cat /sys/class/net/eth2/address')" \
    52:54:00:00:00:03
svirt qemu-monitor-command n \
    '{"execute": "set_link", "arguments": {"name": "net1", "up": true}}' \
    >"$work/ignored"
carries() { [ "$(ask n 'cat /sys/class/net/eth1/carrier')" = 1 ]; }
soon carries
verdict $? "a link that was down can be put up"

# A keeper that dies: recover finds every helper again.
kill_hard "$(keeper n)"
svirt recover >"$work/said"
grep -q 'has a keeper again' "$work/said"
verdict $? "recover gives it a keeper" || note "$(cat "$work/said")"
kill_hard "$third"
lost() { info n network | grep -q 'helper ended'; }
soon lost
verdict $? "a helper's end is told"
is "and costs no other" "$(pid_of n network_helper)" "$first"
svirt verify n >"$work/said" 2>&1
[ $? = 11 ] && grep -q 'passt3  *process  *WRONG  *gone' "$work/said"
verdict $? "verify misses it" || note "$(cat "$work/said")"
check "nor the guest" test "$(ask n 'echo here')" = here
svirt -q destroy n
gone() { [ ! -e "/proc/$first" ]; }
soon gone
verdict $? "the last helper ends with its VM"

# ---- a run directory that outlives its kernel -------------------------------
cat >"$work/forge.py" <<'PYTHON'
# keeper/status.h: the boot's id stands somewhere behind magic, version and a
# checksum of all that follows it.
import struct, sys
block = bytearray(open(sys.argv[1], "rb").read())
boot = open("/proc/sys/kernel/random/boot_id").read().strip().replace("-", "")
block[bytes(block).index(bytes.fromhex(boot))] ^= 1
total = 0xcbf29ce484222325
for (word,) in struct.iter_unpack("<Q", bytes(block[16:])):
    total = ((total ^ word) * 0x100000001b3) & (2**64 - 1)
    total ^= total >> 29
block[8:16] = struct.pack("<Q", total)
open(sys.argv[1], "r+b").write(block)
PYTHON
svirt -q start --paused n
run=$root/run/$(svirt domuuid n)
cp -r "$run" "$work/kept"
emulator=$(pid_of n emulator)
is "it runs" "$(svirt domstate n)" paused
python3 "$work/forge.py" "$run/status"
verdict $? "its status says another boot"
is "the pids there are nobody's: it is shut off" "$(svirt domstate n)" \
    "shut off"
is "list does not show it" "$(svirt list --name | grep -c '^n$')" 0
kill -0 "$emulator"
verdict $? "and no process of that number is touched"
cp "$work/kept/status" "$run/status"
svirt -q destroy n
cp -r "$work/kept" "$run"
python3 "$work/forge.py" "$run/status"
svirt recover >"$work/said"
grep -q 'left-over run.*ended and released' "$work/said" && [ ! -e "$run" ]
verdict $? "recover clears what a former boot left" || note "$(cat "$work/said")"
check "and the VM starts" svirt -q start --paused n
svirt -q destroy n

# ---- memory -----------------------------------------------------------------
boots b "$balloon"
MEMORY=256 TOP="<currentMemory unit='MiB'>160</currentMemory>" machine b \
    "<serial type='pty'/>"
verdict $? "a definition with less memory than its most"
is "dominfo: max memory" "$(info b max_memory_kib)" 262144
is "dominfo: used memory, as defined" "$(info b used_memory_kib)" 163840
start b && attach b
verdict $? "its guest is up"
shrunk() { [ "$(info b used_memory_kib)" = 163840 ]; }
soon shrunk
verdict $? "the balloon takes the difference: $(info b used_memory_kib)"
total=$(ask b "sed -n 's/MemTotal: *//p' /proc/meminfo")
[ "${total% kB}" -gt 65536 ] && [ "${total% kB}" -lt 163840 ]
verdict $? "the guest sees it: $total"
svirt -q destroy b
TOP="<currentMemory unit='MiB'>64</currentMemory>" machine o \
    "<memballoon model='none'/>" >"$work/said" 2>&1
grep -q '^warning: .*<currentMemory> is ignored' "$work/said"
verdict $? "without a balloon a warning" || note "$(cat "$work/said")"
is "and all of it is used" "$(info o used_memory_kib)" 131072
done_testing
