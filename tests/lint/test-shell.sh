#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What shellcheck warns of in any of the project's shell scripts.
set -u
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

warned()
{
    shellcheck -x -S warning -f gcc "$@"
}

not_executable()
{
    local file
    for file in "$@"; do
        case $file in */lib.sh) continue ;; esac
        [ -x "$file" ] || echo "$file: not executable"
    done
}

mapfile -t scripts < <(files | while read -r file; do
    head -n 1 "$file" 2>/dev/null | grep -aqE '^#!.*\b(ba)?sh$' && echo "$file"
done)
# shellcheck disable=SC2016 # the breach is the text itself
printf '#!/bin/sh\ncd $1\nexit_=$(($1 +))\n' >"$work/bad"
catches "sees a breach" warned "$work/bad"
rule "shellcheck has nothing to say" warned "${scripts[@]}"
rule "every script can be run" not_executable "${scripts[@]}"
done_testing
