#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# svirt start on a host that enforces Smack: the labels of every process and
# object, what the guest does with them, that none of it is denied, and that
# all of it goes again.
if [ "$LAB_MODEL" != smack ]; then
    echo "1..0 # SKIP needs a kernel with Smack (tests/lab/run)"
    exit 0
fi
cd "$SVIRT_TOP" || exit 2
TMPDIR=$(mktemp -d /tmp/svirt-it.XXXXXX)
chmod 755 "$TMPDIR"
. tests/integration/lib.sh

tools=$build/tests/models
label_of()
{
    getfattr --only-values --absolute-names -n security.SMACK64 "$1"
}
# Of its emulator or its monitor, as verify lists them.
pid_of() # NAME emulator|monitor
{
    svirt dominfo "$1" | sed -n "s/^${2^}: *pid \([0-9]*\),.*/\1/p"
}
# A machine of one CPU beside others may be slow.
up() { wait_up "$1" || wait_up "$1"; }
current() { cat "/proc/$1/attr/smack/current"; }
denials() { dmesg | grep -c 'lsm=SMACK.*action=denied'; }

shared="<disk type='file' device='disk'><driver name='qemu' type='raw'/>\
<source file='$work/both.img'/><target dev='vdy' bus='virtio'/><shareable/>\
</disk>"
base="<disk type='file' device='disk'><driver name='qemu' type='raw'/>\
<source file='$work/base.img'/><target dev='vdz' bus='virtio'/><readonly/>\
</disk>"
for file in web db base both; do
    truncate -s 4M "$work/$file.img"
    chmod 600 "$work/$file.img"
done
define web "$(disk web raw "$work/web.img")" "$shared" "$base"
define db "$(disk db raw "$work/db.img")" "$shared" "$base"
check "web starts" svirt start web
check "db starts" svirt start db
web=svirt-$(svirt domuuid web) db=svirt-$(svirt domuuid db)

is "the emulator has the VM's label" "$(current "$(pid_of web emulator)")" \
    "$web"
is "in every thread" "$(cat /proc/"$(pid_of web emulator)"/task/*/attr/current 2>/dev/null |
    sed "s/$web//g")" ""
is "its monitor one of its own" "$(current "$(pid_of web monitor)")" \
    "$web.monitor"
is "its disk the VM's" "$(label_of "$work/web.img")" "$web"
is "a base the class of content" "$(label_of "$work/base.img")" svirt-content
is "what both write the class of shared" "$(label_of "$work/both.img")" \
    svirt-shared
is "its log the class of logs" "$(label_of "$root/log/web.log")" svirt-log
is "its devices are its own" \
    "$(label_of "/proc/$(pid_of web emulator)/root/dev/null")" "$web"
check "verify finds all of it" svirt verify
svirt verify web | grep -q 'enforcing smack *ok *yes'
verdict $? "and that it is enforced"
# The floor is readable to Smack: its root has no name for it, and Landlock,
# where the kernel has it, no rule.
svirt verify web | grep -q "gap smack *weak .*floor label '_'"
verdict $? "and what Smack leaves open"
svirt dominfo web | grep -q "^Security gap: .*floor label '_'"
verdict $? "dominfo says it, too"
svirt selftest --from web --against db >"$work/qmp" 2>&1
is "its QEMU, told by QMP, reads nothing of the host all the same" \
    "$(grep -c '/etc/[a-z]* *blocked' "$work/qmp") $(
        grep -cw BREACH "$work/qmp")" "2 0" || note "$(cat "$work/qmp")"
