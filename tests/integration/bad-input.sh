#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# Bad input of every kind: a clear error with a hint, the documented exit code,
# and nothing left behind.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/refused.sh
. tests/integration/refused.sh
chmod 711 "$work"
cd "$work" || exit 2
small=

clean_up()
{
    destroy_all
    [ -z "$small" ] || umount "$small"
}
trap clean_up EXIT

truncate -s 1M disk.raw
write_xml good "$(disk d raw "$work/disk.raw")"
check "a good definition is one" svirt -q define good.xml
check "and starts" svirt -q start good --paused
svirt -q destroy good

# Text that is no definition.
say() { printf '%s\n' "$1" >bad.xml; }
say "<domain><name>x</name>"
refused "malformed XML" 3 "bad.xml:[0-9]" svirt define bad.xml
say ""
refused "an empty file" 3 "bad.xml" svirt define bad.xml
head -c 5M /dev/zero | tr '\0' ' ' >bad.xml
refused "5 MiB" 3 "too large" svirt define bad.xml
{ echo "<domain>"; for ((i = 0; i < 5000; i++)); do printf '<a>'; done; } >bad.xml
refused "deeply nested" 3 "bad.xml:[0-9].*(deep|nest)" svirt define bad.xml
say "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><domain/>"
refused "entities" 3 "bad.xml:[0-9]" svirt define bad.xml
say "<!DOCTYPE d [<!ENTITY a SYSTEM '/etc/shadow'>]><domain>&a;</domain>"
refused "external entities" 3 "bad.xml:[0-9]" svirt define bad.xml
printf '<domain>\0\377</domain>' >bad.xml
refused "bytes that are no text" 3 "bad.xml" svirt define bad.xml
sed 's|<vcpu>1</vcpu>|<vcpu>0</vcpu>|' good.xml >bad.xml
refused "no processor" 3 "bad.xml:[0-9].*vcpu" svirt define bad.xml
sed "s|<devices>|<devices><hostdev mode='subsystem' type='pci'/>|" good.xml \
    >bad.xml
refused "a host device that is none" 3 "bad.xml:[0-9].*<hostdev> has no <source>" \
    svirt define bad.xml
sed "s|<vcpu>|<throttlegroups/><vcpu>|" good.xml \
    >bad.xml
refused "a limit that would not hold" 6 "bad.xml:[0-9].*throttlegroups" \
    svirt define bad.xml
refused "a missing file" 4 "'none.xml'" svirt define none.xml
refused "a directory" 10 "'$work'" svirt define "$work"
refused "standard input that is none" 3 "standard input" svirt define -
refused "--validate says the same" 6 "bad.xml:[0-9].*throttlegroups" \
    svirt define --validate bad.xml
stock=$work/stock.xml
sed -e "23s|.*|<hostdev mode='subsystem' type='pci'/>|" -e '24,26s/.*//' \
    -e "27s|.*|<hostdev mode='subsystem' type='usb'/>|" \
    "$top/tests/data/domain/virt-manager-spice.xml" >"$stock"
svirt define --validate "$stock" >said 2>&1
is "every fault of a stock definition is listed, each with its hint" \
    "$? $(grep -c "^error: $stock:[0-9]" said) $(grep -c '^  hint: ' said)" \
    "3 2 2"
svirt define --validate "$stock" --format json >said 2>ignored
is "in JSON too" "$? $(python3 -c 'import json
print([fault["line"] for fault in json.load(open("said"))["faults"]])')" \
    "3 [23, 27]"
sed -i 's/<throttlegroups/<vcpu>none<\/vcpu>&/' bad.xml
svirt define bad.xml >said 2>&1
is "define lists them as well" "$? $(grep -c '^error: ' said)" "3 2"

# Names and UUIDs that are taken.
write_xml good "$(disk d raw "$work/disk.raw")"
refused "a name that is taken" 5 "name 'good' is taken" svirt define good.xml
uuid=$(svirt domuuid good)
uuid=$uuid write_xml other
uuid=''
refused "a UUID that is taken" 5 "$uuid" svirt define other.xml

