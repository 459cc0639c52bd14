#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two VMs with nothing between them but Smack: one uid, mode 0666, no other
# layer. One of them is its attacker's, and the attacker's tools are the real
# QEMU and a program in its place. What is denied is denied by Smack's own
# record; the same without the label succeeds.
# timeout: 300
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/tap.sh
[ "$LAB_MODEL" = smack ] || skip_all "needs a kernel with Smack (tests/lab/run)"
export TMPDIR=/tmp
tools=$SVIRT_BUILD/tests/models
smack() { "$tools/model-tool" smack "$@"; }
uid=31007
a=aaaaaaaa-0000-4000-8000-000000000001
b=bbbbbbbb-0000-4000-8000-000000000002
va=svirt-$a vb=svirt-$b
scene=/tmp/scene
trap 'kill $(jobs -p) 2>/dev/null' EXIT

# Everything of a VM, labelled as svirt labels it and open to everybody, in a
# directory that anybody may write, by its label too.
make_vm() # LETTER LABEL
{
    local file
    mkdir -p "$scene/$1/own"
    for file in disk nvram kernel; do
        truncate -s 1M "$scene/$1/$file"
        smack set "$scene/$1/$file" "$2"
    done
    cp "$tools/attempt" "$scene/$1/program"
    smack set "$scene/$1/program" "$2"
    smack set "$scene/$1/own" "$2"
    echo "its console" >"$scene/$1/log"
    smack set "$scene/$1/log" svirt-log
    truncate -s 1M "/dev/shm/guest-$1"
    smack set "/dev/shm/guest-$1" "$2"
    chmod -R a+rwX "$scene/$1" "/dev/shm/guest-$1"
    chown -R $uid "$scene/$1" "/dev/shm/guest-$1"
    smack set "$scene/$1" '*'
}

# The same uid and rights, but Smack lets it through: the control.
free=(setpriv --reuid "$uid" --regid "$uid" --clear-groups
    --inh-caps +mac_override --ambient-caps +mac_override --)

# QEMU under a label; with none ("-") it is the control.
start_qemu() # LETTER LABEL
{
    local run=("$tools/model-tool" smack run "$2" "$uid" --)
    [ "$2" != - ] || run=("${free[@]}")
    "${run[@]}" qemu-system-x86_64 -M q35 -accel tcg -m 32 -nodefaults \
        -display none -S -name "$1" \
        -qmp "unix:$scene/$1/qmp,server=on,wait=off" \
        -serial "unix:$scene/$1/serial,server=on,wait=off" \
        -vnc "unix:$scene/$1/vnc" -device VGA \
        >"$scene/$1.out" 2>&1 </dev/null &
    pid=$!
    for ((i = 0; i < 100; i++)); do
        [ ! -S "$scene/$1/vnc" ] || break
        sleep 0.1
    done
    chmod a+rwX "$scene/$1"/{qmp,serial,vnc}
}

qmp() # LETTER COMMAND...
{
    timeout 20 "$tools/qmp" "$scene/$1/qmp" "${@:2}"
}

# Smack's record of it, and no other model's.
denied() # SUBJECT OBJECT
{
    dmesg | grep -q "lsm=SMACK .*action=denied subject=\"$1\" object=\"$2\""
}

# The attacker's QEMU is told COMMAND: an error, and Smack's record; UNDO is
# for the control, which has to succeed.
qemu_attack() # FACT OBJECT COMMAND [UNDO]
{
    local answer
    dmesg -c >/dev/null
    answer=$(qmp a "$3")
    if [[ $answer == *'"error"'* ]] && denied "$va" "$2"; then
        verdict 0 "QEMU cannot $1"
    else
        verdict 1 "QEMU cannot $1"
        note "answer: $answer" "$(dmesg)"
    fi
    answer=$(qmp c "${@:3}")
    [[ $answer == *'"return"'* && $answer != *'"error"'* ]] ||
        verdict 1 "and could without its label: $answer"
}
node() # FILE READ-ONLY
{
    printf '%s' '{"execute": "blockdev-add", "arguments": {"driver": "file",' \
        '"node-name": "attack", "read-only": '"$2"', "locking": "off",' \
        '"filename": "'"$1"'"}}'
}
no_node='{"execute": "blockdev-del", "arguments": {"node-name": "attack"}}'
chardev() # BACKEND
{
    printf '%s' '{"execute": "chardev-add", "arguments": {"id": "attack",' \
        '"backend": '"$1"'}}'
}
no_chardev='{"execute": "chardev-remove", "arguments": {"id": "attack"}}'
unix() # PATH
{
    chardev '{"type": "socket", "data": {"server": false, "addr":
        {"type": "unix", "data": {"path": "'"$1"'"}}}}' | tr -d '\n'
}
memory() # PATH
{
    printf '%s' '{"execute": "object-add", "arguments": {"id": "attack",' \
        '"qom-type": "memory-backend-file", "size": 4096, "share": true,' \
        '"mem-path": "'"$1"'"}}'
}
no_memory='{"execute": "object-del", "arguments": {"id": "attack"}}'

