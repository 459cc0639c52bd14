#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 600
# Whatever is killed, at whatever moment: the guest lives on or is gone, a disk
# never has two writers, its owner is never lost, and svirt recover finds what
# was left.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/integration/lib.sh
long=${SVIRT_LONG:-}
# Names that no other test on this machine uses: processes are found by them.
vm=crash$$
disk_file=$work/disk.raw

info() { svirt dominfo "$1" --format json 2>/dev/null | field "$2"; }
field()
{
    python3 -c 'import json, re, sys
try:
    word = json.load(sys.stdin).get(sys.argv[1], "")
except ValueError:
    word = ""
found = re.match(r"pid (\d+)", word)
print(found.group(1) if found else word)' "$1"
}
vmm() { info "$1" emulator; }
monitor() { info "$1" monitor; }
keeper() { pgrep -xf "svirt-keeper (--adopt )?$1"; }

usable() # NAME
{
    svirt qemu-monitor-command "$1" '{"execute": "query-status"}' \
        2>/dev/null | grep -q '"return"'
}

gone() { [ ! -e "/proc/$1" ]; }
written() { qemu-io -f raw -c 'write 512k 512' "$disk_file" >/dev/null 2>&1; }

# What a run leaves on this host: nothing, when it has ended.
left() # UUID NAME
{
    find "$root/run/$1" 2>/dev/null
    find /sys/fs/cgroup -type d -name "$1" 2>/dev/null
    pgrep -f -- "-uuid $1( |$)" || true
    keeper "$2" || true
}
nothing_left() { [ -z "$(left "$@")" ]; }

truncate -s 1M "$disk_file"
define "$vm" "$(disk "$vm" raw "$disk_file")"
uuid=$(svirt domuuid "$vm")

# The monitor.
terminal=$(svirt start "$vm" | sed -n 's/.*serial0=//p')
check "the guest is up" wait_up "$vm"
emulator=$(vmm "$vm")
times=$([ -n "$long" ] && echo 1000 || echo 20)
failed=0
new_monitor() { local now; now=$(monitor "$vm"); [ "${now:-0}" != 0 ] &&
    [ "$now" != "$1" ] && usable "$vm"; }
for ((turn = 0; turn < times; turn++)); do
    former=$(monitor "$vm")
    kill_hard "$former"
    soon new_monitor "$former" || failed=$((failed + 1))
done
is "QMP is usable after each of $times dead monitors" "$failed" 0
is "the same emulator lives" "$(vmm "$vm")" "$emulator"
check "and its guest answers" answers "$vm"
check "confined as before" svirt verify "$vm"
! written
verdict $? "the disk is locked"

# The keeper.
kill_hard "$(keeper "$vm")"
usable "$vm" && [ "$(svirt domstate "$vm")" = running ]
verdict $? "without its keeper the guest lives and QMP is usable"
svirt verify "$vm" >"$work/out" 2>&1
[ $? = 11 ] && grep -q 'emulator  *keeper  *WRONG  *gone' "$work/out"
verdict $? "verify misses it" || note "$(cat "$work/out")"
! written
verdict $? "the disk is still locked"
svirt start "$vm" 2>"$work/err"
is "a second start is refused" "$? $(head -n 1 "$work/err")" \
    "9 error: domain '$vm' is running without its keeper"
svirt undefine "$vm" >/dev/null 2>&1
is "so is undefine" "$?" 9
check "recover" svirt recover
grep -q "^ $vm  *running VM  *has a keeper again$" "$work/check.out"
verdict $? "it has a keeper again" || note "$(cat "$work/check.out")"
[ -n "$(keeper "$vm")" ] && usable "$vm" && [ "$(vmm "$vm")" = "$emulator" ]
verdict $? "with the same emulator and QMP"
! written
verdict $? "locked as before"
is "recover again finds nothing" "$(svirt recover)" "Nothing to recover"
former=$(monitor "$vm")
kill_hard "$former"
check "the new keeper restarts monitors" soon new_monitor "$former"
check "the guest answers" answers "$vm"
exec 5<>"$terminal"
printf 'echo $((6 * 7))1\r' >&5
timeout 20 grep -qm 1 421 <&5
verdict $? "so does its terminal"
exec 5>&-
check "shutdown works" svirt shutdown "$vm" --wait 30
is "and leaves nothing" "$(left "$uuid" "$vm")" ""
check "the disk is free" written

