#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# alone
# The README's first command, twice, as a user without a terminal runs it.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh
[ "$(id -u)" = 0 ] || skip_all "needs root"
place=/srv/svirt-quickstart
out=${TMPDIR:-/tmp}/quickstart

processes() { pgrep -fa "$place" | grep -v "$0"; }

for time in first second; do
    check "ends well the $time time" ./quickstart
    cp "${TMPDIR:-/tmp}/check.out" "$out.$time"
done
grep -q 'svirt guest web is up' "$out.first" &&
    grep -q 'svirt guest db is up' "$out.first"
verdict $? "shows both guests' own words"
grep -Eq '^ *(-|[0-9]+) +web +running' "$out.first"
verdict $? "shows web in the list"
grep -q 'Owners and modes are what they were' "$out.first"
verdict $? "shows the disks' owners"
! grep -q $'\e' "$out.first"
verdict $? "uses no colour without a terminal"
[ -z "$(processes)" ]
verdict $? "leaves no process behind" || note "$(processes)"

# What it promises to notice, it notices.
mkdir -p "${TMPDIR:-/tmp}/bin"
printf '#!/bin/sh\nexit 1\n' >"${TMPDIR:-/tmp}/bin/qemu-img"
chmod +x "${TMPDIR:-/tmp}/bin/qemu-img"
if PATH=${TMPDIR:-/tmp}/bin:$PATH ./quickstart >"$out.third" 2>&1; then
    false
fi
verdict $? "fails when a step does"
done_testing
