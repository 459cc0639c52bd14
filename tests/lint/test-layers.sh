#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A folder of src/ includes only what lies below it. One row for each folder,
# lowest first: what it may include besides itself and the C library.
set -u
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

facts="base label host image domain"
decide="$facts state model compartment"
declare -A may=(
    [base]=""
    [label]="base"
    [host]="base"
    [image]="base"
    [domain]="base label"
    [state]="$facts"
    [model]="$facts"
    [compartment]="$facts state model"
    [launch]="$decide"
    [keeper]="$decide launch"
    [monitor]="$decide launch keeper"
    [verify]="$decide launch keeper monitor"
    [hypervisor]="$decide launch keeper monitor verify"
    [exec]="$decide launch keeper monitor verify hypervisor"
    [selftest]="$decide launch keeper monitor verify hypervisor"
    [cli]="$decide launch keeper monitor verify hypervisor exec selftest"
)

# "FILE:LINE: FOLDER must not include WHAT"; FILE is .../src/FOLDER/NAME.
upward()
{
    local file line what folder target
    grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null "$@" |
        while IFS=: read -r file line what; do
            folder=${file##*src/}
            folder=${folder%%/*}
            what=${what#*\"}
            what=${what%%\"*}
            target=${what%%/*}
            if [ "$target" = "$what" ]; then
                # A bare name: a header made by the build, or not our style.
                [ ! -e "src/$folder/$what" ] ||
                    echo "$file:$line: write \"$folder/$what\""
            elif [ -z "${may[$folder]+known}" ]; then
                echo "$file:$line: no layer is known for folder '$folder'"
            elif [ "$target" != "$folder" ] &&
                [[ " ${may[$folder]} " != *" $target "* ]]; then
                echo "$file:$line: $folder must not include $what"
            fi
        done
}

unknown_folders()
{
    local folder
    for folder in $(printf '%s\n' "$@" | cut -d / -f 2 | sort -u); do
        [ -n "${may[$folder]+known}" ] || echo "src/$folder has no layer"
    done
}

mkdir -p "$work/src/label" "$work/src/keeper"
echo '#include "launch/spec.h"' >"$work/src/label/a.c"
echo '# include "monitor/control.h"' >"$work/src/keeper/b.c"
catches "sees an upward include" upward "$work/src/label/a.c"
catches "sees an upward include among the acting folders" upward \
    "$work/src/keeper/b.c"
rule "folders include only lower layers" upward 'src/*.c' 'src/*.h'
rule "every folder of src has a layer" unknown_folders 'src/*/*'
done_testing
