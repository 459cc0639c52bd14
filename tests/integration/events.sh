#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 120
# What happens to running domains is told, to who reads it and past who does
# not.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh

# told FILE PATTERN    until the file has a line like it, at most 10 s
told()
{
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        ! grep -q -- "$2" "$1" || return 0
        sleep 0.1
    done
    note "no '$2' in: $(cat "$1")"
    return 1
}

svirt event >"$work/said" 2>&1
is "nobody runs: that is said" $? 9
truncate -s 1M "$work/e.img"
machine e "<serial type='pty'/>" "$(disk virtio vda "$work/e.img")"
machine f "<serial type='pty'/>"
svirt -q start e f
svirt event e --timeout 1 >"$work/said" 2>&1
is "no event comes" $? 13

svirt domstats e >"$work/said" 2>&1 && grep -q '^  state.state=1$' "$work/said" &&
    grep -q '^  balloon.maximum=131072$' "$work/said" &&
    grep -q '^  block.0.rd.reqs=[0-9]*$' "$work/said" &&
    grep -q '^  block.0.name=vda$' "$work/said"
verdict $? "domstats counts" || note "$(cat "$work/said")"
[ "$(svirt domstats --format json | grep -c '"domain"')" = 2 ]
verdict $? "of every domain that runs"
svirt event e --timeout 60 >"$work/one" 2>&1 &
one=$!
svirt events --follow >"$work/all" 2>&1 &
all=$!
svirt events --follow --event reboot --format json >"$work/json" 2>&1 &
json=$!
"$build/src/cli/svirt" events e --follow >/dev/null 2>&1 &
still=$!
kill -STOP "$still"
sleep 1
svirt -q suspend e
wait "$one"
[ "$?" = 0 ] && grep -q "^event 'lifecycle' for domain 'e': Suspended" "$work/one"
verdict $? "a suspended domain is told of" || note "$(cat "$work/one")"
svirt -q resume e
told "$work/all" "'e': Resumed"
verdict $? "and a resumed one"
svirt -q reset f
told "$work/all" "event 'reboot' for domain 'f'"
verdict $? "of every domain that runs"
told "$work/json" '"domain":"f","event":"reboot","qemu":"RESET"' &&
    ! grep -q lifecycle "$work/json"
verdict $? "as JSON, and of the kind that was asked for"
for ((i = 0; i < 40; i++)); do
    svirt -q suspend e && svirt -q resume e || break
done
[ "$i" = 40 ]
verdict $? "who never reads holds up nothing"
kill -CONT "$still"
monitor=$(svirt dominfo e | sed -n 's|^Monitor: *pid \([0-9]*\),.*|\1|p')
if [ -n "$monitor" ]; then
    kill -KILL "$monitor"
    svirt -q suspend f
    told "$work/all" "'f': Suspended"
    svirt domstate e >/dev/null
    sleep 1
    svirt -q suspend e
    [ "$(grep -c "'e': Stopped" "$work/all")" = 0 ]
    verdict $? "a dead monitor is not taken for the end of its domain" ||
        note "$(cat "$work/all")"
fi
svirt -q destroy e
svirt -q destroy f
told "$work/all" "'e': Stopped" && told "$work/all" "'f': Stopped" &&
    wait "$all" "$json" "$still"
verdict $? "the end is told, and ends it"
done_testing
