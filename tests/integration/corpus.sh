#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# libvirt's own corpus of domain XML: what it takes validates with the right
# resources, what it refuses is refused.
set -u
cd "$(dirname "$0")/../.." || exit 2
tests=$(tests/corpus/libvirt-source) || {
    echo "Bail out! libvirt's source package cannot be had"
    exit 1
}
exec python3 tests/corpus/qemuxml2argv.py "$tests" \
    "${SVIRT_BUILD:-$PWD/build}/src/cli/svirt"
