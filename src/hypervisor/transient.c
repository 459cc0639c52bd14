/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/transient.h"

#include "base/error.h"
#include "hypervisor/define.h"
#include "state/autostart.h"

bool
svirt_transient_end(SvirtManager *manager, const SvirtDefinition *definition,
                    GError **error)
{
    const SvirtConnection *connection = svirt_manager_connection(manager);
    g_autoptr(GPtrArray) rows = NULL;
    SvirtRunStatus run;
    bool transient;

    if (!svirt_transient_read(connection, &definition->uuid, &transient,
                              error)) {
        return false;
    }
    if (!transient) {
        return true;
    }
    return svirt_manager_run_status(manager, &definition->uuid, &run, error) &&
           (svirt_run_status_is_active(&run) ||
            svirt_undefine(manager, definition, SVIRT_UNDEFINE_IF_TRANSIENT,
                           &rows, error));
}

bool
svirt_transient_mark(SvirtManager *manager, const SvirtDefinition *definition,
                     GError **error)
{
    return svirt_transient_write(svirt_manager_connection(manager),
                                 &definition->uuid, true, error) &&
           svirt_transient_end(manager, definition, error);
}

/* One that is busy is somebody else's work; one that is gone is no error. */
static bool
reap_one(SvirtManager *manager, const SvirtUuid *uuid, GPtrArray *names,
         GError **error)
{
    const SvirtConnection *connection = svirt_manager_connection(manager);
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(GError) problem = NULL;
    bool transient = true;

    if (state == NULL) {
        return false;
    }
    if (!svirt_definitions_by_uuid(state, uuid, &definition, &problem)) {
        return !g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND) ||
               svirt_transient_write(connection, uuid, false, error);
    }
    if (svirt_transient_end(manager, definition, NULL) &&
        svirt_transient_read(connection, uuid, &transient, error) &&
        !transient) {
        g_ptr_array_add(names, g_strdup(definition->name));
    }
    return true;
}

bool
svirt_transient_reap(SvirtManager *manager, GPtrArray **ret, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) marks = NULL;

    if (!svirt_transient_list(svirt_manager_connection(manager), &marks,
                              error)) {
        return false;
    }
    for (unsigned i = 0; i < marks->len; i++) {
        if (!reap_one(manager, &g_array_index(marks, SvirtUuid, i), names,
                      error)) {
            return false;
        }
    }
    *ret = g_steal_pointer(&names);
    return true;
}
