#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What svirt tells AppArmor and asks of it, answered by a kernel that enforces
# it: loading, the same rules as apparmor_parser's, sockets, and every state in
# which a profile does not confine.
# timeout: 180
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/tap.sh
[ "$LAB_MODEL" = apparmor ] ||
    skip_all "needs a kernel with AppArmor (tests/lab/run)"
export TMPDIR=/tmp
work=$(mktemp -d)
apparmor() { "$SVIRT_BUILD/tests/models/model-tool" apparmor "$@"; }
tool=$SVIRT_BUILD/tests/models/apparmor-tool
profiles=/sys/kernel/security/apparmor/profiles
parameters=/sys/module/apparmor/parameters
loaded() { grep -c "^svirt-$1" $profiles; }
message() { "$@" 2>&1 | head -n 1; }

a=aaaaaaaa-0000-4000-8000-000000000001
b=bbbbbbbb-0000-4000-8000-000000000002
c=cccccccc-0000-4000-8000-000000000003
va=svirt-$a

# In the background, $! being the process itself.
sleeping() # LABEL
{
    "$SVIRT_BUILD/tests/models/model-tool" apparmor run "$1" 31007 -- \
        sleep 60 &
    sleeper=$!
    sleep 0.5
}

# 1. The verbs.
is "the kernel runs it" "$(apparmor probe)" active
is "labels carry the UUID" "$(apparmor derive $a)" "vmm $va
monitor $va//monitor
helper $va//passt"
is "a label that nobody loaded is not enforced" "$(apparmor enforcing $va)" no
check "a VM's profiles are loaded" apparmor load $a
is "all three, enforcing" "$(grep "^$va" $profiles | sort)" "$va (enforce)
$va//monitor (enforce)
$va//passt (enforce)"
check "loading them again is no error" apparmor load $a
check "of another VM, too" apparmor load $b
for name in "$va" "$va//monitor" "$va//passt"; do
    is "$name is enforced" "$(apparmor enforcing "$name")" yes
done
is "two VMs are apart" "$(apparmor separates $a $b)" yes
is "a VM is not apart from itself" "$(apparmor separates $a $a)" no
is "nor is one without a profile" "$(apparmor separates $c $a)" no
sleeping $va
is "a process has the label" "$(apparmor process $sleeper)" $va
is "which is not taken away while it has" "$(message apparmor unload $a)" \
    "error: process $sleeper still has AppArmor profile '$va'"
is "so that it stays confined" \
    "$(cat /proc/$sleeper/attr/apparmor/current)" "$va (enforce)"
kill $sleeper
wait $sleeper 2>/dev/null
check "when it is gone they are unloaded" apparmor unload $a
is "all three" "$(loaded $a)" 0
is "and no other's" "$(loaded $b)" 3
check "unloading them again is no error" apparmor unload $a

