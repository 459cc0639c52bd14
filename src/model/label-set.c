/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/label-set.h"

#include <glib.h>

void
svirt_label_set_clear(SvirtLabelSet *set)
{
    g_clear_pointer(&set->vmm, g_free);
    g_clear_pointer(&set->monitor, g_free);
    g_clear_pointer(&set->helper, g_free);
    g_clear_pointer(&set->socket, g_free);
    g_clear_pointer(&set->image, g_free);
    g_clear_pointer(&set->shared, g_free);
    g_clear_pointer(&set->content, g_free);
    g_clear_pointer(&set->log, g_free);
}

void
svirt_label_set_copy(const SvirtLabelSet *set, SvirtLabelSet *ret)
{
    ret->vmm = g_strdup(set->vmm);
    ret->monitor = g_strdup(set->monitor);
    ret->helper = g_strdup(set->helper);
    ret->socket = g_strdup(set->socket);
    ret->image = g_strdup(set->image);
    ret->shared = g_strdup(set->shared);
    ret->content = g_strdup(set->content);
    ret->log = g_strdup(set->log);
}
