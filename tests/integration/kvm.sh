#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# type='kvm': used where it works, named where it does not, on the host's node
# and on nodes that are none; and a node of the VM's own where it does.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/integration/lib.sh

TYPE=kvm define fast
# With /dev/kvm as the commands of PREPARE leave it, in mounts of their own.
with_node() # PREPARE COMMAND...
{
    # shellcheck disable=SC2016 # for the inner shell
    unshare -m bash -c 'mount -t tmpfs svirt-kvm /mnt && mkdir /mnt/dev &&
        for n in null zero random urandom full ptmx pts fd shm net; do
            [ ! -e /dev/$n ] || cp -a /dev/$n /mnt/dev/ 2>/dev/null ||
                mkdir /mnt/dev/$n
        done
        (cd /mnt/dev && eval "$0") && mount --bind /mnt/dev /dev &&
        exec timeout 20 "$@"' "$@" </dev/null 2>"$work/err"
}

rm -f "$root/run/kvm-works"
with_node : "$build/src/cli/svirt" start fast
is "without the node it says so" \
    "$? $(grep -c "KVM does not work on this host ('/dev/kvm')" "$work/err") \
$(sed -n 's/^ *caused by: //p' "$work/err" | tail -n 2 | head -n 1)" \
    "8 1 it is not there" || note "$(cat "$work/err")"
grep -q "hint: use <domain type='qemu'>" "$work/err"
verdict $? "and what to do"
with_node 'mknod kvm c 1 3' "$build/src/cli/svirt" start fast
is "a node that is another device" \
    "$? $(grep -c '(1:3, not 10:232)' "$work/err")" "8 1" ||
    note "$(cat "$work/err")"
with_node 'mkfifo kvm' "$build/src/cli/svirt" exec --kvm -- true
is "a FIFO holds nobody" "$? $(grep -c 'not 10:232' "$work/err")" "125 1" ||
    note "$(cat "$work/err")"
[ ! -e "$root/run/kvm-works" ]
verdict $? "what does not work is not remembered"

# Whatever this host's own is: an answer, and soon.
timeout 20 "$build/src/cli/svirt" exec --kvm -- true 2>"$work/err"
code=$?
if [ $code = 0 ]; then
    note "KVM works here"
    mode=$(stat -c '%a %u' /dev/kvm)
    is "a program has a node of its own" "$("$build/src/cli/svirt" exec --kvm \
        -- bash -c 'exec 3<>/dev/kvm && echo opened')" opened
    is "and the host's is as it was" "$(stat -c '%a %u' /dev/kvm)" "$mode"
    with_node 'mknod -m 600 kvm c 10 232' "$build/src/cli/svirt" exec --kvm \
        -- bash -c 'exec 3<>/dev/kvm && echo opened' >"$work/out"
    is "a host's of 0600 root serves" "$(cat "$work/out")" opened
else
    is "KVM does not work here, and that is said" \
        "$code $(grep -c 'KVM does not work' "$work/err")" "125 1" ||
        note "$(cat "$work/err")"
fi
is "without --kvm there is none" "$("$build/src/cli/svirt" exec -- bash -c \
    'exec 3<>/dev/kvm' 2>&1 | grep -cE 'No such|denied|Read-only')" 1
done_testing
