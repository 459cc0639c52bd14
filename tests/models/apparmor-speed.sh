#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How long it takes to make and load a VM's profiles, next to apparmor_parser
# with the same rules in the same run; and to ask about 1,000 VMs.
# timeout: 240
# alone
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/tap.sh
[ "$LAB_MODEL" = apparmor ] ||
    skip_all "needs a kernel with AppArmor (tests/lab/run)"
work=$(mktemp -d)
tool=$SVIRT_BUILD/tests/models/apparmor-tool

# The same three profiles as text, the first with so many rules for paths.
libraries='"/{,usr/,usr/local/}lib{,32,64,x32}/**" mr, /etc/ld.so.cache r,
  signal (receive) peer=unconfined,'
profile() # RULES
{
    local i end
    cat <<TEXT
profile speed {
  $libraries
  "/usr/{,local/}share/{qemu,qemu-efi-*,seabios,OVMF,AAVMF,ovmf,edk2,edk2-*,ipxe,ipxe-qemu,vgabios,openbios,slof,sgabios}/**" r,
  "/dev/{null,zero,full}" rw,
  "/dev/{random,urandom}" r,
  /dev/kvm rw,
  /proc/1/status r,
  network unix stream, network unix dgram, network unix seqpacket,
  network inet stream, network inet6 stream,
  signal peer=speed,
TEXT
    for ((i = 0; i < $1; i++)); do
        end=.qcow2
        [ $((i % 4)) != 0 ] || end='/**'
        echo "  /var/lib/images/vm-$((i * 7919 % 1000))/disk-$i$end rwk,"
    done
    cat <<TEXT
}
profile speed//monitor {
  $libraries
  /dev/null rw,
  network unix stream, network unix dgram, network unix seqpacket,
  network inet stream, network inet6 stream,
  capability sys_admin, capability setuid, capability setgid,
  capability setpcap, capability mknod,
  mount, umount, pivot_root,
  signal peer=speed//monitor,
}
profile speed//passt {
  $libraries
  /dev/null rw,
  network unix stream, network inet stream, network inet dgram,
  network inet6 stream, network inet6 dgram, network netlink raw,
  signal peer=speed//passt,
}
TEXT
}
# The first is at most LIMIT and at least TIMES faster than the second.
compare() # WHAT OWN THEIRS LIMIT TIMES
{
    awk -v own="$2" -v limit="$4" 'BEGIN { exit !(own <= limit) }'
    verdict $? "$1: at most $4 ms" || note "$2 ms"
    awk -v own="$2" -v theirs="$3" -v times="$5" 'BEGIN { exit !(theirs >= times * own) }'
    verdict $? "$1: $5 times faster than apparmor_parser" || note "not so"
    note "$(awk -v own="$2" -v theirs="$3" 'BEGIN {
        printf "%.2f ms, apparmor_parser %.0f ms: %.0f times", own, theirs,
            theirs / own }')"
}

for rules in 0 200; do
    profile $rules >"$work/$rules"
done
compare "descriptors alone" "$("$tool" time 60 0)" \
    "$("$tool" parser 5 "$work/0")" 2 50
compare "200 path rules" "$("$tool" time 80 200)" \
    "$("$tool" parser 3 "$work/200")" 5 40
check "the profiles of 1,000 VMs are loaded" "$tool" fill 0 1000
took=$(for _ in 1 2 3 4; do "$tool" findings 1000; done | sort -n | head -n 1)
awk -v took="$took" 'BEGIN { exit !(took < 500) }'
verdict $? "whether 1,000 VMs are enforced and apart: under half a second" ||
    note "$took ms"
note "1,000 VMs asked about: $took ms"
done_testing
