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
    GArray *controllers; /* of SvirtController, owned: what there will be */
    GHashTable *places;  /* owned texts: taken units of buses with units */
} SvirtQemuBuilder;

/* A disk's place on a bus with units. */
typedef struct SvirtQemuPlace {
    SvirtControllerType type;
    unsigned controller;
    unsigned target; /* SCSI */
    unsigned unit;   /* IDE: 0 to 3, SATA: 0 to 5, SCSI: the LUN */
} SvirtQemuPlace;

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
/* The same for a device on USB: "bus" and, when given, "port". */
bool svirt_qemu_place_usb(SvirtQemuBuilder *builder, json_t *device,
                          const SvirtDeviceInfo *info, const char *what,
                          GError **error);
/*
 * Marks what the machine and the definition's own addresses occupy; plans the
 * PCI buses that they name and no controller makes.
 */
bool svirt_qemu_reserve_slots(SvirtQemuBuilder *builder, GError **error);

/* Fills builder->controllers; nothing is written yet. */
bool svirt_qemu_plan_controllers(SvirtQemuBuilder *builder, GError **error);
/* One that the definition leaves out, unless there is one. */
void svirt_qemu_plan_controller(SvirtQemuBuilder *builder,
                                SvirtControllerType type,
                                SvirtControllerModel model, unsigned index);
/* The one of this type with this index; NULL none. Borrowed. */
const SvirtController *
svirt_qemu_controller(const SvirtQemuBuilder *builder,
                      SvirtControllerType type, unsigned index);
/* Of a disk on IDE, SATA or SCSI: its address, else what its name means. */
bool svirt_qemu_disk_place(const SvirtQemuBuilder *builder,
                           const SvirtDisk *disk, SvirtQemuPlace *ret,
                           GError **error);
/* Never UNSET: a tablet is on USB, the others on PS/2. */
SvirtInputBus svirt_qemu_input_bus(const SvirtInput *input);

/* "on" or "off" */
const char *svirt_qemu_switch(SvirtSwitch value);
bool svirt_qemu_add_cpu(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_clock(SvirtQemuBuilder *builder, GError **error);

bool svirt_qemu_add_controllers(SvirtQemuBuilder *builder, GError **error);
/* The -blockdev nodes of disk `index`. */
void svirt_qemu_add_nodes(SvirtQemuBuilder *builder, size_t index);
bool svirt_qemu_add_disks(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_chardevs(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_interface(SvirtQemuBuilder *builder, size_t index,
                              GError **error);
/* The USB controller of the bus that the device's address names. */
void svirt_qemu_need_usb(SvirtQemuBuilder *builder,
                         const SvirtDeviceInfo *info);
/* qemu-media.c: controllers that its devices need; displays; USB hubs, before
 * what is attached to them; and the devices. */
void svirt_qemu_plan_media(SvirtQemuBuilder *builder);
void svirt_qemu_add_graphics(SvirtQemuBuilder *builder);
bool svirt_qemu_add_hubs(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_media(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_small_devices(SvirtQemuBuilder *builder, GError **error);
/* Place and add a device, which is the callee's from now on. */
bool svirt_qemu_add_pci(SvirtQemuBuilder *builder, json_t *device,
                        const SvirtDeviceInfo *info, const char *what,
                        GError **error);
bool svirt_qemu_add_usb(SvirtQemuBuilder *builder, json_t *device,
                        const SvirtDeviceInfo *info, const char *what,
                        GError **error);
/* -device with an id, and bootindex when the definition gives one. */
json_t *svirt_qemu_device(const char *driver, const char *id,
                          unsigned boot_order);
