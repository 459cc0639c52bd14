#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What <vcpu cpuset>, <cputune>, <memtune> and <blkiotune> ask for is what the
# VMM has, or the start is refused.
set -u
cd "$(dirname "$0")" || exit 2
# shellcheck source=tests/integration/lib.sh
. ./lib.sh

# A definition with ELEMENTS in front of the <os>, and two vCPUs.
tuned() # NAME ELEMENTS [CPUSET]
{
    define "$1" && svirt dumpxml "$1" >"$work/$1.xml" &&
        sed -i "s|<os>|$2<os>|
            s|<vcpu>1<|<vcpu cpuset='${3:-$first}'>2<|" "$work/$1.xml" &&
        svirt -q define "$work/$1.xml"
}

pid_of() { svirt dominfo "$1" | sed -n 's/^Emulator: *pid \([0-9]*\),.*/\1/p'; }

# Which CPUs each thread of that name may use, once each.
cpus_of() # PID PATTERN
{
    local task
    for task in /proc/"$1"/task/*; do
        ! grep -qE "$2" "$task/comm" ||
            sed -n 's/^Cpus_allowed_list:\t//p' "$task/status"
    done | sort -u | xargs
}

list=$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
first=${list%%[-,]*}
last=${list##*[-,]}

tuned pinned "<cputune><vcpupin vcpu='1' cpuset='$last'/>$(
    )<emulatorpin cpuset='$first,$last'/></cputune>"
check "a VM with pinned CPUs starts" svirt start pinned
pid=$(pid_of pinned)
is "a vCPU without a pin has <vcpu cpuset>" \
    "$(cpus_of "$pid" '^CPU 0/')" "$first"
is "a vCPU has its <vcpupin>" "$(cpus_of "$pid" '^CPU 1/')" "$last"
both=$(python3 -c "print('$first' if $first == $last else '$first-$last'
    if $last - $first == 1 else '$first,$last')")
is "the others have <emulatorpin>" "$(cpus_of "$pid" '^(qemu|[^C])')" "$both"
check "it is verified" svirt verify pinned
check "and destroyed" svirt destroy pinned

tuned nowhere "" 16000
svirt start nowhere >"$work/said" 2>&1
is "CPUs that the host has not refuse the start" \
    "$? $(grep -c "none of the CPUs '16000' in line" "$work/said")" "3 1"
is "and nothing is left running" "$(svirt domstate nowhere)" "shut off"

controllers=$(cat /sys/fs/cgroup/cgroup.controllers \
    /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null)
limit() # NAME ELEMENT CONTROLLER FILE TEXT
{
    tuned "$1" "$2"
    svirt start "$1" >"$work/said" 2>&1
    code=$?
    if [[ " $controllers " == *" $3 "* ]]; then
        local pid path
        pid=$(pid_of "$1")
        path=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
        [[ $4 != *.weight ]] || path=${path%/*}
        is "$1: $4" "$(cat /sys/fs/cgroup{,/unified}/"$path/$4" 2>/dev/null)" \
            "$5"
    else
        is "$1: without the controller '$3' the start is refused" "$code $(
            grep -c "$4 = .*no controller '$3'" "$work/said")" "8 1"
    fi
}
limit shares "<cputune><shares>300</shares></cputune>" cpu cpu.weight 300
limit quota "<cputune><quota>40000</quota></cputune>" cpu cpu.max \
    "80000 100000"
limit memory "<memtune><hard_limit unit='GiB'>3</hard_limit></memtune>" \
    memory memory.max 3221225472
tuned device "<blkiotune><device><path>/dev/null</path>$(
    )<weight>5</weight></device></blkiotune>"
svirt start device >"$work/said" 2>&1
is "a device of <blkiotune> that is no disk" \
    "$? $(grep -c "'/dev/null' in line .* is no block device" "$work/said")" \
    "3 1"
done_testing
