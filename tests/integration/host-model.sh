#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 180
# <cpu mode='host-model'> becomes a model and features, once: what the guest
# sees of it does not move, and is what the emulator's best CPU has.
# shellcheck disable=SC2016 # what the guest's shell expands stands in '...'
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh
trap 'destroy_all' EXIT

serial="<serial type='pty'/>"
cpu() { svirt dumpxml "$1" | sed -n "/<cpu/,/<\/cpu>/p"; }
feature() { cpu "$1" | grep -q "<feature policy='$2' name='$3'/>"; }
machine_id() { svirt domuuid "$1"; }

boots h
TOP="<cpu mode='host-model'><model fallback='allow'/>
    <feature policy='disable' name='smep'/></cpu>" machine h "$serial"
verdict $? "a host-model is defined"
cpu h | grep -q "<cpu mode='custom' match='exact'" &&
    cpu h | grep -q "<model fallback='forbid'>[A-Za-z0-9_-]*</model>"
verdict $? "as a model" || note "$(cpu h)"
feature h require avx2
verdict $? "with features beside it" || note "$(cpu h)"
feature h disable smep && ! feature h require smep
verdict $? "the definition's own word about one stays"
sed "s|<memory|<uuid>$(machine_id h)</uuid><memory|" "$work/h.xml" \
    >"$work/again.xml"
svirt define "$work/again.xml" >"$work/said" 2>&1 &&
    grep -q unchanged "$work/said"
verdict $? "the same definition again changes nothing" ||
    note "$(cat "$work/said")"
check "it starts" start h
check "verify accepts it" svirt verify h
attach h
flags=$(ask h 'sed -n "/^flags/{s/.*: //p;q}" /proc/cpuinfo')
case " $flags " in *" avx2 "*) ;; *) false ;; esac
verdict $? "the guest has such a feature" || note "$flags"
case " $flags " in *" smep "*) false ;; esac
verdict $? "and not the one it was denied" || note "$flags"
svirt -q destroy h
# What the emulator says later is of no meaning for it.
first=$(cpu h)
find "$root/lib/emulators" -type f -delete
svirt -q start --paused h
verdict $? "it starts without what the emulator has said"
is "as it was" "$(cpu h)" "$first"
svirt -q destroy h
svirt -q undefine h

# An emulator that cannot be asked: libvirt's words stay.
mkdir "$work/open"
chmod 777 "$work/open"
cp /usr/bin/qemu-system-x86_64 "$work/open/qemu"
TOP="<cpu mode='host-model'/>" machine h \
    "<emulator>$work/open/qemu</emulator>" 2>/dev/null
cpu_line=$(svirt dumpxml h | grep -c "<cpu mode='host-model'/>")
is "one that others can replace is not asked" "$cpu_line" 1
svirt -q undefine h
TOP="<cpu mode='host-passthrough'/>" machine h
is "host-passthrough stays what it is" \
    "$(svirt dumpxml h | grep -c "<cpu mode='host-passthrough'/>")" 1
done_testing