# The keeper dead: destroy works without recover.
svirt -q start "$vm" --paused
kill_hard "$(keeper "$vm")"
check "destroy without a keeper" svirt destroy "$vm"
is "leaves nothing" "$(left "$uuid" "$vm")" ""

# Keeper and monitor.
svirt -q start "$vm" --paused
emulator=$(vmm "$vm")
kill_hard "$(keeper "$vm")"
kill_hard "$(monitor "$vm")"
! gone "$emulator" && ! written
verdict $? "without both the emulator lives and the disk is locked"
svirt verify "$vm" >"$work/out" 2>&1
is "verify counts both as missing" "$? $(sed -n \
    's/.* \(keeper\|monitor\)  *\(process \)\? *\(WRONG\)  *\(gone\).*/\1 \3 \4/p' \
    "$work/out")" "11 keeper WRONG gone
monitor WRONG gone" || note "$(cat "$work/out")"
svirt recover >"$work/out" 2>&1
[ $? = 1 ] && grep -q "only destroy works" "$work/out"
verdict $? "recover says what is left to do, and fails" ||
    note "$(cat "$work/out")"
svirt recover >"$work/out" 2>&1
[ $? = 1 ] && grep -q "only destroy works" "$work/out"
verdict $? "and so again" || note "$(cat "$work/out")"
svirt verify "$vm" >"$work/out" 2>&1
[ $? = 11 ] && grep -q 'monitor  *process  *WRONG  *gone' "$work/out" &&
    ! grep -q 'keeper  *WRONG' "$work/out"
verdict $? "verify misses the monitor alone now" || note "$(cat "$work/out")"
grep -q "only destroy works" <(svirt dominfo "$vm")
verdict $? "so does dominfo" || note "$(svirt dominfo "$vm")"
svirt resume "$vm" >"$work/out" 2>&1
[ $? != 0 ] && ! written && ! gone "$emulator"
verdict $? "resume fails, the disk stays locked"
check "destroy works" svirt destroy "$vm"
is "and leaves nothing" "$(left "$uuid" "$vm")" ""

# An emulator that lets go of its image's lock while it has no keeper: a
# stand-in does what the guest of a broken one would have it do.
fake=$build/tests/keeper/fake-vmm
sed -e "s|<name>$vm<|<name>free$$<|" -e "s|<uuid>.*</uuid>||" \
    -e "s|<devices>|&<emulator>$fake</emulator>|" "$work/$vm.xml" \
    >"$work/free.xml"
check "a stand-in for the emulator is defined" svirt define "$work/free.xml"
let_go() # its lock's description, found by what the kernel says of it
{
    local file
    for file in "/proc/$1/fdinfo/"*; do
        ! grep -q '^lock:.*OFDLCK' "$file" ||
            svirt qemu-monitor-command "free$$" \
                "{\"execute\": \"close-fd\", \"arguments\": {\"fd\":${file##*/}}}"
    done | grep -c '"return"'
}
check "and started" svirt start "free$$"
emulator=$(vmm "free$$")
is "it closes its lock" "$(let_go "$emulator")" 1
! written
verdict $? "the keeper holds it nonetheless"
check "recover has nothing against that" svirt recover
check "nor has verify" svirt verify "free$$"
svirt -q destroy "free$$"

check "it starts again" svirt start "free$$"
emulator=$(vmm "free$$")
kill_hard "$(keeper "free$$")"
is "it closes its lock without a keeper" "$(let_go "$emulator")" 1
check "the disk is free, which it must not be" written
check "recover takes the lock again" svirt recover
grep -q "free$$ *image locks *the emulator gave up 1: 1 taken again" \
    "$work/check.out"
