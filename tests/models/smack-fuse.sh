#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 120
# lab: -x fuse
# A disk on FUSE, whose server stops answering while the VM runs: nothing that
# looks at labels waits for it, and what could not be looked at is said.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/integration/lib.sh
if [ "$LAB_MODEL" != smack ]; then
    skip_all "needs a kernel with Smack (tests/lab/run)"
fi
served=$work/served
mkdir "$served"
"$build/tests/models/fuse-stall" "$served" "$work/stall" &
server=$!
trap 'kill -9 $server 2>/dev/null; destroy_all' EXIT
mounted() { mountpoint -q "$served"; }
check "a file system of FUSE's is mounted" soon mounted
for name in plain moved; do
    truncate -s 1M "$work/$name.img"
    chmod 600 "$work/$name.img"
done
mkdir "$work/directory"
mv "$work/moved.img" "$work/directory/disk"
define vm "$(disk vm raw "$served/disk")" "<disk type='file' device='disk'>\
<driver name='qemu' type='raw'/><source file='$work/plain.img'/>\
<target dev='vdy' bus='virtio'/></disk>"
check "a VM with a disk there starts" svirt start vm --paused
define other "$(disk other raw "$work/directory/disk")"
check "and another without" svirt start other --paused
svirt verify >"$work/out" 2>&1
is "both are verified" $? 0 || note "$(cat "$work/out")"
grep -q "vm .*objects *weak *not looked at: .*lies on FUSE" "$work/out"
verdict $? "but for the object there" || note "$(cat "$work/out")"
svirt relabel vm >"$work/out" 2>&1
is "relabel does the rest and says so" \
    "$? $(grep -c "vm' keeps the label it has: .* lies on FUSE" "$work/out")" \
    "13 1" || note "$(cat "$work/out")"

# What hangs is killed: 124.
bounded() { timeout -k 1 60 "$build/src/cli/svirt" "$@" >"$work/out" 2>&1; }
: >"$work/stall"
bounded verify
is "verify ends when its server does not answer" $? 0 ||
    note "$(cat "$work/out")"
grep -q "vm .*objects *weak *not looked at: .*does not answer" "$work/out"
verdict $? "and says what it could not ask" || note "$(cat "$work/out")"
# The directory of the other's disk, too, is served now.
mkdir "$work/again"
mount --bind "$work/directory" "$work/again"
mount --make-private "$work/again"
mount --bind "$served" "$work/directory"
bounded verify other
is "so for a VM whose directory it came to cover" $? 0 ||
    note "$(cat "$work/out")"
bounded relabel other
is "relabel ends, and says so" \
    "$? $(grep -c 'keeps the label it has' "$work/out")" "13 1" ||
    note "$(cat "$work/out")"
bounded destroy other
is "a VM without files there is destroyed" $? 0 || note "$(cat "$work/out")"
bounded release other
is "release ends" $? 0 || note "$(cat "$work/out")"
label_of() { getfattr --absolute-names --only-values -n security.SMACK64 "$1"; }
is "and finds the disk below what covers it" "$(label_of "$work/again/disk")" _
bounded destroy vm
is "a VM whose server does not let go is not waited for" $? 13 ||
    note "$(cat "$work/out")"
kill -9 $server
wait $server 2>/dev/null
check "when the server ends the VM does" wait_state vm 'shut off'
bounded release vm
is "release says what it cannot ask" \
    "$? $(grep -c 'served/disk .* not found' "$work/out")" "1 1" ||
    note "$(cat "$work/out")"
is "and gives back the rest" "$(label_of "$work/plain.img")" _
done_testing
