# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# TAP for tests that are shell scripts; sourced by their lib.sh.
#
#     verdict $? "a fact"         one result, by an exit code
#     check "a fact" COMMAND...   the same, running the command
#     is "a fact" GOT WANTED      two texts
#     skip "a fact" "why"         one result that could not be had
#     skip_all "why"              the whole script; ends it
#     done_testing                the plan; ends the script
number=0
failures=0

verdict() # exit code, fact
{
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        failures=$((failures + 1))
    fi
    return "$1"
}

check()
{
    local fact=$1 code=0
    shift
    "$@" >"${TMPDIR:-/tmp}/check.out" 2>&1 || code=$?
    verdict "$([ "$code" = 0 ]; echo $?)" "$fact" ||
        note "'$*' gave $code: $(tail -n 20 "${TMPDIR:-/tmp}/check.out")"
}

is()
{
    [ "$2" = "$3" ]
    verdict $? "$1" || note "got:    $2"$'\n'"wanted: $3"
}

note() { printf '%s\n' "$*" | sed 's/^/# /'; }

skip()
{
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
}

skip_all()
{
    echo "1..0 # SKIP $1"
    exit 0
}

done_testing()
{
    echo "1..$number"
    [ "$failures" = 0 ]
    exit
}
