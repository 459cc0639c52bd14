/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"
#include "domain/resource.h"

#include <stdarg.h>
#include <string.h>

typedef struct Check {
    SvirtReader *reader;
    GHashTable *taken; /* text in the arena -> line */
} Check;

/* The second to take a name, number or place is an error. */
static void G_GNUC_PRINTF(3, 4)
    take(Check *check, unsigned line, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;
    gpointer first;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    if (g_hash_table_lookup_extended(check->taken, text, NULL, &first)) {
        svirt_reader_fail(check->reader, line, SVIRT_ERROR_INVALID,
                          "give each its own", "%s is already taken in line %u",
                          text, GPOINTER_TO_UINT(first));
        (void)svirt_reader_part(check->reader);
        return;
    }
    g_hash_table_insert(check->taken, g_steal_pointer(&text),
                        GUINT_TO_POINTER(line));
}

static void
take_address(Check *check, const SvirtAddress *address, const char *bus)
{
    switch (address->type) {
    case SVIRT_ADDRESS_PCI:
        take(check, address->line, "PCI address %04x:%02x:%02x.%x",
             address->domain, address->bus, address->slot, address->function);
        break;
    case SVIRT_ADDRESS_DRIVE:
        take(check, address->line, "%s drive address %u:%u:%u:%u", bus,
             address->controller, address->bus, address->target, address->unit);
        break;
    case SVIRT_ADDRESS_USB:
        if (address->usb_port != NULL) {
            take(check, address->line, "USB port %u:%s", address->bus,
                 address->usb_port);
        }
        break;
    case SVIRT_ADDRESS_VIRTIO_SERIAL:
        if (address->port != 0) {
            take(check, address->line, "virtio-serial port %u:%u:%u",
                 address->controller, address->bus, address->port);
        }
        break;
    case SVIRT_ADDRESS_UNSET:
    case SVIRT_ADDRESS_ISA:
    case SVIRT_ADDRESS_MAX:
        break;
    }
}

static void
take_info(Check *check, const SvirtDeviceInfo *info, const char *bus)
{
    if (info->alias != NULL) {
        take(check, info->line, "alias '%s'", info->alias);
    }
    if (info->boot_order != 0) {
        take(check, info->line, "boot order %u", info->boot_order);
    }
    take_address(check, &info->address, bus);
}

static void
check_disks(Check *check, SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];

        take(check, disk->info.line, "disk target '%s'", disk->target);
        take_info(check, &disk->info, svirt_disk_bus_to_string(disk->bus));
    }
}

static void
check_chardevs(Check *check, SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        if (chardev->repeats_serial) {
            continue; /* also repeats the alias and address */
        }
        if (chardev->target_port >= 0) {
            take(check, chardev->info.line, "port %d of a %s",
                 chardev->target_port,
                 svirt_chardev_role_to_string(chardev->role));
        }
        if (chardev->target_name != NULL) {
            take(check, chardev->info.line, "channel '%s'",
                 chardev->target_name);
        }
        take_info(check, &chardev->info, "");
    }
}

/* libvirt keeps the first two ports for the first companion, and so on. */
static void
join_companion(Check *check, SvirtDomain *domain, SvirtController *controller)
{
    unsigned number =
        (unsigned)controller->model - SVIRT_CONTROLLER_MODEL_ICH9_UHCI1;
    bool found = false;

    if (controller->type != SVIRT_CONTROLLER_USB || number > 2) {
        return;
    }
    for (size_t i = 0; i < domain->controller_count; i++) {
        const SvirtController *other = &domain->controllers[i];

        found = found || (other->model == SVIRT_CONTROLLER_MODEL_ICH9_EHCI1 &&
                          other->index == controller->index);
    }
    if (found && controller->master_port < 0) {
        controller->master_port = (int)number * 2;
    } else if (!found && controller->master_port >= 0) {
        svirt_reader_fail(check->reader, controller->info.line,
                          SVIRT_ERROR_INVALID,
                          "add the model='ich9-ehci1' with its index",
                          "USB controller %d has a <master> and there is none",
                          controller->index);
        (void)svirt_reader_part(check->reader);
    }
}

static void
check_controllers(Check *check, SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->controller_count; i++) {
        SvirtController *controller =
            (SvirtController *)&domain->controllers[i];

        join_companion(check, domain, controller);
        /* USB companions share the index of their master. */
        if (controller->index >= 0 && controller->master_port < 0) {
            take(check, controller->info.line, "index %d of controllers '%s'",
                 controller->index,
                 svirt_controller_type_to_string(controller->type));
        }
        take_info(check, &controller->info, "");
    }
}

