/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/obstacle.h"

#include <string.h>

/* What a shape cannot say of an obstacle: values that only fit together, and
 * resources that several of them name. */

static const char *
get(const SvirtXmlNode *node, const char *name, const char *otherwise)
{
    const char *value = node != NULL ? svirt_xml_get(node, name) : NULL;

    return value != NULL ? value : otherwise;
}

static void
fail_missing(SvirtReader *reader, const SvirtXmlNode *node, const char *what)
{
    svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                      "<%s> has no %s", node->name, what);
}

/* A path or name that must be there. */
static void
list_required(SvirtReader *reader, const SvirtXmlNode *node,
              const char *attribute, SvirtResourceKind kind,
              SvirtAccess access)
{
    const char *value = get(node, attribute, NULL);
    g_autofree char *what = g_strdup_printf("attribute '%s'", attribute);

    if (value == NULL) {
        fail_missing(reader, node, what);
    } else {
        svirt_obstacle_list(reader, node, kind, access, value);
    }
}

static uint64_t
number(const SvirtXmlNode *node, const char *name)
{
    return g_ascii_strtoull(get(node, name, "0"), NULL, 0);
}

static void
list_pci(SvirtReader *reader, const SvirtXmlNode *address)
{
    uint64_t domain = number(address, "domain");
    uint64_t bus = number(address, "bus");
    uint64_t slot = number(address, "slot");
    uint64_t function = number(address, "function");

    svirt_obstacle_list(reader, address, SVIRT_RESOURCE_PCI_DEVICE,
                        SVIRT_ACCESS_EXCLUSIVE,
                        svirt_arena_printf(
                            reader->arena, "%04x:%02x:%02x.%x",
                            (unsigned)domain, (unsigned)bus, (unsigned)slot,
                            (unsigned)function));
}

/* Of an NVMe disk, each is one for itself. */
static void
name_namespace(SvirtReader *reader, const char *number)
{
    SvirtResource *last = &g_array_index(reader->resources, SvirtResource,
                                         reader->resources->len - 1);

    last->name = svirt_arena_printf(reader->arena, "%s namespace %s",
                                    last->name, number);
}

/* "example.org:3260,other"; a unix socket is a resource of its own. */
static char *
join_hosts(SvirtReader *reader, SvirtXmlNode *source)
{
    GString *text = g_string_new(NULL);
    SvirtXmlNode *host = NULL;

    while ((host = svirt_reader_next(reader, source, host, "host"))) {
        const char *name = get(host, "name", "");
        const char *port = get(host, "port", NULL);
        bool bare = strchr(name, ':') != NULL;

        if (strcmp(get(host, "transport", "tcp"), "unix") == 0) {
            list_required(reader, host, "socket",
                          SVIRT_RESOURCE_SOCKET_CONNECT, SVIRT_ACCESS_SHARED);
            continue;
        }
        g_string_append_printf(text, "%s%s%s%s%s%s", text->len > 0 ? "," : "",
                               bare ? "[" : "", name, bare ? "]" : "",
                               port != NULL ? ":" : "",
                               port != NULL ? port : "");
    }
    return g_string_free(text, FALSE);
}

static void
list_network(SvirtReader *reader, SvirtXmlNode *source, SvirtAccess access)
{
    const char *protocol = get(source, "protocol", NULL);
    const char *name = get(source, "name", NULL);
    const char *query = get(source, "query", NULL);
    g_autofree char *hosts = NULL;

    if (protocol == NULL) {
        fail_missing(reader, source, "attribute 'protocol'");
        return;
    }
    if (name == NULL && strcmp(protocol, "nbd") != 0) {
        fail_missing(reader, source, "attribute 'name'");
        return;
    }
    hosts = join_hosts(reader, source);
    svirt_obstacle_list(
        reader, source, SVIRT_RESOURCE_NETWORK_DISK, access,
        svirt_arena_printf(reader->arena, "%s://%s%s%s%s%s", protocol, hosts,
                           name != NULL && name[0] != '/' ? "/" : "",
                           name != NULL ? name : "",
                           query != NULL ? "?" : "",
                           query != NULL ? query : ""));
}

