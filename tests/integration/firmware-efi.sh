#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# <os firmware='efi'>: define chooses among the host's descriptors, writes down
# what it chose, and believes no descriptor that is wrong about its files.
# shellcheck disable=SC2317 # check calls them
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh
trap 'destroy_all' EXIT
ovmf=/usr/share/OVMF
OS="firmware='efi'"
MEMORY=256
own=$root/etc/firmware
serial="<serial type='pty'/>"
mkdir -p "$own"
chmod 700 "$root" "$root/etc" "$own"

wish() # NAME=YES|NO...
{
    local one
    BOOT=
    for one in "$@"; do
        BOOT+="<feature enabled='${one#*=}' name='${one%=*}'/>"
    done
    BOOT=${BOOT:+<firmware>$BOOT</firmware>}
}
loader() { svirt dumpxml e | sed -n 's|.*<loader[^>]*>\(.*\)</loader>|\1|p'; }
template() { svirt dumpxml e | sed -n "s|.*<nvram.*template='\([^']*\)'.*|\1|p"; }
chooses() # FACT LOADER TEMPLATE
{
    machine e "$serial"
    verdict $? "$1: defined"
    is "$1: its firmware" "$(loader)" "$ovmf/$2"
    is "$1: its variables" "$(template)" "$ovmf/$3"
    { svirt -q start --paused e && svirt verify e; } >"$work/said" 2>&1
    verdict $? "$1: started and verified" || note "$(cat "$work/said")"
    svirt -q destroy e 2>/dev/null
}

chooses "q35" OVMF_CODE_4M.ms.fd OVMF_VARS_4M.ms.fd
svirt dumpxml e | grep -q "<loader .*secure='yes'"
verdict $? "q35: only firmware in SMM writes its variables"
sed "s|<memory|<uuid>$(svirt domuuid e)</uuid><memory|" "$work/e.xml" \
    >"$work/again.xml"
svirt define "$work/again.xml" >"$work/said" 2>&1 &&
    grep -q unchanged "$work/said"
verdict $? "the same definition again changes nothing" ||
    note "$(cat "$work/said")"
svirt -q undefine --nvram e
wish secure-boot=yes enrolled-keys=no
chooses "without keys" OVMF_CODE_4M.secboot.fd OVMF_VARS_4M.fd
svirt -q undefine --nvram e
wish
FEATURES="<acpi/><smm state='off'/>" \
    chooses "without SMM" OVMF_CODE_4M.fd OVMF_VARS_4M.fd
svirt -q undefine --nvram e
BOOT="<loader secure='no'/><nvram template='$ovmf/OVMF_VARS.fd'/>"
chooses "a template of the definition's" OVMF_CODE_4M.fd OVMF_VARS.fd
svirt -q undefine --nvram e
wish
MACHINE=pc chooses "pc" OVMF_CODE_4M.fd OVMF_VARS_4M.fd
svirt -q undefine --nvram e
wish secure-boot=no
chooses "without secure boot" OVMF_CODE_4M.fd OVMF_VARS_4M.fd
svirt -q undefine --nvram e
# A <loader> that is named must be what the features ask for.
boot_with() # YES|NO LOADER
{
    wish "secure-boot=$1"
    BOOT+="<loader readonly='yes' type='pflash'>$2</loader>"
    BOOT+="<nvram template='$ovmf/OVMF_VARS_4M.fd'/>"
}
boot_with yes "$ovmf/OVMF_CODE_4M.fd"
fails "a named loader without secure boot" 4 "has what <firmware> asks for" \
    "$serial"
boot_with no "$ovmf/OVMF_CODE_4M.secboot.fd"
fails "a named loader with one that is not wished" 4 \
    "has what <firmware> asks for" "$serial"
boot_with yes "$ovmf/OVMF_CODE_4M.secboot.fd"
check "a named loader with secure boot" machine e "$serial"
check "starts" svirt -q start --paused e
svirt -q destroy e
svirt -q undefine --nvram e
wish secure-boot=no
check "one is chosen" machine e "$serial"
svirt dumpxml e | sed "/secure-boot/s/enabled='no'/enabled='yes'/" \
    >"$work/again.xml"
svirt -q define "$work/again.xml" >"$work/said" 2>&1
is "its features cannot be edited alone" "$?" 4
svirt -q undefine --nvram e
wish
BOOT="<loader type='pflash'>$ovmf/OVMF_CODE_4M.fd</loader>"
machine e "$serial" 2>"$work/said"
grep -q "may write" "$work/said"
verdict $? "a named loader that the guest may write: warned of"
is "it stays the one that was named" "$(loader)" "$ovmf/OVMF_CODE_4M.fd"
svirt start e >"$work/said" 2>&1
is "and does not start" "$?" 8
svirt -q undefine --nvram e
wish secure-boot=no
machine e "$serial"
# What was chosen stays, whatever descriptors come.
for name in 40-edk2-x86_64-secure-enrolled 50-edk2-x86_64-secure \
    60-edk2-x86_64; do
    : >"$own/$name.json"