static void
check_small_devices(Check *check, SvirtDomain *domain)
{
    bool primary = false;

    for (size_t i = 0; i < domain->interface_count; i++) {
        take_info(check, &domain->interfaces[i].info, "");
    }
    for (size_t i = 0; i < domain->input_count; i++) {
        take_info(check, &domain->inputs[i].info, "");
    }
    for (size_t i = 0; i < domain->video_count; i++) {
        const SvirtVideo *video = &domain->videos[i];

        take_info(check, &video->info, "");
        if (video->primary && primary) {
            svirt_reader_fail(check->reader, video->info.line,
                              SVIRT_ERROR_INVALID, "keep one primary='yes'",
                              "second primary <video>");
        }
        primary = primary || video->primary;
    }
    for (size_t i = 0; i < domain->rng_count; i++) {
        take_info(check, &domain->rngs[i].info, "");
    }
    for (size_t i = 0; i < domain->panic_count; i++) {
        take_info(check, &domain->panics[i].info, "");
    }
    take_info(check, &domain->balloon.info, "");
    take_info(check, &domain->vsock.info, "");
}

/* Their names and places are taken too; one device of the host is for one. */
static void
check_withheld(Check *check, SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->withheld_count; i++) {
        take_info(check, &domain->withheld[i],
                  svirt_withheld_bus(&domain->withheld[i]));
    }
    for (size_t i = 0; i < domain->withheld_resource_count; i++) {
        const SvirtResource *resource = &domain->withheld_resources[i];

        if (resource->kind >= SVIRT_RESOURCE_PCI_DEVICE &&
            resource->kind <= SVIRT_RESOURCE_MEDIATED &&
            resource->access == SVIRT_ACCESS_EXCLUSIVE) {
            take(check, resource->line, "%s '%s'",
                 svirt_resource_kind_to_string(resource->kind),
                 resource->name);
        }
    }
}

static bool
has_spice(const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->graphics_count; i++) {
        if (domain->graphics[i].type == SVIRT_GRAPHICS_SPICE) {
            return true;
        }
    }
    return false;
}

/* The monitor has a listening socket for each type. */
static void
check_media(Check *check, SvirtDomain *domain)
{
    bool spice = has_spice(domain);

    for (size_t i = 0; i < domain->graphics_count; i++) {
        const SvirtGraphics *graphics = &domain->graphics[i];

        take(check, graphics->info.line, "the <graphics type='%s'>",
             svirt_graphics_type_to_string(graphics->type));
    }
    for (size_t i = 0; i < domain->sound_count; i++) {
        take_info(check, &domain->sounds[i].info, "");
    }
    for (size_t i = 0; i < domain->watchdog_count; i++) {
        const SvirtWatchdog *watchdog = &domain->watchdogs[i];

        take(check, watchdog->info.line, "the <watchdog model='%s'>",
             svirt_watchdog_model_to_string(watchdog->model));
        take_info(check, &watchdog->info, "");
        if (watchdog->action != domain->watchdogs[0].action) {
            svirt_reader_fail(check->reader, watchdog->info.line,
                              SVIRT_ERROR_UNSUPPORTED,
                              "give all of them the same action",
                              "QEMU has one action for all <watchdog>");
        }
    }
    for (size_t i = 0; i < domain->hub_count; i++) {
        take_info(check, &domain->hubs[i].info, "");
    }
    for (size_t i = 0; i < domain->redirected_count; i++) {
        const SvirtRedirected *redirected = &domain->redirected[i];

        take_info(check, &redirected->info, "");
        if (redirected->smartcard) {
            take(check, redirected->info.line, "the <smartcard>");
        }
        if (!spice) {
            svirt_reader_fail(check->reader, redirected->info.line,
                              SVIRT_ERROR_INVALID,
                              "add <graphics type='spice'>, or remove it",
                              "<%s> has no SPICE to come from",
                              redirected->smartcard ? "smartcard"
                                                    : "redirdev");
        }
    }
}

/* A place on a hub, of a hub that is there. */
static void
check_usb(Check *check, const SvirtDomain *domain, const SvirtAddress *address)
{
    const char *dot = address->type == SVIRT_ADDRESS_USB &&
                              address->usb_port != NULL
                          ? strrchr(address->usb_port, '.')
                          : NULL;
    size_t length = dot != NULL ? (size_t)(dot - address->usb_port) : 0;

    for (size_t i = 0; dot != NULL && i < domain->hub_count; i++) {
        const SvirtAddress *hub = &domain->hubs[i].info.address;

        if (hub->usb_port != NULL && hub->bus == address->bus &&
            strlen(hub->usb_port) == length &&
            strncmp(hub->usb_port, address->usb_port, length) == 0) {
            return;
        }
    }
    if (dot != NULL) {
        svirt_reader_fail(check->reader, address->line, SVIRT_ERROR_INVALID,
                          "add a <hub type='usb'> with the first part as "
                          "its port",
                          "there is no hub for the USB port %u:%s",
                          address->bus, address->usb_port);
    }
}

static void
check_hubs(Check *check, SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->hub_count; i++) {
        check_usb(check, domain, &domain->hubs[i].info.address);
    }
    for (size_t i = 0; i < domain->input_count; i++) {
        check_usb(check, domain, &domain->inputs[i].info.address);
    }
    for (size_t i = 0; i < domain->disk_count; i++) {
        check_usb(check, domain, &domain->disks[i].info.address);
    }
    for (size_t i = 0; i < domain->redirected_count; i++) {
        check_usb(check, domain, &domain->redirected[i].info.address);
    }
    for (size_t i = 0; i < domain->sound_count; i++) {
        check_usb(check, domain, &domain->sounds[i].info.address);
    }
}