static void
list_volume(SvirtReader *reader, const SvirtXmlNode *source,
            SvirtAccess access)
{
    const char *pool = get(source, "pool", NULL);
    const char *volume = get(source, "volume", NULL);

    if (pool == NULL || volume == NULL) {
        fail_missing(reader, source, "'pool' and 'volume'");
        return;
    }
    svirt_obstacle_list(
        reader, source, SVIRT_RESOURCE_VOLUME, access,
        svirt_arena_printf(reader->arena, "%s/%s", pool, volume));
}

/* What an image is in; `kind` where it is a file or block device. */
static void
list_source(SvirtReader *reader, const char *type, SvirtXmlNode *source,
            SvirtResourceKind kind, SvirtAccess access)
{
    if (strcmp(type, "file") == 0) {
        list_required(reader, source, "file", kind, access);
    } else if (strcmp(type, "block") == 0) {
        list_required(reader, source, "dev", kind, access);
    } else if (strcmp(type, "dir") == 0) {
        list_required(reader, source, "dir", SVIRT_RESOURCE_DIRECTORY,
                      access);
    } else if (strcmp(type, "vhostuser") == 0) {
        list_required(reader, source, "path", SVIRT_RESOURCE_SOCKET_CONNECT,
                      SVIRT_ACCESS_SHARED);
    } else if (strcmp(type, "vhostvdpa") == 0) {
        list_required(reader, source, "dev", SVIRT_RESOURCE_HOST_DEVICE,
                      access);
    } else if (strcmp(type, "volume") == 0) {
        list_volume(reader, source, access);
    } else if (strcmp(type, "nvme") == 0) {
        SvirtXmlNode *address = svirt_xml_find(source, "address");

        if (address == NULL || get(source, "namespace", NULL) == NULL) {
            fail_missing(reader, source, "<address> and 'namespace'");
        } else {
            list_pci(reader, address);
            name_namespace(reader, get(source, "namespace", ""));
        }
    } else {
        list_network(reader, source, access);
    }
}

/* One image of a disk, and where it has its data. */
static void
list_image(SvirtReader *reader, SvirtXmlNode *node, SvirtResourceKind kind,
           SvirtAccess access)
{
    SvirtXmlNode *source = svirt_xml_find(node, "source");
    SvirtXmlNode *store =
        source != NULL ? svirt_xml_find(source, "dataStore") : NULL;

    if (source != NULL) {
        list_source(reader, get(node, "type", "file"), source, kind, access);
    } else if (kind != SVIRT_RESOURCE_CDROM) {
        fail_missing(reader, node, "<source>");
    }
    if (store != NULL) {
        list_image(reader, store, SVIRT_RESOURCE_DATA_FILE, access);
    }
}

/* What a secret is for must be what the disk is. */
static void
check_auth(SvirtReader *reader, const SvirtXmlNode *disk)
{
    const SvirtXmlNode *source = svirt_xml_find(disk, "source");
    const SvirtXmlNode *own = svirt_xml_find(disk, "auth");
    const SvirtXmlNode *inner =
        source != NULL ? svirt_xml_find(source, "auth") : NULL;
    const SvirtXmlNode *auth = own != NULL ? own : inner;
    const SvirtXmlNode *secret =
        auth != NULL ? svirt_xml_find(auth, "secret") : NULL;
    const char *protocol = get(source, "protocol", "");
    const char *type = get(secret, "type", NULL);

    if (own != NULL && inner != NULL) {
        svirt_reader_fail(reader, inner->line, SVIRT_ERROR_INVALID,
                          "keep one of the two",
                          "<auth> stands in <disk> and in its <source>");
    } else if (type != NULL &&
               ((strcmp(protocol, "iscsi") == 0 &&
                 strcmp(type, "iscsi") != 0) ||
                (strcmp(protocol, "rbd") == 0 &&
                 strcmp(type, "ceph") != 0))) {
        svirt_reader_fail(reader, secret->line, SVIRT_ERROR_INVALID, NULL,
                          "type='%s' of <secret> is not that of protocol "
                          "'%s'",
                          type, protocol);
    }
}

