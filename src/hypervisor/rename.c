/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/rename.h"

#include <string.h>

#include "base/error.h"
#include "hypervisor/run-dir.h"

static bool
rename_xml(const SvirtDefinition *definition, const char *name, char **ret,
           GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;

    if (!svirt_manager_parse(definition, &domain, error)) {
        return false;
    }
    for (SvirtXmlNode *child = domain->document->root->first_child;
         child != NULL; child = child->next) {
        if (strcmp(child->name, "name") == 0) {
            child->text = name;
        }
    }
    *ret = svirt_domain_print(domain);
    return true;
}

bool
svirt_rename(SvirtManager *manager, const SvirtDefinition *definition,
             const char *name, GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_WRITE, error);
    SVIRT_AUTO_RUN_DIR run = SVIRT_RUN_DIR_INIT;
    g_autofree char *xml = NULL;

    if (state == NULL || !svirt_domain_validate_name(name, error) ||
        !rename_xml(definition, name, &xml, error) ||
        !svirt_run_dir_hold(manager, definition, " and cannot be renamed",
                            &run, error) ||
        !svirt_state_begin(state, error)) {
        return false;
    }
    if (!svirt_definitions_rename(state, &definition->uuid, name, xml,
                                  error)) {
        svirt_state_rollback(state);
        return false;
    }
    return svirt_state_commit(state, error);
}
