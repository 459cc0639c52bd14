#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 120
# What svirt understands and does not give: the definition is kept, everything
# in the way is told with its line, nothing of it is touched, nothing starts.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/refused.sh
. tests/integration/refused.sh
trap destroy_all EXIT
chmod 711 "$work"
cd "$work" || exit 2

truncate -s 1M disk.raw
truncate -s 4M dimm
mkdir tree
write_xml web "$(disk d raw "$work/disk.raw")" \
    "<filesystem type='mount'><source dir='$work/tree'/><target dir='t'/>" \
    "</filesystem>" \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source>" \
    "<address domain='0' bus='0x65' slot='0' function='1'/></source>" \
    "<address type='pci' domain='0' bus='0' slot='9' function='0'/>" \
    "</hostdev>" \
    "<disk type='network'><source protocol='nbd' name='e'>" \
    "<host name='127.0.0.1' port='1'/></source><target dev='vdb'/></disk>" \
    "<serial type='dev'><source path='$work/dimm'/></serial>"
line() { grep -n -m 1 "$1" web.xml | cut -d : -f 1; }
first=$(line '<filesystem')
touched() { stat -c '%n %u %g %a %z' dimm tree; getfattr -d -m - dimm tree; }

before=$(touched)
is_told() # FACT FILE
{
    is "$1" "$(sed -n 's/^warning: web.xml:\([0-9]*\): .*; this domain will not start$/\1/p' \
        "$2" | tr '\n' ' ')$(grep -c '^  hint: .' "$2")" \
        "$first $(line '<hostdev') $(line "type='network'") $(line '<serial') 4"
}
svirt define --validate web.xml >said 2>&1
is "validates" $? 0
is_told "and names each obstacle with its line and a hint" said
svirt --format json define --validate web.xml 2>ignored | python3 -c '
import json, sys
answer = json.load(sys.stdin)
print(len(answer["obstacles"]), *[item["kind"]
      for item in answer["resources"] if item.get("withheld")])' >said
is "lists what they name as not given" "$(cat said)" \
    "4 network-disk host-device directory pci-device"
traced log define web.xml >said 2>&1
is "define keeps the definition" $? 0
is_told "and says the same" said
is "nothing was opened" "$(unopened log "$work/dimm" &&
    unopened log "$work/tree"; echo $?)" 0
is "nothing was changed" "$(touched)" "$before"
is "dumpxml has all of it" "$(svirt dumpxml web | grep -c \
    "<filesystem\|<hostdev\|protocol='nbd'\|<serial type='dev'")" 4
is "no other device has the place of one" "$(svirt dumpxml web |
    grep -c "slot='0x09' function='0x0'\|slot='9' function='0'")" 1
svirt dominfo web >said
is "dominfo says that it cannot start, and why" \
    "$(awk '/^Startable:/ { print $2 }' said) $(grep -c '^Obstacle:' said)" \
    "no 4"

in_its_way="error: domain 'web' cannot start: web:[0-9]+: <filesystem> in"
in_its_way="$in_its_way <devices> would give .*, and 3 more"
refused "start is refused" 6 "$in_its_way" svirt start web
refused "and a dry run" 6 "$in_its_way" svirt start --dry-run web
refused "and run" 6 "$in_its_way" svirt run web
refused "and autostart" 6 "$in_its_way" svirt autostart web
check "which can be taken back" svirt -q autostart --disable web
sed 's|<name>web|<name>other|' web.xml >other.xml
refused "and create, by the file's line" 6 \
    "cannot start: other.xml:$first: .*, and 3 more" svirt create other.xml
is "nothing runs" "$(svirt list --name)" ""
sed -i "s|type='mount'|type='warp'|" other.xml
refused "an unknown word in one is an error" 3 \
    "other.xml:$first: type='warp' of <filesystem> is unknown" \
    svirt define other.xml

write_xml bus "<watchdog model='i6300esb' action='dump'/>"
check "what is not built is one as well" svirt -q define bus.xml
refused "with its own exit code" 8 "action='dump' of <watchdog> is not supp" \
    svirt start bus
uuid=$(svirt domuuid web)
uuid=$uuid write_xml web "$(disk d raw "$work/disk.raw")"
check "without them it is defined again" svirt -q define web.xml
is "can start" "$(svirt dominfo web | awk '/^Startable:/ { print $2 }')" yes
check "and does" svirt -q start web --paused
done_testing
