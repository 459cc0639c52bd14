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
        COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_WORDBREAKS=$WORDBREAKS
        _svirt; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
export WORDBREAKS=$' \t\n"\'><=;|&(:'

[ "$(commands | wc -l)" -gt 10 ]
verdict $? "--help lists the commands"
for command in $(commands); do
    missing=
    usage=$(svirt "$command" --help | sed -n 3p)
    for option in $(options "$command"); do
        # What stands without a dash in the page: positional arguments.
        [[ $usage == *"[--$option"[]\ ]* ]] || continue
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
is "and with the connection in one word" \
    "$(complete_line svirt --connect=qemu:///embed?root=/nowhere domu)" domuuid
is "completes a connection behind bash's own parting" \
    "$(complete_line svirt -c qemu:///sy)" "///system"
is "one that is given whole" "$(complete_line svirt --connect=qemu:///em)" \
    "///embed?root="
is "completes formats" "$(complete_line svirt list --format=js)" json
is "and without a parting too" \
    "$(WORDBREAKS=' ' complete_line svirt -c qemu:///sy)" qemu:///system
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat >"$place/vm.xml" <<'XML'
<domain type='qemu'><name>completed</name><memory>65536</memory>
<os><type>hvm</type></os><devices><disk type='file' device='disk'>
<driver name='qemu' type='raw'/><source file='/nothing'/><target dev='vdq'/>
</disk><serial type='pty'/><serial type='pty'/></devices></domain>
XML
elsewhere="qemu:///embed?root=$place"
if [ "$(id -u)" = 0 ]; then
    check "a domain elsewhere" \
        svirt -q -c "qemu:///embed?root=$place" define "$place/vm.xml"
    is "completes the domains of the connection" \
        "$(complete_line svirt -c "qemu:///embed?root=$place" start com)" \
        completed
    while read -r wanted words; do
        # shellcheck disable=SC2086 # as words
        is "completes '$words'" \
            "$(complete_line svirt -c "$elsewhere" ${words//_/} | xargs)" \
            "${wanted//_/ }"
    done <<'LINES'
serial0_serial1 console completed --devname s
vdq chain show completed --disk v
vdq waiver add completed --layer hard-link --resource v
show chain s
completed chain show c
completed start completed c
hard-link waiver add completed --layer ha
completed selftest --from c
uninstall-smack policy un
acpi shutdown completed --mode ac
passt exec --net p
LINES
    for words in doctor recover list selftest policy "domuuid completed"; do
        # shellcheck disable=SC2086 # as words
        is "offers no domain to '$words'" \
            "$(complete_line svirt -c "$elsewhere" $words com)" ""
    done
    for layer in $(complete_line svirt waiver add --layer '' | xargs); do
        svirt -c "$elsewhere" waiver add completed --layer "$layer" \
            --resource none --reason x 2>&1 | grep -q "waive '$layer'"
        verdict $? "completes a layer that can be waived: $layer"
    done
else
    skip "completes the domains of the connection" "needs root"
fi
done_testing
