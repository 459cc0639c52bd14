#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The rules a machine can check: length, headers, calls that are not made.
set -u
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

long_file()
{
    wc -l /dev/null "$@" |
        awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines" }'
}

# A function begins and ends with a brace in the first column.
long_function()
{
    awk '
    FNR == 1 { start = 0 }
    /^[A-Za-z_][A-Za-z0-9_]*\(/ { name = $0; sub(/\(.*/, "", name) }
    /^[{]/ { start = FNR }
    /^[}]/ {
        if (start && FNR - start + 1 > 60) {
            print FILENAME ":" start ": " name " has " FNR - start + 1 " lines"
        }
        start = 0
    }' /dev/null "$@"
}

# Words shown to a user are not split, so a line with a string may be longer.
wide_line()
{
    awk 'length($0) > 80 && !/"/ {
        print FILENAME ":" FNR ": " length($0) " columns"
    }
    /\t/ { print FILENAME ":" FNR ": a tab" }
    / $/ { print FILENAME ":" FNR ": a space at the end" }' /dev/null "$@"
}

no_licence()
{
    local file
    for file in "$@"; do
        [ ! -s "$file" ] ||
            head -n 3 "$file" |
            grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later' ||
            echo "$file: no SPDX line among the first three"
    done
}

no_guard()
{
    local file
    for file in "$@"; do
        grep -qx '#pragma once' "$file" || echo "$file: no #pragma once"
    done
}

left_open()
{
    grep -nE '\b(TODO|FIXME|XXX)\b|not implemented|unimplemented' \
        /dev/null "$@"
}

calls="strcpy strcat sprintf vsprintf gets system popen alloca g_alloca"
unsafe_call()
{
    code "$@" | grep -E "(^|[^A-Za-z0-9_])(${calls// /|})[[:space:]]*\("
}

by_path="chown lchown chmod setxattr lsetxattr removexattr lremovexattr
    setfilecon lsetfilecon setfilecon_raw lsetfilecon_raw"
# Objects are changed by descriptor; src/base holds the few exceptions, and
# the selftest's probe does what an attacker would.
changed_by_path()
{
    local word=${by_path//[[:space:]]/|}
    while [ "$word" != "${word//||/|}" ]; do
        word=${word//||/|}
    done
    code "$@" | grep -vE '^src/(base|selftest)/' |
        grep -E "(^|[^A-Za-z0-9_])($word)[[:space:]]*\("
}

line_comment()
{
    code "$@" | grep -E '^[^:]*:[0-9]*:.*//'
}

mkdir -p "$work/src"
bad() # name, text: a file that breaks one rule
{
    printf '%b' "$2" >"$work/src/$1"
    echo "$work/src/$1"
}

catches "sees a long file" long_file "$(bad a.c "$(seq 501)\n")"
catches "sees a long function" long_function \
    "$(bad b.c "int\nf(void)\n{\n$(yes ';' | head -n 60)\n}\n")"
catches "sees a wide line" wide_line "$(bad c.c "$(printf '%081d' 0)\n")"
catches "sees a missing licence" no_licence "$(bad d.c 'int a;\n')"
catches "sees a missing guard" no_guard "$(bad e.h 'int a;\n')"
catches "sees an open end" left_open "$(bad f.c '/* TODO: all */\n')"
for call in $calls; do
    catches "sees $call()" unsafe_call "$(bad g.c "int a = $call(b);\n")"
done
for call in $by_path; do
    catches "sees $call() of a path" changed_by_path \
        "$(bad h.c "  if ($call (path)) {\n")"
done
catches "sees a line comment" line_comment "$(bad i.c 'int a; // b\n')"
[ -z "$(unsafe_call "$(bad j.c '/* system(1) */ x("strcpy(a)"); my_system(1);')")" ]
verdict $? "takes comments, strings and longer names for what they are"

all_c=('src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.[ch]' 'bench/*.[ch]')
rule "no file over 500 lines" long_file "${all_c[@]}"
rule "no function over 60 lines" long_function "${all_c[@]}"
rule "80 columns, no tabs" wide_line "${all_c[@]}"
rule "a licence line in every source" no_licence "${all_c[@]}" \
    '*meson.build' '*meson_options.txt' '*.sh' 'scripts/*' check quickstart \
    tests/run tests/lab/vm .ci/run
rule "#pragma once in every header" no_guard 'src/*.h' 'tests/*.h'
rule "nothing is left open" left_open "${all_c[@]}"
rule "no unsafe calls" unsafe_call "${all_c[@]}"
rule "nothing is changed by path outside src/base" changed_by_path \
    'src/*.[ch]'
rule "no line comments" line_comment "${all_c[@]}"
done_testing
