#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 180
# Any program in a compartment: its files by their names, its input, output
# and end, and everything given back.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/integration/lib.sh
cd "$work" || exit 2

bin=$build/src/cli/svirt
exec_() { "$bin" exec "$@" 2>"$work/err"; }
owner() { stat -c '%u:%g %a' "$1"; }
# Fields of the first line of a dry run that names the file.
way() { "$bin" exec "${@:2}" --dry-run -- cat 2>&1 |
    sed -n "s|^ *$1  *||p" | head -n 1 | tr -s ' '; }
mounts=()
busy=()
trap 'umount "${mounts[@]}" 2>/dev/null
    kill "${busy[@]}" 2>/dev/null; destroy_all' EXIT

exec_ -- true
is "true ends with 0" "$?" 0
exec_ -- false
is "false ends with 1" "$?" 1
is "input and output are pipes that reach it" "$(echo through | exec_ -- cat)" \
    through
# A pipe's flags belong to its description, which the program does not get.
is "a pipe is not the caller's own" "$( (exec_ -- python3 -c 'import fcntl
fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | 0o4000)'
    python3 -c 'import fcntl, sys
print(bool(fcntl.fcntl(1, fcntl.F_GETFL) & 0o4000), file=sys.stdout)') | cat)" \
    False
echo file >in
exec_ -- cat <in >out
is "files too" "$(cat out)" file
is "and its errors" "$(exec_ -- cat /none >out; cat "$work/err")" \
    "/usr/bin/cat: /none: No such file or directory"
exec_ --name guest -- uname -n >out
is "its host has the name given" "$(cat out)" guest
before=$(id -u)
exec_ -- id -u >out
[ "$(cat out)" -gt 65536 ] && [ "$(cat out)" != "$before" ]
verdict $? "its user is nobody else's" || note "$(cat out)"
is "the next program is the same one" "$(exec_ -- id -u)" "$(cat out)"
is "a program beside it is not" \
    "$("$bin" exec -- sleep 2 & sleep 0.5
       [ "$(exec_ -- id -u)" != "$(cat out)" ] && echo other)" other
"$bin" exec -- sleep 71 & pid=$!
sleep 0.7
kill -KILL "$(pgrep -f '^/usr/bin/sleep 71')"
wait $pid
is "a signal is 128 and its number" "$?" 137
"$bin" exec -- sleep 60 & pid=$!
sleep 0.7
kill -TERM $pid
wait $pid
is "SIGTERM reaches a program that does not catch it" "$?" 143
"$bin" exec -- bash -c 'trap "echo caught; exit 5" TERM
    while :; do read -rt 0.1 <>/dev/null; done' >out & pid=$!
sleep 0.7
kill -TERM $pid
wait $pid
is "and one that does" "$? $(cat out)" "5 caught"
is "a reader that goes away ends its writer" \
    "$(timeout 60 "$bin" exec -- yes | head -n 1; echo "${PIPESTATUS[0]}")" \
    "y
141"
timeout 60 "$bin" exec -- yes >/dev/full 2>"$work/err"
is "and a full file" "$?" 1
if command -v script >/dev/null; then
    printf 'stty -a | grep -c icanon; exit 7\n' >"$work/typed"
    (sleep 0.5; printf 'hello\n'; sleep 0.5; printf '\003'; sleep 0.3) |
        script -qec "$bin exec -- cat" /dev/null >out 2>&1
    code=$?
    [ "$(grep -c hello out)" = 2 ] || [ "$(grep -o hello out | wc -l)" = 2 ]
    verdict $? "a terminal is one of its own, with echo" || note "$(cat out)"
    is "and ^C in it is SIGINT" "$code" 130
fi

# Files.
mkdir -m 700 private
echo secret >private/s
chmod 600 private/s
truncate -s 8M private/a.raw
chmod 600 private/a.raw
echo open >open
chmod 644 open
mine=$(owner private/s)
is "a file in a private directory" "$(exec_ --ro private/s -- cat private/s)" \
    secret
