#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 5600
# long
# tests/integration/systemd.sh on Debian 12's own kernel, whose cgroup v2 has
# every controller: a virtual machine's guests are slow ones.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh
# Nothing can be downloaded inside.
scripts/guest >/dev/null
exec tests/lab/vm -b "${SVIRT_BUILD:-$PWD/build}" -H -m 3000 -t 5400 \
    tests/kernel/in-systemd-host
