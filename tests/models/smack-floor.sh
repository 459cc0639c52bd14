#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# `svirt policy install-smack`: what the host's own files are, a VM's label no
# longer reads, though their modes let everybody; whoever else read them still
# does. Shown by a real QEMU and by a program in its place, under the label
# alone, and taken back to the last file.
if [ "$LAB_MODEL" != smack ]; then
    echo "1..0 # SKIP needs a kernel with Smack (tests/lab/run)"
    exit 0
fi
cd "$SVIRT_TOP" || exit 2
TMPDIR=$(mktemp -d /tmp/svirt-it.XXXXXX)
chmod 755 "$TMPDIR"
. tests/integration/lib.sh

tools=$build/tests/models
fs=/sys/fs/smackfs
list=/etc/smack/accesses.d/svirt
smack() { "$tools/model-tool" smack "$@"; }
as() { smack run "$1" 31007 -- "${@:2}"; }
attempt() { as "$1" "$tools/attempt" "${@:2}"; }
labels() { getfattr -h -R -d -m 'security\.SMACK64' --absolute-names "$@"; }
denied() # SUBJECT OBJECT
{
    dmesg | grep -q "lsm=SMACK .*action=denied subject=\"$1\" object=\"$2\""
}

# A host's directories, on a file system that can be written: those that the
# tree under test lies in are left as they are.
trees=()
for name in boot etc home media mnt root srv var; do
    case $SVIRT_TOP/:$build/:$guest/ in
    "/$name/"* | *":/$name/"*) continue ;;
    esac
    trees+=("/$name")
    if [ $name = etc ]; then
        cp -a /etc /tmp/etc
    else
        mkdir -p "/tmp/host/$name"
    fi
    [ $name = etc ] || mount --bind "/tmp/host/$name" "/$name"
