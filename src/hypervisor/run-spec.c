/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/run-spec.h"

#include <errno.h>

#include "base/error.h"
#include "base/fd.h"
#include "keeper/run-spec.h"

struct SvirtRunSpec {
    const SvirtLaunchSpec *view; /* mapped */
};

bool
svirt_run_spec_open(SvirtManager *manager, const SvirtUuid *uuid,
                    const char *name, SvirtRunSpec **ret, GError **error)
{
    SVIRT_AUTO_FD run = -1;
    SVIRT_AUTO_FD copy = -1;
    const SvirtLaunchSpec *view;
    const char *why = "";

    if (!svirt_manager_open_run(manager, uuid, name, &run, error)) {
        return false;
    }
    copy = svirt_run_spec_copy(run);
    if (copy < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the launch spec of '%s'", name);
    }
    view = svirt_spec_map(copy, &why);
    if (view == NULL || !svirt_uuid_equal(&view->uuid, uuid)) {
        svirt_spec_unmap(view);
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, "svirt recover",
                           "the launch spec of '%s' is damaged: %s", name,
                           why);
    }
    *ret = g_new0(SvirtRunSpec, 1);
    (*ret)->view = view;
    return true;
}

void
svirt_run_spec_free(SvirtRunSpec *spec)
{
    if (spec == NULL) {
        return;
    }
    svirt_spec_unmap(spec->view);
    g_free(spec);
}

const SvirtLaunchSpec *
svirt_run_spec_view(const SvirtRunSpec *spec)
{
    return spec->view;
}
