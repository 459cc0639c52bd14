#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# lab: -m 1536
# What a VM's own definition names works under this model, and every verb.
[ "$LAB_MODEL" = apparmor ] || { echo "1..0 # SKIP needs a kernel with apparmor"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/integration/lib.sh
. tests/models/verbs-lib.sh
verbs
done_testing
