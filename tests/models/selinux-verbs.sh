#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 240
# lab: -m 1536
# What a VM's own definition names works under this model, and every verb.
[ "$LAB_MODEL" = selinux ] || { echo "1..0 # SKIP needs a kernel with selinux"; exit 0; }
cd "$SVIRT_TOP" || exit 2
. tests/tap.sh
. tests/models/selinux-lib.sh
guest=/var/tmp
. tests/models/verbs-lib.sh
verbs
done_testing