is "only what is named" "$(exec_ --ro private/s -- cat private/a.raw ||
    sed 's/.*: //' "$work/err")" "No such file or directory"
exec_ --ro private/s -- dd of=private/s if=/dev/zero count=1
[ $? != 0 ] && [ "$(cat private/s)" = secret ]
verdict $? "--ro is not written"
echo more | exec_ --rw private/s -- dd of=private/s
is "--rw is" "$(cat private/s)" more
is "by a mount of the file alone" "$(way "$PWD/private/s" --rw private/s)" \
    "read-write idmapped mount"
is "what everybody may read is as it is" "$(way "$PWD/open" --ro open)" \
    "read as it is"
is "no owner or mode has changed" "$(owner private/s)" "$mine"
exec_ --fd 9=private/s --fd-ro 8=open -- bash -c \
    'read -u8 a; echo "$a" >&9; ls /proc/self/fd'
is "descriptors by number" "$(head -n 1 private/s)" open
is "and by no other" "$(exec_ --fd 9=private/s -- bash -c \
    'for f in /proc/self/fd/*; do [ -e "$f" ] && echo -n "${f##*/} "; done')" \
    "0 1 2 9 "

# File systems without such mounts.
mkdir ramfs
if mount -t ramfs svirt-exec ramfs; then
    mounts+=("$work/ramfs")
    echo x >ramfs/f
    chmod 600 ramfs/f
    is "where neither is there: chown" "$(way "$PWD/ramfs/f" --rw ramfs/f)" \
        "read-write chown"
    is "which serves" "$(exec_ --rw ramfs/f -- cat ramfs/f)" x
    is "and is given back" "$(owner ramfs/f)" "0:0 600"
    # It wants to outlive who started it: PR_SET_PDEATHSIG to nothing.
    "$bin" exec --rw ramfs/f -- /usr/bin/python3 -c 'import ctypes, os, time
ctypes.CDLL(None).prctl(1, 0)
os.write(os.open("ramfs/f", os.O_WRONLY), b"cut loose")
time.sleep(8111)' & pid=$!
    loose() { grep -q "cut loose" ramfs/f; }
    runs() { pgrep -f '^/usr/bin/python3 .*sleep.8111.$' >"$work/ignored"; }
    check "the program runs" soon loose
    runs
    verdict $? "under its name"
    [ "$(owner ramfs/f)" != "0:0 600" ]
    verdict $? "for as long as it runs it is the program's"
    kill -KILL $pid
    wait $pid 2>/dev/null
    ended() { ! runs; }
    check "the program ends with svirt" soon ended
    # Its guard holds the slot until it has ended everything.
    given_back()
    {
        svirt recover >"$work/out" 2>&1 && [ "$(owner ramfs/f)" = "0:0 600" ]
    }
    soon given_back
    verdict $? "svirt recover gives it back" ||
        note "$(owner ramfs/f)" "$(cat "$work/out")"
fi
mkdir tmpfs
if mount -t tmpfs svirt-exec tmpfs; then
    mounts=("$work/tmpfs" "${mounts[@]}")
    mkdir tmpfs/{lower,upper,work,merged}
    if mount -t overlay -o \
        "lowerdir=tmpfs/lower,upperdir=tmpfs/upper,workdir=tmpfs/work" \
        svirt-exec tmpfs/merged; then
        mounts=("$work/tmpfs/merged" "${mounts[@]}")
        f=tmpfs/merged/f
        echo y >$f
        chmod 640 $f
        setfacl -m u:1234:rw,m:r $f
        acl=$(getfacl -np $f)
        is "an overlay: an access control list" "$(way "$PWD/$f" --rw $f)" \
            "read-write acl"
        "$bin" exec --rw $f -- sleep 1 & pid=$!
        sleep 0.6
        is "nobody else gets more by it" \
            "$(getfacl -np $f | grep -E '^(user:1234|group:)' | tr '\n' ' ')" \
            "user:1234:r-- group::r-- "
        wait $pid
        is "given back" "$(getfacl -np $f)" "$acl"
    fi
fi

# Emulators by hand.
is "qemu-img reads an image" \
    "$(exec_ --rw private/a.raw -- qemu-img info private/a.raw |
       sed -n 's/file format: //p')" raw
