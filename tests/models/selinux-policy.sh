#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 540
# lab: -m 1536 -x dummy
# svirt's SELinux module, enforcing: two real VMs work, and what has the label
# of one reaches nothing of the other, of svirt and of the host. The attacker
# is root with every capability, in no compartment: SELinux alone says no.
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
. tests/models/selinux-lib.sh

# It makes its directories.
svirt list >/dev/null
sequence_before=$(policy_sequence)
ip link add d0 type dummy
ip address add 198.51.100.2/24 dev d0
ip link set d0 up
ip route add default via 198.51.100.1
NETWORK=yes vm alpha
vm beta
is "no policy is loaded by a start" "$(policy_sequence)" "$sequence_before"
check "both are verified" svirt verify
svirt verify alpha >"$work/verify"
for process in emulator monitor passt keeper; do
    grep -q "alpha *$process *enforcing selinux *ok" "$work/verify"
    verdict $? "verify says that SELinux enforces on the $process" ||
        note "$(cat "$work/verify")"
done

alpha=$(label_of alpha qemu-system-x86)
beta=$(label_of beta qemu-system-x86)
[[ $alpha =~ ^system_u:system_r:svirt_vm_tcg_t:s0:c[0-9]+(,c[0-9]+){7}$ ]]
verdict $? "an emulator has svirt's domain and eight categories: $alpha"
[ "$alpha" != "$beta" ]
verdict $? "no other VM has them: $beta"
is "the monitor has a domain of its own, the VM's categories" \
    "$(label_of alpha svirt-monitor)" \
    "${alpha/svirt_vm_tcg_t/svirt_monitor_t}"
is "so has passt" "$(label_of alpha passt)" \
    "${alpha/svirt_vm_tcg_t/svirt_helper_t}"
is "the keeper has its own, and no category" \
    "$(label_of alpha svirt-keeper)" \
    unconfined_u:system_r:svirt_keeper_t:s0
is "nothing was denied to them" "$(denials svirt_)" ""

image_label() { stat -c %C "$images/$1.qcow2"; }
own=system_u:object_r:svirt_vm_image_t:${alpha#*_t:}
is "the image has the VM's categories" "$(image_label alpha)" "$own"
is "what svirt made is svirt's" \
    "$(stat -c %C /run/svirt /var/lib/svirt/state.db /var/log/svirt |
        cut -d : -f 3 | tr '\n' ' ')" "svirt_run_t svirt_state_t svirt_log_t "

# The mirror: what is its own it reaches.
cp "$images/alpha.qcow2" "$work/own"
chcon "$own" "$work/own"
check "its own image is read" as "$alpha" cat "$work/own"
check "and written" as "$alpha" dd if=/dev/zero of="$work/own" count=1 \
    conv=notrunc status=none
is "nothing was denied to it" "$(denials svirt_vm)" ""

