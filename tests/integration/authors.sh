#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# What a definition may name: an author without rights names every file that
# is none of his, root every file that needs a waiver, by every way there is.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/refused.sh
. tests/integration/refused.sh
chmod 711 "$work"
cd "$work" || exit 2
author=nobody other=games
kernel_memory=/proc/kcore
[ -e "$kernel_memory" ] || kernel_memory=/proc/kmsg
device='' loop='' swap=''

clean_up()
{
    destroy_all
    [ -z "$swap" ] || swapoff "$swap"
    umount "$work/mounted" "$work/bound" 2>/dev/null
    [ -z "$loop" ] || losetup -d "$loop"
}
trap clean_up EXIT

# The definition of the VM "try" that names FILE for USE.
# shellcheck disable=SC2034 # write_xml reads kernel and initrd
write_try() # USE FILE
{
    local kernel='' initrd=''
    case $1 in
    disk) write_xml try "$(disk d raw "$2")" ;;
    readonly)
        write_xml try "$(disk d raw "$2" | sed 's|</disk>|<readonly/></disk>|')"
        ;;
    shared)
        write_xml try "$(disk d raw "$2" | sed 's|</disk>|<shareable/></disk>|')"
        ;;
    block)
        write_xml try "$(disk d raw "$2" |
            sed "s|type='file' device|type='block' device|; s|file='|dev='|")"
        ;;
    cdrom)
        write_xml try "<disk type='file' device='cdrom'><driver name='qemu'" \
            "type='raw'/><source file='$2'/><target dev='sda' bus='sata'/>" \
            "<readonly/></disk>"
        ;;
    kernel) kernel=$2 write_xml try ;;
    initrd) kernel=$work/vmlinuz initrd=$2 write_xml try ;;
    emulator) write_xml try "<emulator>$2</emulator>" ;;
    file) write_xml try "<serial type='file'><source path='$2'/></serial>" ;;
    log) write_xml try "<serial type='pty'><log file='$2'/></serial>" ;;
    bind | connect)
        write_xml try "<serial type='unix'><source mode='$1' path='$2'/>" \
            "</serial>"
        ;;
    esac
}

# Exit code of defining and starting "try" as USER; what was said is in said.
try_as() # USER
{
    local code=0
    svirt -q define --author "$1" try.xml >said 2>&1 </dev/null || return $?
    svirt -q start try --paused >said 2>&1 </dev/null || code=$?
    if [ "$code" = 0 ]; then
        svirt -q destroy try
    fi
    svirt -q undefine try
    return "$code"
}

# Every USE of FILE is refused to USER with CODES, with words and a hint.
try_uses() # USER FILE CODES PATTERN USE...
{
    local user=$1 file=$2 codes=$3 pattern=$4 use code bad=
    shift 4
    for use in "$@"; do
        code=0
        write_try "$use" "$file"
        try_as "$user" || code=$?
        if ! [[ " $codes " == *" $code "* ]] || ! grep -q '^error: .' said ||
            ! grep -q '^  hint: .' said || ! grep -Eq -- "$pattern" said; then
            bad="$bad $use: $code $(cat said);"
        fi
    done
    [ -z "$bad" ]
    verdict $? "refused to $user: ${file/"$work"/W} ($*)" || note "$bad"
}

every="disk readonly shared cdrom kernel initrd emulator file log bind connect"
reading="readonly cdrom kernel initrd"
writing="disk shared file log"

cp "$guest/vmlinuz" "$guest/initrd" .
chmod 644 vmlinuz initrd
mkdir own closed
chown "$author" own
chown "$other" closed
chmod 700 closed
truncate -s 1M own/disk.raw closed/disk.raw secret open linked setuid
truncate -s 1M roots.raw
chown "$author" own/disk.raw
chown "$other" closed/disk.raw linked
chmod 600 secret own/disk.raw
chmod 666 open linked closed/disk.raw roots.raw
chmod 4777 setuid
ln linked own/linked
mkfifo -m 666 own/fifo

