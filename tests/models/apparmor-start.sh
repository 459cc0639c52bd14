#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# svirt start on a host that enforces AppArmor: every process of two VMs in a
# profile of its own, everything their definitions name works, nothing of it is
# denied, and a profile that somebody else loads is found.
# timeout: 240
# lab: -x dummy -m 2048
if [ "$LAB_MODEL" != apparmor ]; then
    echo "1..0 # SKIP needs a kernel with AppArmor (tests/lab/run)"
    exit 0
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/integration/lib.sh
profiles=/sys/kernel/security/apparmor/profiles
denials() { dmesg | grep 'apparmor="DENIED"'; }
pid_of() # NAME emulator|monitor
{
    svirt dominfo "$1" | sed -n "s/^${2^}: *pid \([0-9]*\),.*/\1/p"
}
current() { cat "/proc/$1/attr/apparmor/current"; }

# passt wants a way out of the host.
ip link add out type dummy
ip address add 198.51.100.2/24 dev out
ip link set out up
ip route add default via 198.51.100.1 dev out

for name in web db base cd; do
    truncate -s 16M "$work/$name.img"
    chmod 600 "$work/$name.img"
done
echo "on the disk" | dd of="$work/web.img" conv=notrunc status=none
read_only="<disk type='file' device='disk'><driver name='qemu' type='raw'/>\
<source file='$work/base.img'/><target dev='vdy' bus='virtio'/><readonly/>\
</disk>"
cdrom="<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>\
<source file='$work/cd.img'/><target dev='sda' bus='sata'/><readonly/></disk>"
check "a VM with a network is defined" define web "$(disk web raw \
    "$work/web.img")" "$read_only" "$cdrom" \
    "<interface type='user'><backend type='passt'/></interface>"
check "and another" define db "$(disk db raw "$work/db.img")" "$read_only"
is "a definition loads nothing" "$(grep -c ^svirt $profiles)" 0
check "web starts" svirt start web
check "db starts" svirt start db --paused
web=svirt-$(svirt domuuid web) db=svirt-$(svirt domuuid db)

emulator=$(pid_of web emulator)
is "the emulator has the VM's profile" "$(current "$emulator")" \
    "$web (enforce)"
is "in every thread" "$(cat /proc/"$emulator"/task/*/attr/apparmor/current \
    2>/dev/null | sort -u)" \
    "$web (enforce)"
is "the monitor one of its own" "$(current "$(pid_of web monitor)")" \
    "$web//monitor (enforce)"
is "passt, too" "$(cat /proc/[0-9]*/attr/apparmor/current 2>/dev/null |
    grep -c "^$web//passt (enforce)$")" 1
is "the other VM another" "$(current "$(pid_of db emulator)")" "$db (enforce)"
check "verify finds all of it" svirt verify
svirt verify web >"$work/verify"
for process in emulator monitor passt; do
    grep -q "web *$process *enforcing apparmor *ok" "$work/verify"
    verdict $? "and that the $process is enforced on"
done
grep -q 'web *keeper *enforcing apparmor *weak' "$work/verify"
verdict $? "and that the keeper is not" || note "$(cat "$work/verify")"

check "web's guest is up" wait_up web
is "it reads its disk" "$(type_in web 'head -c 11 /dev/vda' 2 |
    grep -c '^on the disk')" 1
type_in web 'printf written | dd of=/dev/vda bs=512 seek=8; sync' 3 >/dev/null
is "and writes it" "$(dd if="$work/web.img" bs=512 skip=8 count=1 status=none |
    head -c 7)" written
is "what is read-only it cannot" "$(type_in web \
    'cat /sys/block/vdb/ro' 2 | grep -c '^1')" 1
check "it is suspended" svirt suspend web
check "and goes on" svirt resume web
type_in web reboot >/dev/null
sleep 3
check "it is up again after a reboot" wait_up web
check "svirt reboots it" svirt reboot web
sleep 3
check "and it is up" wait_up web
is "its profile is the same" "$(current "$emulator")" "$web (enforce)"
is "none of it was denied" "$(denials)" ""

# Cutting or growing a file by its descriptor is the one thing of a disk that
# Linux 6.1 asks the path for: a raw disk's size. The right to write that very
# name is enough, and no name of a VM's own root begins like that.
resize() # NODE
{
    svirt qemu-monitor-command web "{\"execute\": \"block_resize\",
        \"arguments\": {\"node-name\": \"$1\", \"size\": 8388608}}"
}
resize disk0-format0 | grep -q 'Permission denied'
verdict $? "a raw disk is not resized"
is "by AppArmor's record, which names it as no path can" \
    "$(denials | grep -c "\"truncate\" .*name=\"/disconnected$work/web.img\"")" 1
check "the right to write that name is loaded, live" \
    "$build/tests/models/model-tool" apparmor load-path "${web#svirt-}" \
    "/disconnected$work/web.img"
dmesg -c >/dev/null
is "and it is resized" "$(resize disk0-format0 | tr -d '\r') $(stat -c %s \
    "$work/web.img")" '{"return":{}} 8388608'
is "without a denial" "$(denials)" ""
check "relabel takes the right away" svirt relabel web
check "as verify finds" svirt verify web

# A profile under the VM, loaded by another.
"$build/tests/models/apparmor-tool" rules "$web" <<'RULES'
rwk /**
RULES
! svirt verify web >"$work/verify" 2>&1
verdict $? "verify fails when somebody else loads a profile of the name"
grep -q 'replaced by one that svirt did not make' "$work/verify"
verdict $? "and says what happened" || note "$(cat "$work/verify")"
check "the other VM is as it was" svirt verify db
check "relabel loads svirt's own again, live" svirt relabel web
svirt verify web >"$work/verify"
verdict $? "and verify is content" || note "$(grep -v " ok " "$work/verify")"
"$build/tests/models/apparmor-tool" rules "$web" <<'RULES'
rwk /**
RULES
check "web is destroyed" svirt destroy web
check "starting it again loads its own" svirt start web
svirt verify web >"$work/verify"
verdict $? "and verify is content" || note "$(grep -v " ok " "$work/verify")"
echo "profile $db flags=(complain) { }" | apparmor_parser -r -K
! svirt verify db >"$work/verify" 2>&1
verdict $? "verify fails when it is set to complain" ||
    note "$(cat "$work/verify")"

# The selftest's probe has a profile as a VM has.
svirt selftest >"$work/selftest" 2>&1
grep -q ' 0 open, .* 0 breaches' "$work/selftest"
verdict $? "the selftest's attempts fail" || note "$(tail -n 5 "$work/selftest")"
dmesg | grep -q 'DENIED.*profile="svirt-[0-9a-f-]*".*comm="svirt-probe"'
verdict $? "AppArmor, too, was in their way"
check "web is destroyed again" svirt destroy web
check "and db" svirt destroy db
dmesg -C
check "both are undefined" svirt undefine web
check "and leave" svirt undefine db
is "no profile" "$(grep ^svirt $profiles)" ""
done_testing
