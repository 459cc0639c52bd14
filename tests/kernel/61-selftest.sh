#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 600
# The selftest on Debian 12's own kernel (6.1, Landlock ABI 2): with the ABI it
# has, and without Landlock. SVIRT_TABLE=FILE keeps the table.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh
build=${SVIRT_BUILD:-$PWD/build}
out=${TMPDIR:-/tmp}/selftest
options=(-f "$(command -v passt)")
# What a host with virtual machines has loaded.
for module in vsock_loopback tun loop fuse sctp algif_hash dm_mod vhost_net \
    vhost_vsock uinput msr; do
    options+=(-x "$module")
done

tests/lab/vm -b "$build" -t 580 -m 1024 "${options[@]}" \
    tests/kernel/in-selftest >"$out"
verdict $? "nothing gets through" || note "$(cat "$out")"
grep -q '^kernel 6\.1\.' "$out"
verdict $? "the kernel is Debian's 6.1"
for run in with without; do
    sed -n "/^== $run Landlock/,/^== end/p" "$out" >"$out.$run"
    summary=$(grep -E '^[0-9]+ attempts: ' "$out.$run")
    held=$(sed -n 's/.* \([0-9]*\) held.*/\1/p' <<<"$summary")
    [ "${held:-0}" -ge 120 ]
    verdict $? "$run Landlock at least 120 attempts are held: $summary"
    grep -q ' 0 breaches, 0 broken' <<<"$summary"
    verdict $? "$run Landlock no breach, and every control works: $summary" ||
        note "$(grep -iE 'breach|broken' "$out.$run")"
done
[ -z "${SVIRT_TABLE:-}" ] || cp "$out.with" "$SVIRT_TABLE"
done_testing
