#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What svirt asks of Smack and tells it, answered by a kernel that enforces it.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/tap.sh
[ "$LAB_MODEL" = smack ] || skip_all "needs a kernel with Smack (tests/lab/run)"
fs=/sys/fs/smackfs
export TMPDIR=/tmp
smack() { "$SVIRT_BUILD/tests/models/model-tool" smack "$@"; }
attempt=$SVIRT_BUILD/tests/models/attempt

a=aaaaaaaa-0000-4000-8000-000000000001
b=bbbbbbbb-0000-4000-8000-000000000002
va=svirt-$a vb=svirt-$b

# Of one access alone, as the kernel answers.
allows() { [ "$(printf '%s %s %s' "$1" "$2" "$3" | ask)" = 1 ]; }
ask()
{
    exec 9<>"$fs/access2"
    cat >&9
    head -c 1 <&9
    exec 9>&-
}
all() # SUBJECT OBJECT: every access it has
{
    local letter had=
    for letter in r w x a t l; do
        ! allows "$1" "$2" "$letter" || had=$had$letter
    done
    echo "${had:--}"
}

is "the kernel runs it" "$(smack probe)" active
is "labels carry the UUID" "$(smack derive $a)" "vmm $va
monitor $va.monitor
socket $va
image $va
shared svirt-shared
content svirt-content
log svirt-log"
is "a static label is the VMM's and its image's" \
    "$(smack derive $a vm-web | sed -n '1p;3,4p')" "vmm vm-web
socket vm-web
image vm-web"
is "a label nobody has is not enforced" "$(smack enforcing $va)" no

check "rules are loaded" smack load $a
check "loading them again changes nothing" smack load $a
check "of another VM, too" smack load $b
is "VMM on content" "$(all $va svirt-content)" rl
is "VMM on shared" "$(all $va svirt-shared)" rwl
is "VMM on logs" "$(all $va svirt-log)" -
is "monitor on logs" "$(all $va.monitor svirt-log)" rwl
is "VMM on the host's floor: what Smack gives everybody" "$(all $va _)" rxl
is "VMM on its monitor: viewers' connections" "$(all $va $va.monitor)" wl
is "monitor on what the VMM has" "$(all $va.monitor $va)" rwl
is "VMM on another VMM and its disks" "$(all $va $vb)" -
is "VMM on another monitor" "$(all $va $vb.monitor)" -
is "monitor on another VMM" "$(all $va.monitor $vb)" -
is "host on the VM's objects" "$(all _ $va)" rwxatl
is "another label of the host on the VM's objects" "$(all web $va)" -
is "no rule names more" "$(grep -c "svirt-" $fs/load2)" 19
is "the label is enforced" "$(smack enforcing $va)" yes
is "the floor is not" "$(smack enforcing _)" no
is "two VMs are separate" "$(smack separates $a $b)" yes
is "a VM is not separate from itself" "$(smack separates $a $a)" no
printf '%s %s r' "$va" "$vb" >$fs/load2
is "a foreign rule between them is seen" "$(smack separates $a $b)" no
printf '%s %s -' "$va" "$vb" >$fs/load2
printf '%s %s w' "$va.monitor" "$vb" >$fs/load2
is "and one of a monitor" "$(smack separates $b $a)" no
printf '%s %s -' "$va.monitor" "$vb" >$fs/load2
printf '%s svirt-content rwx' "$va" >$fs/load2
check "a widened rule is made narrow again" smack load $a
is "and is" "$(all $va svirt-content)" rl

mkdir /tmp/objects
echo disk >/tmp/objects/disk
is "a file of the host is on the floor" "$(smack get /tmp/objects/disk)" _
check "an object is labelled" smack set /tmp/objects/disk "$va"
is "and read back" "$(smack get /tmp/objects/disk)" "$va"
is "as stored" \
    "$(getfattr --only-values --absolute-names -n security.SMACK64 \
        /tmp/objects/disk)" "$va"
check "and given back" smack set /tmp/objects/disk _
is "a label with a blank is refused" \
    "$(smack set /tmp/objects/disk "a b" 2>&1 | head -n 1)" \
    "error: 'a b' is no Smack label"
is "a label of 256 bytes is refused" \
    "$(smack set /tmp/objects/disk "$(printf 'a%.0s' {1..256})" 2>&1 |
        head -n 1 | cut -c 1-12)" "error: 'aaaa"
check "one of 255 is not" smack set /tmp/objects/disk \
    "$(printf 'a%.0s' {1..255})"
check "a socket is labelled" smack socket "$va"
is "a VM's process has the label" \
    "$(smack run $va 31007 -- /bin/busybox cat /proc/self/attr/current)" "$va"
"$SVIRT_BUILD/tests/models/model-tool" smack run $va 31007 -- sleep 20 &
sleep 0.3
is "and another reads it" "$(smack process $!)" "$va"
kill $!

# What it may do with its labels itself.
is "it can take no other label, make no rule, relabel nothing" \
    "$(smack run $va 31007 -- "$attempt" take-label "$vb" \
        add-rule "$va $vb rw" relabel /tmp/objects/disk)" \
    "take-label $vb: EPERM
add-rule $va $vb rw: EACCES
relabel /tmp/objects/disk: EPERM"

check "a VM that is off is unloaded" smack unload $a
is "its VMM reaches nothing but the floor" \
    "$(all $va svirt-content) $(all $va svirt-shared) $(all $va _)" "- - rxl"
is "its monitor nothing" "$(all $va.monitor $va)" -
is "the host its objects no more" "$(all _ $va)" -
is "the other VM keeps its rules" "$(all $vb svirt-content)" rl
check "unloading it again is no error" smack unload $a
check "nor is one that was never loaded" smack unload \
    cccccccc-0000-4000-8000-000000000003
is "which the kernel then still does not know" \
    "$(smack enforcing svirt-cccccccc-0000-4000-8000-000000000003)" no
printf 'vm-web svirt-local rw' >$fs/load2
check "a static label is loaded" smack load $a vm-web
check "and unloaded" smack unload $a vm-web
is "and keeps what the host gave it" "$(all vm-web svirt-local)" rwl

# From the second on this shell cannot change it any more.
printf '_ other' >$fs/onlycap
check "svirt's label is among those that may label" smack load $a
printf 'other' >$fs/onlycap
is "where it is not, the hint says so" \
    "$(smack load $a 2>&1 | grep -c 'hint: .*onlycap')" 1
done_testing
