/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/network.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"

#define LIBVIRT_NETWORKS "/etc/libvirt/qemu/networks"
#define NETWORK_BYTES (64u * 1024u)

static void
free_net(gpointer data)
{
    SvirtNet *net = data;

    g_free(net->bridge);
    g_free(net->device);
    g_free(net->because);
    g_free(net);
}

unsigned
svirt_nets_passts(const GPtrArray *nets)
{
    unsigned count = 0;

    for (unsigned i = 0; i < nets->len; i++) {
        const SvirtNet *net = nets->pdata[i];

        count += net->passt;
    }
    return count;
}

char *
svirt_net_describe(const SvirtNet *net)
{
    return g_strdup_printf(
        "%s%s%s%s%s",
        net->passt            ? "passt"
        : net->bridge != NULL ? "bridge "
        : net->device != NULL ? "macvtap on "
                              : "tap",
        net->bridge != NULL   ? net->bridge
        : net->device != NULL ? net->device
                              : "",
        net->isolated ? ", isolated port" : "",
        net->because != NULL ? ": " : "",
        net->because != NULL ? net->because : "");
}

static const SvirtXmlNode *
child(const SvirtXmlNode *node, const char *name)
{
    for (const SvirtXmlNode *c = node->first_child; c != NULL; c = c->next) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

static const char *
attribute(const SvirtXmlNode *node, const char *name)
{
    for (unsigned i = 0; node != NULL && i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) == 0) {
            return node->attributes[i].value;
        }
    }
    return NULL;
}

/* Bounded; *ret NULL when there is no such file. */
static bool
read_network(const char *path, SvirtXmlDocument **ret, GError **error)
{
    SVIRT_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    g_autofree char *text = g_malloc(NETWORK_BYTES);
    ssize_t got;

    *ret = NULL;
    if (fd < 0 && errno == ENOENT) {
        return true;
    }
    got = fd >= 0 ? svirt_read_full(fd, text, NETWORK_BYTES) : -1;
    if (got < 0 || got == NETWORK_BYTES) {
        return svirt_raise_errno(error, got < 0 ? errno : EFBIG, NULL,
                                 "cannot read network '%s'", path);
    }
    return svirt_xml_parse(text, (size_t)got, path, ret, error);
}

/* What a network may say that a bridge alone does not give. */
static bool
check_network(const SvirtXmlDocument *document, const char **ret_bridge,
              GError **error)
{
    static const char *const unbuilt[] = { "portgroup", "vlan", "virtualport",
                                           "bandwidth" };
    const SvirtXmlNode *root = document->root;

    if (strcmp(root->name, "network") != 0) {
        return svirt_xml_raise(document, root->line, error,
                               SVIRT_ERROR_INVALID, NULL,
                               "<%s> is no <network>", root->name);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(unbuilt); i++) {
        const SvirtXmlNode *node = child(root, unbuilt[i]);

        if (node != NULL) {
            return svirt_xml_raise(document, node->line, error,
                                   SVIRT_ERROR_UNSUPPORTED,
                                   "use <interface type='bridge'>",
                                   "<%s> of a network is not built",
                                   node->name);
        }
    }
    *ret_bridge = attribute(child(root, "bridge"), "name");
    if (*ret_bridge == NULL || strlen(*ret_bridge) >= IFNAMSIZ) {
        return svirt_xml_raise(document, root->line, error,
                               SVIRT_ERROR_UNSUPPORTED,
                               "add <bridge name='br0'/>",
                               "the network has no <bridge>");
    }
    return true;
}

typedef struct Planner {
    const SvirtConnection *connection;
    const SvirtInterface *interface;
    SvirtNet *net;
    bool foreign; /* the author is not root */
} Planner;

/* libvirt's own counts only while libvirt runs it: *ret_found says so. */
static bool
from_file(const Planner *planner, const char *directory, bool must_exist,
          bool *ret_found, GError **error)
{
    g_autofree char *path =
        g_strdup_printf("%s/%s.xml", directory, planner->interface->source);
    g_autoptr(SvirtXmlDocument) document = NULL;
    const char *bridge = NULL;
    const char *isolated;

    *ret_found = false;
    if (!read_network(path, &document, error)) {
        return false;
    }
    if (document == NULL) {
        return true;
    }
    if (!check_network(document, &bridge, error)) {
        return false;
    }
    if (!must_exist && if_nametoindex(bridge) == 0) {
        return true;
    }
    isolated = attribute(child(document->root, "port"), "isolated");
    planner->net->bridge = g_strdup(bridge);
    planner->net->isolated =
        planner->net->isolated || g_strcmp0(isolated, "yes") == 0;
    planner->net->because = g_strdup_printf("network '%s' of %s",
                                            planner->interface->source,
                                            directory);
    *ret_found = true;
    return true;
}

