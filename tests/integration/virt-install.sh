#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# What virt-install prints, in many variants, validates; some of it starts.
set -u
cd "$(dirname "$0")" || exit 2
# shellcheck source=tests/integration/lib.sh
. ./lib.sh
cd "$top" || exit 2
tests=$(tests/corpus/libvirt-source) || {
    echo "Bail out! libvirt's source package cannot be had"
    exit 1
}

# virt-install asks libvirt's test driver, with the answers of a QEMU host.
sed 's|<domain type=.qemu./>|<machine>pc</machine><machine>q35</machine>&|' \
    "$tests/qemucaps2xmloutdata/caps.x86_64.xml" >"$work/caps.xml"
host="__virtinst_test__test:///default,fakeuri=qemu:///system"
host="$host,caps=$work/caps.xml"
export host="$host,domcaps=$tests/domaincapsdata/qemu_7.2.0-q35.x86_64.xml"
export HOME=$work/home files=$work/files
mkdir -p "$files" "$HOME" "$work/xml"
qemu-img create -q -f qcow2 "$files/disk.qcow2" 1G
truncate -s 1M "$files/boot.iso" "$files/data.raw" "$files/more.raw"
cp "$guest/vmlinuz" "$guest/initrd" "$files"
echo '#cloud-config' >"$files/user-data"
echo 'instance-id: one' >"$files/meta-data"

# Prints the definition of one line of the list.
print_xml() # "NAME: ARGUMENTS"
{
    local name=${1%%:*} arguments=${1#*: }
    [[ $arguments == *--memory\ * ]] || arguments="$arguments --memory 512"
    # shellcheck disable=SC2086
    virt-install --connect "$host" --virt-type qemu --name "$name" \
        ${arguments//DIR/$files} --print-xml 1 --check all=off </dev/null
}
export -f print_xml
list() { sed -n 's/^\(- \)\{0,1\}\([a-z]\)/\2/p' tests/corpus/virt-install.variants; }
# shellcheck disable=SC2016
list | tr '\n' '\0' | xargs -0 -n 1 -P "$(nproc)" bash -c '
    print_xml "$1" >"$0/${1%%:*}.xml" 2>"$0/${1%%:*}.err"' "$work/xml"

while IFS= read -r line; do
    name=${line%%:*}
    refused=$(grep "^- $name:" tests/corpus/virt-install.variants)
    if [ ! -s "$work/xml/$name.xml" ]; then
        verdict 1 "virt-install prints $name"
        note "$(tail -n 3 "$work/xml/$name.err")"
        continue
    fi
    svirt define --validate "$work/xml/$name.xml" >"$work/said" 2>&1
    code=$?
    if [ -z "$refused" ]; then
        verdict "$code" "$name validates" || note "$(cat "$work/said")"
    elif [ "$code" = 0 ]; then
        verdict 0 "$name validates"
        note "$name validates now: let the list say so"
    else
        [ "$code" = 6 ] || [ "$code" = 8 ]
        verdict $? "$name is refused by name" || note "$(cat "$work/said")"
    fi
done < <(list)
[ "$(list | wc -l)" -ge 30 ]
verdict $? "there are thirty variants"

# One that boots, with the words of the manual.
virt-install --connect "$host" --virt-type qemu --name piped --memory 256 \
    --boot "kernel=$files/vmlinuz,initrd=$files/initrd,kernel_args=console=ttyS0 quiet nokaslr svirt.name=piped" \
    --disk "$files/data.raw,format=raw" --osinfo linux2022 --graphics none \
    --network user --import --check all=off --print-xml </dev/null |
    svirt -q define -
check "virt-install --print-xml | svirt define -; start" svirt start piped
check "and its guest boots" wait_up piped
sleep 1 # the console's client has gone
check "it is confined" svirt verify piped
svirt -q destroy piped
for name in import-linux2022 install-cdrom-text many-nets pc-machine consoles
do
    rm -f "$files"/*.log
    svirt -q define "$work/xml/$name.xml" 2>/dev/null
    check "$name starts" svirt start "$name"
    svirt -q destroy "$name"
    svirt -q undefine "$name"
done
done_testing