verdict $? "and says so" || note "$(cat "$work/check.out")"
! written
verdict $? "the disk is locked again"
grep -q "^Image locks: *given up" <(svirt dominfo "free$$")
verdict $? "dominfo tells it" || note "$(svirt dominfo "free$$")"
! svirt verify "free$$" >"$work/out" 2>&1 && grep -q "image locks" "$work/out"
verdict $? "verify does not forgive it" || note "$(cat "$work/out")"
svirt -q destroy "free$$"

check "it starts once more" svirt start "free$$"
emulator=$(vmm "free$$")
kill_hard "$(keeper "free$$")"
is "it closes its lock once more" "$(let_go "$emulator")" 1
qemu-io -f raw -c 'sleep 20000' "$disk_file" >/dev/null 2>&1 &
other=$!
has_lock() { grep -qs '^lock:' "/proc/$other/fdinfo/"*; }
soon has_lock
svirt recover >"$work/out" 2>&1
[ $? != 0 ] && grep -q "1 in use by another process" "$work/out"
verdict $? "who took the disk meanwhile is reported" || note "$(cat "$work/out")"
kill "$other" 2>/dev/null
wait "$other" 2>/dev/null
svirt -q destroy "free$$"
svirt -q undefine "free$$"
check "the disk is free after all" written

# The keeper dies between the commit of a start and QEMU's answer to `cont`.
# The flag SVIRT_RUN_COMMITTING in the status, keeper/status.h.
committing()
{
    local flags
    flags=$(od -An -tu4 -j36 -N4 \
        "$root/run/$(svirt domuuid "$1")/status" 2>/dev/null)
    [ $((${flags:-0} & 1024)) != 0 ]
}
dies_in_commit() # NAME
{
    sed -e "s|<name>$vm<|<name>$1<|" -e "s|<uuid>.*</uuid>||" \
        -e "s|<devices>|&<emulator>$fake</emulator>|" \
        -e "s|$disk_file|$work/commit.raw|" -e "s|</devices>|&<seclabel \
type='dynamic' model='dac' relabel='yes'/>|" "$work/$vm.xml" >"$work/$1.xml"
    svirt -q define "$work/$1.xml"
    svirt -q start "$1" >"$work/$1.out" 2>&1 &
    local starting=$!
    soon committing "$1"
    case $1 in
    mute*) soon is_state "$1" running ;;
    *) sleep 1 ;; # `cont` is on its way, or there
    esac
    kill_hard "$(keeper "$1")"
    wait "$starting"
}
commit_owner() { stat -c %u:%g "$work/commit.raw"; }
truncate -s 1M "$work/commit.raw"
chown 4711:4712 "$work/commit.raw"
dies_in_commit "mute-cont$$"
is "the start fails" "$?" 14 || note "$(cat "$work/mute-cont$$.out")"
grep -q "^  hint: svirt recover" "$work/mute-cont$$.out"
verdict $? "and says what to do" || note "$(cat "$work/mute-cont$$.out")"
[ "$(commit_owner)" != 4711:4712 ]
verdict $? "the VM, which runs, keeps the owner of its disk"
check "recover asks whether the guest runs" svirt recover
grep -q "mute-cont$$ *running VM *has a keeper again" "$work/check.out"
verdict $? "which is kept" || note "$(cat "$work/check.out")"
is "it is running" "$(svirt domstate "mute-cont$$")" running
[ -n "$(keeper "mute-cont$$")" ]
verdict $? "with a keeper"
check "and every label" svirt verify "mute-cont$$"
uuid=$(svirt domuuid "mute-cont$$")
svirt -q destroy "mute-cont$$"
is "and leaves nothing" "$(left "$uuid" "mute-cont$$")" ""
svirt -q undefine "mute-cont$$"
is "the disk is given back with the VM" "$(commit_owner)" 4711:4712
dies_in_commit "ignore-cont$$"
is "the start of one that never ran fails" "$?" 14
check "recover asks again" svirt recover
grep -q "ignore-cont$$ *unfinished start *ended and released" \
    "$work/check.out"
