/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "hypervisor/qemu-private.h"

static bool
check(const SvirtDomain *domain, unsigned iothread, unsigned line,
      GError **error)
{
    for (size_t i = 0; i < domain->iothread_count; i++) {
        if (domain->iothreads[i] == iothread) {
            return true;
        }
    }
    return iothread == 0 ||
           svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "make it with <iothreads> or <iothreadids>",
                       "line %u: iothread %u is not there", line, iothread);
}

bool
svirt_qemu_add_iothreads(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->disk_count; i++) {
        if (!check(domain, domain->disks[i].iothread,
                   domain->disks[i].info.line, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < domain->controller_count; i++) {
        if (!check(domain, domain->controllers[i].iothread,
                   domain->controllers[i].info.line, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < domain->iothread_count; i++) {
        svirt_qemu_addf(builder, "-object", "iothread,id=iothread%u",
                        domain->iothreads[i]);
    }
    return true;
}

void
svirt_qemu_set_iothread(json_t *device, unsigned iothread)
{
    g_autofree char *id = g_strdup_printf("iothread%u", iothread);

    if (iothread != 0) {
        json_object_set_new(device, "iothread", json_string(id));
    }
}