chmod 666 "$images"/*
for file in "$images/beta.qcow2" /etc/shadow /etc/passwd /etc/hostname \
    /var/lib/svirt/state.db /var/log/svirt/beta.log /proc/1/environ; do
    denied "reads $file" cat "$file"
done
denied "writes the other's image" dd if=/dev/zero of="$images/beta.qcow2" \
    count=1 conv=notrunc status=none
denied "lists the host's state" ls /var/lib/svirt
denied "lists /tmp" ls /tmp
denied "writes into /tmp" touch /tmp/new
denied "lists /run/svirt" ls /run/svirt

# Label games: subsets, other types' sets, sharing.
cp "$images/beta.qcow2" "$work/game"
game() # FACT CONTEXT COMMAND...
{
    chcon "$2" "$work/game"
    denied "$1" "${@:3}"
}
game "reads an image of libvirt's with two of its categories" \
    "system_u:object_r:svirt_image_t:s0:$(cut -d , -f 1,2 <<<"${alpha##*:}")" \
    cat "$work/game"
game "reads an image that differs in one category" \
    "${own%,*},c1023" cat "$work/game"
game "writes what is read-only" system_u:object_r:svirt_vm_content_t:s0 \
    dd if=/dev/zero of="$work/game" count=1 conv=notrunc status=none
check "but reads it" as "$alpha" cat "$work/game"
chcon system_u:object_r:svirt_vm_image_t:s0 "$work/game"
check "what is shared it writes" as "$alpha" dd if=/dev/zero \
    of="$work/game" count=1 conv=notrunc status=none

beta_pid=$(pid_of beta qemu-system-x86)
denied "signals the other emulator" /usr/bin/kill -CONT "$beta_pid"
denied "reads its memory map" cat "/proc/$beta_pid/maps"
is "it may do nothing to that process" "$(allowed "$alpha" "$beta" process)" ""
denied "signals its own keeper" /usr/bin/kill -CONT \
    "$(pid_of alpha svirt-keeper)"
denied "makes a TCP socket" bash -c 'echo >/dev/tcp/127.0.0.1/1'
denied "makes a UDP socket" bash -c 'echo >/dev/udp/127.0.0.1/1'
denied "runs the command" svirt list
denied "becomes its keeper" runcon "$(label_of alpha svirt-keeper)" true
denied "changes its own label" runcon "$beta" true
denied "mounts" mount -t tmpfs none /mnt
denied "makes a device node" mknod /dev/made c 1 1
denied "loads a module" /bin/busybox insmod /etc/hostname
denied "turns enforcement off" sh -c 'echo 0 >/sys/fs/selinux/enforce'

# The monitor and passt have no more.
alpha_emulator=$alpha
for alpha in "${alpha_emulator/svirt_vm_tcg_t/svirt_monitor_t}" \
    "${alpha_emulator/svirt_vm_tcg_t/svirt_helper_t}"; do
    denied "reads the VM's own image" cat "$work/own"
    denied "reads the other's image" cat "$images/beta.qcow2"
    denied "reads /etc/shadow" cat /etc/shadow
    denied "mounts" mount -t tmpfs none /mnt
    denied "makes a device node" mknod /dev/made c 1 1
    denied "becomes the emulator" runcon "$alpha_emulator" true
done
for right in capability capability2 filesystem; do
    is "the monitor has no $right" "$(allowed \
        "${alpha_emulator/svirt_vm_tcg_t/svirt_monitor_t}" \
        "${alpha_emulator/svirt_vm_tcg_t/svirt_monitor_t}" $right)" ""
done
alpha=$alpha_emulator

# libvirt's domain with this VM's categories has no rule for its image.
is "libvirt's VMs may do nothing to an image of svirt's" \
    "$(allowed "${alpha/svirt_vm_tcg_t/svirt_t}" "$own" file)" ""
# With KVM an emulator makes no code.
! allowed "${alpha/_tcg/}" "${alpha/_tcg/}" process | grep -qw execmem
verdict $? "an emulator with KVM may not make code"

# A backup's domain, by the module's interface.
backup=system_u:system_r:lab_backup_t:s0
check "a backup reads every image" as "$backup" \
    cat "$images/alpha.qcow2" "$images/beta.qcow2"
alpha=$backup
denied "writes one" dd if=/dev/zero of="$images/beta.qcow2" count=1 \
    conv=notrunc status=none
denied "reads the state" cat /var/lib/svirt/state.db
alpha=$alpha_emulator

# Tools that label by path change nothing, running or stopped.
mkdir -p /var/lib/svirt/images
images=/var/lib/svirt/images vm gamma
labels() { stat -c '%n %C' "$images"/*.qcow2 /var/lib/svirt/images/*; }
before=$(labels)
check "restorecon runs over running VMs" restorecon -R /var/lib/svirt "$images"
is "and changes no label" "$(labels)" "$before"
check "svirt verify agrees" svirt verify
for name in alpha beta gamma; do
    svirt -q destroy "$name"
done
check "restorecon runs over stopped VMs" restorecon -R /var/lib/svirt "$images"
is "and changes no label then" "$(labels)" "$before"
check "they start again" svirt start alpha
is "with the same label" "$(label_of alpha qemu-system-x86)" "$alpha"
svirt -q destroy alpha

# The selftest's probe has a context as a VM has.
svirt selftest >"$work/selftest" 2>&1
grep -q ' 0 open, .* 0 breaches' "$work/selftest"
verdict $? "the selftest's attempts fail" || note "$(tail -n 5 "$work/selftest")"
[ -n "$(news | grep -a 'comm="svirt-probe".*:svirt_vm_t:')" ]
verdict $? "SELinux, too, was in their way"
seen=$(wc -l <"$work/all")

# Not from a shell: as a unit of systemd or a script of init runs it.
check "init's scripts start one" runcon \
    system_u:system_r:initrc_t:s0 sh -c 'svirt start alpha'
is "with the same label again" "$(label_of alpha qemu-system-x86)" "$alpha"
svirt -q destroy alpha
# From a shell whose range is narrower than a VM's, or has no high level: what
# svirt runs as is its own. (Given a label by runcon itself, svirt would be what
# it says and nothing that the policy made it.)
ranged()
{
    # shellcheck disable=SC2016 # for that shell
    runcon -l "$1" sh -c '"$@"' sh "${@:2}"
}
for range in s0 s0-s0:c7 s0-s0:c0.c39; do
    check "a shell with the range $range starts one" \
        ranged $range svirt -q start alpha
    is "with the same label as ever" \
        "$(label_of alpha qemu-system-x86)" "$alpha"
    check "and verifies it" ranged $range svirt verify alpha
    check "and ends it" ranged $range svirt -q destroy alpha
done
is "to the end nothing was denied to svirt's own programs" \
    "$(denials 'svirt_(cmd|keeper)_t')" ""
check "svirt doctor finds nothing to say" svirt doctor
done_testing
