#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 400
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
svirt -q destroy early

# Again, from svirt's own domain this time: an upgrade.
check "it is installed again" svirt policy install-selinux
is "nothing is listed twice" "$(grep -c '^svirt_vm_' $customizable)" 2
is "nothing was denied" "$(denials svirt_)" ""
done_testing
