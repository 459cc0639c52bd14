/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/fd.h"
#include "hypervisor/endpoints-private.h"
#include "hypervisor/macvtap.h"

/* The VMM's alone: with its end the tap goes. */
static bool
give_queues(Maker *maker, int *fds, unsigned count, uint32_t index,
            int *ret_first, GError **error)
{
    SvirtSpecFd entry = nobody;

    entry.role = SVIRT_FD_DEVICE;
    entry.index = index;
    entry.to = SVIRT_TO_VMM;
    for (unsigned i = 0; i < count; i++) {
        entry.vmm = svirt_launch_fds_next(maker->fds);
        *ret_first = i == 0 ? entry.vmm : *ret_first;
        if (fds[i] >= 0 &&
            !svirt_launch_fds_take(maker->fds, &fds[i], &entry, error)) {
            return false;
        }
    }
    return true;
}

static bool
make_tap(Maker *maker, size_t index, SvirtQemuTap *tap, int *fds, int *vhosts,
         GError **error)
{
    const SvirtEndpointsRequest *request = maker->request;
    const SvirtDomain *domain = request->domain;
    const SvirtInterface *interface = &domain->interfaces[index];
    bool kvm = domain->type == SVIRT_DOMAIN_TYPE_KVM;
    uint8_t mac[6];
    const SvirtTapRequest wanted = {
        .uuid = &domain->uuid,
        .name = domain->name,
        .interface = interface,
        .index = index,
        .net = request->nets->pdata[index],
        .mac = mac,
        .author = request->author != NULL ? request->author->uid : 0,
        .run_dir_fd = request->run_dir_fd,
    };
    bool vhost = false;

    svirt_qemu_mac(domain, index, mac);
    tap->queues = interface->queues;
    tap->first_vhost = -1;
    if (!request->dry_run &&
        (!svirt_vhost_open(interface, kvm, vhosts, &vhost, error) ||
         !(wanted.net->device != NULL
               ? svirt_macvtap_open(&wanted, fds, error)
               : svirt_tap_open(&wanted, fds, error)))) {
        return false;
    }
    return give_queues(maker, fds, tap->queues, (uint32_t)index,
                       &tap->first_fd, error) &&
           (!vhost || give_queues(maker, vhosts, tap->queues, (uint32_t)index,
                                  &tap->first_vhost, error));
}

static bool
make_net(Maker *maker, size_t index, GError **error)
{
    const SvirtNet *net = maker->request->nets->pdata[index];
    int fds[2][SVIRT_INTERFACE_QUEUES_MAX];
    bool ok;

    if (net->passt) {
        /* One passt serves one connection; it is SVIRT_PASST_FD there. */
        return svirt_endpoints_pair(maker, SVIRT_FD_NET, (uint32_t)index,
                         SVIRT_TO_PASST(net->which), SVIRT_PASST_FD,
                         &maker->made->nets[index], error);
    }
    memset(fds, -1, sizeof(fds));
    ok = make_tap(maker, index, &maker->made->taps[index], fds[0], fds[1],
                  error);
    for (size_t i = 0; i < SVIRT_INTERFACE_QUEUES_MAX; i++) {
        svirt_fd_close(&fds[0][i]);
        svirt_fd_close(&fds[1][i]);
    }
    return ok;
}

bool
svirt_endpoints_make_nets(Maker *maker, GError **error)
{
    const SvirtDomain *domain = maker->request->domain;

    for (size_t i = 0; i < domain->interface_count; i++) {
        maker->made->nets[i] = -1;
        if (!make_net(maker, i, error)) {
            return false;
        }
    }
    return true;
}
