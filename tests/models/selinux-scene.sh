#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# lab: -m 1536
# A real VM of svirt's with firmware variables, shared memory, VNC and serial
# sockets, a log and its control socket, attacked by a QEMU and a program that
# have the label of another VM and are root else.
[ "$LAB_MODEL" = selinux ] || { echo "1..0 # SKIP needs a kernel with selinux"; exit 0; }
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
. tests/models/selinux-lib.sh
guest=/var/tmp build=$SVIRT_BUILD root=
. tests/models/scene-lib.sh
scene
attack
for name in victim attacker; do
    check "$name is destroyed" svirt -q destroy "$name"
done
done_testing
