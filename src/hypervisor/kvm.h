/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Does hardware virtualization work here: /dev/kvm opens, speaks API 12 and
 * makes a VM. UNSUPPORTED otherwise, with type='qemu' as the hint. Source:
 * Linux Documentation/virt/kvm/api.rst.
 */
bool svirt_kvm_check(GError **error);
