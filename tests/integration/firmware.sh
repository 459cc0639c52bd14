#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# UEFI firmware: it boots to its serial console, and what it writes into its
# variables stays until somebody says otherwise.
# shellcheck disable=SC2317 # check calls them
set -u
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/machine.sh
. tests/integration/machine.sh
trap 'destroy_all' EXIT
ovmf=/usr/share/OVMF
MACHINE=q35
MEMORY=256

uefi() # CODE TEMPLATE [ATTRIBUTES]
{
    BOOT="<loader readonly='yes' type='pflash' ${3:-}>$ovmf/$1</loader>
        <nvram template='$2'/>"
}
# Until the firmware says that it looks for something to boot, at most 60 s.
speaks() # NAME
{
    local path began=$SECONDS seen=
    path=$(sed -n 's/^  serial0=//p' "$work/$1.started")
    exec 9<>"$path" || return 1
    while [ $((SECONDS - began)) -lt 60 ]; do
        IFS= read -r -t 5 -n 400 line <&9
        seen+=$line
        case $seen in *BdsDxe*) return 0 ;; esac
    done
    note "the firmware said: $seen"
    return 1
}
sum() { sha256sum <"$1"; }

uefi OVMF_CODE_4M.fd "$ovmf/OVMF_VARS_4M.fd"
machine u "<serial type='pty'/>"
verdict $? "a domain with OVMF is defined"
nvram=$(svirt dumpxml u | sed -n "s|.*<nvram [^>]*>\(.*\)</nvram>|\1|p")
is "its variables have a file of their own" \
    "$nvram" "$root/lib/nvram/$(svirt domuuid u).fd"
check "a dry run shows its start" svirt start --dry-run u
is "and makes no file" "$(ls "$root/lib/nvram")" ''
check "it starts" start u
check "its firmware runs" speaks u
check "verify accepts it" svirt verify u
svirt -q destroy u
[ "$(sum "$nvram")" != "$(sum "$ovmf/OVMF_VARS_4M.fd")" ]
verdict $? "what it wrote is in the file"
is "which is root's alone" "$(stat -c %a:%u "$nvram")" 600:0
# A mark in the unused end of the file: nobody but a reset takes it away.
printf 'a mark' | dd of="$nvram" bs=1 seek=500000 conv=notrunc 2>/dev/null
check "it starts again" start u
check "its firmware runs again" speaks u
svirt -q destroy u
is "what stood in the file stays" \
    "$(dd if="$nvram" bs=1 skip=500000 count=6 2>/dev/null)" "a mark"
svirt start --reset-nvram --paused u >"$work/ignored" 2>&1
verdict $? "it starts with its variables reset"
svirt -q destroy u
is "and they are the template's" "$(sum "$nvram")" \
    "$(sum "$ovmf/OVMF_VARS_4M.fd")"
run_refused() # FACT PATTERN ARGUMENT...
{
    local fact=$1 pattern=$2
    shift 2
    ! svirt "$@" >"$work/said" 2>&1 && grep -q -- "$pattern" "$work/said" &&
        grep -q '^  hint: .' "$work/said"
    verdict $? "$fact" || note "$(cat "$work/said")"
}
run_refused "undefine asks for --nvram" "keeps variables" undefine u
check "undefine --nvram" svirt -q undefine --nvram u
is "takes the file along" "$(ls "$root/lib/nvram")" ''

uefi OVMF_CODE_4M.secboot.fd "$ovmf/OVMF_VARS_4M.ms.fd" "secure='yes'"
starts "secure boot" "<serial type='pty'/>"
svirt -q undefine --nvram tried 2>/dev/null
BOOT="<loader type='rom'>/usr/share/seabios/bios.bin</loader>"
starts "another BIOS" "<serial type='pty'/>"

# ---- what cannot be ---------------------------------------------------------
BOOT="<loader readonly='yes' type='pflash'>$ovmf/OVMF_CODE_4M.fd</loader>"
fails "flash without variables" 3 "has no <nvram>"
BOOT="<loader type='pflash'>$ovmf/OVMF_CODE_4M.fd</loader><nvram/>"
fails "firmware that the guest may write" 8 "may write is not supported"
BOOT="<nvram/>" fails "variables without firmware" 3 "without a <loader>"
uefi OVMF_CODE_4M.fd /etc/shadow
fails "a template that is no such thing" 6 "nvram template '/etc/shadow'"
uefi OVMF_CODE_4M.fd "$work/none"
fails "a template that is not there" 4 "nvram template"
uefi NONE.fd "$ovmf/OVMF_VARS_4M.fd"
fails "firmware that is not there" 4 "cannot use loader"
svirt -q undefine --nvram tried 2>/dev/null
MACHINE=pc uefi OVMF_CODE_4M.fd "$ovmf/OVMF_VARS_4M.fd" "secure='yes'"
MACHINE=pc fails "secure firmware on a pc" 3 "no secure <loader>"
done_testing
