/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/hardware-private.h"

#include <string.h>

#include "base/error.h"

/* Where disks of a bus with units are: what their names say, as libvirt. */

/* libvirt counts the targets of a narrow bus, whatever the adapter. */
#define SCSI_UNITS 7u
#define IDE_UNITS 4u
#define SATA_UNITS 6u
#define FDC_UNITS 2u
#define NAMES_MAX 1000

typedef struct Place {
    SvirtControllerType type;
    unsigned controller;
    unsigned bus;
    unsigned target;
    unsigned unit;
} Place;

/* "sdb" is the second, "vdaa" the 27th; -1 when it has no such form. */
static int
name_index(const char *target)
{
    int index = 0;

    if (strlen(target) < 3) {
        return -1;
    }
    for (const char *p = target + 2; *p != '\0'; p++) {
        if (*p < 'a' || *p > 'z' || index > NAMES_MAX) {
            return -1;
        }
        index = index * 26 + (*p - 'a') + 1;
    }
    return index - 1;
}

GPtrArray *
svirt_hardware_disks(const SvirtDomain *domain, SvirtDiskBus bus)
{
    GPtrArray *disks = g_ptr_array_new();

    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];
        guint at = disks->len;

        if (disk->bus != bus) {
            continue;
        }
        while (at > 0 &&
               name_index(((const SvirtDisk *)disks->pdata[at - 1])->target) >
                   name_index(disk->target)) {
            at--;
        }
        g_ptr_array_insert(disks, (int)at, (gpointer)disk);
    }
    return disks;
}

static bool
is_narrow(const SvirtDomain *domain, unsigned controller)
{
    const SvirtController *found =
        svirt_hardware_controller(domain, SVIRT_CONTROLLER_SCSI, controller);

    return found == NULL || found->model == SVIRT_CONTROLLER_MODEL_LSILOGIC;
}

/* q35 has no IDE bus: such disks are on its SATA ports. */
static SvirtControllerType
bus_of(const SvirtDomain *domain, const SvirtDisk *disk)
{
    switch (disk->bus) {
    case SVIRT_DISK_BUS_IDE:
        return svirt_hardware_is_pcie(domain) ? SVIRT_CONTROLLER_SATA
                                              : SVIRT_CONTROLLER_IDE;
    case SVIRT_DISK_BUS_SATA:
        return SVIRT_CONTROLLER_SATA;
    case SVIRT_DISK_BUS_SCSI:
        return SVIRT_CONTROLLER_SCSI;
    case SVIRT_DISK_BUS_FDC:
        return SVIRT_CONTROLLER_FDC;
    case SVIRT_DISK_BUS_VIRTIO:
    case SVIRT_DISK_BUS_USB:
    case SVIRT_DISK_BUS_MAX:
        break;
    }
    return SVIRT_CONTROLLER_TYPE_MAX;
}

static Place
place_of(SvirtControllerType type, unsigned index)
{
    Place place = { .type = type };

    if (type == SVIRT_CONTROLLER_SCSI) {
        place.controller = index / SCSI_UNITS;
        place.unit = index % SCSI_UNITS;
    } else if (type == SVIRT_CONTROLLER_SATA) {
        place.controller = index / SATA_UNITS;
        place.unit = index % SATA_UNITS;
    } else if (type == SVIRT_CONTROLLER_FDC) {
        place.controller = index / FDC_UNITS;
        place.unit = index % FDC_UNITS;
    } else {
        place.controller = index / IDE_UNITS;
        place.bus = index % IDE_UNITS / 2;
        place.unit = index % 2;
    }
    return place;
}

static char *
place_text(const Place *place)
{
    return g_strdup_printf("%d:%u:%u:%u", place->type, place->controller,
                           place->target, place->bus * 2 + place->unit);
}

