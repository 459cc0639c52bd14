#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 300
# shellcheck disable=SC2016 # what the guest's shell expands stands in '...'
# The guest's agent: Debian's own, none, and ones that lie or say nothing; and
# what is done to a running guest without it.
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh
with_agent=$(scripts/guest-agent) || {
    echo "Bail out! cannot make the guest with an agent"
    exit 1
}

# says FACT CODE PATTERN COMMAND...   exit code and words of svirt
says()
{
    local fact=$1 want=$2 pattern=$3 code=0
    shift 3
    svirt "$@" >"$work/said" 2>&1 || code=$?
    [ "$code" = "$want" ] && grep -q -- "$pattern" "$work/said"
    verdict $? "$fact" || note "exit code $code: $(cat "$work/said")"
}

boots a "$with_agent"
machine a "<video><model type='vga'/></video>" "<serial type='pty'/>" \
    "<memballoon model='virtio'/>" \
    "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
start a
attach a
is_running() { svirt domstate a | grep -q running; }

says "without an agent in the guest that is said at once" 9 \
    "no agent runs in the guest" domtime a
socket=$(svirt dumpxml a | sed -n "s/.*mode='bind' path='\([^']*\)'.*/\1/p")
[ -S "$socket" ]
verdict $? "a channel without a path has its socket in the run directory" ||
    note "$(svirt dumpxml a | grep -A3 '<channel')"

# ---- an agent that is none -----------------------------------------------------
ask a 'for port in /sys/class/virtio-ports/*; do [ "$(cat $port/name)" = org.qemu.guest_agent.0 ] && dev=/dev/${port##*/}; done; cat $dev >/dev/null & sleep 1; echo' >/dev/null
says "an agent that says nothing is waited for, not for ever" 13 \
    "did not answer in time" domtime a
ask a 'kill $(pidof cat); sleep 1; yes nonsense >$dev & sleep 2; echo' >/dev/null
code=0
svirt domtime a >"$work/said" 2>&1 || code=$?
[ "$code" = 12 ] || [ "$code" = 13 ]
verdict $? "one that says nonsense without end is not listened to for ever" ||
    note "$code: $(cat "$work/said")"
ask a 'kill $(pidof yes); printf "\377{\"return\": 1}\n\377{\"return\": [[[[\n\377\377\n{\"return\": {}}\n" >$dev; echo' >/dev/null
is_running
verdict $? "the guest runs on"

# ---- Debian's ------------------------------------------------------------------
ask a 'agent >/run/agent.log 2>&1 & sleep 3; cat /run/agent.log' 30 >"$work/agent"
says "the agent answers" 0 '"version"' qemu-agent-command a \
    '{"execute": "guest-info"}' --timeout 60
says "what it refuses is told with its words" 6 "guest-nothing" \
    qemu-agent-command a '{"execute": "guest-nothing"}'
says "what is no JSON is not sent" 3 "no JSON object" \
    qemu-agent-command a '{"execute":'
says "domtime" 0 '^Time: [0-9]\{10\}$' domtime a
says "domtime --pretty" 0 '^Time: 20[0-9][0-9]-' domtime a --pretty
svirt domtime a --time 1500000000 >/dev/null 2>"$work/said" &&
    [ "$(ask a 'date +%s')" -lt 1500009999 ]
verdict $? "domtime --time sets it" || note "$(cat "$work/said")"
says "guestinfo" 0 '^os.kernel-release: *6' guestinfo a --os
says "guestinfo knows the host name" 0 '^hostname.host-name: *a$' guestinfo a
ask a "ip link set lo up"
says "domifaddr" 0 '127.0.0.1/8' domifaddr a --source agent
says "domfsfreeze" 0 'Froze [0-9]* filesystem' domfsfreeze a
says "while it is frozen the agent answers no other" 6 "" \
    qemu-agent-command a '{"execute": "guest-file-open", "arguments": {"path": "/x"}}'
says "domfsthaw" 0 'Thawed [0-9]* filesystem' domfsthaw a
asked=()
for ((i = 0; i < 6; i++)); do
    svirt domtime a >"$work/time.$i" 2>&1 &
    asked+=($!)
done
wait "${asked[@]}"
! grep -L '^Time: \|another command talks' "$work"/time.* | grep -q .
verdict $? "commands at one time: each is answered or told that it is busy" ||
    note "$(cat "$work"/time.*)"

# ---- the machine -----------------------------------------------------------------
says "screenshot" 0 "Screenshot of domain 'a'" screenshot a "$work/a.ppm"
[ "$(head -c 2 "$work/a.ppm")" = P6 ] && [ "$(stat -c %s "$work/a.ppm")" -gt 100000 ]
verdict $? "it is a picture"
says "screenshot as PNG" 0 "Screenshot" screenshot a "$work/a.png"
head -c 4 "$work/a.png" | grep -q PNG
verdict $? "it is one too"
ln -s "$work/elsewhere" "$work/a.link.png"
says "a symbolic link is not followed" 10 "symbolic" screenshot a "$work/a.link.png"
check "and nothing is where it leads" test ! -e "$work/elsewhere"
svirt verify a >"$work/said" 2>&1
verdict $? "no descriptor of it stays" || note "$(cat "$work/said")"
ask a 'for e in /sys/class/input/event*; do read -r n <$e/device/name; case $n in *keyboard*|*Keyboard*) k=/dev/input/${e##*/};; esac; done; (dd if=$k bs=24 count=1 2>/dev/null | od -An -tu2 -j 16 -N 8 >/run/key) & sleep 1; echo $k' >"$work/said"
if grep -q input "$work/said"; then
    says "send-key" 0 "got the keys" send-key a KEY_LEFTCTRL KEY_A
    [ -n "$(ask a 'sleep 1; cat /run/key' 30)" ]
    verdict $? "the guest sees a key"
else
    says "send-key" 0 "got the keys" send-key a KEY_LEFTCTRL KEY_A
fi
says "send-key by number" 0 "got the keys" send-key a 29 30
says "send-key in QEMU's words" 0 "got the keys" send-key a --codeset qcode ctrl a
says "a key that there is not" 2 "no key 'KEY_HYPER9'" send-key a KEY_HYPER9
says "inject-nmi" 0 "got an NMI" inject-nmi a
says "setmem" 0 "leaves the guest 98304 KiB" setmem a 96M
says "setmem of more than there is" 3 "no more than" setmem a 1G
says "shutdown by the agent" 0 "is being shutdown" shutdown a --mode agent
wait_state a "shut off"
verdict $? "the guest shuts down"
says "then there is nobody to ask" 9 "is not running" domtime a
start a && attach a
says "reset" 0 "was reset" reset a
hear_up a
verdict $? "the guest boots again"
ask a 'agent >/run/agent.log 2>&1 & sleep 3; echo' 30 >/dev/null
says "dompmwakeup of a guest that is awake" 6 "refuses 'system_wakeup'" dompmwakeup a
says "dompmsuspend" 0 "successfully suspended" dompmsuspend a mem
wait_state a pmsuspended
verdict $? "the guest sleeps"
says "dompmwakeup" 0 "woken up" dompmwakeup a
wait_state a running
verdict $? "and wakes"
forget a
boots b
machine b "<serial type='pty'/>"
start b
says "a domain without the channel" 8 "no channel for a guest agent" domtime b
forget b
done_testing