done
svirt -q start --paused e
verdict $? "a VM that has its firmware asks no descriptor"
svirt -q destroy e
svirt -q undefine --nvram e
wish
fails "hidden descriptors choose nothing" 4 "none of 3 firmware descriptors"

# ---- descriptors of one's own, and ones that lie ----------------------------
files=$work/files
mkdir "$files" "$work/open"
cp "$ovmf/OVMF_CODE_4M.fd" "$files/code.fd"
cp "$ovmf/OVMF_CODE_4M.fd" "$work/open/code.fd"
chmod 777 "$work/open"
describe() # [MEMBER=JSON...]: a good one, but for these members
{
    python3 - "$own/10-own.json" "$files/code.fd" "$ovmf/OVMF_VARS_4M.fd" "$@" <<'PY'
import json, sys
path, code, variables, *changes = sys.argv[1:]
root = {"description": "own", "interface-types": ["uefi"],
        "mapping": {"device": "flash",
                    "executable": {"filename": code, "format": "raw"},
                    "nvram-template": {"filename": variables,
                                       "format": "raw"}},
        "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}],
        "features": [], "tags": []}
for change in changes:
    where, value = change.split("=", 1)
    at = root
    *steps, last = where.split("/")
    for step in steps:
        at = at[step]
    if value:
        at[last] = json.loads(value)
    else:
        del at[last]
json.dump(root, open(path, "w"))
PY
}
lies() # FACT CODE PATTERN MEMBER=JSON...
{
    local fact=$1 code=$2 pattern=$3
    shift 3
    describe "$@"
    fails "$fact" "$code" "$pattern" "$serial"
    forget tried
}
describe
check "a descriptor of one's own" machine e "$serial"
is "is what is chosen" "$(loader)" "$files/code.fd"
svirt -q undefine --nvram e
describe 'mapping/mode="stateless"' mapping/nvram-template=
BOOT="<loader stateless='yes'/>" starts "firmware without variables" "$serial"
BOOT="<loader stateless='yes'/><nvram/>" \
    fails "variables of firmware without any" 3 "no variables to keep"
fails "firmware without variables that nobody asked for" 4 "none of 4"

truncate -s 4097 "$files/odd.fd"
truncate -s 16M "$files/large.fd"
truncate -s 5M "$files/half.fd"
qemu-img create -q -f qcow2 "$files/qcow2.fd" 64K
truncate -s 256K "$files/qcow2.fd"
mkfifo "$files/fifo"
file() { echo "mapping/$1/filename=\"$2\""; }
lies "firmware that is not there" 3 "which is not there" \
    "$(file executable "$files/none.fd")"
lies "variables that are not there" 3 "which is not there" \
    "$(file nvram-template "$files/none.fd")"
lies "a directory" 3 "which is no file" "$(file executable "$files")"
lies "a pipe" 3 "which is no file" "$(file executable "$files/fifo")"
lies "half a block" 3 "a size that no flash has" \
    "$(file executable "$files/odd.fd")"
lies "more than a flash holds" 3 "a size that no flash has" \
    "$(file executable "$files/large.fd")"
lies "more than a flash holds together" 3 "not fit into one flash" \
    "$(file executable "$files/half.fd")" \
    "$(file nvram-template "$files/half.fd")"
lies "one file for both" 3 "not fit into one flash" \
    "$(file nvram-template "$files/code.fd")"
lies "qcow2 called raw" 3 "which is qcow2 and not raw" \
    "$(file executable "$files/qcow2.fd")"
lies "a relative path" 3 "its mapping is not" "$(file executable code.fd)"
lies "a path that is a number" 3 "its mapping is not" \
    mapping/executable/filename=7
lies "no mapping" 3 "its mapping is not" mapping=
lies "targets without machines" 3 "its targets is not" \
    'targets=[{"architecture":"x86_64"}]'
lies "features that are no words" 3 "its features is not" 'features=[1]'
lies "firmware that others can change" 6 "is not root's alone" \
    "$(file executable $work/open/code.fd)"
printf '{"description": "a", "description": "b"}' >"$own/10-own.json"
fails "a member twice" 3 "its line 1 is no JSON"
printf '%s' "$(printf '[%.0s' {1..5000})" >"$own/10-own.json"
fails "an abyss" 3 "its text is not"
head -c 70000 /dev/zero >"$own/10-own.json"
fails "a large file" 3 "cannot be read, or is too large"
describe
chmod 666 "$own/10-own.json"
chmod 777 "$own"
fails "a descriptor that others can write" 6 "is not root's alone"
chmod 700 "$own"
BOOT="<firmware><feature enabled='yes' name='magic'/></firmware>" \
    fails "a feature that is none" 8 "name='magic' of <feature>"
OS="firmware='uboot'" fails "firmware that is none" 3 "firmware='uboot'"
FEATURES="<apic/>" fails "UEFI without ACPI" 3 "firmware='efi' needs ACPI"
BOOT="<loader type='rom'/>" fails "a BIOS by firmware='efi'" 8 "type='rom'"
BOOT="<loader readonly='no'/>" fails "a loader that is written" 8 \
    "may write is not built"
OS="firmware='bios'" starts "the machine's own BIOS" "$serial"
done_testing
