#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 300
# shellcheck disable=SC2016 # what the guest's shell expands stands in '...'
# Every kind of serial port, console and channel, from both of its ends.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh

# Files of the guest's words are small here, so that their bound is reached.
mkdir -p "$root/etc"
printf '[svirt]\nlog_limit_kib = 64\n' >"$root/etc/svirt.conf"

# A server for mode='connect': answers each line, ends with its peer. In every
# message it looks for descriptors that came along.
cat >"$work/server.py" <<'PYTHON'
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1] + ".new")
listener.listen(1)
os.rename(sys.argv[1] + ".new", sys.argv[1]) # there means that it listens
connection = listener.accept()[0]
heard = b""
try:
    while True:
        got, control, flags, _ = connection.recvmsg(4096, 4096)
        if not got:
            break
        if control or flags & socket.MSG_CTRUNC:
            connection.sendall(b"descriptors came\n")
        heard += got
        while b"\n" in heard:
            line, heard = heard.split(b"\n", 1)
            connection.sendall(b"server heard: " + line + b"\n")
except ConnectionError:
    pass
PYTHON
# One exchange with a listening socket: sends a line, prints what comes back.
cat >"$work/client.py" <<'PYTHON'
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.settimeout(60)
peer.connect(sys.argv[1])
peer.sendall(sys.argv[2].encode() + b"\n")
heard = b""
try:
    while sys.argv[3].encode() not in heard:
        got = peer.recv(4096)
        if not got:
            break
        heard += got
except socket.timeout:
    pass
sys.stdout.write(heard.decode(errors="replace"))
PYTHON
python3 "$work/server.py" "$work/server.sock" &
server=$!
trap 'kill "$server" 2>/dev/null; destroy_all' EXIT
soon test -S "$work/server.sock"
echo "before" >"$work/append.out"
echo "before" >"$work/empty.out"

boots c
machine c \
    "<serial type='pty'/>" \
    "<serial type='unix'><source mode='bind' path='$work/bind.sock'/></serial>" \
    "<serial type='file'><source path='$work/append.out' append='on'/></serial>" \
    "<serial type='file'><source path='$work/empty.out'/></serial>" \
    "<serial type='unix'><source mode='connect' path='$work/server.sock'/>
     <target type='pci-serial'/></serial>" \
    "<serial type='null'><target type='pci-serial'/></serial>" \
    "<console type='pty'/>" \
    "<console type='pty'><target type='virtio'/><log file='$work/hvc0.log'/></console>" \
    "<console type='file'><source path='$work/hvc1.out'/><target type='virtio'/></console>" \
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>" \
    "<channel type='pty'><target type='virtio' name='org.example.pty'/></channel>" \
    "<channel type='null'><target type='virtio' name='org.example.null'/></channel>"
verdict $? "defines every kind of port"
start c
verdict $? "starts with them" || note "$(cat "$work/c.started")"
check "verify accepts them" svirt verify c
attach c
verdict $? "the terminal that start prints is the guest's console"
is "what is typed there runs in the guest" "$(ask c 'hostname')" c
is "the terminal is its owner's alone" \
    "$(stat -c %A "$(sed -n 's/^  serial0=//p' "$work/c.started")" | cut -c 8-)" \
    "---"

# unix bind: the guest answers the peer; the next peer gets the port again.
ask c '(while read -r l; do echo "guest heard: $l"; done </dev/ttyS1 >/dev/ttyS1) & sleep 0.2' \
    >"$work/ignored"
ask c 'stty -F /dev/ttyS1 -echo' >"$work/ignored"
for try in first second; do
    python3 "$work/client.py" "$work/bind.sock" "$try peer" \
        "guest heard: $try peer" | grep -q "guest heard: $try peer"
    verdict $? "bind: the $try peer is answered"
done
is "bind: the socket is its author's alone" \
    "$(stat -c '%a %U' "$work/bind.sock")" "600 root"

# unix connect: the monitor has the server's connection, the emulator has not.
exchange() # WORD: one line to the server and its answer
{
    ask c "stty -F /dev/ttyS4 -echo; rm -f /tmp/s4; (head -n 1 /dev/ttyS4 >/tmp/s4) & sleep 0.2; echo '$1' >/dev/ttyS4; i=0; while [ ! -s /tmp/s4 ] && [ \$i -lt 100 ]; do i=\$((i + 1)); sleep 0.1; done" \
        >"$work/ignored"
    ask c 'cat /tmp/s4'
}
is "connect: both sides are heard" "$(exchange "from the guest")" \
    "server heard: from the guest"
