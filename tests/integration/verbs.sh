#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# The verbs around a definition: create, edit, desc, domrename, autostart,
# names and ids, lists of devices, and what they say of the host.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

says() # FACT PATTERN COMMAND...
{
    local fact=$1 pattern=$2
    shift 2
    "$@" >"$work/said" 2>&1
    grep -q -- "$pattern" "$work/said"
    verdict $? "$fact" || note "$(cat "$work/said")"
}
code() # FACT CODE COMMAND...
{
    local fact=$1 want=$2 got=0
    shift 2
    "$@" >"$work/said" 2>&1 || got=$?
    is "$fact" "$got" "$want" || note "$(cat "$work/said")"
}
qemu-img create -q -f qcow2 "$work/disk.qcow2" 8M
define vm "$(disk vm qcow2 "$work/disk.qcow2")" \
    "<interface type='user'><mac address='52:54:00:00:00:07'/></interface>"

# ---- names and devices -----------------------------------------------------
is "domname" "$(svirt domname "$(svirt domuuid vm)")" vm
is "domid of one that is off" "$(svirt domid vm)" -
is "domblklist" "$(svirt domblklist vm | awk 'NR == 3 { print $1, $2 }')" \
    "vda $work/disk.qcow2"
is "domblklist --details" \
    "$(svirt domblklist vm --details | awk 'NR == 3 { print $1, $2, $3 }')" \
    "file disk vda"
is "domblkinfo" "$(svirt domblkinfo vm vda | awk '/^Capacity/ { print $2 }')" \
    8388608
code "domblkinfo of no disk" 4 svirt domblkinfo vm vdz
is "domiflist" "$(svirt domiflist vm | awk 'NR == 3 { print $2, $5 }')" \
    "user 52:54:00:00:00:07"
says "domrename" "is called 'web'" svirt domrename vm web
is "renamed in its XML, too" "$(svirt dumpxml web | grep -c '<name>web<')" 1
code "to a name that is taken" 5 svirt domrename web web
code "to none" 3 svirt domrename web a/b
says "desc of none" "No description" svirt desc web
check "desc" svirt desc web "a web server, the" second
is "is kept" "$(svirt desc web)" "a web server, the second"
check "a title" svirt desc web --title Web
is "is kept, too" "$(svirt desc web --title)" Web
is "list shows it" "$(svirt list --all --title | awk 'NR == 3 { print $NF }')" Web

# ---- edit ------------------------------------------------------------------
editor() # COMMANDS OF sed -i
{
    printf '#!/bin/sh\n[ "$1" = --nice ] && shift\n%s\n' "$1" >"$work/editor"
    chmod +x "$work/editor"
}
export VISUAL="$work/editor --nice"
editor "exit 0"
says "edit without a change" "unchanged" svirt edit web
editor "sed -i 's,<vcpu[^<]*<,<vcpu>2<,' \"\$1\""
says "edit" "edited" svirt edit web
is "is kept" "$(svirt dominfo web | awk '/^CPU/ { print $2 }')" 2
editor "sed -i 's,<vcpu[^<]*<,<vcpu>many<,' \"\$1\""
code "what is wrong" 3 svirt edit web </dev/null
is "changes nothing" "$(svirt dominfo web | awk '/^CPU/ { print $2 }')" 2
editor "exit 3"
code "an editor that fails" 1 svirt edit web
VISUAL=$work/none code "an editor that is not there" 4 svirt edit web
editor "sed -i 's,<uuid>.*<,<uuid>$(cat /proc/sys/kernel/random/uuid)<,' \"\$1\""
code "another UUID" 3 svirt edit web
editor "$build/src/cli/svirt desc web meanwhile; sed -i 's,>2<,>1<,' \"\$1\""
code "a change meanwhile" 7 svirt edit web
ls "$work"/svirt-*.xml >"$work/said" 2>&1 && verdict 1 "no draft is left" ||
    verdict 0 "no draft is left"

# ---- a definition of an earlier svirt's -------------------------------------
write_early() # what it stored: the file as it was given
{
    python3 - "$root/lib/state.db" "$(svirt domuuid web)" \
        "$(qemu=$(disk_number=0 disk web qcow2 "$work/disk.qcow2") &&
            echo "<domain type='qemu'><name>web</name><uuid>$(svirt domuuid \
                web)</uuid><memory>65536</memory><os><type machine='pc'>hvm</type>
            </os><devices>$qemu<interface type='user'/></devices></domain>")" \
        <<'PYTHON'
import sqlite3, sys, uuid
with sqlite3.connect(sys.argv[1]) as base:
    base.execute("""update definition_xml set xml = ? where incarnation =
        (select incarnation from definitions where uuid = ?)""",
        (sys.argv[3], uuid.UUID(sys.argv[2]).bytes))
PYTHON
}
svirt dumpxml --inactive web >"$work/web.xml"
write_early
says "a dry run of it" "an earlier svirt's" svirt start --dry-run web
is "writes nothing" "$(svirt dumpxml --inactive web | grep -c pci-root)" 0
says "its start says what it does" "an earlier svirt's" svirt start --paused web
is "it runs, and is stored" "$(svirt domstate web) $(svirt dumpxml --inactive \
    web | grep -cE "pci-root|machine='pc-i440fx")" "paused 2"
check "verify accepts it" svirt verify web
svirt -q destroy web
svirt start --paused web >"$work/said" 2>&1
grep -q "an earlier" "$work/said" && verdict 1 "once" || verdict 0 "once"
svirt -q destroy web
check "the former definition" svirt -q define "$work/web.xml"

