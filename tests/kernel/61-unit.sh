#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 600
# The unit tests on Debian 12's own kernel (6.1, Landlock ABI 2).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
build=${SVIRT_BUILD:-$PWD/build}
mapfile -t programs < <(find "$build/tests" -type f -perm -u+x -name 'test-*' |
    sort)
options=()
for program in "${programs[@]}"; do
    options+=(-f "$program")
done
exec tests/lab/vm -b "$build" -t 570 -m 1024 -x vsock_loopback \
    "${options[@]}" tests/kernel/in-unit "${programs[@]}"