void
svirt_list_disk(SvirtReader *reader, SvirtXmlNode *node)
{
    bool cdrom = strcmp(get(node, "device", "disk"), "cdrom") == 0;
    bool read_only = cdrom || svirt_xml_find(node, "readonly") != NULL ||
                     svirt_xml_find(node, "transient") != NULL;
    SvirtAccess access = read_only ? SVIRT_ACCESS_READ_ONLY
                         : svirt_xml_find(node, "shareable") != NULL
                             ? SVIRT_ACCESS_SHARED
                             : SVIRT_ACCESS_EXCLUSIVE;

    check_auth(reader, node);
    list_image(reader, node,
               cdrom ? SVIRT_RESOURCE_CDROM : SVIRT_RESOURCE_DISK, access);
    while ((node = svirt_xml_find(node, "backingStore")) != NULL &&
           node->first_child != NULL) {
        list_image(reader, node, SVIRT_RESOURCE_BACKING,
                   SVIRT_ACCESS_READ_ONLY);
    }
}

/* "connect 127.0.0.1:4000" of UDP, the address alone of TCP. */
static void
list_port(SvirtReader *reader, const SvirtXmlNode *source, bool udp)
{
    bool bind = strcmp(get(source, "mode", "connect"), "bind") == 0;
    const char *host =
        get(source, "host", bind ? "0.0.0.0" : udp ? "127.0.0.1" : NULL);
    const char *service = get(source, "service", NULL);
    const char *text;

    if (service == NULL || host == NULL) {
        fail_missing(reader, source, "'host' and 'service'");
        return;
    }
    text = svirt_arena_printf(reader->arena, "%s%s:%s",
                              !udp   ? ""
                              : bind ? "bind "
                                     : "connect ",
                              host, service);
    svirt_obstacle_list(reader, source,
                        udp    ? SVIRT_RESOURCE_UDP
                        : bind ? SVIRT_RESOURCE_TCP_LISTEN
                               : SVIRT_RESOURCE_TCP_CONNECT,
                        bind ? SVIRT_ACCESS_EXCLUSIVE : SVIRT_ACCESS_SHARED,
                        text);
}

static void
list_end(SvirtReader *reader, const SvirtXmlNode *source, const char *type)
{
    if (strcmp(type, "dev") == 0) {
        list_required(reader, source, "path", SVIRT_RESOURCE_HOST_DEVICE,
                      SVIRT_ACCESS_EXCLUSIVE);
    } else if (strcmp(type, "file") == 0) {
        list_required(reader, source, "path", SVIRT_RESOURCE_CHARDEV_FILE,
                      SVIRT_ACCESS_EXCLUSIVE);
    } else if (strcmp(type, "pipe") == 0) {
        list_required(reader, source, "path", SVIRT_RESOURCE_PIPE,
                      SVIRT_ACCESS_EXCLUSIVE);
    } else if (strcmp(type, "unix") == 0) {
        bool bind = strcmp(get(source, "mode", "connect"), "bind") == 0;

        list_required(reader, source, "path",
                      bind ? SVIRT_RESOURCE_SOCKET_LISTEN
                           : SVIRT_RESOURCE_SOCKET_CONNECT,
                      bind ? SVIRT_ACCESS_EXCLUSIVE : SVIRT_ACCESS_SHARED);
    } else if (strcmp(type, "tcp") == 0 || strcmp(type, "udp") == 0) {
        list_port(reader, source, type[0] == 'u');
    }
}

void
svirt_list_chardev(SvirtReader *reader, SvirtXmlNode *node)
{
    SvirtXmlNode *backend = svirt_xml_find(node, "backend");
    SvirtXmlNode *end = backend != NULL ? backend : node;
    const char *type = get(end, "type", "pty");
    SvirtXmlNode *source = NULL;
    bool any = false;

    while ((source = svirt_reader_next(reader, end, source, "source"))) {
        list_end(reader, source, type);
        any = true;
    }
    if (strcmp(type, "stdio") == 0) {
        svirt_obstacle_list(reader, end, SVIRT_RESOURCE_STDIO,
                            SVIRT_ACCESS_SHARED, NULL);
    } else if (strcmp(type, "pty") == 0) {
        svirt_obstacle_list(reader, end, SVIRT_RESOURCE_PTY,
                            SVIRT_ACCESS_EXCLUSIVE, NULL);
    } else if (!any && strcmp(type, "vc") != 0 && strcmp(type, "dbus") != 0 &&
               !(strcmp(type, "unix") == 0 &&
                 strcmp(node->name, "channel") == 0)) {
        fail_missing(reader, end, "<source>");
    }
}