exec_ --rw private/a.raw --allow locks -- \
    qemu-img create -q -f qcow2 private/a.raw 16M
is "and makes one, locking it itself" \
    "$? $(qemu-img info private/a.raw | sed -n 's/file format: //p')" \
    "0 qcow2"
is "qemu-io writes and reads it" "$(exec_ --rw private/a.raw --allow locks \
    -- qemu-io -c 'write -P 7 0 512' -c 'read -P 7 0 512' private/a.raw |
    grep -c '^\(wrote\|read\) 512/512')" 2 || note "$(cat "$work/err")"
is "qemu-storage-daemon serves it, told by its input" "$(printf '%s\n' \
    '{"execute":"qmp_capabilities"}' '{"execute":"query-named-block-nodes"}' \
    '{"execute":"quit"}' | exec_ --rw private/a.raw -- qemu-storage-daemon \
    --blockdev driver=file,node-name=f,filename=private/a.raw,locking=off \
    --blockdev driver=qcow2,node-name=q,file=f \
    --chardev stdio,id=m --monitor chardev=m |
    grep -o '"node-name": "[fq]"' | sort -u | wc -l)" 2 ||
    note "$(cat "$work/err")"
"$bin" exec --rw private/a.raw -- sleep 5 & busy+=($!)
sleep 0.7
qemu-img info private/a.raw >out 2>&1 && code=0 || code=1
qemu-io -c 'write 0 512' private/a.raw >>out 2>&1 && code=0 || code=1
is "svirt holds QEMU's locks for it meanwhile" "$code" 1 || note "$(cat out)"
exec_ --rw private/a.raw -- true
is "so that a second one is refused" "$?" 125
grep -q "in use" "$work/err" || note "$(cat "$work/err")"
kill "${busy[@]}" 2>/dev/null
wait
busy=()
boot() # OPTIONS: of svirt exec; then -- and QEMU's
{
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    exec timeout 60 "$bin" exec --ro "$guest/vmlinuz" --ro "$guest/initrd" \
        "${options[@]}" -- qemu-system-x86_64 -M q35 -m 128 -nodefaults \
        -display none -serial stdio -no-reboot -kernel "$guest/vmlinuz" \
        -initrd "$guest/initrd" \
        -append "console=ttyS0 quiet nokaslr panic=-1 svirt.name=hand" \
        "${@:2}" </dev/null 2>&1
}
wait_for() # FILE WORDS
{
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        ! grep -q "$2" "$1" || return 0
        sleep 0.1
    done
    note "$(tail -n 5 "$1")"
    return 1
}
boot --rw private/a.raw --net passt -- \
    -drive file=private/a.raw,if=virtio,format=qcow2 \
    -netdev stream,id=n,server=off,addr.type=fd,addr.str=3 \
    -device virtio-net-pci,netdev=n >console & pid=$!
wait_for console "svirt guest hand is up"
verdict $? "qemu-system-x86_64 typed by hand boots, with disk and network"
qemu=$(pgrep -f '^/usr/bin/qemu-system-x86_64 .*svirt.name=hand')
svirt verify --pid "${qemu:-1}" >out 2>&1
[ "$(grep -c ' ok ' out)" = 5 ]
verdict $? "verify sees its layers" || note "$(cat out)"
grep -q "^Seccomp:.2" "/proc/$qemu/status" &&
    grep -q "^NoNewPrivs:.1" "/proc/$qemu/status" &&
    grep -q "^CapBnd:.0*$" "/proc/$qemu/status"
verdict $? "the kernel says the same"
[[ $(readlink "/proc/$qemu/fd/3") == socket:* ]] && pgrep passt >/dev/null
verdict $? "passt carries its network"
kill $pid
wait $pid 2>/dev/null
sleep 0.3
[ ! -e "/proc/$qemu" ]
verdict $? "nothing is left of it"