# Those that hold something: a running VM of root's, a shut off one of the
# author's.
write_xml holder "$(disk d raw "$work/roots.raw")"
check "root's VM runs" svirt -q define holder.xml
check "root's VM starts" svirt -q start holder --paused
write_xml owner "$(disk d raw "$work/own/disk.raw")"
check "the author's VM is defined" svirt -q define --author "$author" owner.xml
check "and starts" svirt -q start owner --paused
svirt -q destroy owner
key=$(echo "$root"/etc/doi/*.key)
run=$root/run/$(svirt domuuid holder)
before=$(leftovers)

# The author without rights.
for file in /etc/shadow "$kernel_memory" /sys/kernel/uevent_seqnum /dev/kmsg \
    "$root/lib/state.db" "$key" "$run/control" "$run/status" \
    "$work/closed/disk.raw"; do
    # shellcheck disable=SC2086
    try_uses "$author" "$file" 6 . $every
done
# A name that is taken cannot be listened on: 7.
# shellcheck disable=SC2086
{
    try_uses "$author" "$work/secret" "6 7" . $every
    try_uses "$author" "$work/setuid" "6 7" . $every
    try_uses "$author" "$work/own/fifo" "6 7" . $every
    try_uses "$author" "$work/own/linked" 6 "rule hard-link" $writing
    try_uses "$author" "$work/roots.raw" 6 "rule other-author.*'holder'" \
        disk shared readonly
}
for target in /etc/shadow "$kernel_memory" "$root/lib/state.db" "$key" \
    "$work/secret" "$work/closed/disk.raw" "$work/setuid"; do
    ln -sfn "$target" own/link
    # shellcheck disable=SC2086
    try_uses "$author" "$work/own/link" "6 7" . $every
done
ln -sfn "$work/closed" own/link
try_uses "$author" "$work/own/link/disk.raw" 6 "uid 65534|permission|may not" \
    disk readonly cdrom kernel
is "nothing of all that is left" "$(leftovers)" "$before"

# Root, without a waiver.
# shellcheck disable=SC2086
{
    try_uses root /etc/shadow 6 "rule system-dir" $reading $writing emulator
    try_uses root /etc/socket 6 "rule system-dir" bind
    try_uses root "$kernel_memory" 6 "rule pseudo-fs" $reading $writing emulator
    try_uses root "$kernel_memory" 6 . bind connect
    try_uses root /sys/kernel/uevent_seqnum 6 "rule pseudo-fs" \
        $reading $writing
    try_uses root "$root/lib/state.db" 6 "rule state" $reading $writing \
        emulator bind
    try_uses root "$key" 6 "rule state" $reading $writing emulator bind
    try_uses root "$run/control" 6 "rule state" connect bind
    try_uses root "$run/status" 6 "rule state" $reading $writing
    try_uses root "$work/own/linked" 6 "rule hard-link" $writing
    try_uses root "$work/setuid" 6 "rule set-id" $reading $writing
    try_uses root "$work/own/disk.raw" 6 "rule other-author.*'owner'" disk
    try_uses root "$work/own/fifo" "6 7" "FIFO|taken" $every
}
# shellcheck disable=SC2086
{
    # svirt itself takes no key of two names: it must not need it here.
    ln "$key" key-link
    try_uses root "$work/key-link" 6 "rule state" disk $reading emulator
    try_uses "$author" "$work/key-link" 6 . disk $reading emulator
}
rm key-link
ln -sfn /etc/shadow own/link
try_uses root "$work/own/link" 6 "rule system-dir" disk kernel file
touch bound
mount --bind "$root/lib/state.db" bound
try_uses root "$work/bound" 6 "rule state" disk kernel file
umount bound

# Devices of the host's own.
root_device()
{
    awk '$(NF-1) ~ "^/dev/" && $3 !~ "^0:" { print $3; exit }' \
        /proc/self/mountinfo
}
device=$(root_device)
if [ -n "$device" ] && mknod mounted-node b "${device%:*}" "${device#*:}"; then
    try_uses root "$work/mounted-node" 6 "rule mounted-device" block
    try_uses "$author" "$work/mounted-node" 6 . block disk
else
    skip "a mounted device is refused" "no mounted block device, or no mknod"
fi
truncate -s 16M loop.img
if mkfs.ext4 -q loop.img && loop=$(losetup -f --show loop.img 2>&1) &&
    mkdir mounted && mount "$loop" mounted; then
    try_uses root "$loop" 6 "rule mounted-device.*mounted" block
    try_uses root "$work/loop.img" 6 "rule mounted-device.*${loop##*/}" \
        $writing $reading
    truncate -s 1M mounted/disk.raw
    write_try disk "$work/mounted/disk.raw"
    check "a file on that mount is nobody's business" try_as root
    umount mounted
    write_try block "$loop"
    check "unmounted it is a disk like others" try_as root
else
    skip "a mounted loop device is refused" "no loop device: $loop"
    loop=