static bool
plan_network(const Planner *planner, GError **error)
{
    const SvirtInterface *interface = planner->interface;
    g_autofree char *own =
        g_build_filename(planner->connection->config_dir, "networks", NULL);
    g_autofree char *hint = NULL;
    bool found;

    if (!from_file(planner, own, true, &found, error) ||
        (!found &&
         !from_file(planner, LIBVIRT_NETWORKS, false, &found, error))) {
        return false;
    }
    if (found) {
        return true;
    }
    if (strcmp(interface->source, "default") == 0) {
        planner->net->passt = true;
        planner->net->because =
            g_strdup("network 'default' has no bridge on this host");
        return true;
    }
    hint = g_strdup_printf("write %s/%s.xml with <network><bridge "
                           "name='br0'/></network>", own, interface->source);
    return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL, hint,
                       "line %u: network '%s' has no bridge on this host",
                       interface->source_line, interface->source);
}

static bool
check_bridge(const Planner *planner, GError **error)
{
    const char *bridge = planner->net->bridge;
    const char *device = planner->net->device;
    g_autofree char *hint = NULL;

    if (planner->foreign) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "ask root for a tap, and name it: <interface "
                           "type='ethernet'><target dev='TAP' managed='no'/>",
                           "line %u: an author who is not root makes no tap "
                           "and joins no bridge",
                           planner->interface->info.line);
    }
    if (bridge != NULL && if_nametoindex(bridge) == 0) {
        hint = g_strdup_printf("ip link add %s type bridge && ip link set %s "
                               "up", bridge, bridge);
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL, hint,
                           "line %u: bridge '%s' does not exist",
                           planner->interface->source_line, bridge);
    }
    return device == NULL || if_nametoindex(device) != 0 ||
           svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "ip link shows the host's devices",
                       "line %u: device '%s' does not exist",
                       planner->interface->source_line, device);
}

static bool
plan_one(const Planner *planner, GError **error)
{
    const SvirtInterface *interface = planner->interface;
    SvirtNet *net = planner->net;

    net->isolated = interface->isolated;
    switch (interface->type) {
    case SVIRT_INTERFACE_USER:
        net->passt = true;
        return true;
    case SVIRT_INTERFACE_NETWORK:
        if (!plan_network(planner, error)) {
            return false;
        }
        break;
    case SVIRT_INTERFACE_BRIDGE:
        net->bridge = g_strdup(interface->source);
        break;
    case SVIRT_INTERFACE_DIRECT:
        net->device = g_strdup(interface->source);
        break;
    case SVIRT_INTERFACE_ETHERNET:
    case SVIRT_INTERFACE_TYPE_MAX:
        break;
    }
    if (net->passt) {
        net->isolated = false; /* passt's guests never see each other */
        return true;
    }
    return interface->target_exists || check_bridge(planner, error);
}

static void
note(GPtrArray *notices, const SvirtInterface *interface, const SvirtNet *net)
{
    g_autofree char *text = svirt_net_describe(net);
    GError *notice = NULL;

    if (net->because != NULL) {
        svirt_raise(&notice, SVIRT_ERROR_FAILED, NULL, NULL,
                    "line %u: the interface is carried by %s",
                    interface->info.line, text);
        g_ptr_array_add(notices, notice);
    }
}

bool
svirt_nets_plan(const SvirtConnection *connection, const SvirtDomain *domain,
                uid_t author, GPtrArray *ret_notices, GPtrArray **ret,
                GError **error)
{
    g_autoptr(GPtrArray) nets = g_ptr_array_new_with_free_func(free_net);
    unsigned passts = 0;

    for (size_t i = 0; i < domain->interface_count; i++) {
        SvirtNet *net = g_new0(SvirtNet, 1);
        Planner planner = { connection, &domain->interfaces[i], net,
                            author != 0 };
        GError *problem = NULL;

        g_ptr_array_add(nets, net);
        if (!plan_one(&planner, &problem)) {
            if (ret_notices == NULL ||
                !g_error_matches(problem, SVIRT_ERROR,
                                 SVIRT_ERROR_NOT_FOUND)) {
                g_propagate_error(error, problem);
                return false;
            }
            g_prefix_error(&problem, "the start will fail: ");
            g_ptr_array_add(ret_notices, problem);
        } else if (ret_notices != NULL) {
            note(ret_notices, planner.interface, net);
        }
        net->which = net->passt ? passts++ : 0;
    }
    *ret = g_steal_pointer(&nets);
    return true;
}
