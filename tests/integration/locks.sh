#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 180
# Who may use an image while a VM has it, and until when; and that a start with
# nothing new writes nothing.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/refused.sh
. tests/integration/refused.sh
cd "$work" || exit 2
in_use='Failed to get .*lock'

fails() # FACT PATTERN COMMAND...
{
    local fact=$1 pattern=$2
    shift 2
    if "$@" >"$work/out" 2>&1 </dev/null; then
        false
    else
        grep -Eq -- "$pattern" "$work/out"
    fi
    verdict $? "$fact" || note "$(cat "$work/out")"
}

write_to() { qemu-io -f "$1" -c 'write -P 7 0 512' "$2"; }

# Another QEMU that has nothing to do with svirt.
other_qemu()
{
    timeout 20 qemu-system-x86_64 -nodefaults -display none -S \
        -machine none -monitor stdio \
        -drive "if=none,format=qcow2,file=$1" </dev/null
}

state_of()
{
    (cd "$root" && find etc lib -type f -exec stat -c '%n %s %Y %i' {} + |
        grep -v state.db-shm | sort && sha256sum lib/state.db*)
}

qemu-img create -q -f qcow2 base.qcow2 16M
for name in web db; do
    qemu-img create -q -f qcow2 -F qcow2 -b "$work/base.qcow2" "$name.qcow2"
    define "$name" "$(disk d qcow2 "$work/$name.qcow2")"
done
define thief "$(disk d qcow2 "$work/web.qcow2")"
define rebel "$(disk d qcow2 "$work/base.qcow2")"
define reader "$(disk d qcow2 "$work/web.qcow2" |
    sed 's|</disk>|<readonly/></disk>|')"

check "web starts" svirt -q start web --paused
fails "qemu-img info sees the image in use" "$in_use" qemu-img info web.qcow2
fails "qemu-io cannot write it" "$in_use" write_to qcow2 web.qcow2
fails "nor as raw" "$in_use" write_to raw web.qcow2
fails "another QEMU cannot have it" "$in_use" other_qemu web.qcow2
check "qemu-img info -U still works" qemu-img info -U web.qcow2
check "the base may be read" qemu-img info base.qcow2
fails "but not written" "$in_use" write_to qcow2 base.qcow2
refused "another VM with the same disk is refused, the holder named" 7 \
    "disk 'vda' .'$work/web.qcow2'. is held by running domain 'web'" \
    svirt start thief
refused "one that would only read it too" 7 "held by running domain 'web'" \
    svirt start reader
refused "one that would write the base too" 7 \
    "'$work/base.qcow2'.* is held by running domain 'web'" svirt start rebel
refused "starting it twice is another error" 9 "'web' is already running" \
    svirt start web
check "a second VM on the same base starts" svirt -q start db --paused
svirt -q destroy web
check "the base is still the second's when the first is gone" \
    test -n "$(vmm db)"
fails "and cannot be written" "$in_use" write_to qcow2 base.qcow2
check "the first may come back" svirt -q start web --paused

# Locks end with the VMM, however it ends, and not before.
svirt -q destroy web
check "after destroy the image is free" write_to qcow2 web.qcow2
check "another VM may have it then" svirt -q start thief --paused
refused "and holds it" 7 "held by running domain 'thief'" svirt start web
kill_vmm thief
check "after kill -9 of QEMU the image is free" soon write_to qcow2 web.qcow2
check "the domain is shut off" wait_state thief "shut off"
kept() { find "$root/run" -mindepth 1 -type d -name "$(svirt domuuid thief)"; }
kept_nothing() { [ -z "$(kept)" ]; }
check "and what was kept for it is gone" soon kept_nothing
check "web starts again" svirt -q start web --paused
kill_hard "$(keeper web)"
check "QEMU outlives its keeper" test -n "$(vmm web)"
fails "and so does the lock" "$in_use" write_to qcow2 web.qcow2
refused "for other VMs too" 7 "held by running domain 'web'" svirt start thief
check "destroy ends the orphan" svirt -q destroy web
check "and the image is free" write_to qcow2 web.qcow2
svirt -q destroy db

# Two that start at the same moment: never both.
both=0 none=0
for ((round = 0; round < 8; round++)); do
    svirt -q start web --paused >/dev/null 2>&1 &
    first=$!
    svirt -q start thief --paused >/dev/null 2>&1 &
    won=0
    wait $first && won=$((won + 1))
    wait $! && won=$((won + 1))
    [ "$won" != 2 ] || both=$((both + 1))
    [ "$won" != 0 ] || none=$((none + 1))
    svirt list --name | while read -r name; do
        [ -z "$name" ] || svirt -q destroy "$name"
    done
done
is "of two that start at once never both have the disk" "$both" 0
note "neither had it $none times of 8"

# Nothing new, nothing written; a dry run leaves nothing at all.
before=$(leftovers)
check "a dry run shows QEMU's command line" svirt start web --dry-run
grep -q -- '-blockdev' check.out
verdict $? "with the disk"
is "and leaves nothing" "$(leftovers)" "$before"
check "web starts" svirt -q start web --paused
svirt -q destroy web
before=$(state_of)
strace -o calls -e trace=fsync,fdatasync,sync,syncfs,sync_file_range,msync \
    "$build/src/cli/svirt" -q start web --paused >/dev/null
verdict $? "web starts again"
is "and makes nothing durable" "$(grep -c 'sync' calls)" 0
is "and the state is as it was" "$(state_of)" "$before"
svirt -q destroy web
is "destroy writes nothing there either" "$(state_of)" "$before"
done_testing
