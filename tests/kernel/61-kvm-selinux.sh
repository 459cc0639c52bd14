#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 900
# long
# KVM and SELinux at once: the domain type that may not make code.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
scripts/guest >/dev/null
exec tests/lab/vm -M selinux -b "${SVIRT_BUILD:-$PWD/build}" -t 880 -m 2048 \
    -x kvm_amd tests/kernel/in-kvm-selinux