# ---- autostart -------------------------------------------------------------
code "autostart of nobody" 2 svirt autostart
check "autostart" svirt autostart web
is "list --autostart" "$(svirt list --all --autostart --name)" web
is "list --no-autostart" "$(svirt list --all --no-autostart --name)" ""
check "autostart --start" svirt autostart --start
is "started it" "$(svirt domstate web)" running
[ "$(svirt domid web)" -ge 1 ]
verdict $? "domid"
code "edit of one that runs" 9 svirt edit web
code "domrename of one that runs" 9 svirt domrename web other
svirt -q destroy web
mv "$work/disk.qcow2" "$work/away"
svirt autostart --start >"$work/said" 2>&1
[ $? = 4 ] && grep -q "web.*disk 'vda'\|disk 'vda' of domain 'web'" "$work/said"
verdict $? "one that cannot start is named" || note "$(cat "$work/said")"
mv "$work/away" "$work/disk.qcow2"
check "undefine takes the mark along" svirt undefine web
is "there is none left" "$(ls "$root/lib/autostart")" ""

# ---- create ----------------------------------------------------------------
cat >"$work/short.xml" <<XML
<domain type='qemu'><name>short</name><memory>65536</memory>
  <os><type machine='q35'>hvm</type></os><devices>
  $(disk_number=0 disk short qcow2 "$work/disk.qcow2")</devices></domain>
XML
says "create" "created" svirt create "$work/short.xml"
is "it is transient" "$(svirt list --transient --name)" short
says "and dominfo says so" "^Persistent: *no" svirt dominfo short
code "it has no autostart" 9 svirt autostart short
code "and no next start" 9 svirt setmaxmem short 65536 --config
is "it is transient as before" "$(svirt list --transient --name)" short
code "a second one" 5 svirt create "$work/short.xml"
is "does not harm the first" "$(svirt domstate short)" running
svirt -q destroy short
is "it is gone at its end" "$(svirt list --all --name)" ""
is "its disk is its owner's again" "$(stat -c %u "$work/disk.qcow2")" 0
svirt -q create --paused "$work/short.xml"
kill -9 "$(svirt dominfo short --format json | python3 -c 'import json, sys
print(json.load(sys.stdin)["emulator"].split()[1].rstrip(","))')"
gone() { [ -z "$(svirt list --all --name)" ] && ! svirt domstate short; }
check "by itself, too" soon gone
svirt -q create --paused "$work/short.xml"
svirt dumpxml --inactive short >"$work/long.xml"
says "define makes it stay" "unchanged" svirt define "$work/long.xml"
# That of the one before may be about to end.
one_keeper()
{
    keeper=$(pgrep -xf "svirt-keeper short")
    [[ $keeper =~ ^[0-9]+$ ]]
}
soon one_keeper
verdict $? "it has one keeper" || note "$keeper"
kill -9 "$(svirt dominfo short --format json | python3 -c 'import json, sys
print(json.load(sys.stdin)["emulator"].split()[1].rstrip(","))')"
# The keeper becomes who asks whether it is to go.
keeper_gone() { [ -z "$(tr -d '\0' <"/proc/$keeper/cmdline")" ] 2>/dev/null; }
check "at its end its keeper goes" soon keeper_gone
is "and it is still defined" "$(svirt list --all --persistent --name)" short
svirt -q undefine short
svirt -q create --paused "$work/short.xml"
kill -9 "$(pgrep -xf "svirt-keeper short")"
svirt recover >"$work/said"
svirt -q destroy short
is "one whose keeper died is not listed" "$(svirt list --all --name)" ""
says "and recover ends it" "transient domain" svirt recover
code "it is gone" 4 svirt domstate short
sed 's,<name>,<uuid>73766972-742d-8065-8078-000000000001</uuid><name>,' \
    "$work/short.xml" >"$work/program.xml"
code "no domain has a UUID of svirt exec's" 6 svirt define "$work/program.xml"
sed -i 's,<memory>.*</memory>,<memory>1</memory><vcpu>0</vcpu>,' "$work/short.xml"
code "create of nonsense" 3 svirt create "$work/short.xml"
is "leaves nothing" "$(svirt list --all --name)" ""

# ---- run in the foreground -------------------------------------------------
define fore
"$build/src/cli/svirt" run fore >"$work/run" 2>&1 &
runner=$!
soon test -n "$(svirt list --name)"
wait_up fore
kill -TERM $runner
wait $runner
is "svirt run ends its guest at SIGTERM" $? 0
is "which is off" "$(svirt domstate fore)" "shut off"
code "shutdown --or-destroy of one that is off" 0 \
    svirt shutdown fore --wait 1 --or-destroy
code "without a time" 2 svirt shutdown fore --or-destroy

# ---- the host --------------------------------------------------------------
is "uri" "$(svirt uri)" "$SVIRT_DEFAULT_URI"
is "hostname" "$(svirt hostname)" "$(uname -n)"
is "nodeinfo" "$(svirt nodeinfo | awk '/^CPU\(s\)/ { print $2 }')" "$(nproc)"
svirt capabilities >"$work/said"
xmllint --noout "$work/said" && grep -q "<domain type='qemu'/>" "$work/said" &&
    grep -q '<model>dac</model>' "$work/said"
verdict $? "capabilities" || note "$(cat "$work/said")"
done_testing