# A program in QEMU's place does VERB: refused, and Smack's record. Then the
# same without the label.
probe_attack() # FACT OBJECT VERB ARGUMENT
{
    local said
    dmesg -c >/dev/null
    said=$(smack run "$va" $uid -- "$tools/attempt" "$3" "$4")
    if [[ $said == *": E"* ]] && denied "$va" "$2"; then
        verdict 0 "the probe cannot $1"
    else
        verdict 1 "the probe cannot $1"
        note "said: $said" "$(dmesg)"
    fi
    said=$("${free[@]}" "$tools/attempt" "$3" "$4")
    [[ $said == *": ok" ]] || verdict 1 "and could without its label: $said"
}

mkdir -m 755 "$scene"
check "labels of the attacker's VM" smack load $a
check "labels of the other VM" smack load $b
make_vm a "$va"
make_vm b "$vb"
mkdir -m 777 "$scene/c"
truncate -s 1M "$scene/base" "$scene/shared"
chmod 666 "$scene/base" "$scene/shared"
smack set "$scene/base" svirt-content
smack set "$scene/shared" svirt-shared
echo "root:secret" >/tmp/shadow
chmod 666 /tmp/shadow

start_qemu b "$vb"
victim=$pid
start_qemu a "$va"
start_qemu c -
"$tools/model-tool" smack run _ $uid -- sleep 100 &
host=$!
is "both QEMUs run under their labels" \
    "$(smack process $victim) $(smack process "$(pgrep -f 'name a -qmp')")" \
    "$vb $va"
ipc=$(smack run "$vb" $uid -- ipcmk -M 4096 -p 0666 | tr -cd 0-9)
"$tools/attempt" listen 4711 >/dev/null

for file in disk nvram kernel; do
    qemu_attack "read the other's $file" "$vb" \
        "$(node "$scene/b/$file" true)" "$no_node"
    qemu_attack "write it" "$vb" "$(node "$scene/b/$file" false)" "$no_node"
done
qemu_attack "read the other's log" svirt-log \
    "$(node "$scene/b/log" true)" "$no_node"
qemu_attack "write a shared base" svirt-content \
    "$(node "$scene/base" false)" "$no_node"
for socket in qmp serial vnc; do
    qemu_attack "connect to the other's $socket" "$vb" \
        "$(unix "$scene/b/$socket")" "$no_chardev"
done
qemu_attack "map the other's shared memory" "$vb" \
    "$(memory /dev/shm/guest-b)" "$no_memory"
qemu_attack "map the other's disk" "$vb" "$(memory "$scene/b/disk")" \
    "$no_memory"
qemu_attack "dump memory into the other's directory" "$vb" \
    '{"execute": "pmemsave", "arguments": {"val": 0, "size": 4096,
      "filename": "'"$scene"'/b/own/dump"}}'
qemu_attack "write its screen there" "$vb" \
    '{"execute": "screendump", "arguments": {"filename": "'"$scene"'/b/own/ppm"}}'
qemu_attack "write into a directory of the host" _ \
    "$(chardev '{"type": "file", "data": {"out": "/tmp/new"}}')" "$no_chardev"
qemu_attack "read the other's memory through /proc" "$vb" \
    "$(node "/proc/$victim/environ" true)" "$no_node"

for verb in read write; do
    probe_attack "$verb the other's disk" "$vb" $verb "$scene/b/disk"
