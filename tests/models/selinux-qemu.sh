#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 200
# lab: -m 1536
# A real QEMU with a VM's label and nothing else (it is root, and every file is
# everybody's) does what its owner says over QMP: open the other VM's files,
# its sockets, the host's. SELinux denies each by a record of its own; the same
# QEMU without the label does it.
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
. tests/models/selinux-lib.sh

set_a=s0:c11,c120,c230,c341,c455,c560,c677,c789
# One of eight differs.
set_b=s0:c11,c120,c230,c341,c455,c560,c677,c790
alpha=system_u:system_r:svirt_vm_tcg_t:$set_a
own=system_u:object_r:svirt_vm_image_t:$set_a
other=system_u:object_r:svirt_vm_image_t:$set_b

# Its QMP is two files of its own: it may not make a socket.
qemu=(qemu-system-x86_64 -M q35 -accel tcg -m 32 -nodefaults -display none -S
    -qmp stdio)

# What QEMU answers to the command, one line: {"return"...} or {"error"...}.
answer_of() # "label" or "free", COMMAND
{
    printf '%s\n' '{"execute":"qmp_capabilities"}' "$2" '{"execute":"quit"}' \
        >"$work/commands"
    : >"$work/answers"
    chcon "$own" "$work/commands" "$work/answers"
    if [ "$1" = label ]; then
        # Opened by a shell without categories, as in `as`.
        # shellcheck disable=SC2016 # for that shell
        runcon -l s0 bash -c 'exec timeout 20 runcon "$2" "${@:3}" \
            <"$1/commands" >"$1/answers" 2>/dev/null' bash "$work" "$alpha" \
            "${qemu[@]}"
    else
        timeout 20 "${qemu[@]}" <"$work/commands" >"$work/answers" 2>/dev/null
    fi
    grep -v -e '"QMP"' -e '"event"' "$work/answers" | sed -n 2p
}

attack() # FACT TARGET CLASS COMMAND
{
    local answer records
    seen=$(dmesg | grep -a -c -e 'avc:  denied' -e SELINUX_ERR \
        -e 'op=security')
    answer=$(answer_of label "$4")
    records=$(news |
        grep -a "scontext=$alpha tcontext=$2 tclass=$3 permissive=0")
    [[ $answer == '{"error"'* ]] && [ -n "$records" ]
    verdict $? "QEMU cannot $1" || note "answer: $answer" "$(news | tail -n 3)"
    answer=$(answer_of free "$4")
    [[ $answer == '{"return"'* ]] ||
        verdict 1 "and could without its label" || note "answer: $answer"
}
works() # FACT COMMAND
{
    local answer
    answer=$(answer_of label "$2")
    [[ $answer == '{"return"'* ]]
    verdict $? "$1" || note "answer: $answer" "$(news | tail -n 3)"
}

node() # FILE READ-ONLY
{
    echo '{"execute":"blockdev-add","arguments":{"driver":"file",' \
        '"node-name":"attack","read-only":'"$2"',"locking":"off",' \
        '"filename":"'"$1"'"}}'
}
chardev() # BACKEND
{
    echo '{"execute":"chardev-add","arguments":{"id":"attack","backend":'"$1}}"
}
unix() # PATH
{
    chardev '{"type":"socket","data":{"server":false,"addr":'"$(
        echo '{"type":"unix","data":{"path":"'"$1"'"}}')}}"
}
tcp() # SERVER PORT
{
    chardev '{"type":"socket","data":{"server":'"$1"',"addr":'"$(
        echo '{"type":"inet","data":{"host":"127.0.0.1","port":"'"$2"'"}}')}}"
}
memory() # PATH
{
    echo '{"execute":"object-add","arguments":{"id":"attack",' \
        '"qom-type":"memory-backend-file","size":4096,"share":true,' \
        '"mem-path":"'"$1"'"}}'
}

for file in own disk nvram kernel memory log base host; do
    truncate -s 1M "$work/$file"
