#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# qemu:///session: an ordinary user's VMs, isolated as root's are, with
# subordinate uids and without; a tap and a device that root gave the user.
# The user and the ids are this test's alone, in mounts of its own.
set -u
cd "$(dirname "$0")/../.." || exit 2
if [ -z "${SVIRT_SESSION_TEST:-}" ]; then
    export SVIRT_SESSION_TEST=yes
    exec unshare -m --propagation private bash "$0"
fi
. tests/integration/lib.sh
unset SVIRT_DEFAULT_URI

chmod 711 "$work"
user=$work/user
mkdir -m 700 "$user" "$user/run"
for file in passwd group subuid subgid; do
    cp "/etc/$file" "$work/$file" 2>/dev/null || : >"$work/$file"
    [ -e "/etc/$file" ] && mount --bind "$work/$file" "/etc/$file"
done
echo 'svirttest:x:4711:4711::/nonexistent:/bin/sh' >>"$work/passwd"
echo 'svirttest:x:4711:' >>"$work/group"
as_user()
{
    setpriv --reuid 4711 --regid 4711 --clear-groups env -i PATH="$PATH" \
        HOME="$user" XDG_RUNTIME_DIR="$user/run" "$@"
}
svirt() { as_user "$build/src/cli/svirt" "$@"; }
type_in()
{
    { [ -z "$2" ] || printf '%s\n' "$2"; sleep 1; } |
        as_user timeout 60 "$build/src/cli/svirt" console "$1" | tr -d '\r'
}
loop='' tap=svt$$
cleanup()
{
    destroy_all
    setfacl -x u:4711 /dev/net/tun 2>/dev/null
    ip link del "$tap" 2>/dev/null
    [ -z "$loop" ] || losetup -d "$loop"
}
trap cleanup EXIT

cp "$guest"/{vmlinuz,initrd} "$user"
truncate -s 8M "$user"/{a,b}.raw
chmod 600 "$user"/*.raw
chown -R 4711:4711 "$user"
describe() # NAME LINE...
{
    local name=$1
    shift
    cat >"$work/$name.xml" <<XML
<domain type='qemu'><name>$name</name><memory unit='KiB'>131072</memory>
<vcpu>1</vcpu><os><type arch='x86_64' machine='q35'>hvm</type>
<kernel>$user/vmlinuz</kernel><initrd>$user/initrd</initrd>
<cmdline>console=ttyS0 quiet nokaslr svirt.name=$name</cmdline></os>
<features><acpi/><apic/></features><devices>
$(printf '%s\n' "$@")
<serial type='pty'/><console type='pty'/></devices></domain>
XML
    svirt -q define "$work/$name.xml"
}
outside() # NAME: the uid of its emulator as the host has it
{
    local pid
    pid=$(svirt dominfo "$1" | sed -n 's/^Emulator: *pid \([0-9]*\),.*/\1/p')
    stat -c %u "/proc/${pid:-none}"
}
lacks() { svirt dominfo "$1" | sed -n 's/^A user lacks: *//p'; }

# With subordinate uids: all but the cgroup.
echo 'svirttest:300000:65536' | tee "$work/subuid" >"$work/subgid"
if ! command -v newuidmap >/dev/null || [ ! -e /etc/subuid ]; then
    skip_all "needs newuidmap and /etc/subuid"
fi
is "it is a user's default" "$(svirt list | wc -l)" 2
describe web "$(disk web raw "$user/a.raw")" "<interface type='user'/>" \
    2>"$work/err"
is "define" "$?" 0 || note "$(cat "$work/err")"
is "state is the user's, and private" \
    "$(stat -c '%a %u' "$user/.local/state/svirt" "$user/run/svirt" |
       sort -u)" "700 4711"
svirt start web >"$work/out" 2>"$work/err"
is "start" "$?" 0 || note "$(cat "$work/err")"
grep -q "reaches this host's own addresses" "$work/err"
verdict $? "what its network lacks is said"
is "its emulator has a subordinate uid" \
    "$(outside web | sed 's/^30[0-9]*$/30/')" 30
is "dominfo says what a user lacks" "$(lacks web)" "cgroup, device filter"
svirt verify web >"$work/out" 2>&1
verdict $? "verify holds" || note "$(cat "$work/out")"
is "the disk keeps owner and mode" "$(stat -c '%u %a' "$user/a.raw")" \
    "4711 600"
disk_number=0
describe db "$(disk db raw "$user/b.raw")"
svirt -q start db 2>"$work/err"
is "a second one" "$?" 0 || note "$(cat "$work/err")"
[ "$(outside db)" != "$(outside web)" ]
verdict $? "has another uid"
pid=$(svirt dominfo db | sed -n 's/^Emulator: *pid \([0-9]*\),.*/\1/p')
other=$(svirt dominfo web | sed -n 's/^Emulator: *pid \([0-9]*\),.*/\1/p')
is "both live in one user namespace" "$(readlink "/proc/$pid/ns/user")" \
    "$(readlink "/proc/$other/ns/user")"
[ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink "/proc/$other/ns/mnt")" ]
verdict $? "and in mounts of their own"
wait_up web
verdict $? "the guest runs"
for verb in "suspend web" "resume web" "domstate web" "domuuid web" \
    "dumpxml web" "label web" "console --help" "recover" "list --all" \
    "chain show web" "waiver list" "domblklist web" "reboot web"; do
    # shellcheck disable=SC2086 # words
    svirt $verb >"$work/out" 2>"$work/err"
    is "svirt $verb" "$?" 0 || note "$(cat "$work/err")"
done
svirt -c qemu:///session domstate web >"$work/out"
is "by its URI" "$(head -n 1 "$work/out")" running
pkill -KILL -f "^svirt-keeper web" -u 4711
sleep 0.5
svirt recover >"$work/out" 2>&1
is "a keeper that was killed is replaced" \
    "$(grep -c 'has a keeper again' "$work/out")" 1 || note "$(cat "$work/out")"
svirt -q destroy web && svirt -q destroy db
is "destroy" "$? $(svirt list --name | tr -d '\n')" "0 "
svirt -c qemu:///system list --all >"$work/out" 2>"$work/err"
[ $? != 0 ] && grep -q "needs root\|Permission denied" "$work/err"
verdict $? "the system's is not theirs" || note "$(cat "$work/err")"

# What an administrator gave the user.
lines=()
if ip tuntap add mode tap user 4711 name "$tap" 2>"$work/err" &&
    setfacl -m u:4711:rw /dev/net/tun; then
    lines+=("<interface type='ethernet'><target dev='$tap' managed='no'/>"
        "<model type='virtio'/></interface>")
fi
truncate -s 8M "$work/loop.img"
loop=$(losetup -f --show "$work/loop.img" 2>/dev/null)
if [ -n "$loop" ]; then
    setfacl -m u:4711:rw "$loop"
    lines+=("<disk type='block' device='disk'><driver name='qemu' type='raw'/>"
        "<source dev='$loop'/><target dev='vdb' bus='virtio'/></disk>")
fi
is "there is something to give" "${#lines[@]}" 4 || note "$(cat "$work/err")"
describe given "${lines[@]}"
svirt start given >"$work/out" 2>"$work/err"
is "a tap and a device that were given are usable" "$?" 0 ||
    note "$(cat "$work/err")"
svirt -q destroy given
setfacl -x u:4711 /dev/net/tun
svirt start given >"$work/out" 2>"$work/err" && code=0 || code=1
is "without the right it is refused, by name" \
    "$code $(grep -c '/dev/net/tun\|tap\|interface' "$work/err" |
       sed 's/[1-9]/named/')" "1 named" || note "$(cat "$work/err")"

# Programs, and the attack.
is "exec" "$(svirt exec --rw "$user/b.raw" -- bash -c \
    "echo mine >'$user/b.raw'; echo \$UID" 2>"$work/err" | sed 's/.*\(17\).*/\1/')" \
    17 || note "$(cat "$work/err")"
is "wrote it" "$(head -c 4 "$user/b.raw")" mine
is "and gave it back" "$(stat -c '%u %a' "$user/b.raw")" "4711 600"
svirt selftest >"$work/out" 2>"$work/err"
is "the selftest holds" \
    "$? $(sed -n '$s/.* \([0-9]* breaches, [0-9]* broken\)$/\1/p' "$work/out")" \
    "0 0 breaches, 0 broken" || note "$(grep -E 'broken|breach' "$work/out")"
held=$(sed -n '$s/.*: \([0-9]*\) held.*/\1/p' "$work/out")
[ "${held:-0}" -ge 120 ]
verdict $? "at least 120 attempts are held" || note "$held"

# Without: everything runs as the user, and that is said.
: >"$work/subuid"
: >"$work/subgid"
svirt start web >"$work/out" 2>"$work/err"
is "start without subordinate uids" \
    "$? $(grep -c 'runs as you' "$work/err")" "0 1" || note "$(cat "$work/err")"
is "its emulator is the user" "$(outside web)" 4711
is "which dominfo says" "$(lacks web)" "cgroup, device filter, own uid"
svirt verify web >"$work/out" 2>&1
verdict $? "all the rest holds" || note "$(cat "$work/out")"
svirt -q destroy web
svirt selftest >"$work/out" 2>"$work/err"
is "the selftest says no more than it ought" \
    "$? $(sed -n '$s/.* \([0-9]* breaches, [0-9]* broken\)$/\1/p' "$work/out")" \
    "0 0 breaches, 0 broken" || note "$(grep -E 'broken|breach' "$work/out")"
for name in web db given; do
    svirt -q undefine $name
done
is "no domain is left" "$(svirt list --all --name | tr -d '\n')" ""
no_process() { ! pgrep -u 4711 >"$work/ignored"; }
check "no process is left" soon no_process
done_testing
