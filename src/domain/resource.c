/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/resource.h"

#include <string.h>

SVIRT_ENUM_TABLE(
    SvirtResourceKind, svirt_resource_kind, SVIRT_RESOURCE_MAX,
    [SVIRT_RESOURCE_EMULATOR] = "emulator", [SVIRT_RESOURCE_KERNEL] = "kernel",
    [SVIRT_RESOURCE_INITRD] = "initrd",
    [SVIRT_RESOURCE_LOADER] = "loader", [SVIRT_RESOURCE_NVRAM] = "nvram",
    [SVIRT_RESOURCE_DISK] = "disk",
    [SVIRT_RESOURCE_CDROM] = "cdrom", [SVIRT_RESOURCE_BACKING] = "backing",
    [SVIRT_RESOURCE_DATA_FILE] = "data-file",
    [SVIRT_RESOURCE_NETWORK] = "network", [SVIRT_RESOURCE_PTY] = "pty",
    [SVIRT_RESOURCE_SOCKET_LISTEN] = "socket-listen",
    [SVIRT_RESOURCE_SOCKET_CONNECT] = "socket-connect",
    [SVIRT_RESOURCE_CHARDEV_FILE] = "chardev-file",
    [SVIRT_RESOURCE_CHARDEV_LOG] = "chardev-log", [SVIRT_RESOURCE_RNG] = "rng",
    [SVIRT_RESOURCE_TCP_LISTEN] = "tcp-listen",
    [SVIRT_RESOURCE_TCP_CONNECT] = "tcp-connect",
    [SVIRT_RESOURCE_VSOCK] = "vsock",
    [SVIRT_RESOURCE_NETWORK_DISK] = "network-disk",
    [SVIRT_RESOURCE_VOLUME] = "volume",
    [SVIRT_RESOURCE_DIRECTORY] = "directory",
    [SVIRT_RESOURCE_HOST_FILE] = "host-file",
    [SVIRT_RESOURCE_HOST_DEVICE] = "host-device",
    [SVIRT_RESOURCE_PCI_DEVICE] = "pci-device",
    [SVIRT_RESOURCE_USB_DEVICE] = "usb-device",
    [SVIRT_RESOURCE_SCSI_DEVICE] = "scsi-device",
    [SVIRT_RESOURCE_MEDIATED] = "mediated-device",
    [SVIRT_RESOURCE_SHARED_MEMORY] = "shared-memory",
    [SVIRT_RESOURCE_PIPE] = "pipe", [SVIRT_RESOURCE_UDP] = "udp",
    [SVIRT_RESOURCE_STDIO] = "stdio", [SVIRT_RESOURCE_DISPLAY] = "display",
    [SVIRT_RESOURCE_AUDIO] = "audio", [SVIRT_RESOURCE_SECRET] = "secret",
    [SVIRT_RESOURCE_SCRIPT] = "script")

SVIRT_ENUM_TABLE(
    SvirtAccess, svirt_access,
    SVIRT_ACCESS_MAX, [SVIRT_ACCESS_READ_ONLY] = "read-only",
    [SVIRT_ACCESS_SHARED] = "shared", [SVIRT_ACCESS_EXCLUSIVE] = "exclusive")

typedef struct Builder {
    const SvirtDomain *domain;
    SvirtArena *arena;
    GArray *items; /* of SvirtResource */
} Builder;

static void
add(Builder *builder, const SvirtResource *resource)
{
    g_array_append_val(builder->items, *resource);
}

static void
add_file(Builder *builder, SvirtResourceKind kind, const char *path,
         unsigned line, const char *origin)
{
    SvirtResource resource = {
        .kind = kind,
        .access = SVIRT_ACCESS_READ_ONLY,
        .path = path,
        .line = line,
        .origin = origin,
    };

    if (path != NULL) {
        add(builder, &resource);
    }
}

static SvirtAccess
get_disk_access(const SvirtDisk *disk)
{
    /* A transient disk's writes go into a file of their own. */
    if (disk->read_only || disk->transient) {
        return SVIRT_ACCESS_READ_ONLY;
    }
    return disk->shareable ? SVIRT_ACCESS_SHARED : SVIRT_ACCESS_EXCLUSIVE;
}

