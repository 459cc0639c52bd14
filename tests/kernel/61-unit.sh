#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 600
# The unit tests on Debian 12's own kernel (6.1, Landlock ABI 2).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=${SVIRT_BUILD:-$PWD/build}
top=$PWD
find_programs() { find "$@" -type f -perm -u+x ! -name '*.so*' | sort; }
mapfile -t programs < <(find_programs "$build/tests" -name 'test-*')
options=(-f "$top/tests/data" -f "$(command -v qemu-img)")
# The programs under test, and those that tests start.
for program in $(find_programs "$build/src") "${programs[@]}"; do
    options+=(-f "$program")
done
# What a host with virtual machines has loaded.
for module in vsock_loopback tun loop fuse sctp algif_hash dm_mod vhost_net \
    vhost_vsock uinput msr; do
    options+=(-x "$module")
done
exec tests/lab/vm -b "$build" -t 570 -m 1024 "${options[@]}" \
    tests/kernel/in-unit "$top/tests" "${programs[@]}"