connection=$(python3 - "$server" <<'PYTHON'
import os, socket, struct, sys
# The inode of the other end of the server's one connection: unix_diag.
pid = sys.argv[1]
mine = {os.stat(f"/proc/{pid}/fd/{fd}").st_ino for fd in os.listdir(f"/proc/{pid}/fd")}
link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
link.send(struct.pack("=IHHIIBBHIIIII", 40, 20, 0x301, 1, 0, socket.AF_UNIX,
                      0, 0, 0xffffffff, 0, 4, 0, 0))
while True:
    block = link.recv(1 << 20)
    while block:
        size, kind = struct.unpack_from("=IH", block)
        if kind != 20:
            sys.exit()
        inode, = struct.unpack_from("=I", block, 20)
        at = 32
        while at < size:
            length, attribute = struct.unpack_from("=HH", block, at)
            if attribute == 2 and inode in mine:
                print(struct.unpack_from("=I", block, at + 4)[0])
            at += (length + 3) & ~3
        block = block[(size + 3) & ~3:]
PYTHON
)
holds() { readlink "/proc/$1/fd/"* 2>/dev/null | grep -qx "socket:\[$connection\]"; }
holds "$(process Monitor c)" && ! holds "$(process Emulator c)"
verdict $? "connect: the monitor has the connection, the emulator has not" ||
    note "inode '$connection'"
former=$(process Monitor c)
kill_hard "$former"
another_monitor() { [ "$(process Monitor c)" != "$former" ]; }
soon another_monitor
is "connect: it outlives the monitor" "$(exchange again)" "server heard: again"

ask c 'echo "to append" >/dev/ttyS2; echo "to empty" >/dev/ttyS3; sleep 0.5' \
    >"$work/ignored"
is "file: append keeps what was there" \
    "$(tr -d '\r' <"$work/append.out")" "before"$'\n'"to append"
is "file: otherwise it is emptied" "$(tr -d '\r' <"$work/empty.out")" "to empty"
is "null: writing to it does not block" \
    "$(ask c 'echo nothing >/dev/ttyS5 && echo written')" written

# virtio consoles, and how much of a guest's words the host keeps.
ask c 'echo "on hvc0" >/dev/hvc0; sleep 0.5' >"$work/ignored"
grep -q "on hvc0" "$work/hvc0.log"
verdict $? "console: virtio, with a log"
ask c 'dd if=/dev/zero bs=4096 count=200 2>/dev/null | tr "\0" x >/dev/hvc1; echo end >/dev/hvc1' 40 \
    >"$work/ignored"
size=$(stat -c %s "$work/hvc1.out")
[ "$size" -gt 0 ] && [ "$size" -le $((64 * 1024)) ]
verdict $? "console: its file has a bound" || note "$size bytes"

is "channels have their names in the guest" \
    "$(ask c 'cat /sys/class/virtio-ports/*/name | sort')" \
    "org.example.null
org.example.pty
org.qemu.guest_agent.0"
ask c 'p=$(grep -l org.example.pty /sys/class/virtio-ports/*/name); p=${p%/name}; echo "over the channel" >/dev/${p##*/}; sleep 0.3' \
    >"$work/ignored"
is "both terminals are named at start" "$(grep -c '=/dev/pts/' "$work/c.started")" 2
exec {reader}<>"$(sed -n '$s/.*=//p' "$work/c.started")"
# Not read: bash would give what it has left over from the other terminal.
is "channel: a terminal on the host" \
    "$(timeout 30 head -n 1 <&"$reader" | tr -d '\r')" "over the channel"

# svirt console: one at a time, unless told otherwise.
first=$work/first
(sleep 60 | "$build/src/cli/svirt" console c >"$first" 2>&1) &
soon test -s "$first" # what was said before
check_code() { "$@" >"$work/said" 2>&1 </dev/null; echo $?; }
is "a second client is refused" "$(check_code svirt console c)" 6
grep -q '^  hint: .*--force' "$work/said"
verdict $? "and told how" || note "$(cat "$work/said")"
: | timeout 60 "$build/src/cli/svirt" console c --force >"$work/second" 2>&1
verdict $? "--force gets in"
[ -s "$work/second" ]
verdict $? "and is shown what was said before"
ask c 'printf "\033[31mred\033[0m\n"' >"$work/ignored"
: | timeout 60 "$build/src/cli/svirt" console c --force --safe >"$work/safe" 2>&1
grep -q red "$work/safe" && ! grep -q $'\e' "$work/safe"
verdict $? "--safe lets no control sequence through"
is "a console that is not there is an error" \
    "$(check_code svirt console c --devname serial9)" 4
