/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/refusals.h"

#include <errno.h>
#include <string.h>

bool
svirt_refusals_raise_errno(GError **error, int errnum,
                           const SvirtCredentials *author, const char *format,
                           ...)
{
    g_autofree char *message = NULL;
    GError *cause = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    if (errnum != EACCES && errnum != EPERM) {
        return svirt_raise_errno(error, errnum, NULL, "%s", message);
    }
    svirt_raise(&cause, SVIRT_ERROR_REFUSED, NULL, NULL, "%s",
                g_strerror(errnum));
    return svirt_raise(error, SVIRT_ERROR_REFUSED, cause,
                       author != NULL ? "give the author of the definition "
                                        "access to it"
                                      : NULL,
                       "%s", message);
}

bool
svirt_refusals_raise_use(GError **error, GError *cause, const char *what,
                         const char *path, unsigned line)
{
    g_autofree char *hint = NULL;
    g_autofree char *where = NULL;

    if (svirt_error_shown_hint(cause) == NULL) {
        hint = g_strdup_printf("name another %s, or correct this one", what);
    }
    if (line > 0) {
        where = g_strdup_printf(" (line %u)", line);
    }
    return svirt_raise(error, (SvirtErrorCode)svirt_error_exit_code(cause),
                       cause, hint, "cannot use %s '%s'%s", what, path,
                       where != NULL ? where : "");
}

bool
svirt_refusals_check(const SvirtRefusals *refusals, const SvirtObject *object,
                     const char *path, const char *target,
                     SvirtRefusalUse use, GError **error)
{
    SvirtRefusalRequest request = {
        .use = use,
        .path = path,
        .target = target,
        .definition = refusals->definition,
        .now_s = refusals->now_s,
        .can_be_waived = refusals->can_be_waived,
    };

    if (refusals->own_path != NULL && strcmp(refusals->own_path, path) == 0) {
        return true;
    }
    return svirt_refusal_check(refusals->facts, refusals->state, object,
                               &request, refusals->waivers, error);
}