is "two VMs are separate, says the kernel" \
    "$("$tools/model-tool" smack separates "${web#svirt-}" "${db#svirt-}")" yes

check "its guest comes up" up web
check "and the other's" up db
type_in web "dd if=/dev/urandom of=/dev/vda bs=64k count=8 && echo wrote-it" 3 |
    grep -q wrote-it
verdict $? "the guest writes its disk"
type_in web "dd if=/dev/vdy of=/dev/null bs=64k count=8 && dd if=/dev/vdz \
of=/dev/null bs=64k count=8 && echo read-them" 3 | grep -q read-them
verdict $? "and reads the shared one and the base"
type_in web "dd if=/dev/zero of=/dev/vdy bs=4k count=1 && echo shared-it" 3 |
    grep -q shared-it
verdict $? "and writes the shared one"
check "it is rebooted" svirt reboot web
check "and comes up again" up web
check "it is suspended" svirt suspend web
check "and resumed" svirt resume web
[ "$(denials)" = 0 ]
verdict $? "nothing of all this was denied" ||
    note "$(dmesg | grep lsm=SMACK)"

# A label taken off a running VM's disk, as by a restored backup.
setfattr -n security.SMACK64 -v _ "$work/web.img"
svirt verify web >"$work/out" 2>&1
is "verify finds it" $? 11
check "relabel repairs it, live" svirt relabel web
is "and it has its label again" "$(label_of "$work/web.img")" "$web"
check "verify is content" svirt verify web

# Another VM that names the disk of one that runs.
define late "$(disk late raw "$work/web.img")"
! svirt relabel late >"$work/out" 2>&1
verdict $? "another's relabel is refused" || note "$(cat "$work/out")"
is "another's relabel leaves a running VM's disk alone" \
    "$(label_of "$work/web.img")" "$web"
check "verify agrees" svirt verify web
check "that one is forgotten" svirt undefine late
is "and the disk is still the running one's" "$(label_of "$work/web.img")" \
    "$web"

# One of two disks that takes no label: the other gets its own back.
for file in one stuck; do
    truncate -s 4M "$work/$file.img"
    chmod 600 "$work/$file.img"
done
one=$(label_of "$work/one.img")
chattr +i "$work/stuck.img"
define two "$(disk two raw "$work/one.img")" "<disk type='file' \
device='disk'><driver name='qemu' type='raw'/><source \
file='$work/stuck.img'/><target dev='vdy' bus='virtio'/></disk>"
! svirt start two --paused >"$work/out" 2>&1
verdict $? "a disk that takes no label stops the start"
grep -q "stuck.img" "$work/out"
verdict $? "is named" || note "$(cat "$work/out")"
is "and the other disk has what it had" "$(label_of "$work/one.img")" "$one"
chattr -i "$work/stuck.img"
check "when it takes one the VM starts" svirt start two --paused
is "with both labelled" "$(label_of "$work/one.img")" \
    "svirt-$(svirt domuuid two)"
check "and ends" svirt destroy two

# The label changed by nobody, the rules by somebody.
printf '%s %s rw' "$web" "$db" >/sys/fs/smackfs/load2
is "a rule between two VMs is found" \
    "$("$tools/model-tool" smack separates "${web#svirt-}" "${db#svirt-}")" no
printf '%s %s -' "$web" "$db" >/sys/fs/smackfs/load2

check "web is destroyed" svirt destroy web
check "and is gone" wait_state web 'shut off'
is "its disk keeps its label" "$(label_of "$work/web.img")" "$web"
check "it starts again" svirt start web --paused
check "and is destroyed again" svirt destroy web
check "and is gone again" wait_state web 'shut off'
check "web is undefined" svirt -q undefine web
is "its rules are taken back" "$(grep -c "$web.* [rwxatl]*$" \
    /sys/fs/smackfs/load2)" 0
is "the other's stay" "$(grep -c "^$db " /sys/fs/smackfs/load2)" 3
is "its disk is given back" "$(label_of "$work/web.img")" _
is "the base serves the other still" "$(label_of "$work/base.img")" \
    svirt-content
check "db is destroyed" svirt destroy db
check "and is gone, too" wait_state db 'shut off'
check "db is undefined" svirt -q undefine db
is "the last gives the base back" \
    "$(label_of "$work/base.img") $(label_of "$work/both.img")" "_ _"

# An author's disk stays the author's, though CAP_MAC_OVERRIDE does not open it
# for svirt; a reboot takes the rules away, the labels stay.
chmod 711 "$work"
truncate -s 1M "$work/mine.img"
chown nobody "$work/mine.img"
define mine "$(disk mine raw "$work/mine.img")"
svirt -q undefine mine
svirt -q define --author nobody "$work/mine.xml"
check "an author's VM starts" svirt start mine --paused
check "and is destroyed" svirt destroy mine
check "and is gone" wait_state mine 'shut off'
mine=$(label_of "$work/mine.img")
printf '_ %s -' "$mine" >/sys/fs/smackfs/load2
printf '%s' "$mine" >/sys/fs/smackfs/revoke-subject
check "it starts after a reboot" svirt start mine --paused
check "and is destroyed then" svirt destroy mine
check "and is gone then" wait_state mine 'shut off'
qemu-io -f raw -c 'sleep 100000' "$work/mine.img" >/dev/null 2>&1 &
locker=$!
has_lock() { grep -qs '^lock:' /proc/$locker/fdinfo/*; }
check "somebody uses its disk" soon has_lock
! svirt start mine --paused >"$work/out" 2>&1
verdict $? "which stops a start" || note "$(cat "$work/out")"
is "that leaves the author the rule" \
    "$(grep -c "^_ $mine rwxatl" /sys/fs/smackfs/load2)" 1
kill_hard $locker

svirt doctor >"$work/doctor" 2>&1
is "doctor finds nothing wrong with Smack" $? 0
grep -q "Smack *good *enforcing" "$work/doctor"
verdict $? "and says that it enforces"
echo 0 >/sys/fs/smackfs/logging
svirt doctor >"$work/doctor" 2>&1
is "denials that are not logged are something missing" $? 11
grep -q "Smack *bad *Smack logs no denial" "$work/doctor"
verdict $? "and named" || note "$(cat "$work/doctor")"
echo 1 >/sys/fs/smackfs/logging

# Without smackfs there is no start, and no silence (CVE-2020-10731).
define off "$(disk off raw "$work/web.img")"
umount /sys/fs/smackfs
is "smackfs not mounted stops a start, and the hint says how to" \
    "$(svirt start off 2>&1 | grep -c 'hint: .*mount -t smackfs')" 1
svirt doctor >"$work/doctor" 2>&1
is "doctor, too, says what is missing" \
    "$? $(grep -c 'mount -t smackfs' "$work/doctor")" "11 1"
mount -t smackfs smackfs /sys/fs/smackfs
check "which then works" svirt start off --paused
check "and is destroyed" svirt destroy off
# The selftest's probe has a label as a VM has.
svirt selftest >"$work/selftest" 2>&1
grep -q ' 0 open, .* 0 breaches' "$work/selftest"
verdict $? "the selftest's attempts fail" || note "$(tail -n 5 "$work/selftest")"
done_testing
