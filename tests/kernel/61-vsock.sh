#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 600
# long
# <vsock> on a kernel that has vhost_vsock.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
# Nothing can be downloaded inside.
scripts/guest >/dev/null
exec tests/lab/vm -b "${SVIRT_BUILD:-$PWD/build}" -H -m 1500 -t 540 \
    -x vhost_vsock tests/kernel/in-vsock
