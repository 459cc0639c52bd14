/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/object.h"
#include "model/model.h"

typedef enum SvirtUndo {
    SVIRT_UNDO_WRITTEN,   /* it carries `before` again */
    SVIRT_UNDO_UNTOUCHED, /* it carried `before` all the time */
    SVIRT_UNDO_FOREIGN,   /* it carries neither: left alone */
} SvirtUndo;

/*
 * Take back one change of label, judged by what the object carries now: the
 * marks of a journal may be lost in a crash. *ret_label, owned by the caller,
 * is what it carries in the end. Errors of the model.
 */
bool svirt_relabel_undo(const SvirtObject *object, const SvirtModel *model,
                        const char *before, const char *after,
                        SvirtUndo *ret_undo, char **ret_label,
                        GError **error);