static bool
check_given(const SvirtDomain *domain, const SvirtDisk *disk,
            const Place *place, GError **error)
{
    bool ok = true;

    if (place->type == SVIRT_CONTROLLER_IDE) {
        ok = place->bus * 2 + place->unit < IDE_UNITS && place->target == 0;
    } else if (place->type == SVIRT_CONTROLLER_SATA) {
        ok = place->unit < SATA_UNITS && place->target == 0;
    } else if (place->type == SVIRT_CONTROLLER_FDC) {
        ok = place->unit < FDC_UNITS && place->target == 0 && place->bus == 0;
    } else if (is_narrow(domain, place->controller)) {
        ok = place->unit < SCSI_UNITS && place->target == 0;
    }
    return ok || svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                             "remove <address>",
                             "line %u: its controller has no place %u:%u for "
                             "disk '%s'",
                             disk->info.address.line, place->target,
                             place->unit, disk->target);
}

static bool
take_given(const SvirtDomain *domain, GHashTable *taken, unsigned *last,
           GError **error)
{
    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];
        const SvirtAddress *address = &disk->info.address;
        Place place = { bus_of(domain, disk), address->controller,
                        address->bus, address->target, address->unit };

        if (place.type == SVIRT_CONTROLLER_TYPE_MAX ||
            address->type != SVIRT_ADDRESS_DRIVE) {
            continue;
        }
        if (!check_given(domain, disk, &place, error)) {
            return false;
        }
        if (!g_hash_table_add(taken, place_text(&place))) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                               "give it another address",
                               "line %u: disk '%s' has the place of another "
                               "disk on its bus",
                               address->line, disk->target);
        }
        last[place.type] = MAX(last[place.type], place.controller + 1);
    }
    return true;
}

static bool
place_disk(SvirtDomain *domain, const SvirtDisk *disk, GHashTable *taken,
           unsigned *last, GError **error)
{
    int index = name_index(disk->target);
    SvirtXmlNode *address;
    Place place;

    if (index < 0) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "name it sda, sdb, hda...",
                           "disk target '%s' gives no place on its bus",
                           disk->target);
    }
    place = place_of(bus_of(domain, disk), (unsigned)index);
    if (!g_hash_table_add(taken, place_text(&place))) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give it another target or address",
                           "line %u: disk '%s' has the place of another disk "
                           "on its bus",
                           disk->info.line, disk->target);
    }
    last[place.type] = MAX(last[place.type], place.controller + 1);
    address = svirt_hardware_address(domain, &disk->info, "drive");
    svirt_xml_set(domain->document, address, "controller", "%u",
                  place.controller);
    svirt_xml_set(domain->document, address, "bus", "%u", place.bus);
    svirt_xml_set(domain->document, address, "target", "%u", place.target);
    svirt_xml_set(domain->document, address, "unit", "%u", place.unit);
    return true;
}

bool
svirt_hardware_place_drives(SvirtDomain *domain, GError **error)
{
    g_autoptr(GHashTable) taken =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    static const SvirtControllerType order[] = { SVIRT_CONTROLLER_SCSI,
                                                 SVIRT_CONTROLLER_IDE,
                                                 SVIRT_CONTROLLER_SATA,
                                                 SVIRT_CONTROLLER_FDC };
    unsigned last[SVIRT_CONTROLLER_TYPE_MAX] = { 0 };

    if (!take_given(domain, taken, last, error)) {
        return false;
    }
    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];

        if (bus_of(domain, disk) != SVIRT_CONTROLLER_TYPE_MAX &&
            disk->info.address.type != SVIRT_ADDRESS_DRIVE &&
            !place_disk(domain, disk, taken, last, error)) {
            return false;
        }
    }
    if (last[SVIRT_CONTROLLER_IDE] > 1) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use bus='virtio' or bus='scsi' for more disks",
                           "the machine's IDE controller has no place for "
                           "more than four disks");
    }
    if (last[SVIRT_CONTROLLER_FDC] > 1) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "keep fda and fdb",
                           "the machine's floppy controller has no place for "
                           "more than two drives");
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        if (last[order[i]] > 0) {
            svirt_hardware_need(domain, order[i], last[order[i]] - 1);
        }
    }
    return true;
}
