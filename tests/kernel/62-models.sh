#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 900
# All layers at once, which no host without them shows: SELinux with Landlock,
# then AppArmor with Landlock, on Debian 12's own kernel under TCG.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh
scripts/guest >/dev/null
for model in selinux apparmor; do
    tests/lab/vm -M "$model" -t 400 -m 1536 tests/kernel/in-model \
        >"${TMPDIR:-/tmp}/out"
    verdict $? "with $model nothing fails" ||
        note "$(cat "${TMPDIR:-/tmp}/out")"
    grep -qx '1\.\.[0-9]*' "${TMPDIR:-/tmp}/out"
    verdict $? "and all of it was tried"
done
done_testing