verdict $? "and ends it" || note "$(cat "$work/check.out")"
uuid=$(svirt domuuid "ignore-cont$$")
is "which leaves nothing" "$(left "$uuid" "ignore-cont$$")" ""
svirt -q undefine "ignore-cont$$"
dies_in_commit "ignore-cont$$"
check "a second start ends it as well" svirt start "ignore-cont$$" --paused
svirt -q destroy "ignore-cont$$"
svirt -q undefine "ignore-cont$$"
dies_in_commit "ignore-cont$$"
uuid=$(svirt domuuid "ignore-cont$$")
check "so does destroy" svirt destroy "ignore-cont$$"
is "nothing is left" "$(left "$uuid" "ignore-cont$$")" ""
svirt -q undefine "ignore-cont$$"

# A cgroup that the kernel will not remove.
uuid=$(svirt domuuid "$vm")
svirt -q start "$vm" --paused
inner=$(info "$vm" cgroup)/inner
if mkdir "$inner" 2>"$work/err"; then
    svirt destroy "$vm" 2>"$work/err"
    is "destroy says that something is left" \
        "$? $(sed -n 's/.*, but/but/p;$s/^  //p' "$work/err")" \
        "10 but its cgroup could not be removed
hint: svirt recover"
    is "the domain is shut off" "$(svirt domstate "$vm")" "shut off"
    ! svirt recover >"$work/out" 2>&1 && grep -q "not all released" "$work/out"
    verdict $? "recover cannot either" || note "$(cat "$work/out")"
    rmdir "$inner"
    check "until it can" svirt recover
    is "and then nothing is left" "$(left "$uuid" "$vm")" ""
else
    skip "destroy says that something is left" "$(cat "$work/err")"
    svirt -q destroy "$vm"
fi

# The emulator.
svirt -q start "$vm" --paused
kill_hard "$(vmm "$vm")"
check "a killed emulator is shut off" wait_state "$vm" "shut off"
check "everything is released" soon nothing_left "$uuid" "$vm"
check "the disk is free again" written
check "it starts again" svirt start "$vm" --paused
kill_hard "$(keeper "$vm")" "$(vmm "$vm")" "$(monitor "$vm")"
check "with all three dead it is shut off" wait_state "$vm" "shut off"
check "recover clears that" svirt recover
is "completely" "$(left "$uuid" "$vm")" ""
svirt -q start "$vm" --paused
emulator=$(vmm "$vm")
kill_hard "$(keeper "$vm")" "$emulator" "$(monitor "$vm")"
soon gone "$emulator"
check "or the next start does" svirt start "$vm" --paused

# As after a reboot, with a /run that survived it.
cp -a "$root/run/$uuid" "$work/stale"
svirt -q destroy "$vm"
cp -a "$work/stale" "$root/run/$uuid"
is "a stale run is shut off" "$(svirt domstate "$vm")" "shut off"
is "and not in the list" "$(svirt list --name)" ""
check "recover removes it" svirt recover
is "completely" "$(left "$uuid" "$vm")" ""
cp -a "$work/stale" "$root/run/$uuid"
check "a start over it works" svirt start "$vm" --paused
svirt -q destroy "$vm"
for damage in "rm spec" "truncate -s 0 status" "rm status" "rm lock" \
    "truncate -s 10 spec"; do
    cp -a "$work/stale" "$root/run/$uuid"
    (cd "$root/run/$uuid" && eval "$damage")
    svirt recover >"$work/out" 2>&1
    is "recover removes one after '$damage'" "$(left "$uuid" "$vm")" "" ||
        note "$(cat "$work/out")"
    rm -rf "${root:?}/run/$uuid"
    cp -a "$work/stale" "$root/run/$uuid"
    (cd "$root/run/$uuid" && eval "$damage")
    check "start works after '$damage'" svirt start "$vm" --paused
    svirt -q destroy "$vm" >/dev/null 2>&1
    rm -rf "${root:?}/run/$uuid"
done

