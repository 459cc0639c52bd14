#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# What an image says of other files: a guest that rewrites its own header gets
# nothing, a raw disk stays raw, and every format starts as it was declared.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/refused.sh
. tests/integration/refused.sh
chmod 711 "$work"
cd "$work" || exit 2

make_image() { qemu-img create -q "$@" >/dev/null; }

# The header of a qcow2 image FILE gets a data file NAME, as a guest could
# write it: the feature table makes room for the new extension.
write_data_file() # FILE NAME
{
    python3 - "$@" <<'PYTHON'
import struct, sys
name = sys.argv[2].encode()
with open(sys.argv[1], "r+b") as image:
    head = bytearray(image.read(4096))
    start, = struct.unpack_from(">I", head, 100)
    backing, = struct.unpack_from(">Q", head, 8)
    at, kept = start, b""
    while True:
        kind, size = struct.unpack_from(">II", head, at)
        if kind == 0:
            break
        after = at + 8 + (size + 7) // 8 * 8
        if kind not in (0x6803f857, 0x44415441):
            kept += bytes(head[at:after])
        at = after
    kept += struct.pack(">II", 0x44415441, len(name))
    kept += name + bytes(-len(name) % 8) + bytes(8)
    end = backing or 4096
    assert start + len(kept) <= end
    head[start:end] = kept + bytes(end - start - len(kept))
    features, = struct.unpack_from(">Q", head, 72)
    struct.pack_into(">Q", head, 72, features | 4)
    image.seek(0)
    image.write(head)
PYTHON
}

# A start of NAME is refused for what its image says now of FILE, which nobody
# has opened.
start_refused() # FACT NAME CHANGE FILE
{
    refused "$1" 6 "$3" traced "$work/opens" start "$2"
    grep -q "hint: .*svirt chain accept $2\$" "$work/said"
    verdict $? "$1: the hint says how to accept it"
    ! grep -F "\"$4\"" "$work/opens"
    verdict $? "$1: it was not even looked at"
}

starts() # FACT NAME
{
    check "$1" svirt -q start "$2" --paused
}

stop() { svirt -q destroy "$1"; }

# Header rewritten while shut off.
mkdir -p web db
make_image -f qcow2 web/base.qcow2 64M
make_image -f qcow2 web/other.qcow2 64M
make_image -f qcow2 -F qcow2 -b "$work/web/base.qcow2" web/disk.qcow2
make_image -f raw db/disk.raw 16M
define web "$(disk d qcow2 "$work/web/disk.qcow2")"
define db "$(disk d raw "$work/db/disk.raw")"
starts "an overlay starts" web
stop web
is "chain show names both images" \
    "$(svirt chain show web | awk 'NR > 2 { print $1, $2, $3, $4 }')" \
    "vda $work/web/disk.qcow2 active qcow2
vda $work/web/base.qcow2 backing qcow2"

cp web/disk.qcow2 web/good.qcow2
for file in /etc/shadow "$work/db/disk.raw"; do
    qemu-img rebase -u -F raw -b "$file" web/disk.qcow2
    start_refused "backing file ${file##*/} written into the header" web \
        "backing file was '$work/web/base.qcow2', is now '$file'" "$file"
    cat web/good.qcow2 >web/disk.qcow2
    write_data_file web/disk.qcow2 "$file"
    start_refused "data file ${file##*/} written into the header" web \
        "data file .*'$file'" "$file"
    cat web/good.qcow2 >web/disk.qcow2
done
# Defining it anew, for another reason, does not accept what the guest wrote.
for file in /etc/shadow "$work/db/disk.raw"; do
    qemu-img rebase -u -F raw -b "$file" web/disk.qcow2
    for letter in a e; do
        uuid=$(svirt domuuid web) write_xml web "$(disk d qcow2 "$work/web/disk.qcow2" |
            sed "s/vda/vd$letter/")"
        sed -i 's/<vcpu>1</<vcpu>2</' "$work/web.xml"
        refused "defined anew as vd$letter with ${file##*/} in the header" 6 \
            "is not the one recorded" \
            traced "$work/opens" define "$work/web.xml"
        ! grep -F "\"$file\"" "$work/opens"
        verdict $? "and ${file##*/} was not even looked at"
    done
    cat web/good.qcow2 >web/disk.qcow2
