/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "image/format.h"

/*
 * The name of another file as a header writes it. QEMU takes such a name for
 * a path, for a path behind 'file:', for a JSON object behind 'json:', or,
 * with a colon before the first slash, for a protocol with an address. svirt
 * opens paths alone.
 */
typedef struct SvirtImageName {
    char *path; /* owned; as written, without a 'file:' prefix */
    /* A json: name may say the format of the file it names. */
    bool format_known;
    SvirtImageFormat format;
} SvirtImageName;

/* Leaves an empty name, which is legal to clear again. */
void svirt_image_name_clear(SvirtImageName *name);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtImageName, svirt_image_name_clear)

/*
 * Classify `name`. Accepted besides plain paths: 'file:' with an absolute
 * path, and json: objects of one of the forms
 *
 *     {"driver": FORMAT, "file": {"driver": "file", "filename": PATH}}
 *     {"driver": FORMAT, "file.driver": "file", "file.filename": PATH}
 *     {"driver": "file", "filename": PATH}          (the file's raw bytes)
 *
 * with an absolute PATH, "driver": FORMAT left out or not, 'host_device' in
 * place of 'file'. QEMU resolves a relative path in these against its own
 * working directory, so they are refused.
 *
 * INVALID: empty, longer than SVIRT_IMAGE_NAME_MAX, broken JSON, or a
 * descriptor set of a VMM that is gone (/dev/fdset). UNSUPPORTED: a protocol,
 * driver or key other than the above, named, or control characters.
 * ret->path is the caller's.
 */
bool svirt_image_name_parse(const char *name, SvirtImageName *ret,
                            GError **error);

/*
 * `path` as seen from the image at `naming_path`: unchanged when absolute,
 * else in the directory of naming_path, as text, as QEMU does. Looks at no
 * file. The caller's.
 */
char *svirt_image_name_resolve(const char *naming_path, const char *path);

/*
 * Do two paths name one file as far as text can tell? Empty, '.' and '..'
 * components are taken out first; '..' wrongly so behind a symbolic link, so
 * that the answer serves to find a contradiction, never to open anything.
 */
bool svirt_image_name_same(const char *a, const char *b);
