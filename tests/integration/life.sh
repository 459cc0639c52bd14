#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# A domain's life by svirt's commands, as an administrator who knows virsh
# would try them: words, columns, exit codes, states, what is left afterwards.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/integration/lib.sh

# Both streams and the exit code of the last svirt that `run` ran.
run() # ARGUMENT...
{
    code=0
    svirt "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
    out=$(cat "$work/out")
    err=$(cat "$work/err")
}

# It ends with 0, prints exactly TEXT and says nothing on stderr.
says() # FACT TEXT ARGUMENT...
{
    local fact=$1 text=$2
    shift 2
    run "$@"
    [ "$code" = 0 ] && [ "$out" = "$text" ] && [ -z "$err" ]
    verdict $? "$fact" || note "exit code $code"$'\n'"out: $out"$'\n'"err: $err"
}

# It ends with CODE, its error matches PATTERN, stdout stays empty.
fails() # FACT CODE PATTERN ARGUMENT...
{
    local fact=$1 wanted=$2 pattern=$3
    shift 3
    run "$@"
    [ "$code" = "$wanted" ] && [ -z "$out" ] &&
        head -n 1 "$work/err" | grep -Eq "^error: .*$pattern"
    verdict $? "$fact" || note "exit code $code"$'\n'"out: $out"$'\n'"err: $err"
}

# It ends with 0 and prints JSON for which the Python EXPRESSION of `j` holds.
json() # FACT EXPRESSION ARGUMENT...
{
    local fact=$1 expression=$2
    shift 2
    run "$@"
    [ "$code" = 0 ] && python3 -c "import json, sys
j = json.load(open(sys.argv[1]))
sys.exit(not ($expression))" "$work/out" 2>"$work/python"
    verdict $? "$fact" || note "exit code $code"$'\n'"$out"$'\n'"$err" \
        $'\n'"$(cat "$work/python")"
}

# What a VM leaves on the host while it runs: nothing, once it does not.
left()
{
    [ ! -e "$root/run/$1" ] || find "$root/run/$1"
    find /sys/fs/cgroup -type d -name "$1" 2>/dev/null
    pgrep -f -- "-uuid $1( |$)" || true
}

uuid=4f0c2b4e-6d8a-4a43-9f19-3c5c0e1f7a01
make_xml() # NAME UUID TITLE
{
    cat <<XML
<domain type='qemu'>
  <name>$1</name>
  <uuid>$2</uuid>
  <title>$3</title>
  <memory unit='KiB'>65536</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/>
      <source file='$work/small.raw'/><target dev='vda' bus='virtio'/></disk>
    <serial type='pty'/>
  </devices>
</domain>
XML
}
truncate -s 1M "$work/small.raw"

# Define, list, undefine.
says "an empty host lists nothing" " Id   Name   State
-------------------" list --all
[ ! -e "$root/lib" ] && [ ! -e "$root/run" ]
verdict $? "listing makes nothing"
make_xml vm $uuid "One title" >"$work/vm.xml"
run define --validate "$work/vm.xml"
is "validate says so" "$code $out" \
    "0 $work/vm.xml validates: domain 'vm', 2 resources"
json "validate prints the resources" "len(j['resources']) == 2 and
    j['domain']['name'] == 'vm' and
    j['resources'][0]['path'] == '$work/small.raw'" \
    define --validate "$work/vm.xml" --format json
says "validate stores nothing" "" list --all --name
sed 's|small.raw|nothing.raw|' "$work/vm.xml" >"$work/vm-no-disk.xml"
run define --validate "$work/vm-no-disk.xml"
[ "$code" = 0 ] && grep -q "^warning: the start will fail: .*'vda'" "$work/err"
verdict $? "validate misses a disk" || note "$(cat "$work/err")"
[ ! -e "$root/lib/state.db" ] && [ ! -e "$root/run" ]
verdict $? "and keeps nothing of it"
sed "s|$work/small.raw|$work|" "$work/vm.xml" >"$work/vm-no-disk.xml"
fails "validate refuses what define refuses" 6 "'vda'" \
    define --validate "$work/vm-no-disk.xml"
