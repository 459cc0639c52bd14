/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void
svirt_notices_print(const GPtrArray *notices)
{
    for (unsigned i = 0; i < notices->len; i++) {
        g_autofree char *text = svirt_error_render(notices->pdata[i]);

        (void)fprintf(stderr, "warning%s", strchr(text, ':'));
    }
}

/* Messages may quote what is no UTF-8. */
static json_t *
text_to_json(const char *text)
{
    g_autofree char *valid = NULL;

    if (text == NULL) {
        return json_null();
    }
    valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

json_t *
svirt_notice_to_json(const GError *error)
{
    json_t *causes = json_array();

    for (const GError *e = svirt_error_cause(error); e != NULL;
         e = svirt_error_cause(e)) {
        json_array_append_new(causes, text_to_json(e->message));
    }
    return json_pack("{s:o,s:o,s:o,s:i}", "message",
                     text_to_json(error->message), "causes", causes, "hint",
                     text_to_json(svirt_error_shown_hint(error)), "code",
                     svirt_error_exit_code(error));
}

json_t *
svirt_notices_to_json(const GPtrArray *notices)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < notices->len; i++) {
        json_array_append_new(list, svirt_notice_to_json(notices->pdata[i]));
    }
    return list;
}

void
svirt_json_print(json_t *object)
{
    char *text = json_dumps(object, JSON_INDENT(2));

    (void)puts(text);
    free(text);
    json_decref(object);
}