# 2. The same rules by apparmor_parser.
cat >"$work/rules" <<'RULES'
r /etc/hostname
rw /srv/vm/*.img
r /srv/vm/**
mr /usr/lib/**
rwk /srv/{a,b{c,d}}/disk-[0-9]
w /srv/log/?-*.log
rwl /srv/links/*
ix /usr/bin/busybox
Px /usr/bin/passt
r /srv/[^a]x
a /srv/journal
RULES
{
    echo "profile by-parser {"
    sed 's/^\([a-zA-Z]*\) \(.*\)$/  "\2" \1,/' "$work/rules"
    echo "}"
} >"$work/text"
check "svirt compiles and loads rules" \
    sh -c "'$tool' rules by-svirt <'$work/rules'"
check "apparmor_parser the same" apparmor_parser -r -K "$work/text"
paths=(/etc/hostname /etc/hostnam /etc/hostname2 /srv/vm/ /srv/vm /srv/vm/x
    /srv/vm/x.img /srv/vm/x/y.img /srv/vm/.img /usr/lib/ /usr/lib/a
    /usr/lib/a/b /srv/a/disk-1 /srv/b/disk-1 /srv/bc/disk-0 /srv/bd/disk-9
    /srv/bd/disk-10 /srv/log/a-b.log /srv/log/a-.log /srv/log/ab.log
    /srv/log/a-b/c.log /srv/links/x /srv/links/x/y /usr/bin/busybox /usr/bin/passt
    /srv/ax /srv/bx /srv//x /srv/journal / /srv /etc/shadow)
"$tool" ask by-svirt "${paths[@]}" >"$work/own"
"$tool" ask by-parser "${paths[@]}" >"$work/theirs"
check "the kernel answers the same of both, for ${#paths[@]} paths" \
    diff "$work/own" "$work/theirs"
is "and not always no" "$(grep -vc ' 00000200$\| 00000000$' "$work/own")" 18
mkdir -p /srv/vm /srv/log /srv/a
for file in /srv/vm/x.img /srv/vm/x /srv/a/disk-1 /srv/journal; do
    echo text >$file
done
chmod -R a+rwX /srv
tries=()
for file in /etc/hostname /etc/shells /srv/vm/x.img /srv/vm/x /srv/a/disk-1 \
    /srv/journal; do
    tries+=(read "$file" write "$file")
done
for name in by-svirt by-parser; do
    apparmor run $name 0 -- "$SVIRT_BUILD/tests/models/attempt" \
        "${tries[@]}" create /srv/vm/n.img unlink /srv/vm/n.img \
        create /srv/vm/n execute /bin/busybox execute /bin/true tcp 4444 \
        2>/dev/null | grep -E ': (ok|E[A-Z]+)$' >"$work/$name"
done
check "and what is opened, made and executed is the same" \
    diff "$work/by-svirt" "$work/by-parser"
is "some of it" "$(grep -c ': ok$' "$work/by-svirt")" 9

# 3. Sockets: the inherited ones may be used.
check "profiles are loaded" apparmor load $a
dmesg -C
is "inherited sockets are used, none is made, bound, connected, accepted" \
    "$("$tool" sockets $va)" "send: ok
write: ok
receive: ok
getsockopt: ok
shutdown: ok
accept: EACCES
listen: EACCES
bind: EACCES
connect: EACCES
socket unix: EACCES
socket inet: EACCES
socket netlink: EACCES
socket packet: EACCES
socketpair: EACCES"
is "each by AppArmor" "$(dmesg | grep "profile=\"$va\"" |
    grep -o 'operation="[a-z]*" ' | sort | uniq -c | tr -s ' ')" \
    ' 1 operation="accept" 
 1 operation="bind" 
 1 operation="connect" 
 5 operation="create" 
 1 operation="listen" '

# 4. Static labels.
is "a static label that is not loaded is refused" \
    "$(message apparmor load $a web)" \
    "error: AppArmor profile 'web' of the static label is not loaded"
echo 'profile web { }' | apparmor_parser -r -K
check "and one that is, is not" apparmor load $a web
is "it is enforced" "$(apparmor enforcing web)" yes
check "its owner's profile stays" apparmor unload $a web
is "loaded" "$(grep -c '^web (enforce)' $profiles)" 1
echo 'profile web flags=(complain) { }' | apparmor_parser -r -K
is "in complain mode it is not enforced" "$(apparmor enforcing web)" no
sleeping web
is "and a process says so" "$(apparmor process $sleeper)" "web (complain)"
kill $sleeper

# 5. Replaced by somebody else while a VM runs.
sleeping $va
is "it is enforced" "$(apparmor enforcing $va)" yes
echo "profile $va { /** rw, }" | apparmor_parser -r -K
is "still, but another profile" "$(apparmor process $sleeper)" $va
is "which is seen" "$(message apparmor enforcing $va)" \
    "error: AppArmor profile '$va' was replaced by one that svirt did not make"
is "and that it separates nothing" "$(apparmor separates $a $b)" no
echo "profile $va flags=(complain) { }" | apparmor_parser -r -K
is "in complain mode the label differs" "$(apparmor process $sleeper)" \
    "$va (complain)"
is "and is not enforced" "$(apparmor enforcing "$va (complain)")" no
echo "$va" | tr -d '\n' >/sys/kernel/security/apparmor/.remove
is "removed under it, it is unconfined" "$(apparmor process $sleeper)" \
    unconfined
kill $sleeper
check "loading mends it" apparmor load $a
is "for the next process" "$(apparmor enforcing $va)" yes

# 6. The whole module.
printf complain >$parameters/mode
is "the module complains: nothing is enforced" "$(apparmor enforcing $va)" no
is "and nothing apart" "$(apparmor separates $a $b)" no
printf enforce >$parameters/mode
is "as before" "$(apparmor enforcing $va)" yes
umount /sys/kernel/security
is "without securityfs it is an error, not an absence" \
    "$(message apparmor probe)" "error: the kernel runs AppArmor, but \
'/sys/kernel/security/apparmor' is not its directory: VMs would not be \
confined"
mount -t tmpfs nothing /sys/kernel/security
mkdir /sys/kernel/security/apparmor
is "nor is another file system in its place" \
    "$(apparmor load $a 2>&1 | grep hint)" \
    "  hint: mount -t securityfs securityfs /sys/kernel/security"
umount /sys/kernel/security
mount -t securityfs security /sys/kernel/security
is "mounted again" "$(apparmor probe)" active
echo Y >$parameters/lock_policy
is "a locked policy is said" "$(message apparmor load $c)" \
    "error: cannot load an AppArmor profile: AppArmor's policy is locked \
until the next boot"
done_testing
