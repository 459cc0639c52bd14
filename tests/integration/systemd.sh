#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 400
# VMs under a real systemd, booted twice in namespaces: units of their own,
# what ends no guest, autostart in order, and a host whose shutdown leaves each
# guest's file system clean.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x /lib/systemd/systemd ] || skip_all "needs systemd"
export SVIRT_BUILD=${SVIRT_BUILD:-$PWD/build}
work=$(mktemp -d /tmp/svirt-it.XXXXXX)
trap 'rm -rf "$work"' EXIT
guest=$(scripts/guest) || {
    echo "Bail out! cannot make the guest"
    exit 1
}

# A guest that uses a disk until it is told to end; slowly, so that who is told
# first can be seen.
mkdir -p "$work/more/etc" "$work/guest"
cat >"$work/more/etc/guest-on.sh" <<'GUEST'
mkdir /data
mount -t ext4 /dev/vda /data
echo boot >>/data/boots
(while :; do date >>/data/log; sleep 0.2; done) &
writer=$!
GUEST
cat >"$work/more/etc/guest-off.sh" <<'GUEST'
kill $writer
sleep 2
umount /data
GUEST
(cd "$work/more" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null) |
    gzip -1 >"$work/more.gz"
cat "$guest/initrd" "$work/more.gz" >"$work/guest/initrd"
cp "$guest/vmlinuz" "$work/guest/"
disks=$work/lab
mkdir "$disks" && mv "$work/guest" "$disks/"
for name in first second third; do
    truncate -s 32M "$disks/$name"
    mke2fs -q -t ext4 "$disks/$name"
done

tests/lab/systemd -n 2 -t "${SVIRT_BOOT_SECONDS:-150}" -s "$disks" \
    tests/lab/in-systemd | tee "$work/said"
code=${PIPESTATUS[0]}
number=$(grep -cE '^(not )?ok ' "$work/said")
failures=$(grep -c '^not ok ' "$work/said")
verdict "$code" "both boots end by themselves"
state() { dumpe2fs -h "$disks/$1" 2>/dev/null; }
for name in first second third; do
    state "$name" | grep -q '^Filesystem state: *clean' &&
        ! state "$name" | grep -q needs_recovery
    verdict $? "the file system of $name is clean" || note "$(state "$name")"
done
is "each was used in both boots" \
    "$(for name in first second; do
        debugfs -R 'cat /boots' "$disks/$name" 2>/dev/null
    done | grep -c boot)" 4
ended() { date -d "$(state "$1" | sed -n 's/^Last write time: *//p')" +%s; }
[ "$(ended first)" -gt "$(ended second)" ]
verdict $? "who starts last is shut down first" ||
    note "first $(ended first), second $(ended second)"
done_testing