done
qemu-img rebase -u -F raw -b "json:{\"driver\": \"nbd\", \"host\": \"::1\"}" \
    web/disk.qcow2
refused "a backing file on the network is refused" 6 "is now 'json:" \
    svirt start web
refused "and cannot be accepted" 8 "nbd" svirt chain accept web
cat web/good.qcow2 >web/disk.qcow2
qemu-img rebase -u -F raw -b "$work/web/base.qcow2" web/disk.qcow2
refused "a changed backing format is refused" 6 \
    "backing format was 'qcow2', is now 'raw'" svirt start web
printf 'QFI\373\0\0\0\11' | dd of=web/disk.qcow2 conv=notrunc status=none
refused "a header that became nonsense is refused" 6 \
    "a header is no longer valid" svirt start web
cat web/good.qcow2 >web/disk.qcow2
starts "with the old header it starts again" web
refused "no chain is accepted while the guest writes" 9 "web.*is running" \
    svirt chain accept web
stop web

# Accepting.
qemu-img rebase -u -F raw -b /etc/shadow web/disk.qcow2
refused "/etc/shadow cannot be accepted" 6 "rule system-dir" \
    traced "$work/opens" chain accept web
unopened "$work/opens" /etc/shadow
verdict $? "/etc/shadow was not opened for that" ||
    note "$(grep shadow "$work/opens")"
qemu-img rebase -u -F qcow2 -b "$work/web/other.qcow2" web/disk.qcow2
refused "another base is refused" 6 "is now '$work/web/other.qcow2'" \
    svirt start web
check "until it is accepted" svirt chain accept web
svirt chain show web | grep -q "^ vda *$work/web/other.qcow2 *backing *qcow2"
verdict $? "chain show names it then"
starts "and the domain starts" web
stop web

mv web/other.qcow2 web/kept.qcow2
cp web/kept.qcow2 web/other.qcow2
refused "a base that is another file of the same name" 6 \
    "'$work/web/other.qcow2'.*another file" svirt start web
mv web/kept.qcow2 web/other.qcow2
starts "with the former one it starts" web
stop web
refused "a base that is missing" 4 "'$work/web/gone.qcow2'" eval '
    qemu-img rebase -u -F qcow2 -b "$work/web/gone.qcow2" web/disk.qcow2
    svirt chain accept web'

# Of an author without rights: what he may not have cannot be accepted either.
mkdir poor
make_image -f qcow2 poor/base.qcow2 16M
make_image -f qcow2 -F qcow2 -b "$work/poor/base.qcow2" poor/disk.qcow2
truncate -s 1M secret
chmod 600 secret
chmod 666 db/disk.raw
chown -R nobody poor
write_xml poor "$(disk d qcow2 "$work/poor/disk.qcow2")"
check "an author's overlay is defined" svirt -q define --author nobody poor.xml
starts "and starts" poor
stop poor
for row in "$work/db/disk.raw rule.other-author.*'db'" \
    "$work/secret uid.65534.may.not.read" "$root/lib/state.db may.not|uid" \
    "/etc/shadow rule.system-dir"; do
    qemu-img rebase -u -F raw -b "${row% *}" poor/disk.qcow2
    refused "of an author without rights: ${row% *} is refused" 6 \
        "is now '${row% *}'" svirt start poor
    refused "and not accepted" 6 "${row##* }" svirt chain accept poor
done

