#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# A start under Smack that fails or is killed on its way.
if [ "$LAB_MODEL" != smack ]; then
    echo "1..0 # SKIP needs a kernel with Smack (tests/lab/run)"
    exit 0
fi
cd "$SVIRT_TOP" || exit 2
TMPDIR=$(mktemp -d /tmp/svirt-it.XXXXXX)
chmod 755 "$TMPDIR"
. tests/integration/lib.sh
. tests/models/undo-lib.sh
undo_label()
{
    getfattr --only-values --absolute-names -n security.SMACK64 "$1"
    echo
}
undo_loaded() { grep "svirt-$1.* [rwxatl]*$" /sys/fs/smackfs/load2; }
undo_all "$work/undo"
done_testing
