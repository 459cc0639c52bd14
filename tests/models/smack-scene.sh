#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# lab: -m 1536
# A real VM of svirt's with firmware variables, shared memory, VNC and serial
# sockets, a log and its control socket, attacked by a QEMU and a program that
# have the label of another VM and are root else.
[ "$LAB_MODEL" = smack ] || { echo "1..0 # SKIP needs a kernel with smack"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/integration/lib.sh
. tests/models/scene-lib.sh
scene
attack
for name in victim attacker; do
    check "$name is destroyed" svirt -q destroy "$name"
done
done_testing