svirt console c --devname serial9 2>&1 | grep -q 'hint: its last one is serial[0-8]'
verdict $? "which says which there are"

kill "$server"
wait "$server" 2>/dev/null
is "connect: the guest outlives the server" "$(ask c 'echo alive' 40)" alive
check "connect: and is as confined" svirt verify c

# A client that died while the guest took no more input.
svirt -q suspend c
(yes | exec "$build/src/cli/svirt" console c >/dev/null 2>&1) &
client=$!
is_connected()
{
    readlink "/proc/$(pgrep -P "$client" svirt)/fd/"* 2>/dev/null |
        grep -q '^socket:'
}
soon is_connected
sleep 1
is "a client with unread input has its console" "$(check_code svirt console c)" 6
{ pkill -9 -P "$client" svirt; wait "$client"; } 2>/dev/null
gets_in() { (sleep 1 | timeout 30 "$build/src/cli/svirt" console c) >"$work/said" 2>&1; }
soon gets_in
verdict $? "a dead one has not" || note "$(cat "$work/said")"
svirt -q destroy c
[ ! -e "$work/bind.sock" ]
verdict $? "bind: the socket's file goes with the VM"
forget c
machine b "<serial type='unix'><source mode='bind' path='$work/bind.sock'/></serial>"
svirt -q start b --paused
kill_hard "$(keeper b)"
check "a VM with sockets gets a keeper again" svirt recover
[ -S "$work/bind.sock" ]
verdict $? "bind: its file stays meanwhile"
svirt -q destroy b
[ ! -e "$work/bind.sock" ]
verdict $? "bind: and goes with the VM of the second keeper"
svirt -q start b --paused
kill_hard "$(keeper b)" "$(process Emulator b)"
[ -S "$work/bind.sock" ]
verdict $? "bind: with nobody alive it stays"
check "with both dead it is shut off" wait_state b "shut off"
check "recover clears that" svirt recover
[ ! -e "$work/bind.sock" ]
verdict $? "bind: the socket's file too"
svirt -q start b --paused
mv "$work/bind.sock" "$work/moved.sock"
: >"$work/bind.sock"
svirt -q destroy b
[ -f "$work/bind.sock" ]
verdict $? "bind: what somebody else put there stays"
rm -f "$work/bind.sock" "$work/moved.sock"
forget b
fails "an emulator that ends at once" 14 "ended at once" \
    "<emulator>/bin/false</emulator>" \
    "<serial type='unix'><source mode='bind' path='$work/bind.sock'/></serial>"
[ ! -e "$work/bind.sock" ]
verdict $? "bind: a start that fails leaves no file either"
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$work/bind.sock"
python3 "$work/server.py" "$work/alone.sock" &
server=$!
soon test -S "$work/alone.sock"
starts "a connection as the only port" \
    "<serial type='unix'><source mode='connect' path='$work/alone.sock'/></serial>"
wait "$server"
verdict $? "the server sees the end of the VM"
starts "a socket that an earlier run left is no obstacle" \
    "<serial type='unix'><source mode='bind' path='$work/bind.sock'/></serial>"

fails "a socket nobody listens on" 4 "nobody.sock" \
    "<serial type='unix'><source mode='connect' path='$work/nobody.sock'/></serial>"
fails "a fifth ISA port" 8 "at most 4 ISA" "<serial type='null'/>" \
    "<serial type='null'/>" "<serial type='null'/>" "<serial type='null'/>" \
    "<serial type='null'/>"
fails "more ports than a monitor holds" 8 "at most 16" \
    "$(for ((i = 0; i < 17; i++)); do
        echo "<channel type='unix'><target type='virtio' name='c$i'/></channel>"
    done)"
fails "a log of a file" 8 "<log>" \
    "<serial type='file'><source path='$work/x'/><log file='$work/y'/></serial>"
starts "sixteen ports" \
    "$(for ((i = 0; i < 16; i++)); do
        echo "<channel type='unix'><target type='virtio' name='c$i'/></channel>"
    done)"
starts "ports of every bus" "<serial type='pty'/>" \
    "<serial type='pty'><target type='usb-serial'/></serial>" \
    "<serial type='pty'><target type='pci-serial'/></serial>" \
    "<serial type='null'><target type='isa-serial' port='3'/>
     <log file='$work/null.log' append='off'/></serial>"
starts "a first console that is virtio" \
    "<console type='pty'><target type='virtio'/></console>"
done_testing
