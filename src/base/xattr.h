/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/object.h"

/* xattr(7): the kernel's own limit of one value. */
#define SVIRT_XATTR_BYTES 65536

/*
 * Extended attributes of an opened object: by the descriptor that it keeps
 * (svirt_object_keep), else through its /proc/self/fd link (checked to be
 * procfs), the one way to them that works on O_PATH. Not even getxattrat(2)
 * takes that (EBADF).
 */

/* Owned by the caller, a NUL is added behind *ret_size bytes; NULL in
 * *ret_value when it has none. UNSUPPORTED: the file system stores none of
 * that name space. SYSTEM. */
bool svirt_xattr_get(const SvirtObject *object, const char *name,
                     char **ret_value, size_t *ret_size, GError **error);
/* UNSUPPORTED, REFUSED (EPERM, EACCES), SYSTEM. */
bool svirt_xattr_set(const SvirtObject *object, const char *name,
                     const void *value, size_t size, GError **error);
/* Removing what is not there succeeds. */
bool svirt_xattr_remove(const SvirtObject *object, const char *name,
                        GError **error);
