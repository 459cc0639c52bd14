# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # $work, $guest, $build: of who sources it
# For the scripts that attack a real VM of svirt's with the label of another
# one, and for those that try that each verb works with the VM's own.
#
#     scene              defines and starts "victim", which has everything an
#                        attacker may want, and "attacker", whose label alone
#                        what attacks has; needs svirt, $work, $guest, $build
#     probe FACT VERB ARGUMENT    tests/models/attempt, with every right that
#                        is no model's: fails, with the model's own record;
#                        the same without the label works
#     qemu FACT COMMAND  the same of a QEMU that is told so by QMP
#     attack             all of it, each
#
# LAB_MODEL says how a label is taken and what a record of a denial is.
tools=/usr/local/bin

# Everything a VM has that has a name somewhere.
victim_xml()
{
    cat <<XML
<domain type='qemu'>
  <name>victim</name>
  <memory unit='MiB'>64</memory>
  <memoryBacking>${PAGES:-<source type='memfd'/><access mode='shared'/>}</memoryBacking>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>
    <kernel>$scene/kernel</kernel>
    <initrd>$scene/initrd</initrd>
  </os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
      <source file='$scene/disk'/><target dev='vda' bus='virtio'/></disk>
    <serial type='pty'/>
    <serial type='unix'><source mode='bind' path='$scene/serial'/></serial>
    <graphics type='vnc' socket='$scene/vnc'/>
    <video><model type='vga'/></video>
  </devices>
</domain>
XML
}

pid_in() { svirt dominfo "$1" | sed -n "s/^$2: *pid \([0-9]*\),.*/\1/p"; }
label_in() # PID
{
    case $LAB_MODEL in
    apparmor) sed 's/ (.*//' "/proc/$1/attr/apparmor/current" ;;
    *) tr -d '\0' <"/proc/$1/attr/current" ;;
    esac
}