done
mkdir "$work/directory"
chmod 777 "$work"/*
chcon "$own" "$work/own"
for file in disk nvram kernel memory log directory; do
    chcon "$other" "$work/$file"
done
chcon system_u:object_r:svirt_vm_content_t:s0 "$work/base"
chcon system_u:object_r:etc_t:s0 "$work/host"
# The other's socket: its monitor's, by which it is managed.
vm beta
uuid=$(svirt domuuid beta)

works "its own disk opens" "$(node "$work/own" false)"
works "a base opens to be read" "$(node "$work/base" true)"
for file in disk nvram kernel log; do
    attack "read the other's $file" "$other" file "$(node "$work/$file" true)"
    attack "write it" "$other" file "$(node "$work/$file" false)"
done
attack "write a base" system_u:object_r:svirt_vm_content_t:s0 file \
    "$(node "$work/base" false)"
attack "map the other's memory" "$other" file "$(memory "$work/memory")"
attack "dump its memory into the other's directory" "$other" dir \
    "$(echo '{"execute":"pmemsave","arguments":{"val":0,"size":4096,' \
        '"filename":"'"$work"'/directory/dump"}}')"
attack "read /etc/shadow" system_u:object_r:shadow_t:s0 file \
    "$(node /etc/shadow true)"
attack "read a file of the host that all may read" \
    system_u:object_r:etc_t:s0 file "$(node "$work/host" true)"
attack "reach the other's control socket" '[^ ]*svirt_run_t[^ ]*' \
    '[a-z_]*' "$(unix "/run/svirt/$uuid/control")"
/bin/busybox nc -l -p 4711 </dev/null >/dev/null &
attack "connect by TCP" "$alpha" tcp_socket "$(tcp false 4711)"
attack "listen by TCP" "$alpha" tcp_socket "$(tcp 'true,"wait":false' 4712)"

# restorecon, an upgrade's relabelling: nothing changes under a VM; what was
# changed by hand verify finds, and relabel repairs it while the VM runs.
image=$images/beta.qcow2
before=$(stat -c %C "$image")
restorecon -R "$images" >/dev/null 2>&1
is "restorecon leaves a running VM's image alone" "$(stat -c %C "$image")" \
    "$before"
chcon -t var_t -l s0 "$image"
svirt verify beta >"$work/out"
is "a label taken away is found" $? 11
grep -q "object selinux *WRONG *'$image' carries" "$work/out"
verdict $? "with the image's name"
check "relabel gives it back, live" svirt relabel beta
is "as it was" "$(stat -c %C "$image")" "$before"
check "and verify agrees" svirt verify beta

# A host that only warns says so, and does not start what requires more.
echo 0 >/sys/fs/selinux/enforce
svirt verify beta >"$work/out"
is "permissive is no confinement" $? 11
grep -q 'enforcing selinux *WRONG *no: it only warns' "$work/out"
verdict $? "and is shown"
required="<seclabel type='dynamic' model='selinux' requireEnforcing='yes'/>"
sed "s|<devices>|$required&|; s|beta|gamma|" "$work/beta.xml" \
    >"$work/gamma.xml"
cp "$image" "$images/gamma.qcow2"
check "a definition may require enforcing" svirt -q define "$work/gamma.xml"
svirt start gamma >"$work/out" 2>&1
is "and is not started then" $? 6
echo 1 >/sys/fs/selinux/enforce
check "and starts when the host enforces" svirt -q start gamma
is "which no other VM is: verify separates them" \
    "$(svirt verify | grep -c 'separates selinux *ok')" 2
svirt -q destroy gamma

# CVE-2020-10731: without its file system SELinux must not pass for absent.
umount /sys/fs/selinux
svirt start gamma >"$work/out" 2>&1
is "without selinuxfs nothing starts" $? 11
grep -q 'hint: mount -t selinuxfs' "$work/out"
verdict $? "and what is missing is said"
mount -t selinuxfs selinuxfs /sys/fs/selinux

# A file system without labels.
mkdir -p /srv/plain
mount -t ramfs -o context=system_u:object_r:var_t:s0 ramfs /srv/plain
cp "$images/gamma.qcow2" /srv/plain/gamma.qcow2
sed "s|$images/gamma|/srv/plain/gamma|; s|gamma</name>|delta</name>|" \
    "$work/gamma.xml" >"$work/delta.xml"
svirt -q define "$work/delta.xml" >"$work/out" 2>&1 &&
    svirt -q start delta >"$work/out" 2>&1
[ $? -ne 0 ] && grep -q "/srv/plain/gamma.qcow2" "$work/out"
verdict $? "a file system that takes no label is named with the file" ||
    note "$(cat "$work/out")"
svirt -q destroy beta
done_testing
