#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 200
# lab: -m 1536
# svirt exec on a host that enforces SELinux: categories for each program, its
# files and no other's.
if [ "$LAB_MODEL" != selinux ]; then
    echo "1..0 # SKIP needs a kernel with SELinux (tests/lab/run)"
    exit 0
fi
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
. tests/models/selinux-lib.sh
. tests/models/exec-lib.sh

soon() # COMMAND...
{
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}
current() { tr -d '\0' <"/proc/$1/attr/current"; }
label_of() { stat -c %C "$1"; }
denials() { dmesg | grep -a -c 'avc:  denied'; }
loaded() { :; }
exec_under_model
done_testing