scene()
{
    local file
    scene=$work/scene
    mkdir -p "$scene/directory"
    qemu-img create -q -f qcow2 "$scene/disk" 8M
    cp "$guest/vmlinuz" "$scene/kernel"
    cp "$guest/initrd" "$scene/initrd"
    victim_xml >"$work/victim.xml"
    check "a VM with all that a VM may have is defined" \
        svirt -q define "$work/victim.xml"
    check "and started" svirt -q start victim --paused
    sed -e 's,victim,attacker,' -e '/<disk/,/<graphics/d' -e '/<loader/d' \
        -e '/<nvram/d' "$work/victim.xml" >"$work/attacker.xml"
    svirt -q define "$work/attacker.xml"
    check "and another" svirt -q start attacker --paused
    check "both are verified" svirt verify victim attacker
    pid=$(pid_in victim Emulator)
    subject=$(label_in "$(pid_in attacker Emulator)")
    object=$(label_in "$pid")
    [ -n "$subject" ] && [ -n "$object" ] && [ "$subject" != "$object" ]
    verdict $? "under labels of their own: $subject, $object"
    uuid=$(svirt domuuid victim)
    nvram=$(svirt dumpxml victim |
        sed -n 's,.*<nvram[^>]*>\(.*\)</nvram>.*,\1,p')
    log=${root:-/var}/log/$([ -n "${root:-}" ] || echo svirt/)victim.log
    control=${root:+$root/run}
    control=${control:-/run/svirt}/$uuid/control
    memory=$(find "/proc/$pid/fd" -lname '/memfd:memory*' | head -n 1)
    [ -f "$nvram" ] && [ -f "$log" ] && [ -S "$control" ] &&
        [ -n "$memory" ] && [ -S "$scene/serial" ] && [ -S "$scene/vnc" ]
    verdict $? "it has variables, a log, memory and sockets" ||
        note "$nvram $log $control $memory" "$(ls -l "$scene")"
    [ "$failures" = 0 ] || done_testing
    # Nothing but the model is in the way.
    chmod -R a+rwX "$scene" "${nvram%/*}" "${log%/*}" "${control%/*}"
    for file in "$nvram" "$log" "$control" "$scene"; do
        while file=${file%/*} && [ -n "$file" ]; do
            chmod a+x "$file"
        done
    done
}

# Root, but that no capability passes over the model. Under AppArmor the user of
# what is attacked, for it tells each capability that it denies but once.
bare=(setpriv --bounding-set -mac_override,-mac_admin --)
labelled() # PROGRAM...
{
    case $LAB_MODEL in
    # What a shell with every category opened no VM may use; its words are lost.
    selinux) runcon -l s0 sh -c 'exec "$@" </dev/null >/dev/null 2>&1' sh \
        "$tools/lab-model-tool" selinux run "$subject" 0 -- "$@" ;;
    apparmor) "$tools/lab-model-tool" apparmor run "$subject" "$as" -- "$@" ;;
    smack) "$tools/lab-model-tool" smack run "$subject" 0 -- "${bare[@]}" "$@" ;;
    esac
}

# The model's own records since dmesg was cleared, of this subject.
records()
{
    case $LAB_MODEL in
    selinux) dmesg | grep -aF "scontext=$subject" |
        grep -a 'avc:  denied.*permissive=0' | grep -av 'tclass=fd ' ;;
    apparmor) dmesg | grep -a 'apparmor="DENIED"' |
        grep -aF "profile=\"$subject\"" ;;
    smack) dmesg | grep -a 'lsm=SMACK.*action=denied' |
        grep -aF "subject=\"$subject\"" ;;
    esac
}

judge() # FACT SAID REFUSED: 0 when what was said is a refusal
{
    local found
    found=$(records)
    [ "$3" = 0 ] && [ -n "$found" ]
    verdict $? "$1" || note "said: $2" "records: $found" \
        "$(dmesg | tail -n 3)"
}

probe() # FACT VERB ARGUMENT
{
    local said
    dmesg -C
    said=$(labelled "$attempt" "$2" "$3" 2>&1)
    judge "the probe cannot $1" "$said" "$([ $? = 1 ]; echo $?)"
    "$attempt" "$2" "$3" >"$work/said" ||
        verdict 1 "and could without the label: $(cat "$work/said")"
}

# One QEMU with the label, one without; what it is told and answers in fifos.
start_qemu() # NAME LABELLED...: a prefix
{
    local words=(-nodefaults -no-user-config -display none -S -m 16
        -accel tcg -chardev "socket,id=qmp,fd=9"
        -mon "chardev=qmp,mode=control" -device VGA)
    mkfifo "$work/$1.in" "$work/$1.out"
    "${@:2}" qemu-system-x86_64 "${words[@]}" <"$work/$1.in" \
        >"$work/$1.out" 2>"$work/$1.err" &
}
in_qemu() # with its QMP at 9
{
    case $LAB_MODEL in
    selinux) runcon -l s0 "$tools/lab-qmp-stdio" 9 "$tools/lab-model-tool" selinux \
        run "$subject" 0 -- "$@" ;;
    apparmor) "$tools/lab-qmp-stdio" 9 "$tools/lab-model-tool" apparmor \
        run "$subject" "$as" -- "$@" ;;
    smack) "$tools/lab-qmp-stdio" 9 "$tools/lab-model-tool" smack \
        run "$subject" 0 -- "${bare[@]}" "$@" ;;
    esac
}
told=0
qemu() # FACT COMMAND
{
    local said free
    told=$((told + 1))
    set -- "$1" "${2//NEW/n$told}"
    dmesg -C
    printf '%s\n' "$2" >&41
    read -r -t 60 said <&40
    judge "QEMU cannot $1" "$said" "$([[ $said == *'"error"'* ]]; echo $?)"
    printf '%s\n' "$2" >&31
    read -r -t 60 free <&30
    [[ $free == *'"return"'* && $free != *'"error"'* ]] ||
        verdict 1 "and could without the label: $free"
}
# COMMANDs have the word NEW for a name that no other has.
node() # FILE READ-ONLY
{
    echo '{"execute":"blockdev-add","arguments":{"driver":"file",' \
        '"node-name":"NEW","read-only":'"$2"',"locking":"off",' \
        '"filename":"'"$1"'"}}'
}
chardev() # BACKEND
{
    echo '{"execute":"chardev-add","arguments":{"id":"NEW",' \
        '"backend":'"$1}}"
}
unix() # PATH
{
    chardev '{"type":"socket","data":{"server":false,"addr":
        {"type":"unix","data":{"path":"'"$1"'"}}}}' | tr -d '\n'
}
tcp() # SERVER PORT
{
    chardev '{"type":"socket","data":{"server":'"$1"',"addr":
        {"type":"inet","data":{"host":"127.0.0.1","port":"'"$2"'"}}}}' |
        tr -d '\n'
}
memory() # PATH
{
    echo '{"execute":"object-add","arguments":{"id":"NEW",' \
        '"qom-type":"memory-backend-file","size":'"${PAGE:-2097152}"',' \
        '"share":true,"mem-path":"'"$1"'"}}'
}

attack_by_probe()
{
    local file socket
    for file in "$scene/disk" "$nvram" "$log"; do
        probe "read its ${file##*/}" read "$file"
        probe "write its ${file##*/}" write "$file"
    done
    # What all may read, as the kernel's file, a model may let them.
    probe "write its kernel's file" write "$scene/kernel"
    probe "read its memory's file" read "$memory"
    probe "write it" write "$memory"
    probe "read the disk that it has open" read \
        "$(find "/proc/$pid/fd" -lname "$scene/disk" | head -n 1)"
    for socket in "$control" "$scene/serial" "$scene/vnc"; do
        probe "connect to its ${socket##*/} socket" connect "$socket"
    done
    probe "make a file in its directory" create "$scene/directory/new"
    rm -f "$scene/directory/new"
    probe "signal it" signal "$pid"
    probe "trace it" trace "$pid"
    probe "read its memory" memory "$pid"
    for file in mem maps environ; do
        probe "see its $file in /proc" read "/proc/$pid/$file"
    done
    for file in Keeper Monitor; do
        as=$(stat -c %u "/proc/$(pid_in victim "$file")")
        probe "signal its ${file,}" signal "$(pid_in victim "$file")"
    done
}

