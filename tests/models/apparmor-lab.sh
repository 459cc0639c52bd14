#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# AppArmor is in force in its lab.
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
work=$(mktemp -d)
grep -qw apparmor /sys/kernel/security/lsm
verdict $? "AppArmor is the kernel's model"
is "the script is unconfined" "$(cat /proc/self/attr/apparmor/current)" \
    unconfined
is "the model is enabled" "$(cat /sys/module/apparmor/parameters/enabled)" Y
echo text >"$work/named"
echo text >"$work/other"
cat >"$work/profile" <<PROFILE
profile lab-test {
    / r,
    /** mrix,
    deny $work/other r,
}
PROFILE
check "a profile is loaded" apparmor_parser -r -K "$work/profile"
is "it reads what it may" "$(aa-exec -p lab-test -- cat "$work/named")" text
! aa-exec -p lab-test -- cat "$work/other" >"$work/out" 2>&1
verdict $? "and not what it may not"
sed -i 's/deny /audit deny /' "$work/profile"
check "it is replaced" apparmor_parser -r -K "$work/profile"
! aa-exec -p lab-test -- cat "$work/other" >"$work/out" 2>&1
verdict $? "and enforces still"
dmesg | grep -q 'apparmor="DENIED" operation="open".*profile="lab-test"'
verdict $? "and the kernel says that AppArmor denied it" ||
    note "$(dmesg | tail -n 5)"
done_testing