# Files that cannot be a disk. They may come later, so define takes a name
# that nothing has.
unusable() # FACT CODE PATTERN FILE
{
    write_xml try "$(disk d raw "$4")"
    svirt -q define try.xml >out 2>&1
    if [ "$?" = 0 ]; then
        refused "$1" "$2" "$3" svirt start try
        svirt -q undefine try
    else
        refused "$1" "$2" "$3" svirt define try.xml
    fi
}
mkdir directory
mkfifo fifo
ln -s loop-b loop-a
ln -s loop-a loop-b
ln -s nowhere dangling
long=$work/$(printf 'x%.0s' {1..300})
unusable "a missing disk" 4 "vda.*try.*line" "$work/none.raw"
unusable "a disk that is a directory" 6 "is a directory" "$work/directory"
unusable "a FIFO" 6 "is a FIFO" "$work/fifo"
unusable "a character device" 6 "is a character device" /dev/null
unusable "a socket" 4 . "$root/run/none"
unusable "a symlink loop" 3 "loop-a" "$work/loop-a"
unusable "a dangling symlink" 4 "dangling" "$work/dangling"
unusable "a file as a directory" 4 "disk.raw/x" "$work/disk.raw/x"
unusable "a name that is too long" 3 . "$long"
truncate -s 0 empty.raw
check "an empty raw disk is one" eval 'write_xml empty \
    "$(disk d raw "$work/empty.raw")" && svirt -q define empty.xml'
if mkdir -p frozen && mount -t tmpfs -o size=1m none frozen; then
    truncate -s 4k frozen/disk.raw
    mount -o remount,ro frozen
    unusable "a disk on a read-only file system" 6 "frozen" \
        "$work/frozen/disk.raw"
    umount frozen
fi
svirt -q start good --paused
unusable "a disk of a running VM: the holder is named" 7 \
    "held by running domain 'good'" "$work/disk.raw"
refused "a running VM cannot be undefined" 9 "'good' is running" \
    svirt undefine good
svirt -q destroy good

# Emulators.
emulator() # NAME FILE-TEXT
{
    printf '%s' "$2" >"$1"
    chmod 755 "$1"
    write_xml "$1" "<emulator>$work/$1</emulator>"
    svirt -q define "$1.xml"
}
cat >program.c <<'C'
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (strstr(argv[0], "silent")) {
        for (;;)
            pause();
    }
    assert(!strstr(argv[0], "aborter"));
    for (int i = 0; i < 200; i++)
        fprintf(stderr, "complaint %d\n", i);
    fprintf(stderr, "last \033[31m\302\233words\n");
    return argc > 0 ? 3 : 0;
}
C
if cc -o quitter program.c && cp quitter silent && cp quitter aborter; then
    for name in quitter silent aborter; do
        write_xml "$name" "<emulator>$work/$name</emulator>"
        svirt -q define "$name.xml"
    done
    refused "an emulator that ends at once: its words are shown" 14 \
        "ended at once with status 3" svirt start quitter
    grep -q 'complaint 199; last .*words' said && ! grep -q $'\033\|\302\233' said
    verdict $? "on one line, without control characters" || note "$(cat said)"
    refused "one that aborts: not a mere segmentation fault" 14 \
        "signal 11 .*: it aborted or crashed" svirt start aborter
    grep -q 'Assertion .*aborter.* failed' said
    verdict $? "its assertion is shown" || note "$(cat said)"
    cat "$root/log/"*aborter* 2>/dev/null |
        grep -q '\[svirt: the emulator ended with signal 11 .*aborted or'
    verdict $? "the log says so as well" || note "$(ls "$root/log")"
    is "and domstate" "$(svirt domstate aborter --reason)" "shut off (crashed)"
    mkdir -p "$root/etc"
    printf '[svirt]\nready_timeout_s=1\n' >"$root/etc/svirt.conf"
    began=$SECONDS
    refused "an emulator that never answers" 13 "'silent'.*" svirt start silent
    [ $((SECONDS - began)) -lt 30 ]
    verdict $? "is given up in time" || note "after $((SECONDS - began)) s"
    rm "$root/etc/svirt.conf"