done
mount --bind /tmp/etc /etc
options=()
if [ ${#trees[@]} != 8 ]; then
    options=("${trees[@]/#/--tree=}")
fi
for tree in "${trees[@]}"; do
    [[ ! $tree =~ ^/(home|mnt|srv)$ ]] || secret=$tree/secret
done
mkdir -p "$secret/deeper" "$secret/disks"
chmod 755 "$secret" "$secret/deeper" "$secret/disks"
chmod 644 /etc/shadow
echo notes >"$secret/deeper/notes"
echo mine >"$secret/own"
smack set "$secret/own" web
echo twice >"$secret/name" && ln "$secret/name" "$secret/other-name"
echo fixed >"$secret/fixed" && chattr +i "$secret/fixed"
ln -s deeper/notes "$secret/link"
mkdir "$secret/handed" "$secret/mounted"
setfattr -n security.SMACK64TRANSMUTE -v TRUE "$secret/handed"
mount -t tmpfs -o mode=755 none "$secret/mounted"
echo "daemon _ w" >$fs/load2
smack run daemon 31007 -- sleep 1000 &
smack load aaaaaaaa-0000-4000-8000-000000000001
vm=svirt-aaaaaaaa-0000-4000-8000-000000000001
files=(/etc/shadow /etc/passwd "$secret/deeper/notes")
reads() # LABEL: what of the files it reads
{
    attempt "$1" read "${files[0]}" read "${files[1]}" read "${files[2]}" |
        sed 's/.*: //' | tr '\n' ' '
}

mkdir -p /etc/svirt && : >/etc/svirt/smack-trees
is "a list that names no tree closes nothing, says doctor" \
    "$(svirt doctor | grep -c "floor.*svirt policy install-smack")" 1
before=$(labels /etc "$secret")
is "by Smack's own rule a VM's label reads them" "$(reads $vm)" "ok ok ok "
svirt doctor >"$work/doctor"
is "doctor, which finds nothing wrong, says how to change it" \
    "$? $(grep -c "floor.*svirt policy install-smack" "$work/doctor")" "0 1"

install() { svirt policy install-smack "${options[@]}" "$@"; }
check "what would be done can be asked" sh -c "'$build/src/cli/svirt' policy \
    install-smack --dry-run ${options[*]} >'$work/plan'"
is "and is not done" "$(labels /etc "$secret")" "$before"
grep -q "^Not entered: '$secret/mounted'" "$work/plan"
verdict $? "a file system below is named" || note "$(cat "$work/plan")"
grep -q "^Left as they are: 3, the first" "$work/plan"
verdict $? "and what is left" || note "$(cat "$work/plan")"
for tree in /usr/share / /tmp relative /etc/ /lib64 "$build/src"; do
    ! svirt policy install-smack --tree "$tree" >"$work/out" 2>&1
    verdict $? "'$tree' is refused" || note "$(cat "$work/out")"
done

# Killed anywhere on its way, the host goes on, and so does the next one.
mkdir "$secret/many" && (cd "$secret/many" && seq 4000 | xargs touch)
for wait in 0.02 0.1 0.3; do
    timeout -s KILL $wait "$build/src/cli/svirt" policy install-smack \
        "${options[@]}" >/dev/null 2>&1
    is "killed after $wait s it took nothing from users" "$(reads _)" \
        "ok ok ok "
done
check "the host's files leave the floor" install
is "a VM's label reads none of them" "$(reads $vm)" "EACCES EACCES EACCES "
check "by Smack's own record" denied $vm svirt-host
is "the host reads them all" "$(reads _)" "ok ok ok "
is "so does another label of its" "$(reads daemon)" "ok ok ok "
is "which writes what it wrote" \
    "$(printf 'daemon svirt-host w' >$fs/access2
        exec 9<>$fs/access2; printf 'daemon svirt-host w' >&9
        head -c 1 <&9)" 1
is "a label of somebody's stays" "$(smack get "$secret/own")" web
is "libraries and programs stay" "$(smack get /usr/bin/env)" _
is "a list of the rules lies where systemd reads it" "$(sort $list)" \
    "_ svirt-host rwxatl
daemon svirt-host rwxl"
: >"$secret/new" && mkdir "$secret/new-directory" &&
    : >"$secret/new-directory/file"
sed -i s/^root:/root:/ /etc/shadow
is "what is made there is the host's, too" "$(smack get "$secret/new") $(
    smack get "$secret/new-directory/file") $(smack get /etc/shadow)" \
    "svirt-host svirt-host svirt-host"
chmod 644 /etc/shadow

# A real QEMU, told by QMP.
mkdir -m 777 "$work/qemu"
smack set "$work/qemu" '*'
as $vm qemu-system-x86_64 -M none -accel tcg -nodefaults -no-user-config \
    -display none -S -qmp "unix:$work/qemu/qmp,server=on,wait=off" \
    >"$work/qemu.out" 2>&1 </dev/null &
soon test -S "$work/qemu/qmp"
qmp() { timeout 20 "$tools/qmp" "$work/qemu/qmp" "$@"; }
for file in "${files[@]}" /usr/share/dict /usr/bin/env; do
    [ -f "$file" ] || continue
    dmesg -c >/dev/null
    answer=$(qmp "{\"execute\": \"blockdev-add\", \"arguments\": {
        \"driver\": \"file\", \"node-name\": \"n\", \"read-only\": true,
        \"locking\": \"off\", \"filename\": \"$file\"}}" | tr -d '\r')
    if [ "$file" = /usr/bin/env ]; then
        is "a QEMU reads $file: a program of the host, as every model lets" \
            "$answer" '{"return": {}}'
    else
        [[ $answer == *'"error"'*'Permission denied'* ]] && denied $vm svirt-host
        verdict $? "a QEMU does not read $file, says Smack's record" ||
            note "$answer" "$(dmesg | tail -n 3)"
    fi
