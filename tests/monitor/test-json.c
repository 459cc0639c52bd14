/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <jansson.h>
#include <string.h>

#include "monitor/json.h"

static const struct {
    const char *name;
    const char *text;
    bool ok;
} rows[] = {
    { "object", "{\"a\": [1, -2.5e+3, true, false, null, \"x\"]}", true },
    { "empty-object", "{}", true },
    { "empty-array", " [ ] ", true },
    { "nested-empty", "{\"a\":{},\"b\":[[],{}]}", true },
    { "escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"]", true },
    { "utf-8", "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]", true },
    { "nothing", "", false },
    { "white-space-only", "  \r\n", false },
    { "two-values", "{} {}", false },
    { "comma-at-end", "[1,]", false },
    { "comma-at-end-of-object", "{\"a\":1,}", false },
    { "no-colon", "{\"a\" 1}", false },
    { "no-value", "{\"a\":}", false },
    { "key-is-number", "{1:2}", false },
    { "mismatched", "[1}", false },
    { "unclosed", "{\"a\":[1", false },
    { "unclosed-string", "[\"a", false },
    { "ends-in-escape", "[\"a\\", false },
    { "bad-escape", "[\"\\x\"]", false },
    { "bad-unicode-escape", "[\"\\u12g4\"]", false },
    { "short-unicode-escape", "[\"\\u12", false },
    { "control-character", "[\"a\x01\"]", false },
    { "overlong-utf-8", "[\"\xc0\xaf\"]", false },
    { "surrogate-utf-8", "[\"\xed\xa0\x80\"]", false },
    { "cut-utf-8", "[\"\xe2\x82\"]", false },
    { "over-utf-8", "[\"\xf4\x90\x80\x80\"]", false },
    { "lone-continuation", "[\"\x80\"]", false },
    { "leading-zero", "[01]", false },
    { "leading-plus", "[+1]", false },
    { "no-digit", "[-]", false },
    { "no-fraction", "[1.]", false },
    { "no-exponent", "[1e]", false },
    { "single-quotes", "{'a':1}", false },
    { "wrong-word", "[nul]", false },
    { "comment", "[1/*x*/]", false },
};

static void
test_row(gconstpointer data)
{
    const char *text = rows[GPOINTER_TO_UINT(data)].text;
    bool ok = rows[GPOINTER_TO_UINT(data)].ok;
    json_t *reference = json_loads(text, JSON_DECODE_ANY, NULL);
    SvirtJsonSpan span;

    /* Jansson is the second opinion on the row itself. */
    g_assert_cmpint(reference != NULL, ==, ok);
    json_decref(reference);
    g_assert_cmpint(svirt_json_check(text, strlen(text), &span), ==, ok);
    /* Nothing behind the end is looked at. */
    for (size_t i = 0; i < strlen(text); i++) {
        g_autofree char *cut = g_memdup2(text, i);

        (void)svirt_json_check(cut, i, &span);
    }
}

static char *
nested(unsigned depth, char open, char close)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < depth; i++) {
        g_string_append_c(text, open);
        if (open == '{') {
            g_string_append(text, "\"a\":");
        }
    }
    g_string_append(text, open == '{' ? "1" : "");
    for (unsigned i = 0; i < depth; i++) {
        g_string_append_c(text, close);
    }
    return g_string_free(text, FALSE);
}

static void
test_depth_is_bounded(void)
{
    g_autofree char *arrays = nested(SVIRT_JSON_MAX_DEPTH, '[', ']');
    g_autofree char *objects = nested(SVIRT_JSON_MAX_DEPTH, '{', '}');
    g_autofree char *deep = nested(SVIRT_JSON_MAX_DEPTH + 1, '[', ']');
    g_autofree char *deeper = nested(SVIRT_JSON_MAX_DEPTH + 1, '{', '}');
    g_autofree char *abyss = nested(1000000, '[', ']');
    SvirtJsonSpan span;

    g_assert_true(svirt_json_check(arrays, strlen(arrays), &span));
    g_assert_true(svirt_json_check(objects, strlen(objects), &span));
    g_assert_false(svirt_json_check(deep, strlen(deep), &span));
    g_assert_false(svirt_json_check(deeper, strlen(deeper), &span));
    g_assert_false(svirt_json_check(abyss, strlen(abyss), &span));
}

static void
test_nul_bytes_are_refused(void)
{
    static const char text[] = "[\"a\0b\"]";
    SvirtJsonSpan span;

    g_assert_false(svirt_json_check(text, sizeof(text) - 1, &span));
    g_assert_false(svirt_json_check("[1]\0", 4, &span));
}

