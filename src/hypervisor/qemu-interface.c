/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "hypervisor/qemu-private.h"
#include "launch/spec.h"

static unsigned
network_boot_order(const SvirtDomain *domain, size_t index)
{
    const SvirtInterface *interface = &domain->interfaces[index];

    if (interface->info.boot_order != 0 || index > 0) {
        return interface->info.boot_order;
    }
    for (size_t i = 0; i < domain->os.boot_count; i++) {
        if (domain->os.boot[i] == SVIRT_BOOT_DEVICE_NETWORK) {
            return (unsigned)i + 1;
        }
    }
    return 0;
}

/* The models QEMU has on a PC; NULL: none of them. */
static const char *
interface_driver(const char *model)
{
    static const struct {
        const char *model;
        const char *driver; /* NULL: the same */
    } known[] = {
        { "virtio", "virtio-net-pci" },
        { "virtio-transitional", "virtio-net-pci-transitional" },
        { "virtio-non-transitional", "virtio-net-pci-non-transitional" },
        { "e1000", NULL },
        { "e1000-82544gc", NULL },
        { "e1000-82545em", NULL },
        { "e1000e", NULL },
        { "igb", NULL },
        { "rtl8139", NULL },
        { "vmxnet3", NULL },
        { "pcnet", NULL },
        { "ne2k_pci", NULL },
        { "tulip", NULL },
        { "i82550", NULL },
        { "i82551", NULL },
        { "i82557a", NULL },
        { "i82557b", NULL },
        { "i82557c", NULL },
        { "i82558a", NULL },
        { "i82558b", NULL },
        { "i82559a", NULL },
        { "i82559b", NULL },
        { "i82559c", NULL },
        { "i82559er", NULL },
        { "i82562", NULL },
        { "i82801", NULL },
        { "usb-net", NULL },
    };

    if (model == NULL) {
        return "rtl8139"; /* libvirt's default for x86 */
    }
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strcmp(model, known[i].model) == 0) {
            return known[i].driver != NULL ? known[i].driver : model;
        }
    }
    return NULL;
}

bool
svirt_qemu_check_interfaces(const SvirtDomain *domain, GError **error)
{
    unsigned passts = 0;

    for (size_t i = 0; i < domain->interface_count; i++) {
        const SvirtInterface *interface = &domain->interfaces[i];
        bool passt = interface->type == SVIRT_INTERFACE_USER;

        passts += passt;
        if (passts > SVIRT_MAX_PASSTS || i >= SVIRT_DOMAIN_INTERFACES_MAX) {
            return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                               "remove some of them",
                               "line %u: a domain has at most %u interfaces%s",
                               interface->info.line,
                               passt ? SVIRT_MAX_PASSTS
                                     : SVIRT_DOMAIN_INTERFACES_MAX,
                               passt ? " of type user" : "");
        }
    }
    return true;
}

static bool
check_interface(const SvirtInterface *interface, const char *driver,
                GError **error)
{
    if (driver == NULL) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use virtio, e1000, e1000e or rtl8139",
                           "line %u: QEMU has no interface model '%s'",
                           interface->info.line, interface->model);
    }
    if (interface->mtu != 0 && !g_str_has_prefix(driver, "virtio")) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use model virtio, or remove <mtu>",
                           "line %u: an interface of model '%s' does not "
                           "tell its guest an <mtu>",
                           interface->info.line, driver);
    }
    if ((interface->queues > 1 ||
         interface->driver == SVIRT_INTERFACE_DRIVER_VHOST) &&
        !g_str_has_prefix(driver, "virtio")) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use model virtio, or remove <driver>",
                           "line %u: an interface of model '%s' has neither "
                           "several queues nor vhost",
                           interface->info.line, driver);
    }
    return true;
}

void
svirt_qemu_mac(const SvirtDomain *domain, size_t index, uint8_t ret[6])
{
    memcpy(ret, domain->interfaces[index].mac, 6);
}

void
svirt_qemu_mac_text(const SvirtDomain *domain, size_t index,
                    char ret[SVIRT_MAC_TEXT])
{
    uint8_t mac[6];

    svirt_qemu_mac(domain, index, mac);
    (void)g_snprintf(ret, SVIRT_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x",
                     mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* "fds=10:11", or "fd=10" of one: QEMU takes each for its own. */
static void
append_fds(GString *text, const char *option, unsigned count, int first)
{
    g_string_append_printf(text, ",%sfd%s=%d", option, count > 1 ? "s" : "",
                           first);
    for (unsigned i = 1; i < count; i++) {
        g_string_append_printf(text, ":%d", first + (int)i);
    }
}

static void
add_netdev(SvirtQemuBuilder *builder, size_t index, const char *id,
           json_t *device)
{
    const SvirtQemuTap *taps = builder->input->taps;
    const SvirtQemuTap *tap = taps != NULL ? &taps[index] : NULL;
    g_autoptr(GString) text = g_string_new("tap,id=");

    if (tap == NULL || tap->queues == 0) {
        svirt_qemu_addf(builder, "-netdev",
                        "stream,id=%s,server=off,addr.type=fd,addr.str=%d",
                        id, builder->input->net_fds[index]);
        return;
    }
    g_string_append(text, id);
    append_fds(text, "", tap->queues, tap->first_fd);
    if (tap->first_vhost >= 0) {
        g_string_append(text, ",vhost=on");
        append_fds(text, "vhost", tap->queues, tap->first_vhost);
    }
    svirt_qemu_add(builder, "-netdev", text->str);
    if (tap->queues > 1) {
        json_object_set_new(device, "mq", json_true());
        /* One for each direction of each, and two for control. */
        json_object_set_new(device, "vectors",
                            json_integer(2 * tap->queues + 2));
    }
}

bool
svirt_qemu_add_interface(SvirtQemuBuilder *builder, size_t index,
                         GError **error)
{
    const SvirtDomain *domain = builder->input->domain;
    const SvirtInterface *interface = &domain->interfaces[index];
    const char *driver = interface_driver(interface->model);
    g_autofree char *id = g_strdup_printf("net%zu", index);
    g_autofree char *netdev = g_strdup_printf("host%zu", index);
    char mac[SVIRT_MAC_TEXT];
    json_t *device;

    if (!check_interface(interface, driver, error)) {
        return false;
    }
    device = svirt_qemu_device(driver, id, network_boot_order(domain, index));
    add_netdev(builder, index, netdev, device);
    json_object_set_new(device, "netdev", json_string(netdev));
    svirt_qemu_mac_text(domain, index, mac);
    json_object_set_new(device, "mac", json_string(mac));
    if (interface->mtu != 0) {
        json_object_set_new(device, "host_mtu", json_integer(interface->mtu));
    }
    if (strcmp(driver, "usb-net") == 0) {
        return svirt_qemu_add_usb(builder, device, &interface->info,
                                  "an interface", error);
    }
    return svirt_qemu_add_pci(builder, device, &interface->info, "an interface",
                              error);
}