# A start that is killed.
whole_or_gone()
{
    nothing_left "$uuid" "$vm" || {
        is_state "$vm" paused && usable "$vm" && svirt verify "$vm" >/dev/null
    } 2>/dev/null
}
failed=
for turn in 1 2 3 4 5; do
    for ms in 001 003 005 010 020 030 040 080; do
        {
            timeout -s KILL "0.$ms" "$build/src/cli/svirt" -q start "$vm" \
                --paused
        } >/dev/null 2>&1
        # The keeper ends what nobody wants any more, in its own time.
        sleep 0.1
        svirt recover >"$work/recovered" 2>&1 ||
            failed="$failed recover after $ms ms;"
        soon whole_or_gone || failed="$failed half running after $ms ms;"
        svirt -q destroy "$vm" >/dev/null 2>&1
        soon nothing_left "$uuid" "$vm" ||
            failed="$failed left after $ms ms: $(left "$uuid" "$vm");"
    done
done
is "a start killed at 40 moments runs, or leaves nothing" "$failed" ""
check "and the next one works" svirt start "$vm" --paused
svirt -q destroy "$vm"

# Kills svirt ARGUMENT... before its Nth CALL; false: it made fewer.
killed() # CALL N ARGUMENT...
{
    local call=$1 number=$2
    shift 2
    {
        strace -qqq -o /dev/null -e "trace=$call" \
            -e "inject=$call:signal=KILL:when=$number" \
            "$build/src/cli/svirt" "$@"
    } >/dev/null 2>&1
    [ $? = 137 ]
}

# define and undefine: before or after, nothing between.
step=$([ -n "$long" ] && echo 1 || echo 4)
sed -e "s|<name>$vm<|<name>other$$<|" \
    -e "s|<domain type='qemu'>|&<uuid>$(cat /proc/sys/kernel/random/uuid)</uuid>|" \
    "$work/$vm.xml" >"$work/other.xml"
failed=
moments=0
for call in fdatasync pwrite64; do
    by=$([ $call = pwrite64 ] && echo "$step" || echo 1)
    for ((at = 1; ; at += by)); do
        killed $call $at define "$work/other.xml" || break
        moments=$((moments + 1))
        svirt recover >/dev/null 2>&1 || failed="$failed recover $call $at;"
        case $(svirt list --all --name 2>&1) in
        "$vm") said=defined ;;
        "$vm"*"other$$" | "other$$"*"$vm") said=unchanged ;;
        *) said=lost ;;
        esac
        svirt define "$work/other.xml" >"$work/out" 2>&1
        grep -q " $said from " "$work/out" &&
            svirt start --dry-run "other$$" >"$work/out" 2>&1 ||
            failed="$failed $call $at, $said: $(cat "$work/out");"
        svirt -q undefine "other$$" >/dev/null 2>&1
    done
done
is "define killed at $moments moments is before or after" "$failed" ""
[ $moments -ge 10 ]
verdict $? "there were that many moments" || note "$moments"
failed=
moments=0
for call in fdatasync pwrite64; do
    by=$([ $call = pwrite64 ] && echo "$step" || echo 1)
    for ((at = 1; ; at += by)); do
        svirt -q define "$work/other.xml"
        killed $call $at undefine "other$$" || break
        moments=$((moments + 1))
        svirt recover >/dev/null 2>&1 || failed="$failed recover $call $at;"
        if svirt domstate "other$$" >/dev/null 2>&1; then
            svirt start --dry-run "other$$" >"$work/out" 2>&1 ||
                failed="$failed $call $at: $(cat "$work/out");"
            svirt -q undefine "other$$" >"$work/out" 2>&1 ||
                failed="$failed $call $at: $(cat "$work/out");"
        fi
        [ "$(svirt list --all --name)" = "$vm" ] ||
            failed="$failed $call $at: still there;"
    done
done
is "undefine killed at $moments moments is before or after" "$failed" ""
[ $moments -ge 5 ]
verdict $? "there were that many moments" || note "$moments"

# A start that changes an owner, killed at every step of its journal.
sed -e "s|<name>$vm<|<name>own$$<|" \
    -e "s|</devices>|&<seclabel type='dynamic' model='dac' relabel='yes'/>|" \
    -e "s|$disk_file|$work/own.raw|" "$work/$vm.xml" >"$work/own.xml"
