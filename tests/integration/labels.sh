#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# Labels from <seclabel> to the kernel and back, where the kernel runs no model
# but the tests' own: files by an attribute, processes by oom_score_adj.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/integration/lib.sh

label_of() { getfattr --only-values -n user.svirt.test "$1" 2>/dev/null; }
score_of() { cat "/proc/$(emulator "$1")/oom_score_adj"; }

# NAME SECLABEL [DISK...]: no guest is booted, the labels are all there is.
domain()
{
    local name=$1 seclabel=$2
    shift 2
    cat >"$work/$name.xml" <<XML
<domain type='qemu'>
  <name>$name</name>
  <memory unit='KiB'>65536</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  $seclabel
  <devices>
$(printf '    %s\n' "$@")
  </devices>
</domain>
XML
    svirt -q define "$work/$name.xml"
}
on()
{
    echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/>" \
        "<source file='$1'/><target dev='$2' bus='virtio'/>${3:-}</disk>"
}
file() { truncate -s 1M "$work/$1" && echo "$work/$1"; }

own=$(file own.img) db_own=$(file db-own.img)
base=$(file base.img) both=$(file both.img)
dynamic="<seclabel type='dynamic' model='test'/>"
check "a VM of the test model starts" domain web "$dynamic" \
    "$(on "$own" vda)" "$(on "$base" vdb '<readonly/>')" \
    "$(on "$both" vdc '<shareable/>')"
check "so does another with the same base" domain db "$dynamic" \
    "$(on "$db_own" vda)" "$(on "$base" vdb '<readonly/>')" \
    "$(on "$both" vdc '<shareable/>')"
check "web starts" svirt start web --paused
check "db starts" svirt start db --paused
uuid=$(svirt domuuid web)
is "its own disk carries its own label" "$(label_of "$own")" "svirt:$uuid"
is "the base carries the label of content" "$(label_of "$base")" svirt:content
is "what both write carries the shared label" "$(label_of "$both")" \
    svirt:shared
web=$(svirt label web | awk '$1 == "test" { print $4 }')
is "the emulator runs with the label that is shown" "$(score_of web)" "$web"
[ "$(score_of web)" != "$(score_of db)" ]
verdict $? "two VMs have two labels"
check "verify finds every label" svirt verify web
svirt verify web | grep -q 'emulator *label test *ok *'"$web"
verdict $? "verify names model and label"
svirt verify web | grep -q 'monitor *label test *ok'
verdict $? "the monitor has a label of its own"

svirt verify web | grep -q 'objects *ok *3, labelled as planned'
verdict $? "verify looks at the objects"
is "verify of a process by its pid tells its weakness, not a fault" \
    "$(svirt verify --pid $$ >"$work/out"; echo "$?")" 0
grep -q "pid $$ *emulator *seccomp *weak" "$work/out"
verdict $? "and says which"

setfattr -x user.svirt.test "$own" "$base"
svirt verify web >"$work/out"
is "labels taken away under a running VM are found" $? 11
grep -q "object test *WRONG *'$base' carries none" "$work/out"
verdict $? "each by its path"
check "the plan is shown" svirt relabel web --dry-run
is "which changes nothing" "$(label_of "$own")" ""
svirt relabel web --dry-run | grep -q "svirt:$uuid.*$own"
verdict $? "and names the file and its label"
is "relabel repairs it live" "$(svirt relabel web)" "2 of 3 labels written"
is "what is right is not written again" "$(svirt relabel web)" \
    "0 of 3 labels written"
check "and all is well" svirt verify web

mv "$own" "$own.away"
mkdir "$own"
svirt verify >"$work/out" 2>&1
is "a disk that cannot be looked at is a finding" $? 11
grep -q '^ web .*objects *WRONG' "$work/out"
verdict $? "of its VM" || note "$(cat "$work/out")"
grep -q '^ db .*label test *ok' "$work/out"
verdict $? "and the others are told of all the same"
rmdir "$own"
mv "$own.away" "$own"