done
for verb in read stat write unlink chmod; do
    dmesg -c >/dev/null
    said=$(attempt $vm $verb "$secret/deeper/notes")
    [[ $said == *": EACCES" ]] && denied $vm svirt-host
    verdict $? "nor can a program in its place $verb" || note "$said"
done
is "its label cannot be given to a VM" \
    "$(smack derive aaaaaaaa-0000-4000-8000-000000000001 svirt-host 2>&1 |
        grep -c 'derives for others')" 1

# svirt's own work on such a host.
doctor_says() # FACT CODE TEXT
{
    svirt doctor >"$work/doctor"
    is "doctor: $1" "$? $(grep -c "$3" "$work/doctor")" "$2 1" ||
        note "$(cat "$work/doctor")"
}
doctor_says "which trees are closed" 0 "floor *good .* outside of .*/etc"
truncate -s 4M "$secret/disks/web.img"
define web "$(disk web raw "$secret/disks/web.img")"
check "a VM whose disk lies there starts" svirt start web --paused
web=svirt-$(svirt domuuid web)
is "with its disk labelled" "$(smack get "$secret/disks/web.img")" "$web"
check "is verified" svirt verify
gap() { svirt dominfo web | grep -c "^Security gap: .*$1"; }
is "dominfo says what is open still" "$(gap "outside of .*/etc")" 1
svirt verify web | grep -q 'gap smack *weak .*outside of .*/etc'
verdict $? "verify, too"
setfattr -x security.SMACK64 /etc
is "a label that was taken away is missed" "$(gap install-smack)" 1
doctor_says "which" 11 "bad *not labelled any more: /etc "
check "and given again" install
printf '_ svirt-host -' >$fs/load2
doctor_says "rules that are not loaded" 11 "bad *no rule lets the host into"
while read -r rule; do
    printf '%s' "$rule" >$fs/load2
done <$list
doctor_says "they are, once the list is, as at boot" 0 "floor *good"
printf '%s svirt-host r' "$web" >$fs/load2
is "a rule that lets the VM in is seen" "$(gap install-smack)" 1
printf '%s svirt-host -' "$web" >$fs/load2
check "the VM is destroyed" svirt destroy web
check "and gone" wait_state web 'shut off'
check "and undefined" svirt -q undefine web
is "its disk is the host's again" "$(smack get "$secret/disks/web.img")" \
    svirt-host

# Back.
truncate -s 4M "$secret/disks/late.img"
define late "$(disk late raw "$secret/disks/late.img")"
check "another VM starts" svirt start late --paused
check "and is destroyed" svirt destroy late
check "and gone" wait_state late 'shut off'
rm -r "$secret/new" "$secret/new-directory"
chattr -i "$secret/fixed"
smack set "$secret/fixed" svirt-host
chattr +i "$secret/fixed"
! svirt policy uninstall-smack >"$work/out" 2>&1
verdict $? "what cannot be taken back is said"
grep -q "files keep their label, the first of them '$secret/fixed'" "$work/out"
verdict $? "by its name" || note "$(cat "$work/out")"
is "and users read on" "$(reads _)" "ok ok ok "
chattr -i "$secret/fixed"
check "all of it is taken back" svirt policy uninstall-smack
is "every file is on the floor again" \
    "$(labels "${trees[@]}" | grep -c 'svirt-host')" 0
is "no directory hands its label on but the one that did" \
    "$(labels "${trees[@]}" | grep -c TRANSMUTE)" 1
is "no rule is left" "$(grep -c 'svirt-host [rwxatl]' $fs/load2)" 0
[ ! -e $list ] && [ ! -e /etc/svirt/smack-trees ]
verdict $? "and no list"
check "the VM that was there is undefined" svirt -q undefine late
is "its disk goes to the floor, not to a label without a rule" \
    "$(smack get "$secret/disks/late.img")" _
check "taking it back again changes nothing" svirt policy uninstall-smack
done_testing