fi
truncate -s 4M swapfile
chmod 600 swapfile
if dd if=/dev/zero of=swapfile bs=1M count=4 status=none &&
    mkswap -q swapfile >/dev/null && swapon swapfile 2>swap.log; then
    swap=$work/swapfile
    # shellcheck disable=SC2086
    try_uses root "$work/swapfile" 6 "rule swap-file" $writing $reading
    swapoff swapfile
    swap=
else
    skip "a swap file is refused" "no swapon here: $(cat swap.log)"
fi
is "nothing of that is left" "$(leftovers | grep -v '^mount')" \
    "$(echo "$before" | grep -v '^mount')"

# What is allowed.
for file in "$work/secret" "$work/closed/disk.raw"; do
    write_try disk "$file"
    check "root may name ${file/"$work"/W}" try_as root
done
write_try disk "$work/open"
check "the author may name what he may write" try_as "$author"
write_try readonly "$work/own/linked"
check "and read what has two names" try_as "$author"
for use in file log bind; do
    write_try "$use" "$work/own/new.$use"
    check "and have svirt make a $use in his directory" try_as "$author"
done
is "which is his" "$(stat -c %U own/new.file own/new.log | sort -u)" "$author"

# Waivers: exactly what the hint says.
waived() # RULE USER USE FILE
{
    local rule=$1 user=$2 use=$3 file=$4 hint
    write_try "$use" "$file"
    check "$rule: $user defines it all the same" \
        svirt -q define --author "$user" try.xml
    refused "$rule: $user may not start it" 6 "rule $rule" svirt start try
    hint=$(sed -n 's/^  hint: .*: \(svirt waiver add .*\)/\1/p' said |
        sed 's/WHY/because/; s/DAYS/3/')
    check "$rule: the hint is a command" eval "${hint:-false}"
    check "$rule: and then it starts" svirt start try --paused
    svirt dominfo try | grep -q "^Waiver: *$rule for '$file': because"
    verdict $? "$rule: dominfo says so"
    svirt waiver list try | grep -q "$rule *$file .*because"
    verdict $? "$rule: waiver list says so"
    svirt -q destroy try
}
undo()
{
    svirt -q undefine try
    is "$1: undefine forgets the waiver" "$(svirt waiver list | grep -c because)" 0
}

waived hard-link root disk "$work/own/linked"
undo hard-link
waived hard-link "$author" disk "$work/own/linked"
python3 - "$root/lib/state.db" <<'PYTHON'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as base:
    base.execute("update waivers set expires_s = 1")
PYTHON
refused "an expired waiver does not count" 6 "rule hard-link" svirt start try
svirt waiver list try | grep -q expired
verdict $? "and is listed as expired"
undo expired
waived set-id root disk "$work/setuid"
id=$(svirt waiver list try | awk 'NR == 3 { print $1 }')
check "a waiver can be removed" svirt -q waiver remove --id "$id"
refused "and counts no more" 6 "rule set-id" svirt start try
undo removed
waived system-dir root readonly /etc/hostname
undo system-dir
waived other-author root disk "$work/own/disk.raw"
undo other-author
if [ -n "$loop" ] && mount "$loop" mounted; then
    waived mounted-device root block "$loop"
    undo mounted-device
    umount mounted
fi
write_try disk "$root/lib/state.db"
refused "svirt's own state: not even defined" 6 "nothing waives" \
    svirt define try.xml
write_try disk "$work/open"
svirt -q define try.xml
refused "and no waiver for it" 3 "layer 'state'" svirt waiver add try \
    --layer state --resource "$root/lib/state.db" --reason because
refused "nor one for no rule" 3 "layer 'everything'" svirt waiver add try \
    --layer everything --resource "$root/lib/state.db" --reason because
svirt -q undefine try

# Another author cannot take a definition over.
svirt -q destroy holder
uuid=$(svirt domuuid holder)
uuid=$uuid write_xml usurper "$(disk d raw "$work/open")"
refused "another author cannot define the same UUID" 5 "UUID|author" \
    svirt define --author "$author" usurper.xml
sed 's/usurper/holder/' usurper.xml >again.xml
refused "nor under the same name" 6 "belongs to uid 0, not 65534" \
    svirt define --author "$author" again.xml
sed -i '/<uuid>/d' again.xml
refused "nor another of that name" 5 "name 'holder' is taken" \
    svirt define --author "$author" again.xml
refused "an author nobody knows is none" 4 "no user" \
    svirt define --author no-such-user try.xml
svirt -q undefine holder
svirt -q undefine owner
is "in the end nothing is left" \
    "$(leftovers | grep -Ev '^(mount|cursors|doi)' | sort)" ""
done_testing
