/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "hypervisor/qemu.h"

#define SVIRT_QEMU_SLOTS 32u

/* A command line in the making; between the files of this folder only. */
typedef struct SvirtQemuBuilder {
    const SvirtQemuInput *input;
    GPtrArray *argv;  /* owned char *, NULL-terminated at the end */
    bool pcie;        /* q35: the root bus is pcie.0 */
    uint32_t slots;   /* used slots of the root bus */
} SvirtQemuBuilder;

void svirt_qemu_add(SvirtQemuBuilder *builder, const char *option,
                    const char *value);
void svirt_qemu_addf(SvirtQemuBuilder *builder, const char *option,
                     const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The object (owned by the callee from now on) as one JSON argument. */
void svirt_qemu_add_json(SvirtQemuBuilder *builder, const char *option,
                         json_t *object);

/*
 * Where a PCI device sits: the definition's address, or the first slot of the
 * root bus that nothing else has. Fills "bus" and "addr" of `device`.
 */
bool svirt_qemu_place_pci(SvirtQemuBuilder *builder, json_t *device,
                          const SvirtDeviceInfo *info, const char *what,
                          GError **error);
/* Marks what the machine and the definition's own addresses occupy. */
bool svirt_qemu_reserve_slots(SvirtQemuBuilder *builder, GError **error);

bool svirt_qemu_add_controllers(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_disks(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_chardevs(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_small_devices(SvirtQemuBuilder *builder, GError **error);
/* -device with an id, and bootindex when the definition gives one. */
json_t *svirt_qemu_device(const char *driver, const char *id,
                          unsigned boot_order);