else
    skip "emulators that fail" "no compiler"
fi
emulator script '#!/bin/sh
exit 0
'
refused "a script is no emulator" 14 "(no|is no) (ELF )?program" svirt start script
emulator garbage 'no program at all'
refused "nor is garbage" 14 "(no|is no) (ELF )?program" svirt start garbage
cp /bin/true plain
chmod 644 plain
write_xml plain "<emulator>$work/plain</emulator>"
svirt -q define plain.xml
refused "nor what is not executable" 14 "plain|execute" svirt start plain
write_xml gone "<emulator>$work/nowhere</emulator>"
svirt -q define gone.xml
refused "nor what is not there" 4 "emulator '$work/nowhere'" svirt start gone
write_xml dir "<emulator>$work/directory</emulator>"
refused "nor a directory" 6 "is a directory" svirt define dir.xml

# Paths that are too long.
write_xml long-socket "<serial type='unix'><source mode='bind'" \
    "path='$work/$(printf 's%.0s' {1..200})'/></serial>"
svirt -q define long-socket.xml
refused "a socket's name that is too long" 3 "socket" svirt start long-socket
mkdir -p "$work/$(printf 'd%.0s' {1..200})"
write_xml deep-socket "<serial type='unix'><source mode='bind'" \
    "path='$work/$(printf 'd%.0s' {1..200})/sock'/></serial>"
svirt -q define deep-socket.xml
check "one in a deep directory is none of a kind" \
    svirt -q start deep-socket --paused
check "and is where it was wanted" \
    test -S "$work/$(printf 'd%.0s' {1..200})/sock"
svirt -q destroy deep-socket
deep=$work/$(for ((i = 0; i < 15; i++)); do printf '%0200d/' 0; done)
is "$((${#deep} / 1000))000 bytes are a long path" "$((${#deep} / 1000))" 3
refused "a root path that is too long" 3 "no usable root" \
    svirt -c "qemu:///embed?root=$deep$deep" list
check "a long one holds a definition" \
    svirt -q -c "qemu:///embed?root=$deep" define good.xml
check "that starts" svirt -q -c "qemu:///embed?root=$deep" start good --paused
check "and stops" svirt -q -c "qemu:///embed?root=$deep" destroy good
refused "a relative root" 3 "relative" svirt -c "qemu:///embed?root=relative" list
refused "another hypervisor" 8 "lxc:///" svirt -c lxc:///system list
refused "no URI at all" 3 "nonsense" svirt -c nonsense list

# The state.
small=$work/small
mkdir "$small"
if mount -t tmpfs -o size=256k none "$small"; then
    uri="qemu:///embed?root=$small"
    svirt -c "$uri" -q define good.xml 2>out ||
        check "a small state directory holds a definition" cat out
    head -c 1M /dev/zero >"$small/filler" 2>/dev/null
    write_xml more "$(disk d raw "$work/disk.raw")"
    root=$small refused "no space for the state: not defined" "10" "." \
        svirt -c "$uri" define more.xml
    is "and what was there is readable" \
        "$(svirt -c "$uri" list --all --name | xargs)" good
    root=$small refused "no space for the journal: not started" "10" "." \
        svirt -c "$uri" start good
    rm "$small/filler"
    check "with space again it starts" svirt -q -c "$uri" start good --paused
    check "and stops" svirt -q -c "$uri" destroy good
    mount -o remount,ro "$small"
    root=$small refused "a read-only state directory: not defined" 10 \
        "[Rr]ead-only" svirt -c "$uri" define more.xml
    root=$small refused "not started" 10 "[Rr]ead-only" \
        svirt -c "$uri" start good
    is "but listed" "$(svirt -c "$uri" list --all --name | xargs)" good
    umount "$small"
else
    skip "no space for the state" "no tmpfs"