says "defines" "Domain 'vm' defined from $work/vm.xml" define "$work/vm.xml"
says "the same again is unchanged" "Domain 'vm' unchanged from $work/vm.xml" \
    define "$work/vm.xml"
make_xml vm $uuid "Another title" >"$work/vm2.xml"
says "another text redefines" "Domain 'vm' redefined from $work/vm2.xml" \
    define "$work/vm2.xml"
run define - <"$work/vm.xml"
svirt define - <"$work/vm.xml" >"$work/out"
is "defines from standard input" "$(cat "$work/out")" \
    "Domain 'vm' redefined from standard input"
make_xml vm 4f0c2b4e-6d8a-4a43-9f19-3c5c0e1f7a02 x >"$work/twin.xml"
fails "refuses the name of another UUID" 5 "'vm'" define "$work/twin.xml"
fails "refuses a missing file" 4 "nothing.xml" define "$work/nothing.xml"
svirt dumpxml vm >"$work/dump.xml"
says "dumpxml can be defined and equals" \
    "Domain 'vm' unchanged from $work/dump.xml" define "$work/dump.xml"
python3 -c "
import sys, xml.etree.ElementTree as E
a, b = (E.parse(f).getroot() for f in sys.argv[1:])
same = [c.tag for c in b if c.find('*') is None and
        (a.find(c.tag) is None or a.find(c.tag).text != c.text)]
sys.exit(same != [] or a.find('devices/disk/source').attrib !=
         b.find('devices/disk/source').attrib)" "$work/dump.xml" "$work/vm.xml"
verdict $? "dumpxml keeps what was said"
says "list shows nothing that is off" " Id   Name   State
-------------------" list
says "list --all" " Id   Name   State
----------------------
 -    vm     shut off" list --all
says "list --inactive" " Id   Name   State
----------------------
 -    vm     shut off" list --inactive
says "list --title" " Id   Name   State      Title
----------------------------------
 -    vm     shut off   One title" list --all --title
says "list --name" vm list --all --name
says "list --uuid" $uuid list --all --uuid
says "list --uuid --name" "$uuid vm" list --all --uuid --name
says "list --id" - list --all --id
says "list --state-shutoff" vm list --state-shutoff --name
says "list --state-running" "" list --all --state-running --name
says "list --transient" "" list --all --transient --name
says "list --persistent" vm list --all --persistent --name
says "domuuid" $uuid domuuid vm
says "a UUID names it" "shut off" domstate $uuid
is "dominfo of a domain that is off" \
    "$(svirt dominfo vm | sed -n 's/^\(Id\|Name\|UUID\|OS Type\|State\|CPU(s)\|Max memory\|Persistent\|Tainted\): *//p')" "-
vm
$uuid
hvm
shut off
1
65536 KiB
yes
no"
says "--quiet confirms nothing" "" -q define "$work/vm.xml"

# Wrong states and wrong words: a domain that is off.
for verb in shutdown destroy suspend resume reboot console verify; do
    fails "$verb of a domain that is off" 9 "'vm' is not running" $verb vm
done
fails "a monitor command to a domain that is off" 9 "'vm' is not running" \
    qemu-monitor-command vm --hmp info status
for verb in start domstate dominfo dumpxml domuuid undefine label release; do
    fails "$verb of an unknown domain" 4 "'ghost'" $verb ghost
