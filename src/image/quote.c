/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/quote.h"

static bool
character_is_plain(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
        return false;
    default:
        return true;
    }
}

bool
svirt_image_text_is_plain(const char *text)
{
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        if (!character_is_plain(g_utf8_get_char(text))) {
            return false;
        }
    }
    return true;
}

static void
character_append(GString *text, gunichar c)
{
    if (character_is_plain(c)) {
        g_string_append_unichar(text, c);
    } else if (c < 0x80) {
        g_string_append_printf(text, "\\x%02x", c);
    } else {
        g_string_append_printf(text, "\\u{%x}", c);
    }
}

void
svirt_image_quote_append(GString *text, const char *name)
{
    unsigned shown = 0;

    if (name == NULL) {
        g_string_append(text, "none");
        return;
    }
    g_string_append_c(text, '\'');
    while (*name != '\0' && shown++ < SVIRT_IMAGE_QUOTE_MAX) {
        gunichar c = g_utf8_get_char_validated(name, -1);

        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(text, "\\x%02x", (guchar)*name);
            name++;
        } else {
            character_append(text, c);
            name = g_utf8_next_char(name);
        }
    }
    g_string_append(text, *name != '\0' ? "...'" : "'");
}

char *
svirt_image_quote(const char *name)
{
    GString *text = g_string_new(NULL);

    svirt_image_quote_append(text, name);
    return g_string_free(text, FALSE);
}
