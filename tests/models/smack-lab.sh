#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Smack is in force in its lab.
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
work=$(mktemp -d)
grep -qw smack /sys/kernel/security/lsm
verdict $? "Smack is the kernel's model"
is "the script has the floor label" "$(cat /proc/self/attr/current)" _
echo text >"$work/file"
chmod 755 "$work"
chmod 666 "$work/file"
setfattr -n security.SMACK64 -v vm-b "$work/file"

as() # LABEL COMMAND...
{
    local label=$1
    shift
    # Not as root, whom CAP_MAC_OVERRIDE would let through.
    (printf %s "$label" >/proc/self/attr/current &&
        exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@")
}

is "its own label reads a file" "$(as vm-b cat "$work/file")" text
! as vm-a cat "$work/file" >"$work/out" 2>&1
verdict $? "another label does not"
dmesg | grep -q 'lsm=SMACK.*action=denied subject="vm-a" object="vm-b"'
verdict $? "and the kernel says that Smack denied it" ||
    note "$(dmesg | tail -n 5)"
done_testing
