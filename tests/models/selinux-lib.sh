# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For the scripts that run in the SELinux lab.
#
#     vm NAME                   defines and starts a VM with a disk in $images;
#                               NETWORK=yes gives it one; TYPE=kvm
#     vm_xml NAME               only writes its definition, $work/NAME.xml
#     label_of NAME PROGRAM     the context of that process of the VM
#     pid_of NAME PROGRAM
#     as CONTEXT COMMAND...     as root, with that context (tests/lab/lab.cil);
#                               its words are lost
#     denied FACT COMMAND...    what has the context $alpha fails, and SELinux
#                               says that it was it
#     denials DOMAIN            what was denied to it so far, shortened, and
#                               not yet shown
#     allowed SOURCE TARGET CLASS   the loaded policy's permissions
#     policy_sequence           how often a policy was loaded
# A VM's domain may look for a name below /srv (var_t), so that what denies a file there
# is the file's own label.
work=/srv/work
images=${images:-/srv/disks}
mkdir -p "$images" "$work"
chmod 755 "$images" "$work"
cp .cache/guest/vmlinuz .cache/guest/initrd /var/tmp/

vm_xml()
{
    cat >"$work/$1.xml" <<XML
<domain type='${TYPE:-qemu}'>
  <name>$1</name>
  <memory unit='KiB'>131072</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/var/tmp/vmlinuz</kernel>
    <initrd>/var/tmp/initrd</initrd>
    <cmdline>console=ttyS0 quiet nokaslr svirt.name=$1</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='$images/$1.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    ${NETWORK:+<interface type='user'><backend type='passt'/></interface>}
    <serial type='pty'/>
    <console type='pty'/>
  </devices>
</domain>
XML
}

vm()
{
    [ -e "$images/$1.qcow2" ] ||
        qemu-img create -q -f qcow2 "$images/$1.qcow2" 64M
    vm_xml "$1"
    check "$1 is defined" svirt -q define "$work/$1.xml"
    check "$1 starts" svirt -q start "$1"
}

pid_of()
{
    local uuid
    uuid=$(svirt domuuid "$1")
    case $2 in
    qemu*) cat "/sys/fs/cgroup/svirt/$uuid/vmm/cgroup.procs" ;;
    passt) pgrep -u "$(awk '/^Uid:/ { print $2 + 2 }' \
        "/proc/$(pid_of "$1" qemu)/status")" passt ;;
    svirt-monitor) cat "/sys/fs/cgroup/svirt/$uuid/helper/cgroup.procs" ;;
    svirt-keeper)
        awk '/^PPid:/ { print $2 }' \
            "/proc/$(cat "/sys/fs/cgroup/svirt/$uuid/vmm/cgroup.procs")/status"
        ;;
    esac | head -n 1
}

label_of() { tr -d '\0' <"/proc/$(pid_of "$1" "$2")/attr/current"; }

as()
{
    # By a shell without categories: what the script itself opened has all of
    # them, and a VM may not so much as use it.
    # shellcheck disable=SC2016 # for that shell
    runcon -l s0 sh -c 'LC_ALL=C exec timeout 20 runcon "$@" </dev/null \
        >/dev/null 2>&1' sh "$@"
}

# The text of dmesg behind what was read before.
seen=0
news()
{
    dmesg | grep -a -e 'avc:  denied' -e SELINUX_ERR -e 'op=security' >"$work/all"
    tail -n "+$((seen + 1))" "$work/all"
}

denied()
{
    local fact=$1 code=0 found
    shift
    seen=$(dmesg | grep -a -c -e 'avc:  denied' -e SELINUX_ERR \
        -e 'op=security')
    as "$alpha" "$@" || code=$?
    found=$(news | grep -a -F "scontext=$alpha" | grep -a 'permissive=0')
    [ "$code" != 0 ] && [ "$code" != 124 ] && [ -n "$found" ]
    verdict $? "$(cut -d : -f 3 <<<"$alpha") is denied: $fact" ||
        note "exit code $code; records: $(news)"
    seen=$(wc -l <"$work/all")
}

denials()
{
    news | grep -aE "scontext=[^ ]*:$1" |
        sed -E 's/.*denied  //; s/(pid|ino)=[0-9]+ //g'
}

allowed() { compute_av "$@" | sed -n 's/^allowed= {\(.*\)}.*/\1/p' | xargs; }

policy_sequence() { dmesg | grep -a -c 'type=1403'; }
