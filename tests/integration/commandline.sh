#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 120
# <qemu:commandline>: nothing without a waiver; with one, arguments in the same
# compartment, and a mark that tells.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh
trap 'destroy_all' EXIT

with() # ARGUMENT...
{
    local one
    TOP="<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
    for one in "$@"; do
        TOP+="<q:arg value='$one'/>"
    done
    TOP+="</q:commandline>"
}
waive() { svirt -q waiver add "$1" --layer commandline --resource "$1" --reason "a test"; }
line() { svirt dominfo c | sed -n "s/^$1: *//p"; }

with -global kvm-pit.lost_tick_policy=delay -fw_cfg name=opt/a.b/c,string=mark
machine c >"$work/said" 2>&1
is "a command line is defined" "$?" 0
grep -q "the start will fail" "$work/said" &&
    grep -q "waiver add 'c' --layer commandline" "$work/said"
verdict $? "with a warning that says how to waive it" ||
    note "$(cat "$work/said")"
svirt start c >"$work/said" 2>&1
is "it does not start" "$?" 6
grep -q "what nobody checked" "$work/said"
verdict $? "and says why"
svirt waiver add c --layer commandline --resource vda --reason x \
    >"$work/said" 2>&1
is "the waiver is of the whole domain" "$?" 4
check "one is granted" waive c
check "it starts" svirt -q start --paused c
tr '\0' '\n' <"/proc/$(emulator c)/cmdline" |
    grep -qx 'name=opt/a.b/c,string=mark'
verdict $? "QEMU has the arguments"
check "verify accepts it" svirt verify c
is "it is marked" "$(line Tainted)" yes
svirt waiver list c | grep -q commandline
verdict $? "the waiver is listed"
svirt -q destroy c
is "a VM that is off is not marked" "$(line Tainted)" no
check "the waiver ends" svirt -q waiver remove --id 1
svirt start c >"$work/said" 2>&1
is "it does not start any more" "$?" 6
svirt -q undefine c

# The compartment is the same: nothing of the host has a name in it.
secret=$work/secret
echo secret >"$secret"
for args in "-drive file=$secret,format=raw,if=none,id=d" \
    "-chardev file,id=f,path=$work/written" \
    "-chardev socket,id=s,path=$work/socket,server=on,wait=off" \
    "-incoming exec:id&gt;$work/written"; do
    # shellcheck disable=SC2086 # two words
    with $args
    machine c 2>/dev/null
    waive c
    ! svirt -q start --paused c >"$work/said" 2>&1
    verdict $? "QEMU fails with $args" || svirt -q destroy c
    svirt -q undefine c
done
[ ! -e "$work/written" ] && [ ! -e "$work/socket" ]
verdict $? "and the host has nothing new"

with -S
machine c "<disk type='file'><source file='$work/none'/>
    <target dev='vda' bus='virtio'/></disk>" 2>/dev/null
svirt define --author nobody "$work/c.xml" >"$work/said" 2>&1
is "another author may not" "$?" 6
svirt -q undefine c 2>/dev/null
TOP="<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>
    <q:env name='LD_PRELOAD' value='/x'/></q:commandline>" \
    fails "an environment" 8 "is not built"
TOP="<q:capabilities xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'/>" \
    fails "another extension" 6 "pass the hypervisor"
TOP="<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>
    <q:arg/></q:commandline>" fails "an argument without a value" 3 "no value"
done_testing
