# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For the tests of what svirt refuses; sourced after lib.sh.
#
#     refused FACT CODE PATTERN COMMAND...
#                             COMMAND fails with exit code CODE; the first of
#                             its lines is "error: ..." and they match the
#                             extended regular expression PATTERN; a hint is
#                             there; nothing is left behind
#     leftovers               everything a failed command could leave of this
#                             test's root, one thing a line
#     vmm NAME                the process id of a running QEMU
#     kill_vmm NAME           it dies at once
#     nodes NAME              its own word on its block nodes, one a line:
#                             driver, ro or rw, name
#     traced LOG ARGUMENT...  svirt with ARGUMENTs; its opens go to LOG
#     unopened LOG FILE       FILE was looked at there at most, not opened
#     write_xml NAME [LINE...] a definition with nothing but LINEs in <devices>
# shellcheck source=tests/integration/lib.sh
: "${work:?source lib.sh first}" "${root:?}" "${build:?}"

cgroup_mount=$(awk '$(NF-2) == "cgroup2" { print $5; exit }' \
    /proc/self/mountinfo)

# GLib's g_str_hash(), which names the cgroups of an embedded instance.
text_hash()
{
    local text=$1 hash=5381 i code
    for ((i = 0; i < ${#text}; i++)); do
        printf -v code %d "'${text:i:1}"
        hash=$(((hash * 33 + code) & 0xffffffff))
    done
    printf %08x "$hash"
}
own_cgroup=$cgroup_mount/svirt-embed-$(text_hash "$root/run")

# Rows of the state database that a refused command must not add.
rows()
{
    python3 - "$root/lib/state.db" <<'PYTHON'
import os, sqlite3, sys
if os.path.exists(sys.argv[1]):
    base = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
    for (table,) in base.execute(
            "select name from sqlite_master where type = 'table'"):
        # A uid once claimed is not given out again at once.
        if table.startswith("sqlite_") or table == "cursors":
            continue
        for row in base.execute('select * from "' + table + '"'):
            print(table, row)
PYTHON
}

# Everything that holds something open below this test's root.
processes()
{
    find /proc/[0-9]*/fd -lname "$root/*" 2>/dev/null | cut -d / -f 3 |
        sort -u | while read -r process; do
        echo "process $process $(tr '\0' ' ' 2>/dev/null \
            <"/proc/$process/cmdline")"
    done
}

leftovers()
{
    find "$root/run" -mindepth 1 ! -name next-id 2>/dev/null
    find "$own_cgroup" -mindepth 1 -type d 2>/dev/null
    # Others mount what they like meanwhile.
    awk -v own="$work/" 'index($5, own) == 1 ||
        ($5 ~ "svirt" && $5 !~ "^/tmp/") { print "mount", $5 }' \
        /proc/self/mountinfo
    rows
    processes
}

refused()
{
    local fact=$1 want=$2 pattern=$3 code=0 before after said=$work/said bad=
    shift 3
    before=$(leftovers)
    "$@" >"$said.out" 2>"$said" </dev/null || code=$?
    after=$(leftovers)
    [ "$code" = "$want" ] || bad="$bad exit code $code, not $want;"
    head -n 1 "$said" | grep -v '^warning: ' | grep -q '^error: .' ||
        sed '/^warning: /d' "$said" | head -n 1 | grep -q '^error: .' ||
        bad="$bad no error line first;"
    grep -Eq -- "$pattern" "$said" || bad="$bad not '$pattern';"
    grep -q '^  hint: .' "$said" || bad="$bad no hint;"
    [ "$before" = "$after" ] ||
        bad="$bad left: $(diff <(echo "$before") <(echo "$after"))"
    [ -z "$bad" ]
    verdict $? "$fact" || note "$bad said: $(cat "$said")"
}

vmm() { svirt dominfo "$1" | sed -n 's/^Emulator:.*pid \([0-9]*\),.*/\1/p'; }

kill_vmm() { kill -9 "$(vmm "$1")"; }

# Only its own opens: a keeper that it starts lives on.
traced()
{
    local log=$1
    shift
    strace -y -o "$log" -e trace=open,openat,openat2,open_by_handle_at \
        "$build/src/cli/svirt" "$@"
}

# Nothing at FILE was opened, but for looking at what it is (O_PATH).
unopened() # LOG FILE
{
    ! grep -F "<$2>" "$1" | grep -v 'O_PATH' | grep -q '= [0-9]*<'
}

nodes()
{
    svirt qemu-monitor-command "$1" '{"execute": "query-named-block-nodes"}' |
        python3 -c '
import json, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
for node in json.load(sys.stdin)["return"]:
    print(node["drv"], "ro" if node["ro"] else "rw", node["node-name"])'
}

# A machine of its own: NAME [LINE...] of <devices>, without serial port. The
# variables kernel and initrd may name files, memory KiB.
write_xml()
{
    local name=$1
    shift
    cat >"$work/$name.xml" <<XML
<domain type='qemu'>
  <name>$name</name>
  ${uuid:+<uuid>$uuid</uuid>}
  <memory unit='KiB'>${memory:-32768}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    ${kernel:+<kernel>$kernel</kernel>}
    ${initrd:+<initrd>$initrd</initrd>}
  </os>
  <devices>
$(printf '    %s\n' "$@")
  </devices>
</domain>
XML
}