# A disk of a guest's that is another's: the guest itself rewrites it, through
# QEMU; the writer's own disk is raw and stays raw (CVE-2010-2238).
make_image -f qcow2 -F qcow2 -b "$work/web/base.qcow2" writer.qcow2
header=$(od -An -tu8 --endian=big -j8 -N8 writer.qcow2 | tr -d ' ')
define victim "$(disk d qcow2 "$work/writer.qcow2")"
define writer "$(disk d raw "$work/writer.qcow2")"
# What the end of an honest name leaves is overwritten too.
cat >"$work/attack" <<GUEST
printf '/etc/shadow' | dd of=/dev/vda bs=1 seek=$header conv=notrunc
printf '\\000\\000\\000\\013' | dd of=/dev/vda bs=1 seek=16 conv=notrunc,fsync
GUEST
check "the writer starts" svirt -q start writer
wait_up writer
type_in writer "$(tr '\n' ';' <"$work/attack")" 3 >"$work/typed"
is "the writer's disk is raw to QEMU" "$(nodes writer | awk '{ print $1 }' |
    sort | tr '\n' ' ')" "file raw "
stop writer
is "the guest has written the header" \
    "$(qemu-img info -f qcow2 writer.qcow2 |
        sed -n 's/^backing file: \([^ ]*\).*/\1/p')" /etc/shadow
start_refused "what a guest wrote from inside" victim \
    "backing file was '$work/web/base.qcow2', is now '/etc/shadow'" /etc/shadow
check "the writer starts again" traced "$work/opens" start writer --paused
is "its disk with a qcow2 header is raw" \
    "$(nodes writer | awk '{ print $1 }' | sort | tr '\n' ' ')" "file raw "
unopened "$work/opens" /etc/shadow
verdict $? "nobody opened /etc/shadow"
stop writer

# Formats.
formats()
{
    local format options
    while read -r format options; do
        # shellcheck disable=SC2086
        make_image -f "$format" $options "image.$format" 16M
        define "$format" "$(disk d "$format" "$work/image.$format")"
        starts "a $format image starts" "$format"
        nodes "$format" | grep -q "^$format rw"
        verdict $? "a $format image is one to QEMU"
        stop "$format"
    done
}
formats <<'LIST'
raw
qcow2 -o compat=1.1
qcow
qed
vmdk
vhdx
vpc
vdi
LIST
make_image -f qcow2 -o compat=0.10 old.qcow2 16M
define old "$(disk d qcow2 "$work/old.qcow2")"
starts "a qcow2 image of version 2 starts" old
stop old
make_image -f qcow2 -o "data_file=$work/data.raw,data_file_raw=on" \
    split.qcow2 16M
define split "$(disk d qcow2 "$work/split.qcow2")"
starts "a qcow2 image with a data file starts" split
is "and QEMU has both" "$(nodes split | awk '{ print $1, $2 }' | sort |
    tr '\n' ' ')" "file rw file rw qcow2 rw "
stop split

make_image -f vmdk -o subformat=twoGbMaxExtentSparse pieces.vmdk 16M
define pieces "$(disk d vmdk "$work/pieces.vmdk")"
refused "a vmdk of several files is told how to become one" 8 \
    "qemu-img convert" svirt start pieces

make_image -f qcow2 link0.qcow2 16M
for depth in 1 2 3 4 5; do
    make_image -f qcow2 -F qcow2 -b "$work/link$((depth - 1)).qcow2" \
        "link$depth.qcow2"
    define "deep$depth" "$(disk d qcow2 "$work/link$depth.qcow2")"
    starts "a chain of $depth backing files starts" "deep$depth"
    is "with every one read-only" \
        "$(nodes "deep$depth" | grep -c '^qcow2 ro')" "$depth"
    stop "deep$depth"
done
make_image -f raw bare.raw 16M
make_image -f qcow2 -F raw -b "$work/bare.raw" noformat.qcow2
make_image -f qcow2 -F qcow2 -b "$work/link0.qcow2" trap.qcow2
for image in noformat trap; do
    python3 - "$image.qcow2" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as image:
    head = image.read(4096)
    at = head.index(b"\xe2\x79\x2a\xca")
    image.seek(at)
    image.write(b"\x12\x34\x56\x78")
