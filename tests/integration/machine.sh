# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154 # the guest's variables, lib.sh's variables
# For the tests of devices; sourced after lib.sh.
#
#     machine NAME LINE...    a VM of these <devices> lines; variables say the
#                             rest: TYPE, MACHINE, MEMORY (MiB), VCPU, FEATURES,
#                             OS (attributes of <os>), BOOT (its lines), TOP
#                             (lines of <domain>)
#     boots NAME [GUEST]      BOOT for the guest's kernel (lib.sh's, or GUEST)
#     starts FACT LINE...     such a VM starts and verify accepts it
#     fails FACT CODE PATTERN LINE...
#                             it cannot be defined or started: exit code CODE,
#                             words like PATTERN, and a hint
#     disk BUS TARGET FILE [CHILD...] [DRIVER]   a <disk> line
#     attach NAME             its serial0 by the terminal svirt start printed;
#                             waits until the guest is up
#     hear_up NAME            waits until it is up once more
#     ask NAME COMMAND [SECONDS]
#                             runs it in the attached guest's shell and prints
#                             what it says
declare -A terminal

machine()
{
    local name=$1
    shift
    cat >"$work/$name.xml" <<XML
<domain type='${TYPE:-qemu}'>
  <name>$name</name>
  <memory unit='MiB'>${MEMORY:-128}</memory>
  <vcpu>${VCPU:-1}</vcpu>
  <os ${OS:-}>
    <type arch='x86_64' machine='${MACHINE:-q35}'>hvm</type>
    ${BOOT:-}
  </os>
  <features>${FEATURES:-<acpi/><apic/>}</features>
  ${TOP:-}
  <devices>
$(printf '    %s\n' "$@")
  </devices>
</domain>
XML
    svirt -q define "$work/$name.xml"
}

boots()
{
    local from=${2:-$guest}
    BOOT="<kernel>$from/vmlinuz</kernel><initrd>$from/initrd</initrd>
    <cmdline>console=ttyS0 quiet nokaslr 8250.nr_uarts=8
    svirt.name=$1</cmdline>"
}

forget()
{
    svirt -q destroy "$1"
    svirt -q undefine "$1"
} >/dev/null 2>&1

starts()
{
    local fact=$1 said=$work/said code=0
    shift
    {
        machine tried "$@" && svirt -q start --paused tried &&
            svirt verify tried
    } >"$said" 2>&1 || code=$?
    verdict "$code" "$fact" || note "$(cat "$said")"
    forget tried
}

fails()
{
    local fact=$1 want=$2 pattern=$3 said=$work/said code=0
    shift 3
    { machine tried "$@" && svirt -q start --paused tried; } \
        >"$said" 2>&1 || code=$?
    [ "$code" = "$want" ] && grep -q -- "$pattern" "$said" &&
        grep -q '^  hint: .' "$said"
    verdict $? "$fact" || note "exit code $code: $(cat "$said")"
    forget tried
}

disk() # BUS TARGET FILE [CHILDREN] [ATTRIBUTES OF DRIVER]
{
    echo "<disk type='file' device='disk'><driver name='qemu' ${5:-}/>" \
        "<source file='$3'/><target dev='$2' bus='$1'/>${4:-}</disk>"
}

# Guests of a machine that is a guest itself take a multiple of the time.
patience=${SVIRT_PATIENCE:-1}
# Until the attached guest says that it is up, at most 120 s.
hear_up()
{
    local line half='' began=$SECONDS
    while [ $((SECONDS - began)) -lt $((120 * patience)) ]; do
        IFS= read -r -t 5 line <&"${terminal[$1]}" || {
            half+=$line
            continue
        }
        line=$half$line
        half=''
        case $line in *"svirt guest $1 is up"*) return 0 ;; esac
    done
    note "$1 is not up after $((120 * patience)) s"
    return 1
}

attach()
{
    local path fd
    path=$(sed -n 's/^  serial0=//p' "$work/$1.started")
    exec {fd}<>"$path" || return 1
    terminal[$1]=$fd
    hear_up "$1" || return 1
    # The shell takes a moment more; what is typed meanwhile it reads later.
    [ "$(ask "$1" 'echo "here"' 30)" = here ]
}

ask()
{
    local fd=${terminal[$1]:-} limit=$((${3:-60} * patience))
    local mark=$RANDOM line half='' seen='' began=$SECONDS
    [ -n "$fd" ] || return 1
    printf 'mark=%s; echo "<$mark>"; %s; echo "</$mark>"\n' "$mark" "$2" >&"$fd"
    while [ $((SECONDS - began)) -lt $limit ]; do
        # What a read that runs out of time has taken is taken: keep it.
        IFS= read -r -t 1 line <&"$fd" || {
            half+=$line
            continue
        }
        line=$half${line%$'\r'}
        half=''
        case $line in
        "<$mark>") seen=yes ;;
        "</$mark>") return 0 ;;
        *) [ -z "$seen" ] || printf '%s\n' "$line" ;;
        esac
    done
    note "'$2' was not answered in $limit s" >&2
    return 1
}

start() { svirt start "$1" >"$work/$1.started"; }