attack_by_qemu()
{
    local file socket
    start_qemu labelled in_qemu
    exec 41>"$work/labelled.in" 40<"$work/labelled.out"
    start_qemu free "$tools/lab-qmp-stdio" 9
    exec 31>"$work/free.in" 30<"$work/free.out"
    read -r -t 60 _ attacker <&40
    read -r -t 60 _ _ <&30
    is "a QEMU has the label" "$(label_in "$attacker")" "$subject"
    for file in "$scene/disk" "$nvram" "$log"; do
        qemu "read its ${file##*/}" "$(node "$file" true)"
        qemu "write its ${file##*/}" "$(node "$file" false)"
    done
    qemu "write its kernel's file" "$(node "$scene/kernel" false)"
    for socket in "$control" "$scene/serial" "$scene/vnc"; do
        qemu "connect to its ${socket##*/} socket" "$(unix "$socket")"
    done
    qemu "map its memory" "$(memory "$memory")"
    qemu "dump its own into the other's directory" \
        '{"execute":"pmemsave","arguments":{"val":0,"size":4096,"filename":"'"$scene"'/directory/dump"}}'
    qemu "write its screen there" \
        '{"execute":"screendump","arguments":{"filename":"'"$scene"'/directory/ppm"}}'
    qemu "write its log" "$(chardev '{"type":"file","data":{"append":true,"out":"'"$log"'"}}')"
    exec 41>&- 31>&-
}

attack()
{
    local file
    # Where the programs of a host are, and with their label.
    for file in attempt model-tool qmp-stdio; do
        cp "$build/tests/models/$file" "/usr/local/bin/lab-$file"
        [ "$LAB_MODEL" != selinux ] || restorecon "/usr/local/bin/lab-$file"
    done
    attempt=$tools/lab-attempt
    as=$(stat -c %u "/proc/$pid")
    attack_by_probe
    as=$(stat -c %u "/proc/$pid")
    attack_by_qemu
    check "the victim is as it was" svirt verify victim
}
