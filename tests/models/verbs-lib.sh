# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # $work, $guest, $build: of who sources it
# For the scripts that try under each model that whatever a VM's definition
# names works, and every verb.
#
#     verbs        a VM with a display, a balloon, a channel, a network device
#                  and a CD is started, used and asked all that can be asked
#     told PATTERN COMMAND...   the words of svirt have it
verbs_xml()
{
    cat <<XML
<domain type='qemu'>
  <name>all</name>
  <memory unit='MiB'>128</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$guest/vmlinuz</kernel>
    <initrd>$guest/initrd</initrd>
    <cmdline>console=ttyS0 quiet nokaslr svirt.name=all</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
      <source file='$scene/top'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/>
      <source file='$scene/both'/><target dev='vdb' bus='virtio'/>
      <shareable/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/>
      <source file='$scene/cd'/><target dev='sda' bus='sata'/><readonly/></disk>
    <serial type='pty'/>
    <serial type='file'><source path='$scene/written'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <input type='tablet' bus='usb'/>
    <graphics type='vnc' autoport='yes'/>
    <video><model type='vga'/></video>
    <memballoon model='virtio'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <watchdog model='i6300esb' action='none'/>
  </devices>
</domain>
XML
}

# What svirt's processes, of this VM or not, were denied.
verb_denials()
{
    case $LAB_MODEL in
    selinux) dmesg | grep -a 'avc:  denied.*scontext=[^ ]*:svirt_' ;;
    apparmor) dmesg | grep -a 'apparmor="DENIED".*profile="svirt-' ;;
    smack) dmesg | grep -a 'lsm=SMACK.*action=denied subject="svirt-' ;;
    esac
}
told() # PATTERN COMMAND...
{
    "${@:2}" >"$work/told" 2>&1
    grep -q -- "$1" "$work/told"
    verdict $? "${*:2} says '$1'" || note "$(cat "$work/told")"
}
viewer() # HOST PORT: the first words of RFB
{
    # shellcheck disable=SC2016 # for that shell
    timeout 20 bash -c 'exec 3<>"/dev/tcp/$1/$2" && head -c 7 <&3' - "$1" "$2"
}

verbs()
{
    local port
    scene=$work/all
    mkdir -p "$scene"
    qemu-img create -q -f raw "$scene/base" 8M
    qemu-img create -q -f qcow2 -b "$scene/base" -F raw "$scene/top"
    truncate -s 1M "$scene/both" "$scene/cd"
    verbs_xml >"$work/all.xml"
    check "define" svirt -q define "$work/all.xml"
    VISUAL=true check "edit" svirt edit all
    check "desc" svirt desc all "it has everything"
    check "autostart" svirt autostart all
    check "autostart --disable" svirt autostart all --disable
    dmesg -C
    check "start" svirt -q start all
    told all svirt list
    told running svirt domstate all
    told "$(svirt domuuid all)" svirt dumpxml all
    told 'Security label' svirt dominfo all
    told "$scene/top" svirt domblklist all
    told Capacity svirt domblkinfo all vda
    told state.state svirt domstats all
    told /dev/pts svirt ttyconsole all
    told vnc:// svirt domdisplay all
    port=$(svirt vncdisplay all)
    is "a viewer is served" "$(viewer 127.0.0.1 $((5900 + ${port##*:})))" \
        "RFB 003"
    check "screenshot" svirt screenshot all "$work/shot"
    is "is a picture" "$(head -c 2 "$work/shot")" P6
    check "send-key" svirt send-key all KEY_A
    check "inject-nmi" svirt inject-nmi all
    check "setmem" svirt setmem all 96M
    told micro svirt qemu-monitor-command all '{"execute":"query-version"}'
    told agent svirt domtime all
    check "suspend" svirt -q suspend all
    told paused svirt domstate all
    check "resume" svirt -q resume all
    check "reset" svirt reset all
    check "verify" svirt verify all
    check "label" svirt label all
    check "relabel" svirt relabel all
    check "reboot" svirt reboot all
    told running svirt domstate all
    check "destroy" svirt -q destroy all
    check "start again" svirt -q start all --paused
    check "destroy again" svirt -q destroy all
    is "exec" "$(echo given >"$scene/given" && svirt exec --ro "$scene/given" \
        -- cat "$scene/given" 2>&1)" given
    is "of all of it nothing was denied" "$(verb_denials)" ""
    check "release" svirt release all
    check "undefine" svirt undefine all
}
