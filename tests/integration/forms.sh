#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Definitions in the form in which virt-manager, OpenStack, oVirt, Vagrant,
# Terraform and an import from Proxmox write them validate, with their resources
# (tests/corpus/forms/NAME.expect: kind, access and path of each).
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/tap.sh
svirt=${SVIRT_BUILD:-$PWD/build}/src/cli/svirt

resources()
{
    "$svirt" --format json define --validate "$1" 2>/dev/null |
        python3 -c 'import json, sys
for item in json.load(sys.stdin)["resources"]:
    print(item["kind"], item["access"], item["path"] or "-")'
}

for form in tests/corpus/forms/*.xml; do
    is "${form##*/} validates" "$(resources "$form")" "$(cat "${form%.xml}.expect")"
done
done_testing
