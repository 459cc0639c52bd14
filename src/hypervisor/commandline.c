/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/commandline.h"

#include <unistd.h>

#include "base/error.h"
#include "state/waivers.h"

static void
refuse(const SvirtPrepared *prepared, GError **error)
{
    const char *name = prepared->definition->name;
    g_autofree char *quoted = g_shell_quote(name);
    g_autofree char *hint = g_strdup_printf(
        "svirt waiver add %s --layer " SVIRT_COMMANDLINE_LAYER
        " --resource %s --reason TEXT, or remove <qemu:commandline>",
        quoted, quoted);

    svirt_raise(error, SVIRT_ERROR_REFUSED, NULL, hint,
                "line %u: domain '%s' adds to QEMU's command line what nobody "
                "checked",
                prepared->domain->extra_line, name);
}

bool
svirt_commandline_check(SvirtPrepared *prepared, SvirtState *state,
                        SvirtPrepareMode mode, GError **error)
{
    const SvirtDefinition *definition = prepared->definition;
    g_autoptr(SvirtWaiver) waiver = NULL;
    GError *problem = NULL;

    if (prepared->domain->extra_arg_count == 0) {
        return true;
    }
    /* Another author could change them behind the waiver's back. */
    if (definition->author != 0 && definition->author != geteuid()) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "remove <qemu:commandline>",
                           "line %u: the author of domain '%s' is not root, "
                           "and may not add to QEMU's command line",
                           prepared->domain->extra_line, definition->name);
    }
    if (!svirt_waivers_active(state, &definition->uuid,
                              SVIRT_COMMANDLINE_LAYER, definition->name,
                              prepared->now_s, &waiver, error)) {
        return false;
    }
    if (waiver != NULL) {
        g_ptr_array_add(prepared->waivers, g_steal_pointer(&waiver));
        return true;
    }
    refuse(prepared, &problem);
    if (svirt_prepared_put_off(prepared, mode, true, problem)) {
        return true;
    }
    g_propagate_error(error, problem);
    return false;
}
