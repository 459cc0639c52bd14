/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/run-spec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "keeper/layout.h"

static int
open_file(int run_dirs, const SvirtUuid *uuid)
{
    char text[SVIRT_UUID_TEXT];
    g_autofree char *path = NULL;

    svirt_uuid_format(uuid, text);
    path = g_strconcat(text, "/", SVIRT_RUN_SPEC, NULL);
    return openat(run_dirs, path,
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

bool
svirt_run_spec_read(int run_dirs, const SvirtUuid *uuid, const char *name,
                    GByteArray *room, const SvirtLaunchSpec **ret,
                    GError **error)
{
    SVIRT_AUTO_FD file = open_file(run_dirs, uuid);
    const SvirtLaunchSpec *spec;
    const char *why = "size_bytes";
    struct stat st;

    if (file < 0 && errno == ENOENT) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "svirt list shows what runs",
                           "domain '%s' is not running", name);
    }
    if (file < 0 || fstat(file, &st) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read the launch spec of '%s'", name);
    }
    g_byte_array_set_size(room, (guint)CLAMP(st.st_size, 0,
                                             (off_t)sizeof(*spec) +
                                                 SVIRT_SPEC_MAX_STRINGS));
    /* A block of 8-byte members, as it is. */
    spec = (const SvirtLaunchSpec *)(const void *)room->data;
    if (svirt_read_full(file, room->data, room->len) != (ssize_t)room->len ||
        !svirt_spec_check(spec, room->len, &why) ||
        !svirt_uuid_equal(&spec->uuid, uuid)) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, "svirt recover",
                           "the launch spec of '%s' is damaged: %s", name,
                           why);
    }
    *ret = spec;
    return true;
}
