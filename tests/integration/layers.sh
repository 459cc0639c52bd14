#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 120
# What the kernel itself says about a running VMM: every layer of the
# compartment, read from /proc and not from svirt; and that svirt's own
# read-back notices a process that is no longer as it was started.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/integration/lib.sh

field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
limit() { sed -n "s/^$2  *\([^ ]*\)  *\([^ ]*\) .*/\1 \2/p" "/proc/$1/limits"; }
pid_of() { svirt dominfo vm | sed -n "s/^$1:.*pid \([0-9]*\),.*/\1/p"; }
uid_of() { svirt dominfo vm | sed -n "s/^$1:.*uid \([0-9]*\).*/\1/p"; }

truncate -s 64M "$work/disk.raw"
HOST_SECRET=hunter2
export HOST_SECRET
define vm "$(disk vm raw "$work/disk.raw")" \
    "<interface type='user'><model type='virtio'/></interface>"
svirt -q start vm --paused
emulator=$(pid_of Emulator)
monitor=$(pid_of Monitor)
passt=$(pid_of "Network helper")
keeper=$(field "$emulator" PPid)

# Who it is.
for role in Emulator Monitor "Network helper"; do
    pid=$(pid_of "$role")
    uid=$(uid_of "$role")
    is "$role: one uid, not root's" "$(field "$pid" Uid | tr '\t' ' ')" \
        "$uid $uid $uid $uid"
    [ "$uid" -gt 100000 ]
    verdict $? "$role: a uid that no user of the host has" || note "$uid"
    is "$role: no groups" "$(field "$pid" Groups | tr -d ' ')" ""
    is "$role: no capabilities in any thread" \
        "$(cat "/proc/$pid"/task/*/status | grep '^Cap' |
            grep -vc '[[:space:]]0*$')" 0
    is "$role: no new privileges, a filter, in every thread" \
        "$(cat "/proc/$pid"/task/*/status | grep -E '^(NoNewPrivs|Seccomp):' |
            tr -d '\t' | sort -u | tr '\n' ' ')" "NoNewPrivs:1 Seccomp:2 "
    shared=
    for namespace in mnt pid ipc uts net; do
        # passt reaches the network for its guest.
        [ "$role $namespace" != "Network helper net" ] || continue
        [ "$(readlink "/proc/$pid/ns/$namespace")" != \
            "$(readlink "/proc/self/ns/$namespace")" ] ||
            shared="$shared $namespace"
    done
    is "$role: shares no namespace with the host" "$shared" ""
    is "$role: no terminal" "$(awk '{ print $7 }' "/proc/$pid/stat")" 0
    is "$role: a session of its own" "$(ps -o sid= -p "$pid" | tr -d ' ')" \
        "$pid"
    is "$role: nothing of svirt's environment" \
        "$(tr '\0' ' ' <"/proc/$pid/environ")" \
        "LC_ALL=C PATH=/usr/bin:/bin HOME=/ "
    is "$role: no core" "$(limit "$pid" 'Max core file size')" "0 0"
done
[ "$(uid_of Emulator)" != "$(uid_of Monitor)" ] &&
    [ "$(uid_of Emulator)" != "$(uid_of "Network helper")" ] &&
    [ "$(uid_of Monitor)" != "$(uid_of "Network helper")" ]
verdict $? "three processes, three uids"

# Its limits.
read -r soft hard < <(limit "$emulator" 'Max file size')
[ "$soft" = "$hard" ] && [ "$soft" -ge $((64 << 20)) ] &&
    [ "$soft" -lt $((64 << 21)) ]
verdict $? "no file longer than its disk" || note "$soft $hard"
for what in 'Max locked memory' 'Max msgqueue size' 'Max realtime priority' \
    'Max nice priority' 'Max processes' 'Max open files'; do
    read -r soft hard < <(limit "$emulator" "$what")
    [ "$hard" != unlimited ]
    verdict $? "$what is limited" || note "$soft $hard"
done

# Its descriptors.
is "standard input is /dev/null" "$(readlink "/proc/$emulator/fd/0")" \
    /dev/null
for output in 1 2; do
    case $(readlink "/proc/$emulator/fd/$output") in
    pipe:*) ;;
    *) false ;;
    esac
    verdict $? "descriptor $output is a pipe"
done
is "no descriptor of a terminal, a directory, /proc or svirt's files" \
    "$(for fd in "/proc/$emulator"/fd/*; do
        readlink "$fd"
    done | grep -E "pts|tty|^/proc|state.db|$root|/dev/(kvm|vhost)")" ""
is "its only host files are its disk" \
    "$(for fd in "/proc/$emulator"/fd/*; do
        target=$(readlink "$fd")
        case $target in
        /dev/null | /dev/u*random | /memfd:* | [a-z]*:*) ;;
        *) echo "$target" ;;
        esac
    done | sort -u)" "$work/disk.raw"

