#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# docs/from-virsh.md has every command of virsh and of svirt, and is right.
set -u
cd "$(dirname "$0")/../.." || exit 2
tests=$(tests/corpus/libvirt-source) || {
    echo "Bail out! libvirt's source package cannot be had"
    exit 1
}
exec python3 tests/corpus/from-virsh.py docs/from-virsh.md docs/domain-xml.md \
    "$tests" "${SVIRT_BUILD:-$PWD/build}/src/cli/svirt"
