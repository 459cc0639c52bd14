/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/spec-private.h"

#include <string.h>

static bool
path_is_under(const char *path, const char *top)
{
    size_t length = strlen(top);

    return strncmp(path, top, length) == 0 &&
           (path[length] == '\0' || path[length] == '/');
}

/* One that is not the caller's own mount is there to be read. */
static bool
flags_ok(const SvirtSpecFile *file)
{
    const uint32_t all = SVIRT_FILE_EXECUTE | SVIRT_FILE_TREE |
        SVIRT_FILE_WRITE | SVIRT_FILE_MOUNT | SVIRT_FILE_DEVICE;
    const bool mount = (file->flags & SVIRT_FILE_MOUNT) != 0;
    const bool device = (file->flags & SVIRT_FILE_DEVICE) != 0;

    return (file->flags & ~all) == 0 && !(mount && device) &&
           ((file->flags & SVIRT_FILE_TREE) == 0 || !(mount || device)) &&
           ((file->flags & SVIRT_FILE_WRITE) == 0 || mount || device) &&
           (mount ? file->mount > 2 && file->mount < SVIRT_SPEC_MAX_FD_NUMBER
                  : file->mount == -1) &&
           (device || (file->major == 0 && file->minor == 0));
}

static bool
check_files(const SvirtLaunchSpec *spec)
{
    for (uint32_t i = 0; i < spec->n_files; i++) {
        const SvirtSpecFile *file = &spec->files[i];
        const char *path;

        if (!svirt_spec_string_ok(spec, file->path) || !flags_ok(file)) {
            return false;
        }
        path = svirt_spec_string(spec, file->path);
        /* These are the launcher's own, or nobody's. */
        if (!svirt_spec_path_ok(path) || path_is_under(path, "/proc") ||
            path_is_under(path, "/sys") ||
            path_is_under(path, "/dev") !=
                ((file->flags & SVIRT_FILE_DEVICE) != 0)) {
            return false;
        }
    }
    return true;
}

bool
svirt_spec_check_files(const SvirtLaunchSpec *spec, const char **ret_why)
{
    *ret_why = "files";
    if (!check_files(spec)) {
        return false;
    }
    *ret_why = "exec";
    return (spec->exec & ~SVIRT_EXEC_ALL) == 0 &&
           spec->n_ports <= SVIRT_SPEC_MAX_PORTS &&
           (spec->n_ports > 0) == ((spec->exec & SVIRT_EXEC_CONNECT) != 0) &&
           (spec->cwd == SVIRT_SPEC_NO_STRING ||
            (svirt_spec_string_ok(spec, spec->cwd) &&
             svirt_spec_path_ok(svirt_spec_string(spec, spec->cwd))));
}