static void
check_spicevmc(Check *check, SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        if (!has_spice(domain) && chardev->type == SVIRT_CHARDEV_SPICEVMC) {
            svirt_reader_fail(check->reader, chardev->info.line,
                              SVIRT_ERROR_INVALID,
                              "add <graphics type='spice'>, or remove it",
                              "<channel type='spicevmc'> has no SPICE to go "
                              "to");
        }
    }
}

/* libvirt's meaning too: only a balloon makes the two differ. */
static void
check_memory(Check *check, SvirtDomain *domain)
{
    if (domain->balloon.model == SVIRT_BALLOON_NONE &&
        domain->current_memory_bytes < domain->memory_bytes) {
        domain->current_memory_bytes = domain->memory_bytes;
        svirt_reader_warn(check->reader, domain->current_memory_line,
                          "<currentMemory> is ignored: <memballoon "
                          "model='none'/> leaves the guest all of <memory>");
    }
}

static bool
any_boot_order(const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->disk_count; i++) {
        if (domain->disks[i].info.boot_order != 0) {
            return true;
        }
    }
    for (size_t i = 0; i < domain->interface_count; i++) {
        if (domain->interfaces[i].info.boot_order != 0) {
            return true;
        }
    }
    return false;
}

/* It finds its devices by tables that ACPI has. */
static void
check_firmware(Check *check, SvirtDomain *domain)
{
    bool chosen = domain->os.firmware == SVIRT_FIRMWARE_EFI;

    if ((domain->os.loader_flash || chosen) &&
        domain->features.acpi != SVIRT_SWITCH_ON) {
        svirt_reader_fail(check->reader,
                          chosen ? domain->os.firmware_line
                                 : domain->os.loader_line,
                          SVIRT_ERROR_INVALID,
                          "add <acpi/> to <features>", "%s needs ACPI",
                          chosen ? "firmware='efi'"
                                 : "<loader type='pflash'>");
    }
}

static void
check_boot(Check *check, SvirtDomain *domain)
{
    if (domain->os.boot_count > 0 && any_boot_order(domain)) {
        svirt_reader_fail(check->reader, domain->document->root->line,
                          SVIRT_ERROR_INVALID, "keep one of the two",
                          "<boot> stands in <os> and in devices");
    }
}

static void
check_timers(Check *check, SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->timer_count; i++) {
        take(check, domain->timers[i].line, "timer '%s'",
             svirt_timer_name_to_string(domain->timers[i].name));
    }
}

/* The domain's seclabel that a source's one overrides; NULL: the default. */
static const SvirtSeclabel *
find_overridden(const SvirtDomain *domain, const SvirtSeclabel *seclabel)
{
    for (guint i = 0; i < domain->seclabels->len; i++) {
        const SvirtSeclabel *candidate =
            g_ptr_array_index(domain->seclabels, i);

        if (!candidate->has_model || !seclabel->has_model ||
            candidate->model == seclabel->model) {
            return candidate;
        }
    }
    return NULL;
}

static void
check_override(Check *check, const SvirtDomain *domain,
               const GPtrArray *seclabels, unsigned line)
{
    for (guint i = 0; seclabels != NULL && i < seclabels->len; i++) {
        const SvirtSeclabel *seclabel = g_ptr_array_index(seclabels, i);
        const SvirtSeclabel *overridden = find_overridden(domain, seclabel);

        if (seclabel->label != NULL && overridden != NULL &&
            !svirt_seclabel_relabels(overridden)) {
            svirt_reader_fail(check->reader, line, SVIRT_ERROR_INVALID,
                              "set relabel='yes' in the domain's <seclabel>",
                              "<source> has a label, the domain's <seclabel> "
                              "says not to relabel");
        }
    }
}

static void
check_seclabels(Check *check, SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];

        for (size_t j = 0; j < disk->image_count; j++) {
            const SvirtDiskImage *image = &disk->images[j];

            check_override(check, domain, image->seclabels, image->line);
            if (image->data_file != NULL) {
                check_override(check, domain, image->data_file->seclabels,
                               image->data_file->line);
            }
        }
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];

        check_override(check, domain, chardev->seclabels, chardev->source_line);
    }
}

void
svirt_domain_check(SvirtReader *reader, SvirtDomain *domain)
{
    g_autoptr(GHashTable) taken =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    static void (*const checks[])(Check *, SvirtDomain *) = {
        check_timers,        check_controllers, check_disks,
        check_chardevs,      check_small_devices, check_media,
        check_spicevmc,      check_hubs,          check_memory,
        check_boot,          check_seclabels,   check_firmware,
        check_withheld,
    };
    Check check = { .reader = reader, .taken = taken };

    svirt_check_places(reader, domain);
    svirt_check_withheld(reader, domain);
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
        checks[i](&check, domain);
        (void)svirt_reader_part(reader);
    }
}
