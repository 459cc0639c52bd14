#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# setvcpus and setmaxmem: of the definition, and CPUs of a running guest, which
# run where its definition says.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh
trap 'destroy_all' EXIT

says() # FACT CODE PATTERN ARGUMENT...
{
    local fact=$1 want=$2 pattern=$3 code=0
    shift 3
    svirt "$@" >"$work/said" 2>&1 || code=$?
    [ "$code" = "$want" ] && grep -q -- "$pattern" "$work/said"
    verdict $? "$fact" || note "exit code $code: $(cat "$work/said")"
}
vcpu() { svirt dumpxml --inactive c | sed -n 's/.*\(<vcpu.*<\/vcpu>\).*/\1/p'; }
threads() { cat "/proc/$(emulator c)/task/"*/comm | grep -c '^CPU '; }

boots c
VCPU=2 TOP="<cputune><vcpupin vcpu='1' cpuset='0'/></cputune>" \
    machine c "<serial type='pty'/>"
verdict $? "a domain of two CPUs is defined"
says "it may have four" 0 "may have 4 CPUs" setvcpus c 4 --maximum --config
is "and has two" "$(vcpu)" "<vcpu current='2'>4</vcpu>"
says "it is to have one" 0 "has 1 CPU$" setvcpus c 1
is "which is in the definition" "$(vcpu)" "<vcpu current='1'>4</vcpu>"
says "no more than it may have" 3 "4 CPUs at most" setvcpus c 5
says "a number that is none" 2 "no number of CPUs" setvcpus c zero
check "it starts" start c
attach c
is "its guest has one" "$(ask c 'cat /sys/devices/system/cpu/present')" 0
says "two more are plugged in" 0 "has 3 CPUs" setvcpus c 3
is "QEMU has their threads" "$(threads)" 3
is "the guest sees them" "$(ask c \
    'n=0; while [ $n -lt 500 ] && [ ! -e /sys/devices/system/cpu/cpu2 ]; do n=$((n+1)); sleep 0.1; done; cat /sys/devices/system/cpu/present' 120)" 0-2
for task in "/proc/$(emulator c)/task/"*; do
    case $(cat "$task/comm") in
    "CPU 1/"*) cpus=$(sed -n 's/^Cpus_allowed_list:\t//p' "$task/status") ;;
    esac
done
is "one of them runs where the definition says" "${cpus:-none}" 0
check "verify accepts them" svirt verify c
says "none is taken away" 8 "none is taken from a running guest" setvcpus c 1
says "no more than there is place for" 3 "no place for more than 4" \
    setvcpus c 5 --live
says "the most is the definition's" 2 "add --config" setvcpus c 8 --maximum
is "the definition did not change" "$(vcpu)" "<vcpu current='1'>4</vcpu>"
svirt -q destroy c
says "memory for the next start" 0 "has 262144 KiB" setmaxmem c 256M
svirt dumpxml c | grep -q "<memory unit='KiB'>262144</memory>"
verdict $? "which is in the definition"
says "memory that is none" 2 "is no size" setmaxmem c much
says "a verb of a domain that is not there" 4 "no domain" setvcpus nobody 1
done_testing
