#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 2400
# long
# A cloud image with an overlay of its own and a cloud-init ISO boots to its
# login prompt, with the name that cloud-init gave it; its base stays as it was.
set -u
cd "$(dirname "$0")" || exit 2
# shellcheck source=tests/integration/lib.sh
. ./lib.sh
cd "$top" || exit 2
scripts/packages long || {
    echo "Bail out! packages are missing"
    exit 1
}
image=$(tests/corpus/cloud-image) || {
    echo "Bail out! cannot make the cloud image"
    exit 1
}

mkdir "$work/seed"
cat >"$work/seed/meta-data" <<'YAML'
instance-id: cloud-one
local-hostname: cloud-one
YAML
cat >"$work/seed/user-data" <<'YAML'
#cloud-config
ssh_pwauth: false
chpasswd:
  expire: false
  users:
    - {name: root, password: swordfish, type: text}
YAML
xorriso -as mkisofs -quiet -V cidata -J -r -o "$work/seed.iso" "$work/seed"
qemu-img create -q -f qcow2 -F qcow2 -b "$image/disk.qcow2" \
    "$work/overlay.qcow2" 4G
before=$(sha256sum <"$image/disk.qcow2")

define cloud "<disk type='file' device='disk'><driver name='qemu' $(
    )type='qcow2' cache='unsafe'/><source file='$work/overlay.qcow2'/>$(
    )<target dev='vda' bus='virtio'/></disk>" \
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/>$(
    )<source file='$work/seed.iso'/><target dev='vdb' bus='virtio'/>$(
    )<readonly/></disk>" \
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
svirt dumpxml cloud | sed "s|$guest/|$image/|
    s|<cmdline>.*|<cmdline>root=/dev/vda rw console=ttyS0</cmdline>|
    s|<memory .*|<memory unit='MiB'>768</memory>|" >"$work/cloud.xml"
svirt -q define "$work/cloud.xml"
check "a cloud image with an overlay and a seed starts" svirt start cloud
# One client from the first to the last line.
mkfifo "$work/keys"
"$build/src/cli/svirt" console cloud <"$work/keys" >"$work/console" 2>&1 &
exec 8>"$work/keys"
said() # PATTERN SECONDS
{
    local began=$SECONDS
    while [ $((SECONDS - began)) -lt "$2" ]; do
        ! grep -aq "$1" "$work/console" || return 0
        sleep 2
    done
    note "$(tail -n 20 "$work/console" | tr -d '\r')"
    return 1
}
check "it boots to a login prompt" said "login:" 1200
check "with the name that cloud-init gave it" said "cloud-one login:" 10
check "cloud-init is done" said "finished at.*DataSourceNoCloud" 600
printf 'root\n' >&8
check "it asks for a password" said "Password:" 120
printf 'swordfish\n' >&8
check "and takes the one of cloud-init" said "root@cloud-one" 180
printf 'df -h / | tail -n 1; echo size-shown\n' >&8
check "its shell works" said "size-shown" 120
check "it is confined" svirt verify cloud
# It has no logind that would obey the power button.
printf 'poweroff\n' >&8
for ((tries = 0; tries < 15; tries++)); do
    ! wait_state cloud "shut off" >/dev/null || break
done
is "it powers off" "$(svirt domstate cloud)" "shut off"
exec 8>&-
[ "$before" = "$(sha256sum <"$image/disk.qcow2")" ]
verdict $? "its base image is as it was"
done_testing