void
svirt_list_interface(SvirtReader *reader, SvirtXmlNode *node)
{
    const char *type = get(node, "type", "");
    SvirtXmlNode *source = svirt_xml_find(node, "source");

    if (svirt_xml_find(node, "filterref") != NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "remove <filterref>",
                          "<interface type='%s'> has nothing to filter on",
                          type);
    } else if (strcmp(type, "hostdev") == 0) {
        list_pci(reader, svirt_xml_find(source, "address"));
    } else if (strcmp(type, "vhostuser") == 0) {
        bool server = strcmp(get(source, "mode", ""), "server") == 0;

        list_required(reader, source, "path",
                      server ? SVIRT_RESOURCE_SOCKET_LISTEN
                             : SVIRT_RESOURCE_SOCKET_CONNECT,
                      server ? SVIRT_ACCESS_EXCLUSIVE : SVIRT_ACCESS_SHARED);
    } else if (strcmp(type, "vdpa") == 0) {
        list_required(reader, source, "dev", SVIRT_RESOURCE_HOST_DEVICE,
                      SVIRT_ACCESS_EXCLUSIVE);
    } else if (source != NULL) {
        const SvirtXmlNode *local = svirt_xml_find(source, "local");
        const char *port = get(source, "port", NULL);

        svirt_obstacle_list(
            reader, source, SVIRT_RESOURCE_NETWORK, SVIRT_ACCESS_EXCLUSIVE,
            svirt_arena_printf(
                reader->arena, "%s %s%s%s%s%s%s%s", type,
                get(source, "name", get(source, "address", "")),
                port != NULL ? ":" : "", port != NULL ? port : "",
                local != NULL ? " from " : "", get(local, "address", ""),
                local != NULL ? ":" : "", get(local, "port", "")));
    }
}

static void
list_usb(SvirtReader *reader, const SvirtXmlNode *source)
{
    const SvirtXmlNode *address = svirt_xml_find(source, "address");
    const SvirtXmlNode *vendor = svirt_xml_find(source, "vendor");
    const SvirtXmlNode *product = svirt_xml_find(source, "product");
    const char *name;

    if (vendor != NULL && product != NULL) {
        name = svirt_arena_printf(reader->arena, "%04x:%04x",
                                  (unsigned)number(vendor, "id"),
                                  (unsigned)number(product, "id"));
    } else if (address != NULL && vendor == NULL && product == NULL) {
        name = svirt_arena_printf(reader->arena, "%u.%u",
                                  (unsigned)number(address, "bus"),
                                  (unsigned)number(address, "device"));
    } else {
        fail_missing(reader, source,
                     "<address>, or both <vendor> and <product>");
        return;
    }
    svirt_obstacle_list(reader, source, SVIRT_RESOURCE_USB_DEVICE,
                        SVIRT_ACCESS_EXCLUSIVE, name);
}

/* One of an adapter of the host, or of an iSCSI server. */
static void
list_scsi(SvirtReader *reader, SvirtXmlNode *node, SvirtXmlNode *source)
{
    const SvirtXmlNode *adapter = svirt_xml_find(source, "adapter");
    const SvirtXmlNode *address = svirt_xml_find(source, "address");
    SvirtAccess access = svirt_xml_find(node, "readonly") != NULL
                             ? SVIRT_ACCESS_READ_ONLY
                         : svirt_xml_find(node, "shareable") != NULL
                             ? SVIRT_ACCESS_SHARED
                             : SVIRT_ACCESS_EXCLUSIVE;

    if (strcmp(get(source, "protocol", "adapter"), "iscsi") == 0) {
        if (svirt_xml_find(source, "host") == NULL) {
            fail_missing(reader, source, "<host>");
            return;
        }
        list_network(reader, source, access);
        return;
    }
    if (adapter == NULL || address == NULL) {
        fail_missing(reader, source, "<adapter> and <address>");
        return;
    }
    svirt_obstacle_list(
        reader, source, SVIRT_RESOURCE_SCSI_DEVICE, access,
        svirt_arena_printf(reader->arena, "%s:%s:%s:%s",
                           get(adapter, "name", ""), get(address, "bus", ""),
                           get(address, "target", ""),
                           get(address, "unit", "")));
}

