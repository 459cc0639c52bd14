#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 400
# long
# An ordinary user on Debian 12's own kernel, with user namespaces and without.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
# Nothing can be downloaded inside.
scripts/guest >/dev/null
exec tests/lab/vm -H -b "${SVIRT_BUILD:-$PWD/build}" -t 380 -m 1536 \
    tests/kernel/in-session