truncate -s 1M "$work/own.raw"
chown 4711:4712 "$work/own.raw"
owner() { stat -c %u:%g "$work/own.raw"; }
# The keeper of a start that was killed ends in its own time.
starts_own()
{
    svirt -q start "own$$" --paused >"$work/out" 2>&1 ||
        ! grep -q 'hint: try again' "$work/out"
}
moments=0
failed=
for call in fdatasync fchownat pwrite64; do
    by=$([ $call = pwrite64 ] && echo "$step" || echo 1)
    for ((at = 1; ; at += by)); do
        svirt -q define "$work/own.xml"
        own=$(svirt label "own$$" --format json | python3 -c '
import json, sys
print([l["image_label"] for l in json.load(sys.stdin)
       if l["model"] == "dac"][0].replace("+", ""))')
        [ "$(owner)" = 4711:4712 ] || failed="$failed before $call $at;"
        if ! killed $call $at -q start "own$$" --paused; then
            is "the start that is not killed has its own owner ($call)" \
                "$(owner)" "$own"
            svirt -q destroy "own$$"
            svirt -q undefine "own$$" >/dev/null
            break
        fi
        moments=$((moments + 1))
        svirt recover >"$work/out" 2>&1 ||
            failed="$failed recover at $call $at: $(cat "$work/out");"
        case $(owner) in
        4711:4712 | "$own") ;;
        *) failed="$failed $call $at: $(owner);" ;;
        esac
        svirt -q destroy "own$$" >/dev/null 2>&1
        soon starts_own && [ "$(owner)" = "$own" ] &&
            svirt -q destroy "own$$" ||
            failed="$failed start after $call $at: $(cat "$work/out");"
        svirt -q undefine "own$$" >/dev/null
        [ "$(owner)" = 4711:4712 ] ||
            failed="$failed lost at $call $at: $(owner);"
        chown 4711:4712 "$work/own.raw"
    done
done
is "an owner outlives a start killed at $moments moments" "$failed" ""
[ $moments -ge 5 ]
verdict $? "there were that many moments" || note "$moments"
moments=0
failed=
for call in fdatasync fchownat pwrite64; do
    by=$([ $call = pwrite64 ] && echo "$step" || echo 1)
    for ((at = 1; ; at += by)); do
        svirt -q define "$work/own.xml"
        svirt -q start "own$$" --paused && svirt -q destroy "own$$"
        killed $call $at -q undefine "own$$" || break
        moments=$((moments + 1))
        svirt recover >"$work/out" 2>&1 ||
            failed="$failed recover at $call $at: $(cat "$work/out");"
        ! svirt domstate "own$$" >/dev/null 2>&1 ||
            svirt -q undefine "own$$" >"$work/out" 2>&1 ||
            failed="$failed undefine after $call $at: $(cat "$work/out");"
        [ "$(owner)" = 4711:4712 ] ||
            failed="$failed lost at $call $at: $(owner);"
        chown 4711:4712 "$work/own.raw"
    done
done
is "and an undefine killed at $moments" "$failed" ""

# Many at once.
count=$([ -n "$long" ] && echo 50 || echo 30)
for ((i = 0; i < count; i++)); do
    MEMORY=65536 define "many$i"
done
for ((i = 0; i < count; i++)); do
    svirt -q start "many$i" --paused 2>"$work/many$i.err" &
done
wait
is "$count started at once run" "$(svirt list --name | wc -l)" "$count" ||
    note "$(cat "$work"/many*.err)"
is "each under uids of its own" \
    "$(for ((i = 0; i < count; i++)); do
        svirt dominfo "many$i" |
            sed -n 's/^\(Emulator\|Monitor\):.*uid //p'
    done | sort -u | wc -l)" $((2 * count))
check "each confined" svirt verify
for ((i = 0; i < count; i++)); do
    svirt -q destroy "many$i" 2>>"$work/many.err" &
done
wait
is "all stopped at once" "$(svirt list --name; cat "$work/many.err")" ""
is "nothing is left of them" "$(find "$root/run" -mindepth 1 ! -name next-id
    pgrep -f 'guest=many[0-9]+,')" ""
done_testing