void
svirt_list_hostdev(SvirtReader *reader, SvirtXmlNode *node)
{
    const char *type = get(node, "type", "");
    const SvirtXmlNode *place = svirt_xml_find(node, "address");
    SvirtXmlNode *source = svirt_xml_find(node, "source");

    if (strcmp(type, "pci") == 0) {
        list_pci(reader, svirt_xml_find(source, "address"));
    } else if (strcmp(type, "usb") == 0) {
        list_usb(reader, source);
    } else if (strcmp(type, "scsi") == 0) {
        list_scsi(reader, node, source);
    } else if (strcmp(type, "scsi_host") == 0 &&
               svirt_xml_find(node, "boot") != NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "remove <boot>",
                          "nothing boots from a <hostdev type='scsi_host'>");
    } else if (strcmp(type, "scsi_host") == 0) {
        list_required(reader, source, "wwpn", SVIRT_RESOURCE_SCSI_DEVICE,
                      SVIRT_ACCESS_EXCLUSIVE);
    } else if (place != NULL && strcmp(get(place, "type", ""), "pci") != 0) {
        svirt_reader_fail(reader, place->line, SVIRT_ERROR_INVALID,
                          "use an address of type 'pci'",
                          "a <hostdev type='mdev'> has an address of another "
                          "type than pci");
    } else {
        list_required(reader, svirt_xml_find(source, "address"), "uuid",
                      SVIRT_RESOURCE_MEDIATED, SVIRT_ACCESS_EXCLUSIVE);
    }
}

/* A place that is not named is the host's own of that kind. */
void
svirt_list_audio(SvirtReader *reader, SvirtXmlNode *node)
{
    svirt_obstacle_list(reader, node, SVIRT_RESOURCE_AUDIO,
                        SVIRT_ACCESS_SHARED, get(node, "type", ""));
}

void
svirt_list_display(SvirtReader *reader, SvirtXmlNode *node)
{
    if (get(node, "display", get(node, "address", NULL)) == NULL) {
        svirt_obstacle_list(reader, node, SVIRT_RESOURCE_DISPLAY,
                            SVIRT_ACCESS_SHARED,
                            get(node, "type", node->name));
    }
}

/* A power of two from 1 MiB on; interrupts are the server's. */
void
svirt_list_shmem(SvirtReader *reader, SvirtXmlNode *node)
{
    const SvirtXmlNode *address = svirt_xml_find(node, "address");
    SvirtXmlNode *size = svirt_xml_find(node, "size");
    uint64_t bytes = size != NULL ? svirt_reader_size(reader, size,
                                                      UINT64_C(1) << 50)
                                  : 1u << 20;

    if (bytes < 1u << 20 || (bytes & (bytes - 1)) != 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "make it 1, 2, 4... MiB",
                          "the <size> of <shmem> is no power of two, or less "
                          "than 1 MiB");
    } else if (svirt_xml_find(node, "msi") != NULL &&
               svirt_xml_find(node, "server") == NULL) {
        fail_missing(reader, node, "<server> that <msi> is for");
    } else if (address != NULL &&
               strcmp(get(address, "type", "pci"), "pci") != 0) {
        svirt_reader_fail(reader, address->line, SVIRT_ERROR_INVALID,
                          "remove <address>",
                          "<shmem> has an address that is not PCI's");
    } else if (svirt_xml_find(node, "server") == NULL) {
        list_required(reader, node, "name", SVIRT_RESOURCE_SHARED_MEMORY,
                      SVIRT_ACCESS_SHARED);
    }
}
