#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two VMs, every DAC bit open, no layer but AppArmor: what an escaped VMM tries
# is denied, and the kernel says that it was AppArmor.
# timeout: 180
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/tap.sh
[ "$LAB_MODEL" = apparmor ] ||
    skip_all "needs a kernel with AppArmor (tests/lab/run)"
export TMPDIR=/tmp
tools=$SVIRT_BUILD/tests/models
apparmor() { "$tools/model-tool" apparmor "$@"; }

a=aaaaaaaa-0000-4000-8000-000000000001
b=bbbbbbbb-0000-4000-8000-000000000002
va=svirt-$a vb=svirt-$b
uid=31007
check "a profile is loaded" apparmor load $a
check "and the other VM's" apparmor load $b

# Both VMs' files: anybody may do anything with them.
umask 0
scene=/tmp/scene
mkdir -p $scene/a $scene/b /dev/shm/b
for vm in a b; do
    truncate -s 16M $scene/$vm/disk
    for name in kernel nvram log; do
        echo "$vm's $name" >$scene/$vm/$name
    done
done
truncate -s 2M /dev/shm/b/memory
chown -R $uid:$uid $scene /dev/shm/b
chmod -R a+rwX $scene /dev/shm/b
readable=/usr/local/readable
echo "anybody's" >$readable
chmod a+rw /etc/shadow

# The other VM's sockets are served by a QEMU that is not confined.
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -accel tcg
    -m 64)
"${qemu[@]}" -S -qmp unix:$scene/b/qmp.sock,server=on,wait=off \
    -serial unix:$scene/b/serial.sock,server=on,wait=off \
    -vnc unix:$scene/b/vnc.sock -qmp tcp:127.0.0.1:4444,server=on,wait=off &
# A VM's process; its QMP is written to VM.in and read from VM.out.
work=$(mktemp -d)
start() # VM LABEL
{
    mkfifo "$work/$1.in" "$work/$1.out"
    exec 20<>"$scene/$1/disk"
    "$tools/qmp-stdio" 9 "$tools/model-tool" apparmor run "$2" $uid -- \
        "${qemu[@]}" -chardev socket,id=qmp,fd=9 -mon chardev=qmp,mode=control \
        -add-fd fd=20,set=1 -blockdev \
        driver=file,node-name=disk,filename=/dev/fdset/1,locking=off \
        -device virtio-blk-pci,drive=disk,id=disk0 \
        -chardev ringbuf,id=serial -serial chardev:serial \
        <"$work/$1.in" >"$work/$1.out" 2>"$work/$1.err" &
    exec 20>&-
}
start b $vb
exec 31>"$work/b.in" 30<"$work/b.out"
start a $va
exec 41>"$work/a.in" 40<"$work/a.out"
read -r -t 60 _ victim_pid <&30
read -r -t 60 _ attacker_pid <&40
is "the victim is confined" "$(apparmor process "$victim_pid")" $vb
is "the attacker is confined" "$(apparmor process "$attacker_pid")" $va
is "every thread of it is" \
    "$(cat "/proc/$attacker_pid/task/"*/attr/apparmor/current | sort -u)" \
    "$va (enforce)"
for _ in {1..50}; do
    [ ! -S $scene/b/vnc.sock ] || break
    sleep 0.1
