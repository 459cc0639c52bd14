#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every command and option that --help shows is in the man page, and nothing
# else is; completion offers them.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh
build=${SVIRT_BUILD:-$PWD/build}
page=docs/man/svirt.1
export PATH=$build/src/cli:$PATH

commands() { svirt --help | awk '/^  [a-z]/ && $1 != "svirt" { print $1 }'; }
options() { svirt "$1" --help | awk '/^  --/ { print substr($1, 3) }'; }

# The part of the page that is about one command.
section()
{
    awk -v want="$1" '
        /^\.It Ic / { inside = $3 == want }
        /^\.Sh / { inside = 0 }
        inside' "$page"
}

complete_line() # WORD...
{
    bash -c '. completion/svirt
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _svirt; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}

[ "$(commands | wc -l)" -gt 10 ]
verdict $? "--help lists the commands"
for command in $(commands); do
    missing=
    for option in $(options "$command"); do
        # What stands without a dash in the page: positional arguments.
        case $option in domain | file | verb | command) continue ;; esac
        section "$command" | grep -q -- "^\.It Fl -$option\b" ||
            missing="$missing --$option"
    done
    [ -n "$(section "$command")" ] && [ -z "$missing" ]
    verdict $? "man page: $command" || note "missing:$missing"
    undone=
    for option in $(section "$command" | sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p'); do
        options "$command" | grep -qx -- "$option" || undone="$undone --$option"
    done
    [ -z "$undone" ]
    verdict $? "man page promises nothing else: $command" || note "$undone"
done
is "the page has no other command" \
    "$(awk '/^\.It Ic / { print $3 }' "$page" | sort)" "$(commands | sort)"
is "completes commands" "$(complete_line svirt undef)" undefine
is "completes options" "$(complete_line svirt start web --pau)" --paused
is "completes after a connection" \
    "$(complete_line svirt -c qemu:///embed?root=/nowhere domu)" domuuid
done_testing