# Its root: what is mounted and what has a name.
is "nothing it sees can be written" \
    "$(awk '$6 !~ /(^|,)ro(,|$)/ && $5 != "/proc" { print $5, $6 }' \
        "/proc/$emulator/mountinfo" | grep -v '^/dev')" ""
is "nothing set-uid works, no device outside /dev" \
    "$(awk '$6 !~ /nosuid/ || ($6 !~ /nodev/ && $5 !~ "^/dev") {
        print $5, $6 }' "/proc/$emulator/mountinfo")" ""
is "the host's mounts are gone" \
    "$(awk '{ print $5 }' "/proc/$emulator/mountinfo" |
        grep -Ev '^/$|^/usr|^/proc$|^/dev|^/etc/ld.so.cache$|^/lib')" ""
is "its root holds libraries and firmware alone" \
    "$(find "/proc/$emulator/root/" -maxdepth 1 -mindepth 1 -printf '%f\n' |
        grep -Ev '^(usr|lib|lib32|lib64|libx32|bin|sbin|dev|proc|etc|sys)$')" ""
is "of sysfs it has the two lines that glibc's heap asks for" \
    "$(find "/proc/$emulator/root/sys" -type f -printf '%f %m\n' 2>/dev/null |
        grep -Ev '^(enabled|hpage_pmd_size) 444$')" ""
is "its /etc is the loader's cache" \
    "$(find "/proc/$emulator/root/etc" -mindepth 1 -printf '%f\n')" \
    ld.so.cache
is "its /dev has no device of the host" \
    "$(find "/proc/$emulator/root/dev" -mindepth 1 -printf '%f\n' |
        grep -Ev '^(null|zero|full|random|urandom|kvm)$')" ""
is "it is the first process of its own table" \
    "$(field "$emulator" NSpid | awk '{ print $NF }')" 1

# Its cgroup.
cgroup=$(svirt dominfo vm | sed -n 's/^Cgroup: *//p')
is "its cgroup holds it" "$(grep -cx "$emulator" "$cgroup/cgroup.procs")" 1
is "helpers have another" \
    "$(grep -cxE "$monitor|$passt" "${cgroup%/vmm}/helper/cgroup.procs")" 2
lacking=$(for controller in memory pids cpu io; do
    grep -qw $controller "${cgroup%/vmm}/cgroup.controllers" ||
        echo $controller
done | paste -sd, | sed 's/,/, /g')
is "dominfo names the limits that the host lacks" \
    "$(svirt dominfo vm | sed -n 's/^Kernel lacks: .*controllers: //p')" \
    "$lacking"
abi=$(svirt dominfo vm | sed -n 's/^Landlock: *//p')
case $abi in
"ABI "[1-9]* | none) ;;
*) false ;;
esac
verdict $? "dominfo names the Landlock that there is" || note "$abi"

# The keeper, which reads nothing of the VM's.
is "the keeper holds no state, key or image" \
    "$(for fd in "/proc/$keeper"/fd/*; do
        readlink "$fd"
    done | grep -E 'state\.db|doi|\.key')" ""
is "nor does the monitor" \
    "$(for fd in "/proc/$monitor"/fd/*; do
        readlink "$fd"
    done | grep -E 'state\.db|doi|\.key|disk\.raw')" ""
is "neither maps SQLite, Expat or GLib" \
    "$(cat "/proc/$keeper/maps" "/proc/$monitor/maps" |
        grep -cE 'sqlite|expat|glib|jansson')" 0

# What is changed afterwards is noticed.
check "all is as it was started" svirt verify vm
wrong() # FACT PROCESS CHECK
{
    local code=0
    svirt verify vm >"$work/out" 2>"$work/err" || code=$?
    [ "$code" = 11 ] &&
        grep -Eq "^ vm +$2 +$3 +WRONG " "$work/out" && [ ! -s "$work/err" ]
    verdict $? "$1" || note "exit code $code"$'\n'"$(cat "$work/out")"
}
echo "$emulator" >"${cgroup%/vmm}/helper/cgroup.procs"
wrong "an emulator in another cgroup" emulator cgroup
echo "$emulator" >"$cgroup/cgroup.procs"
check "back again it is right" svirt verify vm
echo "$monitor" >"$cgroup/cgroup.procs"
wrong "a monitor in another cgroup" monitor cgroup
echo "$monitor" >"${cgroup%/vmm}/helper/cgroup.procs"
check "back again it is right, too" svirt verify
kill -STOP "$keeper"
kill -9 "$monitor"
wrong "a monitor that is gone" monitor process
kill -CONT "$keeper"
again() { svirt verify vm >/dev/null 2>&1; }
check "until its keeper has started another" soon again
svirt -q destroy vm
done_testing