done
chmod a+rw $scene/b/*.sock

# AppArmor's own records since the last dmesg -C, each to be matched once: what
# does not start with an operation was not denied by AppArmor.
read_records() # [PROFILE]
{
    dmesg | grep 'apparmor="DENIED"' | grep "profile=\"${1:-$va}\"" \
        >"$work/records"
    mapfile -t records <"$work/records"
}
denied() # WHAT OPERATION TEXT
{
    local i
    for i in "${!records[@]}"; do
        if [[ ${records[i]} == *"operation=\"$2\""*"$3"* ]]; then
            unset "records[$i]"
            verdict 0 "$1: AppArmor's own denial"
            return
        fi
    done
    verdict 1 "$1: AppArmor's own denial" ||
        note "no '$2' with '$3' in:" "${records[@]}"
}

# 1. The probe: any system call with the VMM's label and user.
verbs=() facts=() results=() operations=() texts=()
attempt() # WHAT VERB ARGUMENT RESULT [OPERATION TEXT]
{
    verbs+=("$2" "$3")
    facts+=("$1")
    results+=("$2 $3: $4")
    operations+=("${5:-}")
    texts+=("${6:-}")
}
for name in disk kernel nvram log; do
    attempt "read the other's $name" read $scene/b/$name EACCES open \
        "name=\"$scene/b/$name\""
    attempt "write the other's $name" write $scene/b/$name EACCES open \
        "name=\"$scene/b/$name\""
done
attempt "read its shared memory" read /dev/shm/b/memory EACCES open \
    'name="/dev/shm/b/memory"'
attempt "create in its directory" create $scene/b/new EACCES mknod \
    "name=\"$scene/b/new\""
attempt "unlink there" unlink $scene/b/log EACCES unlink \
    "name=\"$scene/b/log\""
attempt "change a mode" chmod $scene/b/log EACCES chmod \
    "name=\"$scene/b/log\""
attempt "its own disk by name, too" read $scene/a/disk EACCES open \
    "name=\"$scene/a/disk\""
for name in $readable /etc/passwd /etc/shadow; do
    attempt "read $name" read "$name" EACCES open "name=\"$name\""
done
attempt "execute" execute /bin/busybox EACCES exec 'busybox"'
for name in qmp serial vnc; do
    attempt "connect to its $name" connect $scene/b/$name.sock EACCES create \
        'family="unix"'
done
attempt "connect by TCP" tcp 4444 EACCES create 'family="inet"'
attempt "listen by TCP" listen 4445 EACCES create 'family="inet"'
attempt "signal the other" signal "$victim_pid" EACCES signal "peer=\"$vb\""
attempt "trace the other" trace "$victim_pid" EACCES ptrace "peer=\"$vb\""
attempt "read its memory" memory "$victim_pid" EPERM ptrace "peer=\"$vb\""
for name in environ maps mem status cmdline attr/current; do
    attempt "read its $name" read "/proc/$victim_pid/$name" EACCES open \
        "/proc/$victim_pid/$name\""
done
attempt "take another label" take-label "changeprofile $vb" EACCES open \
    /attr/current
attempt "read the policy" read /sys/kernel/security/apparmor/profiles EACCES \
    open 'apparmor/profiles"'
# What it does not mediate: see docs/models.md.
attempt "ask for a size, which AppArmor lets anybody" stat $scene/b/disk ok

chroot --userspec=$uid:$uid / "$tools/attempt" read $scene/b/disk \
    write $scene/b/kernel connect $scene/b/qmp.sock tcp 4444 \
    signal "$victim_pid" read /etc/shadow >"$work/answers"
is "DAC lets the user do it" "$(sed 's/.*: //' "$work/answers" | uniq -c |
    tr -s ' ')" " 6 ok"
dmesg -C
apparmor run $va $uid -- "$tools/attempt" "${verbs[@]}" >"$work/answers" \
    2>/dev/null
mapfile -t answers <"$work/answers"
read_records
for i in "${!facts[@]}"; do
    is "${facts[i]}" "${answers[i]:-}" "${results[i]}"
    [ -z "${operations[i]}" ] ||
        denied "${facts[i]}" "${operations[i]}" "${texts[i]}"
done

# The monitor, root with every capability: it uses none, and has none.
verbs=() facts=() results=() operations=() texts=()
attempt "the monitor: mount" mount /mnt EACCES mount 'name="/mnt/"'
attempt "the monitor: make a device node" mknod /tmp/node EACCES mknod \
    'name="/tmp/node"'
attempt "the monitor: change its user" setuid 31009 EPERM capable \
    'capname="setuid"'
attempt "the monitor: read the VM's disk" read $scene/a/disk EACCES open \
    "name=\"$scene/a/disk\""
attempt "the monitor: read the loader's cache" read /etc/ld.so.cache EACCES \
    open 'name="/etc/ld.so.cache"'
attempt "the monitor: signal its VM" signal "$attacker_pid" EACCES signal \
    "peer=\"$va\""
attempt "the monitor: connect by TCP" tcp 4444 EACCES create 'family="inet"'
dmesg -C
apparmor run "$va//monitor" 0 -- "$tools/attempt" "${verbs[@]}" \
    >"$work/answers" 2>/dev/null
mapfile -t answers <"$work/answers"
read_records "$va//monitor"
for i in "${!facts[@]}"; do
    is "${facts[i]}" "${answers[i]:-}" "${results[i]}"
    denied "${facts[i]}" "${operations[i]}" "${texts[i]}"
done

# 2. A real QEMU, told by QMP.
command() # TEXT, over several lines: the answer in $answer
{
    printf '%s\n' "${1//$'\n'/ }" >&41
    read -r -t 30 answer <&40 || answer="no answer"
}
facts=() operations=() texts=()
refuses() # WHAT OPERATION TEXT COMMAND
{
    command "$4"
    [[ $answer == *'"error"'*[Pp]ermission* ]]
    verdict $? "QEMU: $1" || note "$answer"
    facts+=("QEMU: $1")
    operations+=("$2")
    texts+=("$3")
}
nodes=0
blockdev() # WHAT PATH READ-ONLY
{
    nodes=$((nodes + 1))
    refuses "$1" open "name=\"$2\"" '{"execute": "blockdev-add", "arguments":
        {"driver": "file", "node-name": "n'$nodes'",
        "filename": "'"$2"'", "read-only": '"$3"'}}'
}
socket() # WHAT NAME FAMILY ADDRESS
{
    refuses "$1" create "family=\"$3\"" '{"execute": "chardev-add",
        "arguments": {"id": "'"$2"'", "backend": {"type": "socket", "data":
        {"server": false, "addr": '"$4"'}}}}'
}
dmesg -C
for name in disk kernel nvram log; do
    blockdev "open the other's $name" $scene/b/$name false
    blockdev "read the other's $name" $scene/b/$name true
done
for name in /etc/shadow $readable /dev/shm/b/memory; do
    blockdev "read $name" "$name" true
done
refuses "map shared memory" open 'name="/dev/shm/b/memory"' '{"execute":
    "object-add", "arguments": {"qom-type": "memory-backend-file", "id": "m",
    "size": 2097152, "mem-path": "/dev/shm/b/memory", "share": true}}'
refuses "dump into its directory" mknod "name=\"$scene/b/dump\"" '{"execute":
    "dump-guest-memory", "arguments": {"paging": false, "protocol":
    "file:'$scene'/b/dump"}}'
refuses "save memory into its directory" mknod "name=\"$scene/b/save\"" \
    '{"execute": "pmemsave", "arguments": {"val": 0, "size": 4096,
    "filename": "'$scene'/b/save"}}'
refuses "write its log" open "name=\"$scene/b/log\"" '{"execute":
    "chardev-add", "arguments": {"id": "cl", "backend": {"type": "file",
    "data": {"out": "'$scene'/b/log"}}}}'
for name in qmp serial vnc; do
    socket "connect to its $name" "c$name" unix '{"type": "unix", "data":
        {"path": "'$scene/b/$name'.sock"}}'
done
socket "connect by TCP" ct inet '{"type": "inet", "data": {"host":
    "127.0.0.1", "port": "4444"}}'
refuses "listen by TCP" create 'family="inet"' '{"execute":
    "nbd-server-start", "arguments": {"addr": {"type": "inet", "data":
    {"host": "127.0.0.1", "port": "4446"}}}}'
read_records
for i in "${!facts[@]}"; do
    denied "${facts[i]}" "${operations[i]}" "${texts[i]}"
done
dmesg -C

# 3. What it was given works.
allows() # WHAT COMMAND
{
    command "$2"
    [[ $answer == *'"return"'* ]]
    verdict $? "QEMU: $1" || note "$answer"
}
allows "writes its disk" '{"execute": "human-monitor-command",
    "arguments": {"command-line": "qemu-io -d disk0/virtio-backend \"write -P 7 0 64k\""}}'
is "the disk is written" "$(head -c 1 $scene/a/disk | od -An -tx1)" " 07"
allows "reboots" '{"execute": "system_reset"}'
sleep 1
allows "runs after it" '{"execute": "query-status"}'
[[ $answer == *'"running": true'* ]]
verdict $? "and says so" || note "$answer"
allows "stops" '{"execute": "stop"}'
allows "goes on" '{"execute": "cont"}'
is "none of that was denied" \
    "$(dmesg | grep DENIED | grep "profile=\"$va\"")" ""

# 4. From outside.
check "svirt may end it" kill "$attacker_pid"
for _ in {1..50}; do
    [ -e "/proc/$attacker_pid/exe" ] || break
    sleep 0.1
done
[ ! -e "/proc/$attacker_pid/exe" ]
verdict $? "and it ends"
kill %1 "$victim_pid"
done_testing
