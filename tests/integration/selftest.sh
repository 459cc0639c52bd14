#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# alone
# The selftest as a user runs it: what it counts, what it says with each
# Landlock ABI, and that it leaves nothing behind.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/integration/lib.sh

# What it could leave: processes, cgroups, keys, IPC objects, shared memory,
# sockets, mounts, the uids it had claimed.
traces()
{
    pgrep -fa 'svirt-probe|svirt-selftest|passt' || true
    find /sys/fs/cgroup -type d -path '*selftest*' ! -name svirt-selftest
    awk '{ print $9, $10 }' /proc/keys | grep svirt
    cat /proc/sysvipc/{shm,sem,msg} | sed 1d | cut -c1-40
    find /dev/shm /tmp -maxdepth 1 -name '*svirt-[sp]*'
    find "$root" -name '*.sock' 2>/dev/null
    grep svirt /proc/net/unix | awk '{ print $NF }'
    awk '$5 ~ "svirt" { print "mount", $5 }' /proc/self/mountinfo
    [ ! -e "$root/lib/state.db" ] || python3 -c '
import sqlite3, sys
base = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
names = [n for n, in base.execute("select name from sqlite_master where "
                                  "type = \"table\" and name like \"%claim%\"")]
for name in names:
    for row in base.execute("select * from " + name):
        print(name, row)' "$root/lib/state.db"
}

# A number or a list of names out of the JSON of one run.
said() # FILE EXPRESSION
{
    python3 -c "import json, sys
j = json.load(open(sys.argv[1]))
a = j['attempts']
r = $2
print(*r, sep='\n') if isinstance(r, list) else print(r)" "$1" 2>&1
}

before=$(traces)
code=0
svirt selftest >"$work/table" 2>"$work/err" || code=$?
is "it holds" "$code $(cat "$work/err")" "0 " || note "$(cat "$work/table")"
tail -n 1 "$work/table" | grep -Eq \
    '^[0-9]+ attempts: [0-9]+ held, [0-9]+ open, [0-9]+ absent, 0 breaches, 0 broken$'
verdict $? "the last line counts" || note "$(tail -n 1 "$work/table")"
held=$(sed -n '$s/.*: \([0-9]*\) held.*/\1/p' "$work/table")
[ "${held:-0}" -ge 120 ]
verdict $? "at least 120 attempts are held" || note "$held"
is "leaves nothing behind" "$(traces)" "$before"

for abi in none 0 1 2 3 4 5 6 7; do
    file=$work/abi$abi.json
    arguments=
    [ $abi = none ] || arguments="--landlock-abi $abi"
    code=0
    # shellcheck disable=SC2086 # two words or none
    svirt selftest $arguments --format json >"$file" 2>"$work/err" || code=$?
    is "Landlock ABI $abi: no breach, none broken" \
        "$code $(said "$file" "[j['breach'], j['broken']]" | tr '\n' ' ')" \
        "0 0 0 " ||
        note "$(said "$file" "[x for x in a if x['verdict'] in
            ('breach', 'BREACH', 'broken')]")"
    is "Landlock ABI $abi: what is open has its reason" \
        "$(said "$file" "[x['attempt'] for x in a if x['verdict'] ==
            'open' and not x['reason']]")" ""
    is "Landlock ABI $abi: the counts are the rows'" \
        "$(said "$file" "[len([x for x in a if x['verdict'] == v]) - j[v]
            for v in ('held', 'open', 'absent')]" | tr '\n' ' ')" "0 0 0 "
done
file=$work/abinone.json
is "each attempt has its name" "$(said "$file" \
    "len(a) - len({x['attempt'] for x in a})")" 0
is "each control was done, or the thing is absent" "$(said "$file" \
    "[x['attempt'] for x in a if x['control'] != 'done' and
      x['verdict'] != 'absent']")" ""
is "each held attempt names a layer" "$(said "$file" \
    "[x['attempt'] for x in a if x['verdict'] == 'held' and
      x['layer'] in ('', '-')]")" ""
is "with ABI 0 no layer is Landlock" "$(said "$work/abi0.json" \
    "[x['attempt'] for x in a if x['layer'] == 'landlock']")" ""

code=0
svirt selftest --layers >"$work/table" 2>"$work/err" || code=$?
is "--layers holds" "$code $(cat "$work/err")" "0 "
[ "$(grep -c '|' "$work/table")" -ge 60 ]
verdict $? "it names every layer that stops an attempt on its own" ||
    note "$(grep -c '|' "$work/table")"
for arguments in "--landlock-abi x" "--from web" "--landlock-abi -1"; do
    code=0
    # shellcheck disable=SC2086 # two words
    svirt selftest $arguments >"$work/out" 2>"$work/err" || code=$?
    is "refuses '$arguments'" "$code $(cat "$work/out")" "2 "
done
is "still leaves nothing behind" "$(traces)" "$before"

# From inside one real VM against another.
truncate -s 1M "$work/a.raw" "$work/b.raw"
define inside "$(disk inside raw "$work/a.raw")"
define beside "$(disk beside raw "$work/b.raw")"
svirt -q start inside --paused
svirt -q start beside --paused
code=0
svirt selftest --from inside --against beside --format json \
    >"$work/qmp.json" 2>"$work/err" || code=$?
is "from inside a real QEMU all is blocked" "$code $(cat "$work/err")" "0 "
python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))
sys.exit(len(rows) < 5 or any(r["result"] != "blocked" or not r["blocked_by"]
                              for r in rows))' "$work/qmp.json"
verdict $? "each row names what blocked it" || note "$(cat "$work/qmp.json")"
is "that taints the attacker alone" \
    "$(for name in inside beside; do
        svirt dominfo $name | sed -n 's/^Tainted: *//p'
    done | tr '\n' ' ')" "yes no "
is "both still run" "$(svirt list --name | sort | tr '\n' ' ')" \
    "beside inside "
svirt -q destroy beside
code=0
svirt selftest --from inside --against beside >"$work/out" 2>"$work/err" ||
    code=$?
is "needs a running victim" "$code $(cat "$work/out")" "9 "
done_testing
