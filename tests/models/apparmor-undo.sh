#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# A start under AppArmor that fails or is killed on its way.
if [ "$LAB_MODEL" != apparmor ]; then
    echo "1..0 # SKIP needs a kernel with AppArmor (tests/lab/run)"
    exit 0
fi
cd "$SVIRT_TOP" || exit 2
TMPDIR=$(mktemp -d /tmp/svirt-it.XXXXXX)
chmod 755 "$TMPDIR"
. tests/integration/lib.sh
. tests/models/undo-lib.sh
# AppArmor labels no object.
undo_label() { getfattr -d -m - --absolute-names "$1"; }
undo_loaded() { grep "^svirt-$1" /sys/kernel/security/apparmor/profiles; }
undo_all "$work/undo"
done_testing
