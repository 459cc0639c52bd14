#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 120
# lab: -x dummy
# svirt exec on a host that enforces AppArmor: a profile for each program, its
# files and no other's, and none left.
if [ "$LAB_MODEL" != apparmor ]; then
    echo "1..0 # SKIP needs a kernel with AppArmor (tests/lab/run)"
    exit 0
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/integration/lib.sh
. tests/models/exec-lib.sh

current() { sed 's/ (enforce)$//' "/proc/$1/attr/apparmor/current"; }
label_of() { :; }
as()
{
    local label=$1
    shift
    bash -c 'echo "exec $0" >/proc/self/attr/apparmor/exec; exec "$@"' \
        "$label" "$@" >/dev/null 2>&1
}
denials() { dmesg | grep -c 'apparmor="DENIED"'; }
loaded() { grep ^svirt /sys/kernel/security/apparmor/profiles; }
exec_under_model
# passt's profile is below the program's: neither may have a process left. It
# wants a way out of the host.
ip link add out type dummy
ip address add 198.51.100.2/24 dev out
ip link set out up
ip route add default via 198.51.100.1 dev out
is "a program with a network of its own runs" \
    "$(svirt exec --net passt -- echo runs 2>&1)" runs
is "and leaves nothing, either" "$(loaded)" ""
done_testing
