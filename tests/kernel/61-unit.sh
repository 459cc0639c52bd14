#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 600
# The unit tests that meet the kernel, on Debian 12's own (6.1, Landlock ABI
# 2). What only reads and decides is the same on every kernel; what kills a
# thousand processes takes too long without KVM.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=${SVIRT_BUILD:-$PWD/build}
mapfile -t programs < <(find "$build/tests" -type f -perm -u+x -name 'test-*' |
    grep -vE 'test-(domain|image|label)-|test-keeper-(survival|hostile)$' |
    sort)
options=()
# What a host with virtual machines has loaded.
for module in vsock_loopback tun loop fuse sctp algif_hash dm_mod vhost_net \
    vhost_vsock uinput msr; do
    options+=(-x "$module")
done
exec tests/lab/vm -H -t 570 -m 1024 "${options[@]}" \
    tests/kernel/in-unit "$PWD/tests" "${programs[@]}"