PYTHON
done
define noformat "$(disk d qcow2 "$work/noformat.qcow2")"
starts "a backing file without a format is raw" noformat
is "and is raw to QEMU" "$(nodes noformat | grep -c '^raw ro')" 1
stop noformat
# shellcheck disable=SC2016
refused "but for one that looks like qcow2" 6 \
    "without a format, and that begins like a qcow2 image" \
    define trap "$(disk d qcow2 "$work/trap.qcow2")"

# Loops and lies.
make_image -f qcow2 loop1.qcow2 16M
make_image -f qcow2 -F qcow2 -b "$work/loop1.qcow2" loop2.qcow2
qemu-img rebase -u -F qcow2 -b "$work/loop2.qcow2" loop1.qcow2
refused "an image loop is refused" 3 "has one file twice" \
    define loop "$(disk d qcow2 "$work/loop2.qcow2")"
refused "an image of another format than declared is refused" 3 \
    "bare.raw.*(is no|not a) qcow2" \
    define lie "$(disk d qcow2 "$work/bare.raw")"
cp link0.qcow2 long.qcow2
printf '\377\377\377\377' |
    dd of=long.qcow2 bs=1 seek=100 conv=notrunc status=none
refused "a header longer than the file is refused" 3 "header" \
    define lie "$(disk d qcow2 "$work/long.qcow2")"

# In another user's closed directory, with an ACL.
mkdir -m 700 closed
make_image -f qcow2 closed/disk.qcow2 16M
chown -R games:games closed
chmod 600 closed/disk.qcow2
setfacl -m u:nobody:r closed/disk.qcow2
look()
{
    stat -c '%n %u:%g %04a %Z %z' closed closed/disk.qcow2
    getfacl -p closed closed/disk.qcow2
}
before=$(look)
define closed "$(disk d qcow2 "$work/closed/disk.qcow2")"
starts "a disk in another user's 0700 directory starts" closed
is "its inode is as it was while it runs" "$(look)" "$before"
stop closed
is "and afterwards" "$(look)" "$before"
check "undefine gives nothing back, for nothing was taken" \
    svirt -q undefine closed
is "and after undefine" "$(look)" "$before"

# Transient: the guest writes, the image stays.
make_image -f raw short.raw 16M
before=$(sha256sum short.raw)
define short "$(disk d raw "$work/short.raw" |
    sed 's|</disk>|<transient/></disk>|')"
check "a transient disk starts" svirt -q start short
wait_up short
type_in short "" 0 | grep -q 'vda: boot 1'
verdict $? "its guest writes"
stop short
is "its image is as it was" "$(sha256sum short.raw)" "$before"
[ -z "$(ls "$root/lib/scratch" 2>/dev/null)" ]
verdict $? "nothing of it is left"

# Removable media.
cdrom()
{
    echo "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>$1" \
        "<target dev='sda' bus='sata'/><readonly/></disk>"
}
head -c 1M /dev/zero >medium.iso
define empty "$(cdrom '')"
starts "an empty cdrom starts" empty
is "QEMU has no image" "$(nodes empty)" ""
stop empty
define medium "$(cdrom "<source file='$work/medium.iso'/>")"
starts "a cdrom with a medium starts" medium
is "QEMU may only read it" "$(nodes medium | awk '{ print $1, $2 }' | sort |
    tr '\n' ' ')" "file ro raw ro "
stop medium
define optional \
    "$(cdrom "<source file='$work/none.iso' startupPolicy='optional'/>")"
starts "a missing medium that is optional may be missing" optional
stop optional
define missing "$(cdrom "<source file='$work/none.iso'/>")"
refused "one that is not may not" 4 "'$work/none.iso'" svirt start missing