static void
add_image(Builder *builder, SvirtResource *resource,
          const SvirtDiskImage *image, const char *parent)
{
    resource->path = image->path;
    resource->format = image->format;
    resource->block = image->block;
    resource->optional = image->startup_policy == SVIRT_STARTUP_POLICY_OPTIONAL;
    resource->line = image->line;
    resource->origin = svirt_arena_printf(builder->arena, "%s/source", parent);
    resource->seclabels = image->seclabels;
    add(builder, resource);
    if (image->data_file != NULL) {
        const char *store =
            svirt_arena_printf(builder->arena, "%s/source/dataStore", parent);

        resource->kind = SVIRT_RESOURCE_DATA_FILE;
        add_image(builder, resource, image->data_file, store);
    }
}

static void
add_disk(Builder *builder, size_t index)
{
    const SvirtDisk *disk = &builder->domain->disks[index];
    g_autoptr(GString) parent = g_string_new(NULL);

    g_string_printf(parent, "devices/disk[%u]", disk->info.ordinal);
    for (size_t i = 0; i < disk->image_count; i++) {
        SvirtResource resource = {
            .kind = disk->device == SVIRT_DISK_DEVICE_CDROM
                        ? SVIRT_RESOURCE_CDROM
                        : SVIRT_RESOURCE_DISK,
            .access = get_disk_access(disk),
            .transient = disk->transient,
            .target = disk->target,
            .device_index = index,
            .image_index = i,
        };

        if (i > 0) {
            resource.kind = SVIRT_RESOURCE_BACKING;
            resource.access = SVIRT_ACCESS_READ_ONLY;
            resource.transient = false;
            g_string_append(parent, "/backingStore");
        }
        if (disk->images[i].path != NULL) {
            add_image(builder, &resource, &disk->images[i], parent->str);
        }
    }
}

static const char *
tcp_name(Builder *builder, const char *address, unsigned port)
{
    return svirt_arena_printf(builder->arena,
                              strchr(address, ':') != NULL ? "[%s]:%u"
                                                           : "%s:%u",
                              address, port);
}

static bool
fill_chardev(Builder *builder, const SvirtChardev *chardev,
             SvirtResource *resource)
{
    switch (chardev->type) {
    case SVIRT_CHARDEV_PTY:
        resource->kind = SVIRT_RESOURCE_PTY;
        return true;
    case SVIRT_CHARDEV_UNIX:
        resource->kind = chardev->connect ? SVIRT_RESOURCE_SOCKET_CONNECT
                                          : SVIRT_RESOURCE_SOCKET_LISTEN;
        if (chardev->connect) {
            resource->access = SVIRT_ACCESS_SHARED;
        }
        return chardev->path != NULL;
    case SVIRT_CHARDEV_FILE:
        resource->kind = SVIRT_RESOURCE_CHARDEV_FILE;
        resource->append = chardev->append;
        return true;
    case SVIRT_CHARDEV_TCP:
        resource->kind = chardev->connect ? SVIRT_RESOURCE_TCP_CONNECT
                                          : SVIRT_RESOURCE_TCP_LISTEN;
        if (chardev->connect) {
            resource->access = SVIRT_ACCESS_SHARED;
        }
        resource->path = tcp_name(builder, chardev->host, chardev->port);
        return true;
    case SVIRT_CHARDEV_NULL:
    case SVIRT_CHARDEV_SPICEVMC:
        return false;
    case SVIRT_CHARDEV_TYPE_MAX:
        break;
    }
    g_assert_not_reached();
}