done
fails "an unknown command" 2 "'bogus'" bogus
fails "an unknown option" 2 "'--bogus'" list --bogus
fails "one like another" 2 "'--inactiv'" list --inactiv
is "which one" "$(grep -c "did you mean '--inactive'" "$work/err")" 1
fails "a command like another" 2 "'shutdwon'" shutdwon vm
is "which one" "$(grep -c "did you mean 'shutdown'" "$work/err")" 1
fails "a missing argument" 2 "DOMAIN" start
fails "one argument too many" 2 "'vm2'" destroy vm vm2
fails "an unknown format" 2 "'xml'" list --format xml
fails "an unknown connection" 8 "'lxc:///system'" -c lxc:///system list
fails "a shutdown mode that is not there" 8 "'initctl'" \
    shutdown vm --mode initctl
fails "a wait that is no number" 2 "'soon'" shutdown vm --wait soon

# Dry run.
mkdir -p "$root/run" && : >"$root/run/next-id"
before=$(find "$root" | sort; left $uuid vm; cksum <"$root/run/next-id" 2>&1)
run start vm --dry-run
is "a dry run ends well" "$code" 0
grep -q '^  /usr/bin/qemu-system-x86_64$' "$work/out"
verdict $? "a dry run shows the emulator's line"
json "a dry run as JSON" "j['argv'][0].endswith('x86_64') and
    j['labels'] == []" \
    start vm --dry-run --format json
is "a dry run leaves nothing" \
    "$(find "$root" | sort; left $uuid vm; cksum <"$root/run/next-id" 2>&1)" \
    "$before"

# Running.
run start vm --paused
is "start --paused" "$code $(head -n 1 "$work/out")" "0 Domain 'vm' started"
says "it is paused by the user" "paused (user)" domstate vm --reason
id=$(svirt list | awk '$2 == "vm" { print $1 }')
is "a dry run took no id" "$id" 1
says "list shows it by its id" " Id   Name   State
--------------------
 $id    vm     paused" list
says "its id names it" paused domstate "$id"
says "list --inactive hides it" "" list --inactive --name
says "list --state-paused" "$id vm" list --state-paused --id --name
says "list --state-running does not" "" list --state-running --name
says "list --state-shutoff neither" "" list --state-shutoff --name
json "states as JSON" "len(j) == 1 and j[0]['state'] == 'paused'" \
    list --state-paused --state-other --format json
json "none as JSON" "j == []" list --state-other --format json
fails "start twice" 9 "'vm' is already running" start vm
fails "a dry run of what runs" 9 "'vm' is already running" start vm --dry-run
fails "undefine while it runs" 9 "'vm' is running" undefine vm
fails "redefine while it runs" 9 "'vm' is running" define "$work/vm2.xml"
fails "release while it runs" 9 "'vm' is running" release vm
fails "chain accept while it runs" 9 "'vm' is running" chain accept vm
says "resume" "Domain 'vm' resumed" resume vm
says "then it is unpaused" "running (booted)" domstate vm --reason
fails "resume of what runs" 9 "'vm' is already running" resume vm
says "suspend" "Domain 'vm' suspended" suspend vm
says "then it is paused" "paused (user)" domstate vm --reason
json "a verb tells JSON what it did" "j == {'domain': 'vm',
    'message': \"Domain 'vm' resumed\"}" resume vm --format json
says "resumed again it is unpaused" "running (unpaused)" domstate vm --reason
svirt -q suspend vm
races=0
for ((turn = 0; turn < 20; turn++)); do
    svirt -q resume vm
    [ "$(svirt domstate vm)" = running ] || races=$((races + 1))
    svirt -q suspend vm
    [ "$(svirt domstate vm)" = paused ] || races=$((races + 1))
done
is "the state is known when the verb returns" "$races" 0
says "suspend of what is paused is no error" "Domain 'vm' suspended" suspend vm
fails "shutdown --wait says that the guest did not" 13 "'vm'" \
    shutdown vm --wait 1
says "and it still runs" paused domstate vm

# What looks at it.
json "list as JSON" "j == [{'id': $id, 'name': 'vm', 'state': 'paused',
    'uuid': '$uuid'}]" list --format json