fi
small=''
cp -r "$root" broken
rm -f broken/lib/state.db-*
head -c 4096 /dev/urandom | dd of=broken/lib/state.db conv=notrunc status=none
refused "a damaged state database" 12 "state" \
    svirt -c "qemu:///embed?root=$work/broken" list --all
chmod 777 "$root/lib"
refused "a state directory others may write" 6 "root/lib" svirt define other.xml
chmod 700 "$root/lib"

# What the host lacks. A mount namespace of its own hides the cgroups.
without_cgroups()
{
    unshare -m sh -c '
        while path=$(awk '\''$(NF-2) == "cgroup2" { print $5; exit }'\'' \
            /proc/self/mountinfo) && [ -n "$path" ]; do
            umount "$path" || exit 99
        done
        exec "$@"' sh "$build/src/cli/svirt" "$@"
}
refused "no cgroup v2" 14 "cgroup" without_cgroups start good
hint=$(sed -n 's/^  hint: .*: \(svirt waiver add .*\)/\1/p' said)
check "the hint is a command" eval "${hint:-false}"
check "and with that waiver it starts" without_cgroups start good --paused
svirt dominfo good | grep -Eq '^Waiver: *cgroup'
verdict $? "dominfo names the waiver"
svirt -q destroy good
svirt -q waiver remove --id "$(svirt waiver list | awk 'NR == 3 { print $1 }')"
# A waived cgroup would take the network's address filter with it.
write_xml netty "<interface type='user'><model type='virtio'/></interface>"
svirt -q define netty.xml
svirt -q waiver add netty --layer cgroup --resource netty --reason test
refused "a network without its address filter" 6 "address filter" \
    svirt start netty
svirt -q undefine netty

# A cgroup that is there, and not for svirt; a user namespace; slow disks.
read_only_cgroup()
{
    unshare -m sh -c 'mount -o remount,bind,ro "$0" && exec "$@"' \
        "$cgroup_mount" "$build/src/cli/svirt" "$@"
}
refused "no delegated cgroup" 14 "cgroup.*good" read_only_cgroup start good
grep -q 'hint: make the cgroup writable' said
verdict $? "the hint says what to do about it"
if unshare -Ur true 2>/dev/null; then
    refused "root of a user namespace alone" 14 "user and group" \
        unshare -Ur "$build/src/cli/svirt" start good
else
    skip "root of a user namespace alone" "no user namespaces"
fi
slowly()
{
    timeout 10 strace -o syncs -e trace=fsync,fdatasync \
        -e inject=fsync,fdatasync:delay_enter=10000 \
        "$build/src/cli/svirt" -q "$@"
}
write_xml slow "$(disk d raw "$work/disk.raw")"
check "a disk whose fsync takes 10 ms: define" slowly define slow.xml
[ "$(grep -c DELAYED syncs)" -lt 10 ]
verdict $? "in few of them" || note "$(cat syncs)"
check "start" slowly start slow --paused
check "destroy" slowly destroy slow
check "undefine" slowly undefine slow
check "no Landlock: the other layers hold" svirt selftest --landlock-abi 0
grep -q ' 0 breaches' "$work/check.out" || note "$(tail -n 1 check.out)"

# A file that was deleted and made again is another: its former owner is not
# given to it.
truncate -s 1M mine.raw
chown games mine.raw
write_xml relabelled \
    "<seclabel type='dynamic' model='dac' relabel='yes'/>" \
    "$(disk d raw "$work/mine.raw")"
sed -i '/<seclabel/d; s|</devices>|&\n  <seclabel type="dynamic" model="dac" relabel="yes"/>|' \
    relabelled.xml
check "a VM may own its disk" svirt -q define relabelled.xml
check "it starts" svirt -q start relabelled --paused
[ "$(stat -c %u mine.raw)" -ge 65536 ]
verdict $? "the disk is the VM's"
svirt -q destroy relabelled
inode=$(stat -c %i mine.raw)
rm mine.raw
for ((i = 0; i < 50; i++)); do
    truncate -s 1M mine.raw
    [ "$(stat -c %i mine.raw)" != "$inode" ] || break
    mv mine.raw "other.$i"
