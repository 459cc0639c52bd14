#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 180
# What tests/lab/run promises, on the host's side.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh
work=${TMPDIR:-$(mktemp -d)}
export TMPDIR=$work
marker=svirt-lab-$$

run() # MODEL TEXT [OPTION]...: TEXT is the script
{
    local model=$1 text=$2
    shift 2
    printf '#!/bin/bash\n%s\n' "$text" >"$work/script"
    chmod 755 "$work/script"
    tests/lab/run -t 60 "$@" "$model" "$work/script" one 'two three'
}

out=$(run none 'printf "%s;" "$@"; exit 7' 2>"$work/err")
is "the script's exit code comes through" $? 7
is "so do its words" "$out" "one;two three;"
is "and nothing else is said" "$(cat "$work/err")" ""

size=$(run none 'head -c 3000000 /dev/zero | tr "\0" x; exit 0' | wc -c)
is "no output is lost at the end" "$size" 3000000

out=$(run none "for file in /etc/$marker /var/lib/$marker /root/$marker \
    \"\$SVIRT_TOP/$marker\" \"\$SVIRT_BUILD/$marker\" /tmp/$marker; do
        echo x >\"\$file\" && cat \"\$file\"; done")
is "the script can write anywhere" "$out" $'x\nx\nx\nx\nx\nx'
left=$(ls "/etc/$marker" "/var/lib/$marker" "/root/$marker" "$marker" \
    "build/$marker" "/tmp/$marker" 2>/dev/null)
is "none of it reaches the host" "$left" ""

began=$SECONDS
run none 'echo before; sleep 50' -t 5 >"$work/out" 2>"$work/err"
is "a machine out of time is exit code 125" $? 125
[ $((SECONDS - began)) -lt 20 ]
verdict $? "and ends in time"
is "what the script said till then is there" "$(cat "$work/out")" before
grep -q 'limit: 5 s' "$work/err"
verdict $? "and so is why" || note "$(cat "$work/err")"

run none 'echo o >/proc/sysrq-trigger; sleep 20' >"$work/out" 2>"$work/err"
is "a machine that ends by itself is exit code 125" $? 125
tests/lab/run vax "$work/script" 2>"$work/err"
is "an unknown model is exit code 125" $? 125
left=$(ls -d "$work"/lab.* 2>/dev/null)
is "no directory is left" "$left" ""
done_testing
