#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 2700
# long
# tests/integration/bridge.sh on Debian 12's own kernel, which has macvtap.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
options=()
for module in tun bridge veth macvtap; do
    options+=(-x "$module")
done
# Nothing can be downloaded inside.
scripts/guest >/dev/null
exec tests/lab/vm -b "${SVIRT_BUILD:-$PWD/build}" -H -m 1500 -t 2600 \
    "${options[@]}" tests/kernel/in-bridge
