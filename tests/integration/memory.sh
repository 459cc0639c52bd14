#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guest's memory is as <cpu><numa>, <memoryBacking> and <numatune> say.
set -u
cd "$(dirname "$0")" || exit 2
# shellcheck source=tests/integration/lib.sh
. ./lib.sh

define memory && svirt dumpxml memory >"$work/memory.xml"
changed() # ELEMENTS
{
    sed "s|<os>|$1<os>|; s|<vcpu>1<|<vcpu>2<|" "$work/memory.xml" \
        >"$work/new.xml"
    svirt -q define "$work/new.xml"
}
pid_of() { svirt dominfo memory | sed -n 's/^Emulator: *pid \([0-9]*\),.*/\1/p'; }

changed "<memoryBacking><source type='memfd'/><access mode='shared'/>$(
    )</memoryBacking><numatune><memory mode='strict' nodeset='0'/></numatune>$(
    )<maxMemory slots='2' unit='GiB'>2</maxMemory><cpu><numa>$(
    )<cell cpus='0' memory='96' unit='MiB'/>$(
    )<cell cpus='1' memory='64' unit='MiB'/></numa></cpu>"
sed -i "s|<devices>|<devices><iommu model='intel'><driver aw_bits='48'/></iommu>$(
    )<memory model='dimm'><target><size unit='MiB'>128</size><node>1</node>$(
    )</target></memory>|" "$work/new.xml"
svirt -q define "$work/new.xml"
check "a VM with cells in memfds starts" svirt start memory
check "and its guest boots" wait_up memory
type_in memory "cat /sys/devices/system/node/node1/cpulist; dmesg | grep -o 'DMAR: Host address width.*'" 1 \
    >"$work/said"
grep -qx '1' "$work/said"
verdict $? "its second cell has the second vCPU" || note "$(cat "$work/said")"
grep -q 'DMAR: Host address width 48' "$work/said"
verdict $? "it has an IOMMU" || note "$(cat "$work/said")"
svirt qemu-monitor-command memory '{"execute":"query-memory-devices"}' \
    >"$work/said"
grep -q '"size": *134217728' "$work/said" && grep -q '"node": *1' "$work/said"
verdict $? "and a DIMM on its second cell" || note "$(cat "$work/said")"
is "each of them is a memfd" "$(grep -c 'memfd:memory-backend' "/proc/$(pid_of)/maps")" 3
grep 'memfd:memory-backend' "/proc/$(pid_of)/numa_maps" >"$work/said"
is "bound to its node" "$(grep -c 'bind:0' "$work/said")" 3
sleep 1 # the console's client has gone
check "it is verified" svirt verify memory
svirt -q destroy memory

changed "<memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages>$(
    )</memoryBacking>"
sed -i "s|<memory unit='KiB'>131072|<memory unit='GiB'>1000|" "$work/new.xml"
svirt -q define "$work/new.xml" 2>"$work/said"
svirt start memory >"$work/said" 2>&1
code=$?
[ "$code" != 0 ] && grep -q '^error: ' "$work/said"
verdict $? "huge pages that the host has not refuse the start" ||
    note "$code: $(cat "$work/said")"
is "and nothing is left running" "$(svirt domstate memory)" "shut off"
done_testing
