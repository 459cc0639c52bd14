#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the guest's clock and CPU show is what <clock> and <cpu> say.
set -u
cd "$(dirname "$0")" || exit 2
# shellcheck source=tests/integration/lib.sh
. ./lib.sh

define clock && svirt dumpxml clock >"$work/clock.xml"
changed() # ELEMENTS
{
    sed "s|<os>|$1<os>|" "$work/clock.xml" >"$work/new.xml"
    svirt -q define "$work/new.xml"
}
shown() # COMMAND
{
    type_in clock "$1" 1
}

changed "<clock offset='absolute' start='1234567890'><timer name='rtc' $(
    )track='guest'/></clock><cpu><model vendor_id='AnotherMaker'>qemu64</model>$(
    )<cache mode='emulate' level='3'/><maxphysaddr mode='emulate' bits='37'/>$(
    )<feature policy='force' name='aes'/><feature policy='forbid' name='sse3'/>$(
    )</cpu>"
check "a VM with a clock and a CPU of its own starts" svirt start clock
check "and its guest boots" wait_up clock
shown date >"$work/said"
grep -q 'Fri Feb 13 23:3.* 2009' "$work/said"
verdict $? "the guest's clock began at start=" || note "$(cat "$work/said")"
shown "cat /proc/cpuinfo" >"$work/said"
grep -q 'vendor_id.*AnotherMaker' "$work/said"
verdict $? "its CPU has vendor_id=" || note "$(cat "$work/said")"
grep -q 'address sizes.*: 37 bits physical' "$work/said"
verdict $? "and the bits of <maxphysaddr>"
grep '^flags' "$work/said" | grep -w aes | grep -qwv pni
verdict $? "and its features"
svirt -q destroy clock

zone=$(date -u -d "+$((5 * 3600 + 1800)) seconds" +%Y-%m-%dT%H)
changed "<clock offset='timezone' timezone='Asia/Kolkata'/>"
svirt start --dry-run clock >"$work/said" 2>&1
grep -q "base=$zone" "$work/said"
verdict $? "a time zone is reckoned at the start" ||
    note "$(grep base= "$work/said")"
changed "<clock offset='timezone' timezone='Nowhere/Atall'/>" 2>"$work/said"
is "one that the host does not know is refused" \
    "$? $(grep -c "no time zone 'Nowhere/Atall'" "$work/said")" "3 1"
done_testing
