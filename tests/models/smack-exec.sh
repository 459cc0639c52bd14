#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 120
# svirt exec on a host that enforces Smack: a label for each program, its files
# and no other's, and no rule left.
if [ "$LAB_MODEL" != smack ]; then
    echo "1..0 # SKIP needs a kernel with Smack (tests/lab/run)"
    exit 0
fi
cd "$SVIRT_TOP" || exit 2
TMPDIR=$(mktemp -d /tmp/svirt-it.XXXXXX)
chmod 755 "$TMPDIR"
. tests/integration/lib.sh
. tests/models/exec-lib.sh

current() { cat "/proc/$1/attr/smack/current"; }
label_of()
{
    getfattr --only-values --absolute-names -n security.SMACK64 "$1"
}
as()
{
    local label=$1
    shift
    bash -c 'exec 3>/proc/self/attr/smack/current; echo -n "$0" >&3
        exec setpriv --bounding-set -mac_override,-mac_admin "$@"' \
        "$label" "$@" >/dev/null 2>&1
}
denials() { dmesg | grep -c 'lsm=SMACK.*action=denied'; }
loaded() { grep '^svirt-7376' /sys/fs/smackfs/load2 | grep -v ' -* *$'; }
exec_under_model
done_testing