echo 999 >"/proc/$(emulator db)/oom_score_adj"
svirt verify db >"$work/out" 2>&1
is "a label changed under a running VM is found" $? 11
grep -q 'label test *WRONG *999' "$work/out"
verdict $? "and shown"
check "db is destroyed" svirt destroy db
check "web is destroyed" svirt destroy web
wait_state web 'shut off'
wait_state db 'shut off'
check "web is undefined" svirt -q undefine web
is "its own disk is given back" "$(label_of "$own")" ""
is "the base still serves the other" "$(label_of "$base")" svirt:content
check "db is undefined" svirt -q undefine db
is "the last one gives the base back" "$(label_of "$base")$(label_of "$both")" \
    ""

check "a static label is taken" domain fixed \
    "<seclabel type='static' model='test'><label>77</label></seclabel>" \
    "$(on "$own" vda)"
check "its VM starts" svirt start fixed --paused
is "with that label" "$(score_of fixed)" 77
is "and without relabelling" "$(label_of "$own")" ""
check "another VM takes the same static label" domain twin \
    "<seclabel type='static' model='test'><label>77</label></seclabel>" \
    "$(on "$db_own" vda)"
check "its VM starts beside it" svirt start twin --paused
svirt verify fixed twin >"$work/out"
is "that they share it is no fault" $? 0
grep -q 'unique test *ok *the same as twin (static labels)' "$work/out"
verdict $? "and is named"
check "a third gets it without a static label" domain third "$dynamic"
check "and starts" svirt start third --paused
echo 77 >"/proc/$(emulator third)/oom_score_adj"
svirt verify fixed third >"$work/out"
is "a label had by somebody without leave is a fault" $? 11
grep -q 'unique test *WRONG *the same as fixed' "$work/out"
verdict $? "and named"
check "the third is destroyed" svirt destroy third
check "the twin is destroyed" svirt destroy twin
check "it is destroyed" svirt destroy fixed
wait_state fixed 'shut off'

check "a label the kernel refuses is defined for another host" domain bad \
    "<seclabel type='static' model='test'><label>c1,c2</label></seclabel>"
svirt start bad >"$work/out" 2>&1
is "but does not start here" $? 3
svirt domstate bad | grep -q 'shut off'
verdict $? "and leaves nothing running"
check "a model that no kernel runs is defined" domain xen \
    "<seclabel type='dynamic' model='flask'/>"
svirt start xen >"$work/out" 2>&1
is "and refused at the start" $? 8
grep -q "model 'flask', which this host does not run" "$work/out"
verdict $? "by its name"
check "type none of it starts" domain nothing \
    "<seclabel type='none' model='flask'/>"
check "without a label" svirt start nothing --paused
check "it is destroyed too" svirt destroy nothing
wait_state nothing 'shut off'
check "type none that names no model" domain any "<seclabel type='none'/>"
svirt label any | grep -Eq '^ (selinux|smack|apparmor)  *none '
verdict $? "is shown as such" || note "$(svirt label any)"

# An attribute of a model that the kernel does not run proves nothing: nobody
# believes it, and it stays what it is.
attributes()
{
    getfattr -d -m '^security[.](selinux|SMACK64)' --absolute-names "$strange"
}
strange=$(file strange.img)
context=system_u:object_r:svirt_vm_image_t:s0:c1,c2
if grep -Eqsw 'selinux|smack' /sys/kernel/security/lsm ||
    ! setfattr -n security.selinux -v $context "$strange" ||
    ! setfattr -n security.SMACK64 -v svirt-host "$strange"; then
    note "a model of the kernel's own has these attributes"
else
    before=$(attributes)
    check "a disk with attributes of other models is defined" domain odd "" \
        "$(on "$strange" vda)"
    check "and started" svirt start odd --paused
    is "no label is read from them" \
        "$(svirt label odd | grep -cE 'svirt_vm_image_t|svirt-host|c1,c2')" 0
    check "verify has no word about them" svirt verify odd
    is "nothing of theirs" \
        "$(grep -cE 'svirt_vm_image_t|svirt-host|c1,c2' "$work/check.out")" 0
    check "it is destroyed in the end" svirt destroy odd
    wait_state odd 'shut off'
    check "and undefined" svirt undefine odd
    is "they stay as they were" "$(attributes)" "$before"
fi
done_testing
