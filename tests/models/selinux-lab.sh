#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# SELinux is in force in its lab, with Debian's policy and svirt's module.
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
work=$(mktemp -d)
is "SELinux enforces" "$(cat /sys/fs/selinux/enforce)" 1
is "the script is an administrator's" "$(tr -d '\0' </proc/self/attr/current)" \
    unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023
context_of() { stat -c %C "$1"; }
is "files are labelled" "$(context_of /etc/shadow)" \
    system_u:object_r:shadow_t:s0
is "so is the installed svirt" "$(context_of "$(command -v svirt)")" \
    system_u:object_r:svirt_exec_t:s0
is "so is its keeper" "$(context_of /usr/local/libexec/svirt/svirt-keeper)" \
    system_u:object_r:svirt_keeper_exec_t:s0
is "nothing has no label" \
    "$(find / -xdev -context '*:unlabeled_t:*' 2>/dev/null)" ""
check "svirt runs" svirt --version
check "QEMU runs" qemu-system-x86_64 --version

# A domain that may not read the file of another.
cp /etc/hostname "$work/file"
chmod 666 "$work/file"
chcon system_u:object_r:shadow_t:s0 "$work/file"
! runcon -u system_u -r system_r -t setfiles_t cat "$work/file" \
    >"$work/out" 2>&1
verdict $? "another domain is kept from it"
dmesg | grep -q 'avc:  denied .* permissive=0'
verdict $? "the kernel says that SELinux denies"
done_testing
