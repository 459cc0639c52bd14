# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154 # what lib.sh sets
# For MODEL-exec.sh: svirt exec under a model that enforces. The script defines
#
#     current PID           the label of a process
#     label_of FILE         of a file; nothing where the model has paths
#     as LABEL COMMAND...   the command with that label, in the host's own root
#     denials               how often the model has said no
#     loaded                profiles, rules that are svirt's, if the model has
#                           them; else nothing
#
# and calls exec_under_model.
program_pid() # SECONDS: of sleep SECONDS
{
    local pid
    for pid in $(pgrep -xf "/usr/bin/sleep $1"); do
        echo "$pid"
        return
    done
    return 1
}
started() { program_pid "$1" >/dev/null; }
ended() { ! started "$1"; }
labels()
{
    local file
    for file in one two three; do
        label_of "$work/$file"
    done | tr -d '\n'
}
# One whose svirt was killed is busy until its guard has ended it.
given_back() { svirt recover >"$work/said" 2>&1 && [ "$(labels)" = "$1" ]; }

exec_under_model()
{
    local file first second before one two before_denials pid
    for file in one two three; do
        echo "secret $file" >"$work/$file"
        chmod 600 "$work/$file"
    done
    before=$(labels)
    svirt exec --rw "$work/one" -- sleep 7011 2>"$work/said1" &
    pid=$!
    svirt exec --rw "$work/two" -- sleep 7012 2>"$work/said2" &
    soon started 7011
    verdict $? "a program starts" || note "$(cat "$work/said1")"
    soon started 7012
    verdict $? "and another" || note "$(cat "$work/said2")"
    first=$(program_pid 7011) second=$(program_pid 7012)
    one=$(current "$first") two=$(current "$second")
    echo "# $one; $two"
    [[ $one == *svirt* ]] && [[ $two == *svirt* ]] && [ "$one" != "$two" ]
    verdict $? "each has a label of its own" || note "$one" "$two"
    check "verify sees it" eval "svirt verify --pid '$first' | grep -q svirt"
    is "what it was given works" \
        "$(svirt exec --ro "$work/three" -- cat "$work/three" 2>&1)" \
        "secret three"
    echo more | svirt exec --rw "$work/three" -- dd of="$work/three" \
        conv=notrunc status=none 2>"$work/said"
    is "and is written" "$? $(head -n 1 "$work/three")" "0 more" ||
        note "$(cat "$work/said")"
    before_denials=$(denials)
    check "the model lets it have its own" as "$one" cat "$work/one"
    ! as "$one" cat "$work/two" && [ "$(denials)" -gt "$before_denials" ]
    verdict $? "and denies it the other's" ||
        note "$before_denials $(denials)"
    # The oldest: its guard has the same words.
    kill "$(pgrep -of 'svirt exec .* sleep 7011')"
    soon ended 7011
    verdict $? "it ends with SIGTERM"
    wait "$pid"
    # Killed, it leaves its label, its file's and what is loaded.
    kill -9 "$(pgrep -of 'svirt exec .* sleep 7012')"
    soon ended 7012
    verdict $? "and with its svirt"
    soon given_back "$before"
    verdict $? "svirt recover gives every file's label back" ||
        note "$before" "$(labels)" "$(cat "$work/said")"
    is "and leaves nothing in the kernel" "$(loaded)" ""
    is "a program runs after it" "$(svirt exec -- echo runs 2>&1)" runs
    is "and leaves nothing" "$(loaded)" ""
}