static void
add_chardev(Builder *builder, size_t index)
{
    const SvirtChardev *chardev = &builder->domain->chardevs[index];
    const char *role = svirt_chardev_role_to_string(chardev->role);
    SvirtResource resource = {
        .access = SVIRT_ACCESS_EXCLUSIVE,
        .path = chardev->path,
        .line = chardev->source_line,
        .device_index = index,
        .seclabels = chardev->seclabels,
    };

    if (chardev->repeats_serial) {
        return;
    }
    resource.target = svirt_arena_printf(builder->arena, "%s%u", role,
                                         chardev->info.ordinal - 1);
    if (fill_chardev(builder, chardev, &resource)) {
        resource.origin = svirt_arena_printf(
            builder->arena, "devices/%s[%u]%s", role, chardev->info.ordinal,
            chardev->path != NULL ? "/source" : "");
        add(builder, &resource);
    }
    if (chardev->log_path != NULL) {
        resource.kind = SVIRT_RESOURCE_CHARDEV_LOG;
        resource.access = SVIRT_ACCESS_EXCLUSIVE;
        resource.path = chardev->log_path;
        resource.append = chardev->log_append;
        resource.line = chardev->log_line;
        resource.seclabels = NULL;
        resource.origin = svirt_arena_printf(
            builder->arena, "devices/%s[%u]/log", role, chardev->info.ordinal);
        add(builder, &resource);
    }
}

static void
add_interface(Builder *builder, size_t index)
{
    const SvirtInterface *interface = &builder->domain->interfaces[index];
    SvirtResource resource = {
        .kind = SVIRT_RESOURCE_NETWORK,
        .access = SVIRT_ACCESS_EXCLUSIVE,
        .line = interface->info.line,
        .device_index = index,
        .target = svirt_arena_printf(builder->arena, "net%zu", index),
        .origin = svirt_arena_printf(builder->arena, "devices/interface[%u]",
                                     interface->info.ordinal),
    };

    if (interface->source != NULL) {
        resource.name = svirt_arena_printf(
            builder->arena, "%s %s",
            svirt_interface_type_to_string(interface->type),
            interface->source);
    } else if (interface->type == SVIRT_INTERFACE_ETHERNET) {
        resource.name = svirt_arena_printf(
            builder->arena, "tap%s%s", interface->target != NULL ? " " : "",
            interface->target != NULL ? interface->target : "");
    }
    add(builder, &resource);
}

static void
add_graphics(Builder *builder, size_t index)
{
    const SvirtGraphics *graphics = &builder->domain->graphics[index];
    SvirtResource resource = {
        .kind = SVIRT_RESOURCE_TCP_LISTEN,
        .access = SVIRT_ACCESS_EXCLUSIVE,
        .line = graphics->listen_line,
        .device_index = index,
        .target = svirt_graphics_type_to_string(graphics->type),
        .origin = svirt_arena_printf(builder->arena, "devices/graphics[%u]",
                                     graphics->info.ordinal),
    };

    if (graphics->listen == SVIRT_GRAPHICS_LISTEN_SOCKET) {
        resource.kind = SVIRT_RESOURCE_SOCKET_LISTEN;
        resource.path = graphics->path;
    } else if (graphics->listen == SVIRT_GRAPHICS_LISTEN_ADDRESS &&
               graphics->port != 0) {
        resource.path = tcp_name(builder, graphics->address, graphics->port);
    }
    if (graphics->listen == SVIRT_GRAPHICS_LISTEN_ADDRESS ||
        resource.path != NULL) {
        add(builder, &resource);
    }
}

static void
add_rng(Builder *builder, size_t index)
{
    const SvirtRng *rng = &builder->domain->rngs[index];
    SvirtResource resource = {
        .kind = SVIRT_RESOURCE_RNG,
        .access = SVIRT_ACCESS_READ_ONLY,
        .path = rng->path,
        .line = rng->backend_line,
        .device_index = index,
        .target = svirt_arena_printf(builder->arena, "rng%zu", index),
        .origin = svirt_arena_printf(builder->arena, "devices/rng[%u]/backend",
                                     rng->info.ordinal),
    };

    if (rng->backend == SVIRT_RNG_RANDOM) {
        add(builder, &resource);
    }
}

static void
add_vsock(Builder *builder)
{
    const SvirtVsock *vsock = &builder->domain->vsock;
    SvirtResource resource = {
        .kind = SVIRT_RESOURCE_VSOCK,
        .access = SVIRT_ACCESS_EXCLUSIVE,
        .line = vsock->info.line,
        .target = "vsock0",
        .origin = "devices/vsock",
    };

    if (vsock->cid != 0) {
        resource.name =
            svirt_arena_printf(builder->arena, "cid %u", vsock->cid);
    }
    if (vsock->info.line != 0) {
        add(builder, &resource);
    }
}

