/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>

#include "hypervisor/hardware.h"
#include "hypervisor/qemu.h"

/* A command line in the making; between the files of this folder only. */
typedef struct SvirtQemuBuilder {
    const SvirtQemuInput *input;
    GPtrArray *argv;  /* owned char *, NULL-terminated at the end */
    bool pcie;        /* q35: the root bus is pcie.0 */
} SvirtQemuBuilder;

void svirt_qemu_add(SvirtQemuBuilder *builder, const char *option,
                    const char *value);
void svirt_qemu_addf(SvirtQemuBuilder *builder, const char *option,
                     const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The object (owned by the callee from now on) as one JSON argument. */
void svirt_qemu_add_json(SvirtQemuBuilder *builder, const char *option,
                         json_t *object);

/* Where a PCI device sits: fills "bus" and "addr" of `device`. */
bool svirt_qemu_place_pci(SvirtQemuBuilder *builder, json_t *device,
                          const SvirtDeviceInfo *info, const char *what,
                          GError **error);
/* The same for a device on USB: "bus" and "port". */
bool svirt_qemu_place_usb(SvirtQemuBuilder *builder, json_t *device,
                          const SvirtDeviceInfo *info, const char *what,
                          GError **error);
/* "on" or "off" */
const char *svirt_qemu_switch(SvirtSwitch value);
bool svirt_qemu_add_cpu(SvirtQemuBuilder *builder, GError **error);
/* -m and what stands behind it, with the guest's NUMA cells. */
void svirt_qemu_add_memory(SvirtQemuBuilder *builder);
/* Before any device that it stands in front of. */
bool svirt_qemu_add_iommu(SvirtQemuBuilder *builder, GError **error);
/* Of the whole memory, for -machine; NULL: the machine's own, or cells. */
const char *svirt_qemu_memory_backend(const SvirtDomain *domain);
bool svirt_qemu_add_clock(SvirtQemuBuilder *builder, GError **error);

bool svirt_qemu_add_controllers(SvirtQemuBuilder *builder, GError **error);
/* The -blockdev nodes of disk `index`. */
void svirt_qemu_add_nodes(SvirtQemuBuilder *builder, size_t index);
/* qemu-iotune.c: the groups; of a disk the node that holds it back */
bool svirt_qemu_add_throttle_groups(SvirtQemuBuilder *builder,
                                    GError **error);
void svirt_qemu_add_throttle(SvirtQemuBuilder *builder, size_t index);
/* What the device of disk `index` reads from; owned by the caller. */
char *svirt_qemu_top_node(const SvirtDisk *disk, size_t index);
/* qemu-iothread.c */
bool svirt_qemu_add_iothreads(SvirtQemuBuilder *builder, GError **error);
void svirt_qemu_set_iothread(json_t *device, unsigned iothread);
/* qemu-sysinfo.c */
void svirt_qemu_add_sysinfo(SvirtQemuBuilder *builder);
/* In QEMU's option syntax a comma is written twice; owned by the caller. */
char *svirt_qemu_double_commas(const char *text);
bool svirt_qemu_add_disks(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_chardevs(SvirtQemuBuilder *builder, GError **error);
bool svirt_qemu_add_interface(SvirtQemuBuilder *builder, size_t index,
                              GError **error);
/* qemu-media.c: displays; USB hubs, before what is attached to them; and the
 * devices. */
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
