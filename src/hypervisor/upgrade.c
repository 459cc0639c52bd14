/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/upgrade.h"

#include <string.h>

#include "base/error.h"
#include "hypervisor/define.h"
#include "hypervisor/hardware.h"
#include "hypervisor/qemu.h"

static bool
store(SvirtManager *manager, const SvirtDefinition *definition, GError **error)
{
    SvirtState *state =
        svirt_manager_state(manager, SVIRT_STATE_WRITE, error);

    if (state == NULL || !svirt_state_begin(state, error)) {
        return false;
    }
    if (!svirt_definitions_replace(state, definition, error)) {
        svirt_state_rollback(state);
        return false;
    }
    return svirt_state_commit(state, error);
}

bool
svirt_upgrade(SvirtManager *manager, const SvirtDefinition *definition,
              const SvirtDomain *domain, bool dry_run, SvirtDefinition **ret,
              GError **error)
{
    g_autoptr(SvirtDefinition) next = NULL;
    g_autoptr(SvirtDomain) completed = NULL;
    g_autofree char *xml = NULL;

    *ret = NULL;
    if (svirt_hardware_is_assigned(domain)) {
        return true;
    }
    if (!svirt_manager_parse(definition, &completed, error) ||
        !svirt_define_complete(manager, &completed, definition->author,
                               error) ||
        !svirt_qemu_validate(completed, error)) {
        g_prefix_error(error, "the definition of '%s' is an earlier svirt's: ",
                       definition->name);
        return false;
    }
    xml = svirt_domain_print(completed);
    if (strcmp(xml, definition->xml) == 0) {
        return true;
    }
    next = svirt_definition_new(&definition->uuid, definition->name,
                                definition->author, xml,
                                definition->created_s);
    next->incarnation = definition->incarnation;
    if (!dry_run && !store(manager, next, error)) {
        return false;
    }
    *ret = g_steal_pointer(&next);
    return true;
}
