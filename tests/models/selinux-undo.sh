#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 300
# lab: -m 1536
# A start under SELinux that fails or is killed on its way.
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
. tests/models/selinux-lib.sh
unset build
. tests/models/undo-lib.sh
undo_label() { stat -c %C "$1"; }
# Nothing is loaded for one VM.
undo_loaded() { :; }
undo_definition() # NAME FILE...
{
    local name=$1 letters=xyz file
    shift
    vm_xml "$name"
    for file in "$@"; do
        echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/>
            <source file='$file'/><target dev='vd${letters:0:1}' bus='virtio'/>
            </disk>" >>"$work/$name.disks"
        letters=${letters:1}
    done
    sed "/<disk /,/<.disk>/d; /<devices>/r $work/$name.disks" "$work/$name.xml"
}
sequence=$(policy_sequence)
undo_all /srv/undo
is "no policy was loaded for any of it" "$(policy_sequence)" "$sequence"
done_testing