static void
test_members_are_found_by_exact_name(void)
{
    const char *text = " { \"a\" : {\"event\": 1}, \"event\":\"STOP\" ,"
                       "\"e\\u0076ent\": 2, \"t\": true, \"n\": [1, 2]} ";
    SvirtJsonSpan object, value;
    bool truth = false;
    char word[8];

    g_assert_true(svirt_json_check(text, strlen(text), &object));
    g_assert_true(svirt_json_member(object, "event", &value));
    g_assert_true(svirt_json_is(value, "STOP"));
    g_assert_true(svirt_json_string(value, word, sizeof(word)));
    g_assert_cmpstr(word, ==, "STOP");
    g_assert_false(svirt_json_string(value, word, 4));
    g_assert_true(svirt_json_member(object, "t", &value));
    g_assert_true(svirt_json_boolean(value, &truth));
    g_assert_true(truth);
    g_assert_true(svirt_json_member(object, "n", &value));
    g_assert_cmpint(svirt_json_type(value), ==, SVIRT_JSON_ARRAY);
    g_assert_cmpint((int)value.length, ==, 6);
    g_assert_false(svirt_json_member(value, "n", &value));
    g_assert_false(svirt_json_member(object, "none", &value));
}

static void
test_every_member_is_stepped_through(void)
{
    const char *text = "{\"id\":1,\"x\":[{\"id\":3}], \"id\" : 2}";
    static const char *const names[] = { "id", "x", "id" };
    SvirtJsonSpan object, name, value;
    const char *cursor = NULL;
    unsigned count = 0;

    g_assert_true(svirt_json_check(text, strlen(text), &object));
    while (svirt_json_next(object, &cursor, &name, &value)) {
        g_assert_cmpuint(count, <, 3);
        g_assert_true(svirt_json_is(name, names[count]));
        count++;
    }
    g_assert_cmpuint(count, ==, 3);
    g_assert_cmpint(value.text[0], ==, '2');
    g_assert_true(svirt_json_check(" { } ", 5, &object));
    cursor = NULL;
    g_assert_false(svirt_json_next(object, &cursor, &name, &value));
}

static void
test_strings_with_escapes_are_no_words(void)
{
    const char *text = "[\"S\\u0054OP\"]";
    SvirtJsonSpan array, value;
    char word[32];

    g_assert_true(svirt_json_check(text, strlen(text), &array));
    value = (SvirtJsonSpan){ array.text + 1, array.length - 2 };
    g_assert_false(svirt_json_string(value, word, sizeof(word)));
    g_assert_false(svirt_json_is(value, "STOP"));
}

/* Every text of a few characters: the verdict must be Jansson's. */
static void
test_agrees_with_jansson_on_all_short_texts(void)
{
    static const char alphabet[] = "{}[],:\"1-.e0 at\\";
    enum { LENGTH = 5 };
    unsigned count = sizeof(alphabet) - 1, total = 1;
    char text[LENGTH + 1] = "";

    for (int i = 0; i < LENGTH; i++) {
        total *= count;
    }
    for (unsigned n = 0; n < total; n += 3) {
        unsigned rest = n;
        SvirtJsonSpan span;
        json_t *reference;

        for (int i = 0; i < LENGTH; i++) {
            text[i] = alphabet[rest % count];
            rest /= count;
        }
        reference = json_loads(text, JSON_DECODE_ANY, NULL);
        if (svirt_json_check(text, LENGTH, &span) != (reference != NULL)) {
            g_test_message("differs: %s", text);
            g_test_fail();
        }
        json_decref(reference);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/monitor/json/check/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/monitor/json/depth-is-bounded", test_depth_is_bounded);
    g_test_add_func("/monitor/json/nul-bytes-are-refused",
                    test_nul_bytes_are_refused);
    g_test_add_func("/monitor/json/members-are-found-by-exact-name",
                    test_members_are_found_by_exact_name);
    g_test_add_func("/monitor/json/every-member-is-stepped-through",
                    test_every_member_is_stepped_through);
    g_test_add_func("/monitor/json/strings-with-escapes-are-no-words",
                    test_strings_with_escapes_are_no_words);
    g_test_add_func("/monitor/json/agrees-with-jansson-on-all-short-texts",
                    test_agrees_with_jansson_on_all_short_texts);
    return g_test_run();
}
