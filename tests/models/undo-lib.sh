# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A start that does not come to its end, under whichever model: it fails after
# everything was labelled and loaded, or is killed at a place on its way. What
# it changed is as it was before. Who sources it has svirt, check, is and
# verdict, and defines
#
#     undo_label FILE       what the model has of it, "-" for nothing
#     undo_loaded UUID      what the kernel was told of that VM, a line each
#     undo_definition NAME FILE...   prints a definition with those disks
#
# undo_all DIRECTORY has the tests.
# With tests/integration/lib.sh, whose define writes it on its way.
undo_definition() # NAME FILE...
{
    local lines=() file
    for file in "${@:2}"; do
        disk_number=${#lines[@]}
        lines+=("$(disk "$1" raw "$file")")
    done
    svirt() { :; }
    define "$1" "${lines[@]}"
    unset -f svirt
    cat "$work/$1.xml"
}
undo_svirt=${build:+$build/src/cli/svirt}
undo_svirt=${undo_svirt:-$(type -P svirt)}
undo_labels() { for file in "$undo_dir"/disk?; do undo_label "$file"; done; }

# Every call that labels something, as strace counts them.
undo_calls=setxattr,fsetxattr
undo_killed() # CALLS WHEN
{
    strace -qq -o "$undo_dir/trace" -e "trace=$1" \
        -e "inject=$1:signal=SIGKILL:when=$2" \
        "$undo_svirt" -q start undone \
        --paused >"$undo_dir/out" 2>&1
}

undo_is_clean() # WHEN-IT-WAS
{
    svirt recover >"$undo_dir/out" 2>&1
    verdict $? "$1: svirt recover" || note "$(cat "$undo_dir/out")"
    is "$1: its disks have what they had" "$(undo_labels)" "$undo_before"
    is "$1: the kernel knows nothing of it" "$(undo_loaded "$undo_uuid")" ""
}

undo_all() # DIRECTORY
{
    local call count when
    undo_dir=$1
    mkdir -p "$undo_dir"
    for file in disk1 disk2 disk3; do
        truncate -s 1M "$undo_dir/$file"
        chmod 600 "$undo_dir/$file"
    done
    undo_before=$(undo_labels)
    undo_uuid=11111111-2222-4333-8444-555555555555
    undo_definition undone "$undo_dir"/disk? |
        sed "s,<name>,<uuid>$undo_uuid</uuid><name>," >"$undo_dir/good.xml"

    # Everything is done, and then the program is none.
    printf '#!/nonexistent' >/usr/bin/no-emulator
    chmod 755 /usr/bin/no-emulator
    sed 's,<devices>,&<emulator>/usr/bin/no-emulator</emulator>,' \
        "$undo_dir/good.xml" >"$undo_dir/fails.xml"
    svirt -q define "$undo_dir/fails.xml"
    svirt start undone --paused --dry-run >"$undo_dir/plan" 2>&1
    ! svirt start undone --paused >"$undo_dir/out" 2>&1
    verdict $? "a program that is no emulator does not start" ||
        note "$(cat "$undo_dir/out")"
    grep -q "did not start" "$undo_dir/out"
    verdict $? "which is found when its turn comes" ||
        note "$(cat "$undo_dir/out")"
    is "its disks have what they had, without a word of svirt recover" \
        "$(undo_labels)" "$undo_before"
    is "and the kernel knows nothing of it" "$(undo_loaded "$undo_uuid")" ""
    svirt -q define "$undo_dir/good.xml"

    undo_killed "$undo_calls,clone,clone3,fork,vfork" 65535
    verdict $? "the start that is followed works" || note "$(cat "$undo_dir/out")"
    count=$(grep -c 'setxattr(' "$undo_dir/trace")
    cp "$undo_dir/trace" "$undo_dir/first-trace"
    [ "$(undo_labels)" != "$undo_before" ] || [ "$count" = 0 ]
    verdict $? "it labels its disks, in $count calls"
    [ -n "$(undo_loaded "$undo_uuid")" ] || [ "$LAB_MODEL" = selinux ]
    verdict $? "and the kernel knows of it"
    svirt -q destroy undone
    check "release gives everything back" svirt release undone
    is "its disks have what they had then" "$(undo_labels)" "$undo_before"
    is "the kernel has nothing of it then" "$(undo_loaded "$undo_uuid")" ""

    # strace counts each call by itself. The last ones are the disks'.
    for call in fsetxattr setxattr; do
        count=$(grep -c "^$call(" "$undo_dir/first-trace")
        for ((when = count > 3 ? count - 2 : 1; when <= count; when++)); do
            ! undo_killed $call $when
            undo_is_clean "killed at $call $when of $count"
        done
    done
    # When everything is labelled and the keeper is to be made.
    call=$(grep -E -o -m 1 '^(clone3?|v?fork)' "$undo_dir/first-trace")
    ! undo_killed "$call" 1
    check "killed at its first process: svirt recover" svirt recover
    is "killed at its first process: the kernel knows nothing of it" \
        "$(undo_loaded "$undo_uuid")" ""
    check "killed at its first process: release" svirt release undone
    is "killed at its first process: its disks have what they had" \
        "$(undo_labels)" "$undo_before"
    check "and it starts" svirt -q start undone --paused
    check "is verified" svirt verify undone
    svirt -q destroy undone
    check "and undefined" svirt -q undefine undone
    is "its disks have what they had, in the end" "$(undo_labels)" \
        "$undo_before"
    is "the kernel has nothing of it, in the end" \
        "$(undo_loaded "$undo_uuid")" ""
}
