/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/relabel-undo.h"

bool
svirt_relabel_undo(const SvirtObject *object, const SvirtModel *model,
                   const char *before, const char *after, SvirtUndo *ret_undo,
                   char **ret_label, GError **error)
{
    g_autofree char *current = NULL;

    if (!model->read_label(object, &current, error)) {
        return false;
    }
    if (model->labels_equal(current, before)) {
        *ret_undo = SVIRT_UNDO_UNTOUCHED;
        *ret_label = g_steal_pointer(&current);
        return true;
    }
    if (!model->labels_equal(current, after)) {
        *ret_undo = SVIRT_UNDO_FOREIGN;
        *ret_label = g_steal_pointer(&current);
        return true;
    }
    if (!svirt_model_set_label(model, object, before, error)) {
        return false;
    }
    *ret_undo = SVIRT_UNDO_WRITTEN;
    *ret_label = g_strdup(before);
    return true;
}