# The network.
exec_ -- bash -c 'exec 3<>/dev/tcp/127.0.0.1/1'
grep -q "Operation not permitted" "$work/err"
verdict $? "no socket without --tcp-connect" || note "$(cat "$work/err")"
python3 - "$work/ports" <<'PY' &
import os, socket, sys
a, b = socket.socket(), socket.socket()
for s in a, b:
    s.bind(("127.0.0.1", 0))
    s.listen()
with open(sys.argv[1] + ".new", "w") as f:
    print(a.getsockname()[1], b.getsockname()[1], file=f)
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    c, _ = a.accept()
    c.sendall(b"served\n")
    c.close()
PY
busy+=($!)
while [ ! -e ports ]; do sleep 0.1; done
read -r port other <ports
is "it connects to the port given" "$(exec_ --tcp-connect "$port" -- bash -c \
    "exec 3<>/dev/tcp/127.0.0.1/$port; read -r -u 3 l; echo \"\$l\"")" served ||
    note "$(cat "$work/err")"
exec_ --tcp-connect "$port" -- bash -c "exec 3<>/dev/tcp/127.0.0.1/$other"
grep -q "Permission denied" "$work/err"
verdict $? "and to no other" || note "$(cat "$work/err")"
exec_ --tcp-connect "$port" -- bash -c "exec 3<>/dev/udp/127.0.0.1/$port"
grep -q "Operation not permitted" "$work/err"
verdict $? "nor by UDP" || note "$(cat "$work/err")"

# Bad input: the code, then what it says.
refused() # NAME CODE WORDS ARGUMENTS...
{
    local name=$1 code=$2 words=$3
    shift 3
    timeout 20 "$bin" exec "$@" >out 2>"$work/err" </dev/null
    is "$name" "$? $(grep -ciE "$words" "$work/err" | sed 's/[1-9].*/said/')" \
        "$code said" || note "$(cat "$work/err")"
}
mkfifo fifo
echo '#!/bin/sh' >script
chmod 755 script
ln -s /etc/shadow link
echo '<x' >text
chmod 755 text
refused "no program" 125 "no program"
refused "an unknown one" 127 "not in PATH" -- no-such-program
refused "one that is not there" 127 "No such file|not found" -- ./none
refused "a script" 126 "script" -- ./script
refused "no program of this machine" 126 "no program" -- ./text
refused "a missing file" 125 "No such file" --rw none -- true
refused "a missing file and program" 125 "No such file" --rw none -- ./none
refused "a directory" 125 "is a directory" --ro private -- true
refused "a FIFO" 125 "FIFO" --rw fifo -- true
refused "a system file" 125 "system-dir" --ro /etc/shadow -- cat
refused "a link to one" 125 "system-dir" --ro link -- cat
refused "svirt's own state" 125 "rule state" --ro root/lib/state.db -- cat
refused "a file twice" 125 "once|in use" --rw open --rw open -- true
refused "descriptor 1" 125 "from 3" --fd 1=open -- true
refused "one descriptor twice" 125 "once" --fd 5=open --fd-ro 5=in -- true
refused "port 0" 125 "no TCP port" --tcp-connect 0 -- true
refused "an unknown network" 125 "unknown" --net bridge -- true
refused "an unknown right" 125 "nothing that can be" --allow all -- true
is "no file was opened for it" "$(owner open)" "0:0 644"
! pgrep -u "$(exec_ -- id -u)" >/dev/null
verdict $? "no process of its user is left"

# The probe in such a compartment, the same table.
svirt selftest --format json >vm.json 2>/dev/null
svirt selftest --exec --format json >exec.json 2>"$work/err"
is "the selftest holds in it" "$?" 0 || note "$(cat "$work/err")"
python3 - vm.json exec.json <<'PY'
import json, sys
a, b = [[(x["attempt"], x["verdict"]) for x in json.load(open(f))["attempts"]]
        for f in sys.argv[1:]]
sys.exit(a != b)
PY
verdict $? "with the verdicts of a VM's"
done_testing