done
probe_attack "execute the other's program" "$vb" execute "$scene/b/program"
probe_attack "append to the other's log" svirt-log write "$scene/b/log"
probe_attack "look at the other's disk" "$vb" stat "$scene/b/disk"
probe_attack "change its mode" "$vb" chmod "$scene/b/disk"
probe_attack "make a file beside it" "$vb" create "$scene/b/own/new"
probe_attack "connect to the other's QMP" "$vb" connect "$scene/b/qmp"
probe_attack "signal the other" "$vb" signal "$victim"
probe_attack "trace the other" "$vb" trace "$victim"
probe_attack "read the other's memory" "$vb" memory "$victim"
for file in environ maps mem status cmdline fd; do
    probe_attack "see the other's $file in /proc" "$vb" read \
        "/proc/$victim/$file"
done
probe_attack "attach the other's System V memory" "$vb" shmat "$ipc"
probe_attack "open the other's shared memory" "$vb" read /dev/shm/guest-b
probe_attack "write a file of the host" _ write /tmp/shadow
probe_attack "signal a process of the host" _ signal $host
probe_attack "trace one" _ trace $host
probe_attack "reach a port of the host" _ tcp 4711
probe_attack "remove the other's file" "$vb" unlink "$scene/b/nvram"

# Descriptors passed over QMP are checked as if they were opened.
getfd='{"execute": "getfd", "arguments": {"fdname": "attack"}}'
dmesg -c >/dev/null
is "a descriptor of its own disk reaches the VM" \
    "$(qmp a "fd+:$scene/a/disk" "$getfd" | tr -d '\r')" '{"return": {}}'
is "one of a base to read, too" \
    "$(qmp a "fd:$scene/base" "$getfd" | tr -d '\r')" '{"return": {}}'
is "one of a base to write does not" \
    "$(qmp a "fd+:$scene/base" "$getfd" | grep -c '"error"')" 1
check "by Smack's record" denied "$va" svirt-content
is "one of the other's disk does not" \
    "$(qmp a "fd:$scene/b/disk" "$getfd" | grep -c '"error"')" 1
check "by Smack's record, too" denied "$va" "$vb"

# What is the VM's own works.
works() # FACT COMMAND [UNDO]
{
    local answer
    answer=$(qmp a "${@:2}")
    [[ $answer == *'"return"'* && $answer != *'"error"'* ]]
    verdict $? "$1" || note "$answer" "$(dmesg | tail -n 3)"
}
for file in disk nvram kernel; do
    works "its own $file can be written" "$(node "$scene/a/$file" false)" \
        "$no_node"
done
works "a base can be read" "$(node "$scene/base" true)" "$no_node"
works "a shared disk can be written" "$(node "$scene/shared" false)" "$no_node"
works "its memory can be dumped into its own directory" \
    '{"execute": "pmemsave", "arguments": {"val": 0, "size": 4096,
      "filename": "'"$scene"'/a/own/dump"}}'
is "with its own label" "$(smack get "$scene/a/own/dump")" "$va"
works "its shared memory can be mapped" "$(memory /dev/shm/guest-a)" \
    "$no_memory"
works "its own sockets can be connected" "$(unix "$scene/a/serial")" \
    "$no_chardev"
works "it goes on, is reset and stops" '{"execute": "cont"}' \
    '{"execute": "system_reset"}' '{"execute": "stop"}'

# What Smack leaves to the other layers, as measured: the floor is read by
# everybody, whatever a rule says, and ports are not objects.
is "the floor can be read: Smack's own rule" \
    "$(smack run "$va" $uid -- "$tools/attempt" read /etc/passwd \
        read /tmp/shadow)" "read /etc/passwd: ok
read /tmp/shadow: ok"
is "but by a process that gave it up" \
    "$(smack run "$va" $uid -- "$tools/attempt" own-rule "$va _ -" \
        read /etc/passwd read /tmp/shadow)" "own-rule $va _ -: ok
read /etc/passwd: EACCES
read /tmp/shadow: EACCES"
check "with Smack's record" denied "$va" _
is "a port can be taken" \
    "$(smack run "$va" $uid -- "$tools/attempt" listen 4712)" \
    "listen 4712: ok"
is "but nobody of the host gets through to it" \
    "$("$tools/attempt" tcp 4712 | sed 's/ETIMEDOUT/no/')" "tcp 4712: no"
done_testing
