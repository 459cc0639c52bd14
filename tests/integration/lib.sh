# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For the integration tests: the built svirt, real QEMU, a root of its own.
#
#     svirt ARGUMENTS...          in this test's own qemu:///embed
#     define NAME [LINE...]       a VM with the guest's kernel; LINEs are XML
#                                 lines for <devices>; TYPE=kvm|qemu, MEMORY=KiB
#     disk NAME FORMAT FILE       such a line: a virtio disk
#     wait_up NAME                until the guest says on its console that it
#                                 is up, at most 60 s
#     wait_state NAME STATE       until domstate says so, at most 20 s
#     type_in NAME LINE [SECONDS] types LINE at the console and prints what it
#                                 shows, until it has been silent for 1.5 s
#                                 and SECONDS are over
#
# Whatever a test leaves running is destroyed at its end.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/tap.sh
top=$PWD
build=${SVIRT_BUILD:-$top/build}
work=${TMPDIR:-$(mktemp -d /tmp/svirt-it.XXXXXX)}
root=$work/root
export TMPDIR=$work SVIRT_DEFAULT_URI="qemu:///embed?root=$root"
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$build/src/cli/svirt" ] || {
    echo "Bail out! $build/src/cli/svirt is not built"
    exit 1
}
guest=$(scripts/guest) || {
    echo "Bail out! cannot make the guest"
    exit 1
}
mkdir -p "$root"

svirt() { "$build/src/cli/svirt" "$@"; }

define()
{
    local name=$1
    shift
    cat >"$work/$name.xml" <<XML
<domain type='${TYPE:-qemu}'>
  <name>$name</name>
  <memory unit='KiB'>${MEMORY:-131072}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$guest/vmlinuz</kernel>
    <initrd>$guest/initrd</initrd>
    <cmdline>console=ttyS0 quiet nokaslr svirt.name=$name</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
$(printf '    %s\n' "$@")
    <serial type='pty'/>
    <console type='pty'/>
  </devices>
</domain>
XML
    svirt -q define "$work/$name.xml"
}

disk_number=0
disk()
{
    local letters=abcdefghijklmnopqrstuvwxyz
    echo "<disk type='file' device='disk'>" \
        "<driver name='qemu' type='$2'/><source file='$3'/>" \
        "<target dev='vd${letters:${disk_number:-0}:1}' bus='virtio'/></disk>"
}

wait_state()
{
    local tries state
    for ((tries = 0; tries < 200; tries++)); do
        state=$(svirt domstate "$1" 2>/dev/null | head -n 1)
        [ "$state" != "$2" ] || return 0
        sleep 0.1
    done
    note "$1 is '$state' after 20 s, not '$2'"
    return 1
}

type_in()
{
    { [ -z "$2" ] || printf '%s\n' "$2"; sleep "${3:-0}"; } |
        timeout 60 "$build/src/cli/svirt" console "$1" | tr -d '\r'
}

wait_up()
{
    local began=$SECONDS
    while [ $((SECONDS - began)) -lt 60 ]; do
        ! type_in "$1" "" | grep -q "svirt guest $1 is up" || return 0
    done
    note "$1 is not up after 60 s"
    return 1
}

destroy_all()
{
    local name
    svirt list --name 2>/dev/null | while read -r name; do
        [ -z "$name" ] || svirt -q destroy "$name" >/dev/null 2>&1
    done
}
trap destroy_all EXIT