done
[ -e mine.raw ] || truncate -s 1M mine.raw
note "the same inode number: $([ "$(stat -c %i mine.raw)" = "$inode" ] &&
    echo yes || echo no)"
check "it starts with the new file" svirt -q start relabelled --paused
svirt -q destroy relabelled
check "and is undefined" svirt -q undefine relabelled
is "the new file's owner is its own again" "$(stat -c %U mine.raw)" root

# The command line.
refused "an unknown command" 2 "'frobnicate'" svirt frobnicate
refused "an unknown option" 2 "frobnicate" svirt list --frobnicate
refused "an unknown global option" 2 "frobnicate" svirt --frobnicate list
refused "an option without its value" 2 "author" svirt define good.xml --author
refused "a missing argument" 2 "DOMAIN|domain" svirt start
refused "an argument too many" 2 "web" svirt domuuid good web
refused "an unknown format" 2 "yaml" svirt list --format yaml
refused "an unknown domain" 4 "'nobody'" svirt start nobody
refused "one that does not run" 9 "'good' is not running" svirt destroy good
refused "nor has a console" 9 "'good' is not running" svirt console good
refused "a serial port that it has not" 9 "not running" \
    svirt console good --devname serial7
refused "a bad number" 2 "soon" svirt shutdown good --wait soon
refused "a bad mode" 8 "rudely" svirt shutdown good --mode rudely
refused "an unknown verb of chain" 2 "break" svirt chain break good
refused "an unknown verb of waiver" 2 "break" svirt waiver break good
# A status that says nothing any more: of a VM that runs, and of one that does
# not.
status=$root/run/$(svirt domuuid good)/status
svirt -q start --paused good
cp -r "${status%/status}" kept
emulator=$(svirt dominfo good | sed -n 's/^Emulator: *pid \([0-9]*\),.*/\1/p')
damage() { printf 'nonsense' | dd of="$status" bs=1 seek=100 conv=notrunc 2>/dev/null; }
told() # FACT WANTED COMMAND...
{
    local fact=$1 wanted=$2
    shift 2
    "$@" >said 2>ignored
    is "$fact" "$? $(grep -c '^warning: the status of running VM .* damaged$' \
        ignored) $(grep -c '^  hint: svirt recover$' ignored) $(tail -n 1 said |
        awk '{ print $(NF - 1), $NF }')" "0 1 1 $wanted"
}
damage
told "list tells of a damaged status" "Name State" eval \
    'svirt list | head -n 1'
told "list --all has no state for it" "no state" eval \
    'svirt list --all | sed "/^$/d" | grep " good "'
told "domstate neither" "no state" eval 'svirt domstate good | sed "/^$/d"'
svirt dominfo good >said 2>ignored
is "dominfo says so, and what the definition says" \
    "$? $(sed -n 's/^State: *//p;s/^Max memory: *//p' said | tr '\n' ' ')" \
    "0 no state 32768 KiB "
refused "no start beside it" 7 "'good'" svirt start good
check "destroy ends it all the same" svirt -q destroy good
! kill -0 "$emulator" 2>/dev/null && [ ! -e "${status%/status}" ]
verdict $? "and its keeper cleaned up"
cp -r kept "${status%/status}"
damage
svirt recover >said
is "recover clears one that does not run" \
    "$? $(grep -c 'damaged status.*ended and released' said)" "0 1"
svirt -q start --paused good
kill_hard "$(keeper good)"
damage
svirt recover >said
grep -q 'damaged status.*left alone: svirt destroy ends it' said
verdict $? "one that runs without a keeper is left alone" || note "$(cat said)"
refused "it is not started again" 9 "running and its status is damaged" \
    svirt start good
check "destroy ends that one too" svirt -q destroy good
check "and it starts" svirt -q start --paused good
svirt -q destroy good
done_testing
