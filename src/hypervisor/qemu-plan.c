/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "hypervisor/qemu-private.h"

/*
 * Which controllers there are before any device is written: those of the
 * definition, each with its index, and those it leaves to the hypervisor.
 */

const SvirtController *
svirt_qemu_controller(const SvirtQemuBuilder *builder, SvirtControllerType type,
                      unsigned index)
{
    for (unsigned i = 0; i < builder->controllers->len; i++) {
        const SvirtController *controller =
            &g_array_index(builder->controllers, SvirtController, i);

        if (controller->type == type && controller->index == (int)index &&
            controller->master_port < 0) {
            return controller;
        }
    }
    return NULL;
}

void
svirt_qemu_plan_controller(SvirtQemuBuilder *builder, SvirtControllerType type,
                           SvirtControllerModel model, unsigned index)
{
    SvirtController controller = {
        .type = type,
        .model = model,
        .index = (int)index,
        .vectors = -1,
        .chassis = -1,
        .port = -1,
        .chassis_nr = -1,
        .master_port = -1,
    };

    if (svirt_qemu_controller(builder, type, index) == NULL) {
        g_array_append_val(builder->controllers, controller);
    }
}

static void
need(SvirtQemuBuilder *builder, SvirtControllerType type, unsigned index)
{
    const SvirtController *first = svirt_qemu_controller(builder, type, 0);

    svirt_qemu_plan_controller(builder, type,
                               type == SVIRT_CONTROLLER_SCSI && first != NULL
                                   ? first->model
                                   : SVIRT_CONTROLLER_MODEL_UNSET,
                               index);
}

void
svirt_qemu_need_usb(SvirtQemuBuilder *builder, const SvirtDeviceInfo *info)
{
    need(builder, SVIRT_CONTROLLER_USB,
         info->address.type == SVIRT_ADDRESS_USB ? info->address.bus : 0);
}

static bool
is_root(const SvirtController *controller)
{
    return controller->model == SVIRT_CONTROLLER_MODEL_PCI_ROOT ||
           controller->model == SVIRT_CONTROLLER_MODEL_PCIE_ROOT;
}

static void
copy_controllers(SvirtQemuBuilder *builder)
{
    const SvirtDomain *domain = builder->input->domain;

    g_array_append_vals(builder->controllers, domain->controllers,
                        (guint)domain->controller_count);
    for (unsigned i = 0; i < builder->controllers->len; i++) {
        SvirtController *controller =
            &g_array_index(builder->controllers, SvirtController, i);
        unsigned free_index =
            controller->type == SVIRT_CONTROLLER_PCI && !is_root(controller);

        if (controller->index >= 0) {
            continue;
        }
        while (controller->master_port < 0 &&
               svirt_qemu_controller(builder, controller->type, free_index) !=
                   NULL) {
            free_index++;
        }
        controller->index = (int)free_index;
    }
}

static bool
plan_disks(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];
        SvirtQemuPlace place;

        if (disk->bus == SVIRT_DISK_BUS_VIRTIO) {
            continue;
        }
        if (disk->bus == SVIRT_DISK_BUS_USB) {
            svirt_qemu_need_usb(builder, &disk->info);
            continue;
        }
        if (!svirt_qemu_disk_place(builder, disk, &place, error)) {
            return false;
        }
        need(builder, place.type, place.controller);
    }
    return true;
}

static void
plan_chardevs(SvirtQemuBuilder *builder)
{
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];
        const SvirtAddress *address = &chardev->info.address;

        if (chardev->role == SVIRT_CHARDEV_CHANNEL ||
            chardev->target == SVIRT_CHARDEV_TARGET_VIRTIO) {
            need(builder, SVIRT_CONTROLLER_VIRTIO_SERIAL,
                 address->type == SVIRT_ADDRESS_VIRTIO_SERIAL
                     ? address->controller
                     : 0);
        }
        if (chardev->target == SVIRT_CHARDEV_TARGET_USB_SERIAL) {
            svirt_qemu_need_usb(builder, &chardev->info);
        }
    }
}

bool
svirt_qemu_plan_controllers(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    copy_controllers(builder);
    for (size_t i = 0; i < domain->input_count; i++) {
        if (svirt_qemu_input_bus(&domain->inputs[i]) == SVIRT_INPUT_BUS_USB) {
            svirt_qemu_need_usb(builder, &domain->inputs[i].info);
        }
    }
    for (size_t i = 0; i < domain->interface_count; i++) {
        if (g_strcmp0(domain->interfaces[i].model, "usb-net") == 0) {
            svirt_qemu_need_usb(builder, &domain->interfaces[i].info);
        }
    }
    svirt_qemu_plan_media(builder);
    plan_chardevs(builder);
    return plan_disks(builder, error);
}
