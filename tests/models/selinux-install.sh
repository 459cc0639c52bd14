#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 600
# lab: -p -m 1536
# A host with Debian's own policy: what is lost there, and what
# `svirt policy install-selinux` gives.
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
. tests/models/selinux-lib.sh
rows() { svirt --format json doctor | jq -r '.[] | "\(.check): \(.result)"'; }

svirt doctor >"$work/doctor" 2>&1
is "doctor's exit code says that something is missing" $? 11
is "without the module it names what" "$(rows)" "SELinux: good
svirt's module: bad
categories: good
VMs kept apart: good
domain enforces: good
VMs can be started: bad"
grep -q 'svirt policy install-selinux' "$work/doctor"
verdict $? "and what to do" || note "$(cat "$work/doctor")"
qemu-img create -q -f qcow2 "$images/early.qcow2" 64M
vm_xml early
check "a VM is defined all the same" svirt -q define "$work/early.xml"
! svirt -q start early >"$work/out" 2>&1
verdict $? "and not started" || note "$(cat "$work/out")"
module=/usr/local/share/svirt/selinux/svirt.cil
chmod 666 "$module"
! svirt policy install-selinux >"$work/out" 2>&1
verdict $? "a module that others can write is refused"
grep -q "is not root's alone" "$work/out"
verdict $? "and it is said why" || note "$(cat "$work/out")"
chmod 644 "$module"
check "no module, no harm" sh -c \
    '! svirt policy install-selinux --file /nonexistent.cil'

check "the module is installed" svirt policy install-selinux
semodule -l | grep -qx svirt
verdict $? "semodule knows it"
is "the programs have their labels" \
    "$(stat -c %C "$(command -v svirt)" /usr/local/libexec/svirt/svirt-* |
        cut -d : -f 3 | tr '\n' ' ')" \
    "svirt_exec_t svirt_keeper_exec_t svirt_monitor_exec_t bin_t "
is "the state too" "$(stat -c %C /var/lib/svirt/state.db | cut -d : -f 3)" \
    svirt_state_t
customizable=/etc/selinux/default/contexts/customizable_types
is "restorecon is told of image labels" "$(grep -c '^svirt_vm_' $customizable)" 2
is "and of what it knew" "$(grep -c swapfile_t $customizable)" 1
check "doctor has nothing to say" svirt doctor
check "the VM starts" svirt -q start early
check "and is verified" svirt verify
is "in svirt's domain" "$(label_of early qemu-system-x86 | cut -d : -f 3)" \
    svirt_vm_tcg_t

# Again, from svirt's own domain this time: an upgrade. Meanwhile the policy's
# store gives the VMs' SELinux user fewer categories, which begin behind c0.
before=$(label_of early qemu-system-x86)
svirt -q destroy early
cd "$work" || exit 1
store=/var/lib/selinux/default/active/modules/500/base
setenforce 0
semodule --cil -E base 2>/dev/null && mkdir -p $store &&
    printf cil >$store/lang_ext &&
    sed 's/^(userrange system_u .*/(userrange system_u ((s0) (s0 (range c100 c139))))/' \
        base.cil >$store/cil
verdict $? "the policy's base is another"
setenforce 1
check "the module is installed again" svirt policy install-selinux
is "nothing is listed twice" "$(grep -c '^svirt_vm_' $customizable)" 2
svirt doctor >"$work/doctor"
is "doctor tells the range, and that sets are claimed" \
    "$? $(grep -c 'c100\.c139, claimed one set after' "$work/doctor")" "0 1" ||
    note "$(cat "$work/doctor")"

# c109.c111 is three.
categories()
{
    label_of "$1" qemu-system-x86 | cut -d : -f 5 | tr ',' '\n' |
        sed 's/c//g; s/\./ /' | while read -r first last; do
            seq "$first" "${last:-$first}"
        done
}
check "a VM that had others starts" svirt -q start early
is "with half of the range, of which there are most" \
    "$(categories early | wc -l) $(categories early | awk \
        '$1 < 100 || $1 > 139' | wc -l)" "20 0"
now=$(label_of early qemu-system-x86)
[ "$now" != "$before" ]
verdict $? "and no longer what it had: $before"
is "its image has the same" "$(stat -c %C "$images/early.qcow2")" \
    "system_u:object_r:svirt_vm_image_t:${now#*_t:}"
vm later
other=$(label_of later qemu-system-x86)
[ "$other" != "$now" ]
verdict $? "another VM has others: $other"
is "the policy lets neither at the other's image" \
    "$(allowed "$now" "$(stat -c %C "$images/later.qcow2")" file | grep -cw read
        allowed "$other" "$(stat -c %C "$images/early.qcow2")" file |
            grep -cw read)" "0
0"
check "both are verified" svirt verify
for name in early later; do
    svirt -q destroy $name
done
check "a VM starts again" svirt -q start early
is "with the set that it claimed" "$(label_of early qemu-system-x86)" "$now"
svirt -q destroy early

# What the range does not have cannot be asked for.
vm_xml fixed
qemu-img create -q -f qcow2 "$images/fixed.qcow2" 64M
sed -i '/<\/domain>/i <seclabel type="static" model="selinux"><label>system_u:system_r:svirt_vm_tcg_t:s0:c1,c2</label></seclabel>' \
    "$work/fixed.xml"
svirt -q define "$work/fixed.xml" 2>/dev/null
svirt -q start fixed >"$work/out" 2>&1
is "a static label out of the range is refused, by its name" \
    "$? $(grep -c "does not know context '.*:c1,c2'" "$work/out")" "3 1" ||
    note "$(cat "$work/out")"
is "nothing was denied" "$(denials svirt_)" ""
done_testing