json "list --all as JSON" "len(j) == 1" list --all --format json
json "list --name as JSON" "[d['name'] for d in j] == ['vm']" \
    list --name --format json
json "dominfo as JSON" "j['name'] == 'vm' and j['state'] == 'paused'" \
    dominfo vm --format json
json "domstate as JSON" "j == {'state': 'paused', 'reason': 'user'}" \
    domstate vm --format json
json "domuuid as JSON" "j == '$uuid'" domuuid vm --format json
json "label as JSON" "any(l['model'] == 'dac' and l['in_force'] == 'yes'
    for l in j)" label vm --format json
json "chain show as JSON" "j[0]['image'] == '$work/small.raw'" \
    chain show vm --format json
json "verify as JSON" "len(j) >= 14 and
    all(r['result'] == 'ok' for r in j)" verify vm --format json
json "release --dry-run as JSON" "j[0]['path'] == '$work/small.raw' and
    j[0]['given_back'] is None" release --dry-run --format json
json "release as JSON" "j == []" release --format json
json "recover as JSON, VM running" "j == []" recover --format json
json "the format may come first" "len(j) == 1" --format json list
run verify
[ "$code" = 0 ] && ! grep -q WRONG "$work/out" &&
    grep -q '^ vm  *emulator  *seccomp  *ok ' "$work/out"
verdict $? "verify without a name looks at every VM"
is "labels follow from the UUID" \
    "$(svirt label vm | awk '$1 == "smack" { print $NF }')" "svirt-$uuid"
json "dominfo as numbers" "(j['id'], j['cpus'], j['max_memory_kib']) ==
    ($id, 1, 65536)" dominfo vm --format json
is "dominfo: not tainted yet" \
    "$(svirt dominfo vm | sed -n 's/^Tainted: *//p')" no
is "a human monitor's command" \
    "$(svirt qemu-monitor-command vm --hmp info status | tr -d '\r')" \
    "VM status: paused"
json "a QMP command" "j['return']['status'] == 'paused'" \
    qemu-monitor-command vm '{"execute": "query-status"}'
run qemu-monitor-command vm --pretty '{"execute": "query-status"}'
is "--pretty indents" "$(head -n 2 "$work/out")" '{
  "return": {'
json "QEMU's own error is an answer" "j['error']['class'] ==
    'CommandNotFound'" qemu-monitor-command vm '{"execute": "bogus"}'
fails "what is no JSON" 3 "is no JSON object" qemu-monitor-command vm '{"exe'
fails "no command at all" 2 "no command" qemu-monitor-command vm
is "dominfo: tainted now" \
    "$(svirt dominfo vm | sed -n 's/^Tainted: *//p')" yes

# Waivers.
fails "a waiver needs a reason" 2 "reason" \
    waiver add vm --layer hard-link --resource vda
run waiver add vm --layer hard-link --resource "$work/small.raw" \
    --reason "a test's reason"
is "waiver add" "$code" 0 || note "$err"
json "waiver list as JSON" "j[-1]['domain'] == 'vm' and
    j[-1]['reason'] == \"a test's reason\"" waiver list --format json
is "dominfo names it" "$(svirt dominfo vm | grep -c "a test's reason")" 1
waiver=$(svirt waiver list | awk '/reason$/ { print $1; exit }')
run waiver remove --id "${waiver:-0}"
is "waiver remove" "$code $(svirt waiver list | grep -c reason$)" "0 0"
fails "a layer that cannot be waived" 3 "'seccomp'" \
    waiver add vm --layer seccomp --resource vda --reason "a test"
fails "a waiver for a resource it does not have" 4 "no 'vdz'" \
    waiver add vm --layer hard-link --resource vdz --reason "a test"
fails "the cgroup is waived for the domain" 4 "no 'vda'" \
    waiver add vm --layer cgroup --resource vda --reason "a test"
says "a waiver for one day" "Waiver 2: 'cgroup' of domain 'vm' for 'vm', 1 day" \
    waiver add vm --layer cgroup --resource vm --reason "a test" --expires 1
svirt -q waiver remove --id 2
fails "an unknown waiver verb" 2 "'bogus'" waiver bogus

# Two instances.
fails "another root does not know it" 4 "'vm'" \
    -c "qemu:///embed?root=$work/other" domstate vm
(SVIRT_DEFAULT_URI="qemu:///embed?root=$work/other" \
    svirt list --all --name) >"$work/out" 2>&1
is "SVIRT_DEFAULT_URI chooses" "$(cat "$work/out")" ""
says "-c overrules it" vm --connect="qemu:///embed?root=$root" list --name

# The end of it.
says "destroy --graceful" "Domain 'vm' destroyed" destroy "$id" --graceful
is "leaves nothing" "$(left $uuid vm)" ""
svirt -q start vm --paused
says "destroy" "Domain 'vm' destroyed" destroy vm
says "then it is off" "shut off (destroyed)" domstate vm --reason
is "leaves nothing again" "$(left $uuid vm)" ""
is "ids are not used twice" "$(svirt -q start vm --paused; svirt list |
    awk '$2 == "vm" { print $1 }'; svirt -q destroy vm)" 3
