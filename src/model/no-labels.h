/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/model.h"

/* The verbs on objects of a model that labels none: model.h says what they
 * take and give. */
bool svirt_no_labels_read(const SvirtObject *object, char **ret_label,
                          GError **error);
bool svirt_no_labels_write(const SvirtObject *object, const char *label,
                           GError **error);
bool svirt_no_labels_equal(const char *a, const char *b);
bool svirt_no_labels_validate(const char *label, GError **error);
