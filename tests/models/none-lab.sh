#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab without a model, and what all labs have.
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
is "the machine is told its model" "$LAB_MODEL" none
is "no model is in force" "$(cat /sys/kernel/security/lsm)" capability,yama
is "the script is root" "$(id -u)" 0
is "cgroup v2 has its controllers" \
    "$(cat /sys/fs/cgroup/cgroup.controllers)" "cpu io memory pids"
check "the built svirt runs" "$SVIRT_BUILD/src/cli/svirt" --version
check "QEMU runs" qemu-system-x86_64 --version
check "modules can be loaded" /bin/busybox modprobe tun
touch /tmp/file
check "/tmp stores labels" setfattr -n security.x -v y /tmp/file
done_testing
