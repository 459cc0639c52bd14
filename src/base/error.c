/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <errno.h>

typedef struct SvirtErrorPrivate {
    GError *cause; /* owned, may be NULL */
    char *hint;    /* owned, may be NULL */
} SvirtErrorPrivate;

static void
svirt_error_private_init(SvirtErrorPrivate *priv)
{
    priv->cause = NULL;
    priv->hint = NULL;
}

static void
svirt_error_private_copy(const SvirtErrorPrivate *from, SvirtErrorPrivate *to)
{
    to->cause = from->cause != NULL ? g_error_copy(from->cause) : NULL;
    to->hint = g_strdup(from->hint);
}

static void
svirt_error_private_clear(SvirtErrorPrivate *priv)
{
    g_clear_error(&priv->cause);
    g_clear_pointer(&priv->hint, g_free);
}

G_DEFINE_EXTENDED_ERROR(SvirtError, svirt_error)

bool
svirt_raise(GError **error, SvirtErrorCode code, GError *cause,
            const char *hint, const char *format, ...)
{
    va_list args;
    GError *raised;
    SvirtErrorPrivate *priv;

    if (error == NULL) {
        g_clear_error(&cause);
        return false;
    }
    g_assert(*error == NULL);
    va_start(args, format);
    raised = g_error_new_valist(SVIRT_ERROR, (int)code, format, args);
    va_end(args);
    priv = svirt_error_get_private(raised);
    priv->cause = cause;
    priv->hint = g_strdup(hint);
    *error = raised;
    return false;
}

bool
svirt_raise_errno(GError **error, int errnum, const char *hint,
                  const char *format, ...)
{
    g_autofree char *message = NULL;
    SvirtErrorCode code = SVIRT_ERROR_SYSTEM;
    va_list args;

    if (errnum == ENOENT) {
        code = SVIRT_ERROR_NOT_FOUND;
    } else if (errnum == EBUSY || errnum == ETXTBSY) {
        code = SVIRT_ERROR_BUSY;
    }
    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    return svirt_raise(
        error, code,
        g_error_new_literal(SVIRT_ERROR, (int)code, g_strerror(errnum)), hint,
        "%s", message);
}

const char *
svirt_error_hint(const GError *error)
{
    if (error == NULL || error->domain != SVIRT_ERROR) {
        return NULL;
    }
    return svirt_error_get_private(error)->hint;
}

const GError *
svirt_error_cause(const GError *error)
{
    if (error == NULL || error->domain != SVIRT_ERROR) {
        return NULL;
    }
    return svirt_error_get_private(error)->cause;
}

const char *
svirt_error_shown_hint(const GError *error)
{
    while (error != NULL && svirt_error_hint(error) == NULL) {
        error = svirt_error_cause(error);
    }
    return svirt_error_hint(error);
}

/*
 * Messages quote guests, files and definitions: one line each, and nothing
 * that a terminal would obey.
 */
static void
append_line(GString *text, const char *prefix, const char *message)
{
    g_autofree char *valid = g_utf8_make_valid(message, -1);

    g_string_append(text, prefix);
    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        g_string_append_unichar(text, g_unichar_isprint(c) ? c : '?');
    }
    g_string_append_c(text, '\n');
}

char *
svirt_error_render(const GError *error)
{
    GString *text = g_string_new(NULL);
    const char *hint = svirt_error_shown_hint(error);

    append_line(text, "error: ", error->message);
    for (const GError *e = error; e != NULL; e = svirt_error_cause(e)) {
        if (e != error) {
            append_line(text, "  caused by: ", e->message);
        }
    }
    if (hint != NULL) {
        append_line(text, "  hint: ", hint);
    }
    return g_string_free(text, FALSE);
}

int
svirt_error_exit_code(const GError *error)
{
    return error->domain == SVIRT_ERROR ? error->code : SVIRT_ERROR_FAILED;
}
