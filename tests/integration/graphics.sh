#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 300
# Displays: VNC and SPICE by way of the monitor, and who can come in.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh

# rfb.py PLACE [PASSWORD]: a whole RFB 3.8 session (RFC 6143): handshake,
# authentication, one framebuffer update; prints its size and bytes.
cat >"$work/rfb.py" <<'PYTHON'
import socket, struct, sys

def permute(block, table, width):
    out = 0
    for bit in table:
        out = out << 1 | block >> (width - bit) & 1
    return out

# DES (FIPS 46-3): VNC's authentication, with the key's bits turned round.
IP = [(58, 60, 62, 64, 57, 59, 61, 63)[i // 8] - 8 * (i % 8)
      for i in range(64)]
FP = [IP.index(i + 1) + 1 for i in range(64)]
E = [(4 * (i // 6) + i % 6 - 1) % 32 + 1 for i in range(48)]
P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24,
     14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25]
PC1 = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51,
       43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7,
       62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20,
       12, 4]
PC2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16,
       7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44,
       49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32]
S = [
 "e4d12fb83a6c5907" "0f74e2d1a6cb9538" "41e8d62bfc973a50" "fc8249175b3ea06d",
 "f18e6b34972dc05a" "3d47f28ec01a69b5" "0e7ba4d158c6932f" "d8a13f42b67c05e9",
 "a09e63f51dc7b428" "d709346a285ecbf1" "d6498f30b12c5ae7" "1ad069874fe3b52c",
 "7de3069a1285bc4f" "d8b56f03472c1ae9" "a690cb7df13e5284" "3f06a1d8945bc72e",
 "2c417ab6853fd0e9" "eb2c47d150fa3986" "421bad78f9c5630e" "b8c71e2d6f09a453",
 "c1af92680d34e75b" "af427c9561de0b38" "9ef528c3704a1db6" "432c95fabe17608d",
 "4b2ef08d3c975a61" "d0b7491ae35c2f86" "14bdc37eaf680592" "6bd814a7950fe23c",
 "d2846fb1a93e50c7" "1fd8a374c56b0e92" "7b419ce206adf358" "21e74a8dfc90356b"]
def des(key, block):
    k = permute(key, PC1, 64)
    c, d = k >> 28, k & 0xfffffff
    b = permute(block, IP, 64)
    l, r = b >> 32, b & 0xffffffff
    for i in range(16):
        n = 1 if i in (0, 1, 8, 15) else 2
        c = (c << n | c >> 28 - n) & 0xfffffff
        d = (d << n | d >> 28 - n) & 0xfffffff
        x = permute(r, E, 32) ^ permute(c << 28 | d, PC2, 56)
        f = 0
        for j in range(8):
            six = x >> 42 - 6 * j & 63
            row = six >> 4 & 2 | six & 1
            f = f << 4 | int(S[j][16 * row + (six >> 1 & 15)], 16)
        l, r = r, l ^ permute(f, P, 32)
    return permute(r << 32 | l, FP, 64)

place = sys.argv[1]
if place.startswith("/"):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(place)
else:
    host, port = place.rsplit(":", 1)
    s = socket.create_connection((host, int(port)), 20)

def get(n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            sys.exit("ended after %d of %d bytes" % (len(data), n))
        data += part
    return data

version = get(12)
s.sendall(b"RFB 003.008\n")
types = get(get(1)[0])
password = sys.argv[2] if len(sys.argv) > 2 else None
wanted = 2 if password is not None else 1
if wanted not in types:
    sys.exit("security types are %s" % list(types))
s.sendall(bytes([wanted]))
if wanted == 2:
    turned = bytes(int("{:08b}".format(c)[::-1], 2)
                   for c in password.encode().ljust(8, b"\0")[:8])
    challenge = get(16)
    answer = b"".join(
        des(int.from_bytes(turned, "big"),
            int.from_bytes(challenge[i:i + 8], "big")).to_bytes(8, "big")
        for i in (0, 8))
    s.sendall(answer)
if struct.unpack(">I", get(4))[0] != 0:
    sys.exit("refused: " + get(struct.unpack(">I", get(4))[0]).decode())
s.sendall(b"\1")
width, height = struct.unpack(">HH", get(4))
fmt = get(16)
get(struct.unpack(">I", get(4))[0])
s.sendall(struct.pack(">BBHi", 2, 0, 1, 0)) # raw alone
s.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
while True:
    kind = get(1)[0]
    if kind == 0:
        break
    if kind == 1:
        get(5 + 6 * struct.unpack(">BHH", get(5))[2])
    elif kind == 3:
        get(3)
        get(struct.unpack(">I", get(4))[0])
get(1)
pixels = 0
for _ in range(struct.unpack(">H", get(2))[0]):
    x, y, w, h, encoding = struct.unpack(">HHHHi", get(12))
    if encoding == 0:
        pixels += len(get(w * h * fmt[0] // 8)) * 8 // fmt[0]
print("%s %dx%d pixels=%d" % (version.decode().strip(), width, height, pixels))
PYTHON

# ---- VNC --------------------------------------------------------------------
boots v
machine v "<video><model type='vga'/></video>" "<serial type='pty'/>" \
    "<sound model='ich9'/>" "<watchdog model='i6300esb' action='none'/>" \
    "<graphics type='vnc' autoport='yes' keymap='de'/>"
start v
verdict $? "a domain with a display, sound and a watchdog starts"
port=$(svirt domdisplay v | sed -n 's/^vnc:\/\/127\.0\.0\.1:\([0-9]*\)$/\1/p')
[ -n "$port" ] && [ "$port" -ge 5900 ]
verdict $? "domdisplay prints a URI with the port" || note "$(svirt domdisplay v 2>&1)"
[ "$(svirt vncdisplay v)" = "127.0.0.1:$((port - 5900))" ]
verdict $? "vncdisplay prints address and display"
svirt dumpxml v | grep -q "<graphics .*port='$port'"
verdict $? "dumpxml of the running domain has the port"
! svirt dumpxml --inactive v | grep -q "port='$port'"
verdict $? "dumpxml --inactive has not"
svirt ttyconsole v | grep -q '^/dev/pts/[0-9]*$'
verdict $? "ttyconsole prints the terminal"
attach v
said=$(python3 "$work/rfb.py" "127.0.0.1:$port" 2>&1)
pixels=${said##*pixels=}
[ "${said%% [0-9]*}" = "RFB" ] && [ "${pixels:-0}" -gt 100000 ] 2>/dev/null
verdict $? "a viewer gets the whole picture" || note "$said"

# Viewers that connect and never read, while they are asked for pictures.
cat >"$work/greedy.py" <<'PYTHON'
import socket, struct, sys, time
held = []
for _ in range(40):
    try:
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
        s.settimeout(5)
        s.recv(12)
        s.sendall(b"RFB 003.008\n")
        s.recv(2)
        s.sendall(b"\1")
        s.recv(4)
        s.sendall(b"\1")
        s.sendall(struct.pack(">BBHi", 2, 0, 1, 0))
        s.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, 640, 400) * 50)
        held.append(s)
    except OSError:
        pass
# One that was let go makes room for another: those that stand now count.
held = [s for s in held
        if s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1]
print(len(held), flush=True)
sys.stdin.read()
PYTHON
mkfifo "$work/hold"
python3 "$work/greedy.py" "$port" <"$work/hold" >"$work/held" &
greedy=$!
exec 9>"$work/hold"
for ((i = 0; i < 100 && $(stat -c %s "$work/held") == 0; i++)); do
    sleep 0.2
done
[ "$(cat "$work/held")" -le 32 ]
verdict $? "no more than 32 connections are had at a time" || note "$(cat "$work/held")"
[ "$(ask v 'echo still here')" = "still here" ] &&
    svirt domstate v | grep -q running && svirt verify v >"$work/said" 2>&1
verdict $? "viewers that never read hold up nothing, and verify knows them" ||
    note "$(cat "$work/said")"
exec 9>&-
wait "$greedy"
sleep 0.3
said=$(python3 "$work/rfb.py" "127.0.0.1:$port" 2>&1)
[ "${said%% [0-9]*}" = "RFB" ]
verdict $? "when they are gone the next one is served" || note "$said"

# ---- one port, two domains ----------------------------------------------------
machine w "<video><model type='vga'/></video>" \
    "<graphics type='vnc' port='$port'/>"
svirt start w >"$work/said" 2>&1
[ $? = 7 ] && grep -q "port $port is held by running domain 'v'" "$work/said"
verdict $? "a second domain with the same port is refused, the holder named" ||
    note "$(cat "$work/said")"
forget w
forget v

# ---- password, sockets ----------------------------------------------------------
machine p "<video><model type='vga'/></video>" \
    "<graphics type='vnc' passwd='s3cret,x'><listen type='socket' socket='$work/vnc.sock'/></graphics>"
start p
verdict $? "a display with a password on a socket of its own"
said=$(python3 "$work/rfb.py" "$work/vnc.sock" 's3cret,x' 2>&1)
[ "${said%% [0-9]*}" = "RFB" ]
verdict $? "the password opens it" || note "$said"
! python3 "$work/rfb.py" "$work/vnc.sock" 'wrong' >"$work/said" 2>&1
verdict $? "another one does not" || note "$(cat "$work/said")"
! python3 "$work/rfb.py" "$work/vnc.sock" >"$work/said" 2>&1 &&
    grep -q 'security types are \[2\]' "$work/said"
verdict $? "and none is not enough" || note "$(cat "$work/said")"
! svirt dumpxml p | grep -q s3cret && svirt dumpxml --security-info p | grep -q s3cret
verdict $? "dumpxml keeps it for itself, but for --security-info"
! grep -asq s3cret /proc/[0-9]*/cmdline
verdict $? "it stands in no command line"
[ "$(svirt domdisplay p)" = "vnc+unix://$work/vnc.sock" ]
verdict $? "domdisplay names the socket"
forget p
[ ! -e "$work/vnc.sock" ]
verdict $? "the socket goes with the domain"
starts "a display that nobody can connect to" \
    "<video><model type='vga'/></video>" \
    "<graphics type='vnc'><listen type='none'/></graphics>"
starts "a socket in the run directory" \
    "<graphics type='vnc'><listen type='socket'/></graphics>"
starts "IPv6" "<graphics type='vnc'><listen type='address' address='::1'/></graphics>"
fails "an address that is not this host's" 10 'cannot open the port of <graphics' \
    "<graphics type='vnc' listen='192.0.2.1'/>"
fails "two displays of a type" 3 "is already taken" \
    "<graphics type='vnc'/>" "<graphics type='vnc'/>"
fails "a websocket" 8 "websocket" "<graphics type='vnc' websocket='5700'/>"

# ---- SPICE ------------------------------------------------------------------------
cat >"$work/spice.py" <<'PYTHON'
# The link stage of SPICE's main channel: magic, version, a reply that is OK.
import socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
body = struct.pack("<IBBIII", 0, 1, 0, 0, 0, 18)
s.sendall(b"REDQ" + struct.pack("<III", 2, 2, len(body)) + body)
head = b""
while len(head) < 16:
    part = s.recv(16 - len(head))
    if not part:
        sys.exit("ended")
    head += part
magic, major, minor, size = struct.unpack("<4sIII", head)
data = b""
while len(data) < size:
    data += s.recv(size - len(data))
print(magic.decode(), major, "error", struct.unpack("<I", data[:4])[0])
PYTHON
boots s
machine s "<video><model type='qxl'/></video>" "<serial type='pty'/>" \
    "<graphics type='spice' autoport='yes'><listen type='address'/><image compression='off'/></graphics>" \
    "<sound model='ich6'><codec type='micro'/></sound>" \
    "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>" \
    "<controller type='usb' model='qemu-xhci'/>" \
    "<hub type='usb'><address type='usb' bus='0' port='1'/></hub>" \
    "<redirdev bus='usb' type='spicevmc'/>" \
    "<smartcard mode='passthrough' type='spicevmc'/>"
start s
verdict $? "a virt-manager desktop with SPICE starts"
port=$(svirt domdisplay s | sed -n 's/^spice:\/\/127\.0\.0\.1:\([0-9]*\)$/\1/p')
said=$(python3 "$work/spice.py" "${port:-1}" 2>&1)
[ "$said" = "REDQ 2 error 0" ]
verdict $? "a SPICE client's link is accepted" || note "$said"
svirt verify s >"$work/said" 2>&1
verdict $? "verify accepts it" || note "$(cat "$work/said")"
forget s
fails "what only SPICE gives without SPICE" 3 "has no SPICE" \
    "<redirdev bus='usb' type='spicevmc'/>"
fails "a port for TLS that is none" 3 "tlsPort='x'" \
    "<graphics type='spice' tlsPort='x'/>"

# ---- sound, watchdog ------------------------------------------------------------
starts "every sound device and watchdog of q35" \
    "<sound model='ac97'/>" "<sound model='es1370'/>" "<sound model='sb16'/>" \
    "<sound model='usb'/>" "<sound model='pcspk'/>" "<audio id='1' type='none'/>" \
    "<watchdog model='ib700' action='inject-nmi'/>" \
    "<watchdog model='itco' action='inject-nmi'/>"
done_testing
