#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 900
# The unit tests that meet the kernel, on Debian 12's own (6.1, Landlock ABI
# 2), in a machine with the host's root below an overlay.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=${SVIRT_BUILD:-$PWD/build}

# Reading and deciding is the same on every kernel.
skipped='(domain|image|label|model|cli)-.*'
# A thousand processes killed, times measured: not without KVM.
skipped="$skipped|keeper-(survival|hostile|status)|state-claims"
# A root on a block device, a network beyond the loopback.
skipped="$skipped|compartment-refusal-device|launch-passt"
# 61-selftest.sh runs it on file systems of its own.
skipped="$skipped|selftest-.*"
mapfile -t programs < <(find "$build/tests" -type f -perm -u+x -name 'test-*' |
    grep -vE "/test-($skipped)\$" | sort)
options=()
# What a host with virtual machines has loaded.
for module in vsock_loopback tun loop fuse sctp algif_hash dm_mod vhost_net \
    vhost_vsock uinput msr; do
    options+=(-x "$module")
done
exec tests/lab/vm -H -b "$build" -t 870 -m 1024 "${options[@]}" \
    tests/kernel/in-unit "$PWD/tests" "${programs[@]}"