/* Two that write, or one that writes what the other only reads. */
static bool
check_paths(const SvirtDomain *domain, const GArray *items, GError **error)
{
    g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < items->len; i++) {
        const SvirtResource *item = &g_array_index(items, SvirtResource, i);
        const SvirtResource *other;

        if (item->path == NULL) {
            continue;
        }
        other = g_hash_table_lookup(first, item->path);
        if (other == NULL) {
            g_hash_table_insert(first, (gpointer)item->path, (gpointer)item);
        } else if (item->access == SVIRT_ACCESS_EXCLUSIVE ||
                   item->access != other->access) {
            return svirt_xml_raise(
                domain->document, item->line, error, SVIRT_ERROR_INVALID,
                "name it once, or make both read-only",
                "'%s' is %s (%s) and in line %u %s (%s)", item->path,
                svirt_resource_kind_to_string(item->kind),
                svirt_access_to_string(item->access), other->line,
                svirt_resource_kind_to_string(other->kind),
                svirt_access_to_string(other->access));
        }
    }
    return true;
}

static void
add_nvram(Builder *builder)
{
    const SvirtOs *os = &builder->domain->os;
    SvirtResource resource = {
        .kind = SVIRT_RESOURCE_NVRAM,
        .access = SVIRT_ACCESS_EXCLUSIVE,
        .line = os->nvram.info.line,
        .origin = "os/nvram",
    };

    if (os->nvram_node != NULL && os->nvram.images[0].path != NULL) {
        resource.path = os->nvram.images[0].path;
        add(builder, &resource);
    }
    add_file(builder, SVIRT_RESOURCE_LOADER, os->nvram_template,
             os->nvram.info.line, "os/nvram@template");
}

static void
add_all(Builder *builder)
{
    const SvirtDomain *domain = builder->domain;

    add_file(builder, SVIRT_RESOURCE_EMULATOR, domain->emulator,
             domain->emulator_line, "devices/emulator");
    add_file(builder, SVIRT_RESOURCE_KERNEL, domain->os.kernel,
             domain->os.kernel_line, "os/kernel");
    add_file(builder, SVIRT_RESOURCE_INITRD, domain->os.initrd,
             domain->os.initrd_line, "os/initrd");
    add_file(builder, SVIRT_RESOURCE_LOADER, domain->os.loader,
             domain->os.loader_line, "os/loader");
    add_nvram(builder);
    for (size_t i = 0; i < domain->disk_count; i++) {
        add_disk(builder, i);
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        add_chardev(builder, i);
    }
    for (size_t i = 0; i < domain->interface_count; i++) {
        add_interface(builder, i);
    }
    for (size_t i = 0; i < domain->graphics_count; i++) {
        add_graphics(builder, i);
    }
    for (size_t i = 0; i < domain->rng_count; i++) {
        add_rng(builder, i);
    }
    add_vsock(builder);
}

bool
svirt_resource_list_from_domain(const SvirtDomain *domain,
                                SvirtResourceList **ret_list, GError **error)
{
    g_autoptr(SvirtResourceList) list = g_new0(SvirtResourceList, 1);
    g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(SvirtResource));
    Builder builder = { .domain = domain, .items = items };
    SvirtResource *copy;

    list->domain = domain;
    list->arena = svirt_arena_new();
    builder.arena = list->arena;
    add_all(&builder);
    if (!check_paths(domain, items, error)) {
        return false;
    }
    copy = svirt_arena_array(list->arena, items->len, sizeof(*copy));
    if (items->len > 0) {
        memcpy(copy, items->data, items->len * sizeof(*copy));
    }
    list->items = copy;
    list->count = items->len;
    list->withheld = domain->withheld_resources;
    list->withheld_count = domain->withheld_resource_count;
    *ret_list = g_steal_pointer(&list);
    return true;
}

void
svirt_resource_list_free(SvirtResourceList *list)
{
    if (list != NULL) {
        svirt_arena_free(list->arena);
        g_free(list);
    }
}