run undefine vm
is "undefine" "$code $(tail -n 1 "$work/out")" \
    "0 Domain 'vm' has been undefined"
says "it is gone" "" list --all --name

# Names.
long=$(printf 'n%.0s' {1..250})
for name in "two words" "größe-日本" "$long" "a'b\"c;\$(d)" -5; do
    xml=$(make_xml x $uuid x |
        NAME=$name python3 -c "
import os, sys
from xml.sax.saxutils import escape
print(sys.stdin.read().replace('<name>x<', '<name>%s<' %
      escape(os.environ['NAME'])))")
    code=0
    {
        printf '%s' "$xml" | svirt define - &&
            svirt start --paused -- "$name" &&
            [ "$(svirt domstate -- "$name")" = paused ] &&
            [ "$(svirt list --name)" = "$name" ] &&
            [ "$(svirt list --format json |
                python3 -c 'import json, sys
print(json.load(sys.stdin)[0]["name"])')" = "$name" ] &&
            svirt destroy -- "$name" && svirt undefine -- "$name"
    } >"$work/out" 2>&1 || code=1
    verdict $code "lives under the name '${name:0:20}'" ||
        note "$(cat "$work/out")"
done
for name in "a/b" . .. "" $'a\nb' "$long$long"; do
    make_xml "$name" $uuid x >"$work/bad.xml"
    fails "refuses the name $(printf %q "${name:0:20}")" 3 "bad.xml:" \
        define "$work/bad.xml"
done

# Real guests.
truncate -s 1M "$work/a.raw"
define a "$(disk a raw "$work/a.raw")"
define b
svirt -q start a
svirt -q start b
says "started" "running (booted)" domstate a --reason
check "a is up" wait_up a
check "the console's guest answers" answers a
(sleep 60 | svirt console a >"$work/console" 2>&1) &
client=$!
soon test -s "$work/console"
check "verify knows who is at the console" svirt verify a
pkill -P "$client" sleep
says "reboot" "Domain 'a' is being rebooted" reboot a
boots_again() { [ "$(head -c 12 "$work/a.raw")" = "svirt boot 2" ]; }
check "it boots again" soon boots_again
says "and is running" running domstate a
check "b is up" wait_up b
uuid_b=$(svirt domuuid b)
type_in b 'poweroff -f' >/dev/null
check "a guest that powers off is shut off" wait_state b "shut off"
left_nothing() { [ -z "$(left "$uuid_b" b)" ]; }
soon left_nothing
is "and everything is released" "$(left "$uuid_b" b)" ""
check "it can be started again" svirt start b --paused
check "a is up again" wait_up a
says "shutdown" "Domain 'a' is shut off" shutdown a --wait 30
is "releases everything" "$(left "$(svirt domuuid a)" a)" ""
qemu-io -f raw -c 'write 0 512' "$work/a.raw" >/dev/null 2>&1
verdict $? "the disk is free again"

# Nobody changes what somebody starts at this moment, nor starts what changed.
svirt -q destroy b
mkdir -p "$root/run/$uuid_b"
sed "s|<name>b</name>|&<uuid>$uuid_b</uuid>|" "$work/b.xml" >"$work/b1.xml"
sed "s|<vcpu>1|<vcpu>2|" "$work/b1.xml" >"$work/b2.xml"
exec 9>"$root/run/$uuid_b/lock"
flock -x 9
for verb in "undefine b" "release b" "chain accept b" "define $work/b2.xml"; do
    # shellcheck disable=SC2086
    fails "while b is started, no $verb" 7 "being started or ended" $verb
done
exec 9>&-
strace -qqq -o "$work/calls" -e trace=openat,mkdirat \
    -e inject=mkdirat:delay_enter=5000000:when=1 \
    "$build/src/cli/svirt" start b --paused >"$work/late" 2>&1 9>&- &
late=$!
soon grep -q 'state\.db' "$work/calls"
sleep 1 # it reads the definition, and stands before its run directory
says "it is redefined before its start has begun" \
    "Domain 'b' redefined from $work/b2.xml" define "$work/b2.xml"
wait "$late"
is "which then starts nothing" \
    "$? $(head -n 1 "$work/late") $(svirt domstate b)" \
    "7 error: domain 'b' was redefined at this moment shut off"
is "nothing of it is left" "$(left "$uuid_b" b)" ""
svirt -q define "$work/b1.xml"
svirt -q start b --paused

# Several at once: as many as the command names, each on its own.
svirt -q destroy b
run start a nobody b --paused
is "what can start does, and the failure is told" \
    "$code $(grep -v '^ ' "$work/out" | tr '\n' ' ')$(head -n 1 "$work/err")" \
    "4 Domain 'a' started Domain 'b' started error: domain 'nobody' did not start"
run start a b
is "each failure is told" "$code $(grep -c '^error: ' "$work/err")" "9 2"
svirt -q destroy a
svirt -q destroy b
json "several in JSON are a list" "[d['domain'] for d in j] == ['a', 'b']" \
    start a b --paused --format json
run start a nobody --format json
[ "$code" = 4 ] && python3 -c "import json, sys
j = json.load(open(sys.argv[1]))
sys.exit(not (j[0]['domain'] == 'a' and j[0]['error']['code'] == 9 and
    j[1]['domain'] == 'nobody' and j[1]['error']['code'] == 4))" "$work/out"
verdict $? "and has a row for each failure" || note "$code: $out"
fails "one console a terminal" 2 "not that of 'b'" start a b --console
svirt -q destroy a
svirt -q destroy b
is "nothing is left of either" \
    "$(left "$(svirt domuuid a)" a)$(left "$(svirt domuuid b)" b)" ""
parent=svirt-embed-$(printf %s "$root/run" | python3 -c 'import sys
hash = 5381
for byte in sys.stdin.buffer.read():
    hash = (hash * 33 + (byte - 256 if byte > 127 else byte)) & 0xffffffff
print("%08x" % hash)')
parents() { find /sys/fs/cgroup -maxdepth 2 -name "$parent"; }
logs() { (cd "$root/log" && ls); }
is "the instance has a cgroup" "$(parents | wc -l) $(logs | grep -c '^a\.log')" \
    "1 2"
svirt -q undefine a
is "undefine takes the log along" "$(logs | grep -c '^a\.log')" 0
svirt list --all --name | while read -r name; do
    [ -z "$name" ] || svirt -q undefine "$name"
done
is "and the last one everything" "$(parents; logs)" ""
done_testing
