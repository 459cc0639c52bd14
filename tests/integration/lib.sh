# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For the integration tests: the built svirt, real QEMU, a root of its own.
#
#     svirt ARGUMENTS...          in this test's own qemu:///embed
#     define NAME [LINE...]       a VM with the guest's kernel; LINEs are XML
#                                 lines for <devices>; TYPE=kvm|qemu, MEMORY=KiB
#     disk NAME FORMAT FILE       such a line: a virtio disk
#     wait_up NAME                until the guest says on its console that it
#                                 is up, at most 120 s
#     answers NAME                its console does sums, at most 60 s
#     wait_state NAME STATE       until domstate says so, at most 60 s
#     soon COMMAND...             until it succeeds, at most 60 s
#     emulator NAME, keeper NAME  the process of a running VM
#     kill_hard PID...            kill -9, until they are dead
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

# COMMAND's words are as given: what is to change must be read within it.
soon() # COMMAND...
{
    local began=$SECONDS
    while [ $((SECONDS - began)) -lt 60 ]; do
        ! "$@" || return 0
        sleep 0.05
    done
    return 1
}

is_state() { state=$(svirt domstate "$1" 2>/dev/null | head -n 1); [ "$state" = "$2" ]; }
wait_state()
{
    local state
    soon is_state "$1" "$2" || {
        note "$1 is '$state' after 60 s, not '$2'"
        return 1
    }
}

process() { svirt dominfo "$2" | sed -n "s/^$1: *pid \([0-9]*\),.*/\1/p"; }
emulator() { process Emulator "$1"; }
keeper() { process Keeper "$1"; }

# A zombie has given up its files and locks.
is_dead()
{
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    [[ ${stat##*) } == [ZX]* ]]
}
# Never 0, which is everybody, nor nothing.
kill_hard() # PID...
{
    local process
    for process in "$@"; do
        if [[ $process =~ ^[0-9]+$ ]] && [ "$process" -gt 1 ]; then
            kill -9 "$process"
        else
            note "nothing to kill: '$*'"
        fi
    done
    for process in "$@"; do
        soon is_dead "$process"
    done
}

type_in()
{
    { [ -z "$2" ] || printf '%s\n' "$2"; sleep "${3:-0}"; } |
        timeout 60 "$build/src/cli/svirt" console "$1" | tr -d '\r'
}

wait_up()
{
    local began=$SECONDS
    while [ $((SECONDS - began)) -lt 120 ]; do
        ! type_in "$1" "" | grep -q "svirt guest $1 is up" || return 0
    done
    note "$1 is not up after 120 s"
    return 1
}

# A guest on a busy host may be silent for longer than svirt console listens.
does_sums() { type_in "$1" 'echo $((6 * 7))0' | grep -q '^420$'; }
answers() { soon does_sums "$1"; }

destroy_all()
{
    local name
    svirt list --name 2>/dev/null | while read -r name; do
        [ -z "$name" ] || svirt -q destroy "$name" >/dev/null 2>&1
    done
}
trap destroy_all EXIT
