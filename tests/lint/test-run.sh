#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The runner itself: what a program prints, and what tests/run must count.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh

# name, expected "passed failed skipped", body of a shell program
rows=(
    'all-pass|2 0 0|echo 1..2; echo ok 1 - a; echo ok 2 - b'
    'plan-at-the-end|1 0 0|echo ok 1 - a; echo 1..1'
    'not-ok|1 1 0|echo 1..2; echo ok 1; echo not ok 2 - b; exit 1'
    'not-ok-with-exit-0|0 1 0|echo 1..1; echo not ok 1'
    'skip-with-reason|1 0 1|echo 1..2; echo ok 1 "#" SKIP no KVM; echo ok 2'
    'all-skipped|0 0 1|echo 1..0 "#" SKIP no root'
    'no-plan|1 1 0|echo ok 1 - a'
    'silent|0 1 0|exit 0'
    'too-few|1 1 0|echo 1..3; echo ok 1'
    'too-many|2 1 0|echo 1..1; echo ok 1; echo ok 2'
    'crash|1 1 0|echo 1..1; echo ok 1; kill -SEGV $$'
    'crash-before-the-plan|0 1 0|kill -ABRT $$'
    'exit-code|1 1 0|echo 1..1; echo ok 1; exit 3'
    'bail-out|1 1 0|echo 1..9; echo ok 1; echo Bail out! disk; exit 1'
    'out-of-time|1 1 0|echo 1..2; echo ok 1; sleep 60'
    'empty-plan|0 1 0|echo 1..0'
    'words-on-stderr|1 0 0|echo 1..1; echo not ok 7 >&2; echo ok 1'
    'no-input|1 0 0|echo 1..1; read -r x || echo ok 1'
)

work=${TMPDIR:-/tmp}/run
mkdir -p "$work"
for row in "${rows[@]}"; do
    IFS='|' read -r name want body <<<"$row"
    printf '%s\n' "$body" >"$work/$name"
    printf '%s\t2\tbash %s\n' "$name" "$work/$name" >"$work/list"
    tests/run -j 1 "$work/list" >"$work/out" 2>&1
    code=$?
    got=$(tail -n 1 "$work/out" | tr -cd '0-9 ' | tr -s ' ')
    want_code=$([ "$(cut -d ' ' -f 2 <<<"$want")" = 0 ] && echo 0 || echo 1)
    [ "${got% }" = "$want" ] && [ "$code" = "$want_code" ]
    verdict $? "$name"
    [ "${got% }" = "$want" ] || sed 's/^/# /' "$work/out"
done

# Two stages add up, and the report names what failed and what was skipped.
printf 'a\t2\tbash %s/not-ok\n' "$work" >"$work/list"
printf 'b\t2\tbash %s/skip-with-reason\n' "$work" >"$work/other"
tests/run -r "$work/results" -s one "$work/list" >/dev/null
tests/run -r "$work/results" -s two "$work/other" >/dev/null
tests/run -r "$work/results" --report >"$work/out"
[ $? = 1 ] && [ "$(tail -n 1 "$work/out")" = "2 passed, 1 failed, 1 skipped" ]
verdict $? "stages-add-up"
grep -q 'one: a: b' "$work/out" && grep -q 'two: b: .*no KVM' "$work/out"
verdict $? "report-names-what-failed-and-was-skipped"

# What fails once, and what fails at every run.
cat >"$work/once" <<'BODY'
echo 1..2
echo ok 1 - steady
if [ -e "$1" ]; then echo ok 2 - wavers; else touch "$1"; echo not ok 2 - wavers; fi
BODY
rm -rf "$work/results" "$work/mark"
printf 'c\t2\tbash %s/once %s/mark\n' "$work" "$work" >"$work/list"
tests/run -r "$work/results" -s one "$work/list" >"$work/out"
verdict $? "what-passes-when-run-again-counts-as-passed"
tests/run -r "$work/results" --report >"$work/out" &&
    [ "$(tail -n 1 "$work/out")" = "2 passed, 0 failed, 0 skipped" ] &&
    grep -A 1 '^unsteady' "$work/out" | grep -q 'one: c: wavers'
verdict $? "and-is-listed-as-unsteady"
done_testing