# Sizes. A header that grew is the guest's word; a raw file's size is a fact.
limit()
{
    local pid
    pid=$(svirt dominfo grow | sed -n 's/^Emulator: *pid \([0-9]*\),.*/\1/p')
    sed -n 's/^Max file size *\([0-9]*\) .*/\1/p' "/proc/$pid/limits"
}
sizes() { svirt chain show grow 2>/dev/null | awk 'NR > 2 { print $1, $5, $6 }'; }
make_image -f qcow2 grow.qcow2 16M
make_image -f raw grow.raw 16M
define grow "$(disk d qcow2 "$work/grow.qcow2")" \
    "$(disk_number=1 disk d raw "$work/grow.raw")"
starts "two disks of 16 MiB start" grow
before=$(limit)
[ "$before" -ge $((16 << 20)) ] && [ "$before" -lt $((128 << 20)) ]
verdict $? "no file may be much longer" || note "$before"
stop grow
qemu-img resize -q grow.qcow2 1G
svirt start --paused grow >said 2>&1
verdict $? "a qcow2 that was resized starts" || note "$(cat said)"
grep -q "^warning: disk 'vda': image '$work/grow.qcow2' says it has grown from 16777216 to 1073741824 bytes" \
    said && grep -q '^  hint: .*svirt chain accept grow$' said
verdict $? "with a warning that names it" || note "$(cat said)"
is "and the limit stays" "$(limit)" "$before"
is "chain show has both sizes" "$(sizes | head -n 1)" "vda 16777216 1073741824"
stop grow
svirt start --paused grow --format json >said 2>ignored
python3 -c 'import json
w = json.load(open("said"))["warnings"]
assert len(w) == 1 and "has grown" in w[0]["message"], w
assert w[0]["hint"].endswith("svirt chain accept grow"), w'
verdict $? "JSON has the warning too" || note "$(cat said)"
stop grow
check "the size is accepted" svirt -q chain accept grow
svirt start --paused grow >said 2>&1
verdict $? "then it starts"
! grep -q warning said
verdict $? "without a warning" || note "$(cat said)"
[ "$(limit)" -ge $((1 << 30)) ]
verdict $? "and the limit has grown with it" || note "$(limit)"
is "both sizes are one" "$(sizes | head -n 1)" "vda 1073741824 1073741824"
stop grow
qemu-img resize -q -f raw grow.raw 4G
svirt start --paused grow >said 2>&1
verdict $? "a raw image that was resized starts"
! grep -q warning said
verdict $? "without a warning: no guest can do that" || note "$(cat said)"
[ "$(limit)" -ge $((4 << 30)) ]
verdict $? "and may be written whole" || note "$(limit)"
is "chain show has both of its sizes" "$(sizes | tail -n 1)" \
    "vdb 16777216 4294967296"
stop grow

# What define says of images.
make_image -f qcow2 odd.raw 1M
write_xml odd "$(disk d raw "$work/odd.raw")" \
    "$(disk_number=1 disk d raw "$work/later.raw")"
svirt define odd.xml >said 2>&1
verdict $? "odd images are defined" || note "$(cat said)"
grep -q "^warning: disk 'vda': image '$work/odd.raw' is declared raw and begins like a qcow2 image" said
verdict $? "a raw image that begins like qcow2: a warning" || note "$(cat said)"
grep -q "^warning: the start will fail: cannot use disk 'vdb'" said &&
    grep -q "caused by: .*'$work/later.raw'" said
verdict $? "a disk that is missing: a warning" || note "$(cat said)"

# Shared.
make_image -f raw both.raw 16M
for name in first second; do
    make_image -f qcow2 -F qcow2 -b "$work/link0.qcow2" "$name.qcow2"
    define "$name" \
        "$(disk d raw "$work/both.raw" | sed 's|</disk>|<shareable/></disk>|')" \
        "$(disk_number=1 disk d qcow2 "$work/$name.qcow2")" \
        "$(disk_number=2 disk d qcow2 "$work/link0.qcow2" |
            sed 's|</disk>|<readonly/></disk>|')"
    starts "$name starts with a shareable disk and a shared base" "$name"
done
is "both run" "$(svirt list --name | sort | tr '\n' ' ' | xargs)" "first second"
done_testing
