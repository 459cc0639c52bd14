/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "hypervisor/qemu-private.h"
#include "monitor/layout.h"

/* A PC's firmware and QEMU know four: 0x3f8, 0x2f8, 0x3e8, 0x2e8. */
#define ISA_SERIALS 4u

static void
add_chardev_backend(SvirtQemuBuilder *builder, size_t index)
{
    int fd = builder->input->chardev_fds[index];

    if (builder->input->domain->chardevs[index].type ==
        SVIRT_CHARDEV_SPICEVMC) {
        svirt_qemu_addf(builder, "-chardev",
                        "spicevmc,id=char%zu,name=vdagent", index);
    } else if (fd >= 0) {
        svirt_qemu_addf(builder, "-chardev", "socket,id=char%zu,fd=%d", index,
                        fd);
    } else {
        svirt_qemu_addf(builder, "-chardev", "null,id=char%zu", index);
    }
}

static bool
add_serial(SvirtQemuBuilder *builder, const SvirtChardev *chardev, size_t index,
           GError **error)
{
    g_autofree char *id = g_strdup_printf("serial%zu", index);
    g_autofree char *backend = g_strdup_printf("char%zu", index);
    bool usb = chardev->target == SVIRT_CHARDEV_TARGET_USB_SERIAL;
    bool pci = chardev->target == SVIRT_CHARDEV_TARGET_PCI_SERIAL;
    json_t *device = svirt_qemu_device(usb   ? "usb-serial"
                                       : pci ? "pci-serial"
                                             : "isa-serial",
                                       id, 0);

    json_object_set_new(device, "chardev", json_string(backend));
    if (pci) {
        return svirt_qemu_add_pci(builder, device, &chardev->info,
                                  "a serial port", error);
    }
    if (usb) {
        return svirt_qemu_add_usb(builder, device, &chardev->info,
                                  "a serial port", error);
    }
    if (chardev->target_port >= 0) {
        json_object_set_new(device, "index",
                            json_integer(chardev->target_port));
    }
    svirt_qemu_add_json(builder, "-device", device);
    return true;
}

static void
add_port(SvirtQemuBuilder *builder, const SvirtChardev *chardev, size_t index)
{
    bool channel = chardev->role == SVIRT_CHARDEV_CHANNEL;
    g_autofree char *id =
        g_strdup_printf("%s%zu", channel ? "channel" : "console", index);
    g_autofree char *backend = g_strdup_printf("char%zu", index);
    json_t *device =
        svirt_qemu_device(channel ? "virtserialport" : "virtconsole", id, 0);

    json_object_set_new(device, "chardev", json_string(backend));
    if (channel && chardev->target_name != NULL) {
        json_object_set_new(device, "name", json_string(chardev->target_name));
    }
    if (chardev->info.address.type == SVIRT_ADDRESS_VIRTIO_SERIAL) {
        g_autofree char *bus = g_strdup_printf(
            "virtio-serial%u.0", chardev->info.address.controller);

        json_object_set_new(device, "bus", json_string(bus));
        if (chardev->info.address.port != 0) {
            json_object_set_new(device, "nr",
                                json_integer(chardev->info.address.port));
        }
    }
    svirt_qemu_add_json(builder, "-device", device);
}

/* QEMU knows three places: 0x378, 0x278, 0x3bc. */
static void
add_parallel(SvirtQemuBuilder *builder, const SvirtChardev *chardev,
             size_t index)
{
    g_autofree char *id = g_strdup_printf("parallel%zu", index);
    g_autofree char *backend = g_strdup_printf("char%zu", index);
    json_t *device = svirt_qemu_device("isa-parallel", id, 0);

    json_object_set_new(device, "chardev", json_string(backend));
    if (chardev->target_port >= 0) {
        json_object_set_new(device, "index",
                            json_integer(chardev->target_port));
    }
    svirt_qemu_add_json(builder, "-device", device);
}

/* What the launch or QEMU would refuse later. */
static bool
check_chardevs(const SvirtDomain *domain, GError **error)
{
    unsigned held = 0, isa = 0;

    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        if (chardev->repeats_serial) {
            continue;
        }
        held += chardev->type != SVIRT_CHARDEV_NULL &&
                chardev->type != SVIRT_CHARDEV_SPICEVMC;
        isa += chardev->role != SVIRT_CHARDEV_CHANNEL &&
               chardev->role != SVIRT_CHARDEV_PARALLEL &&
               chardev->target != SVIRT_CHARDEV_TARGET_VIRTIO &&
               chardev->target != SVIRT_CHARDEV_TARGET_PCI_SERIAL &&
               chardev->target != SVIRT_CHARDEV_TARGET_USB_SERIAL;
        if (held > SVIRT_MONITOR_MAX_SERIALS || isa > ISA_SERIALS) {
            return svirt_raise(
                error, SVIRT_ERROR_UNSUPPORTED, NULL,
                isa > ISA_SERIALS ? "use <target type='pci-serial'/>"
                                  : "remove some of them",
                "line %u: a domain has at most %u %s", chardev->info.line,
                isa > ISA_SERIALS ? ISA_SERIALS : SVIRT_MONITOR_MAX_SERIALS,
                isa > ISA_SERIALS ? "ISA serial ports"
                                  : "serial ports, consoles and channels");
        }
    }
    return true;
}

bool
svirt_qemu_add_chardevs(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    if (!check_chardevs(domain, error)) {
        return false;
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        if (chardev->repeats_serial) {
            continue;
        }
        add_chardev_backend(builder, i);
        if (chardev->role == SVIRT_CHARDEV_CHANNEL ||
            chardev->target == SVIRT_CHARDEV_TARGET_VIRTIO) {
            add_port(builder, chardev, i);
        } else if (chardev->role == SVIRT_CHARDEV_PARALLEL) {
            add_parallel(builder, chardev, i);
        } else if (!add_serial(builder, chardev, i, error)) {
            return false;
        }
    }
    return true;
}
