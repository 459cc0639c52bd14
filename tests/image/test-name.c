/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "image/header.h"
#include "image/name.h"
#include "image/quote.h"

#define FILE_JSON(p) "\"file\":{\"driver\":\"file\",\"filename\":\"" p "\"}"

static const struct {
    const char *name;
    const char *text;
    const char *path;    /* NULL: refused */
    const char *format;  /* what a json: name says, NULL nothing */
    SvirtErrorCode code; /* of a refusal */
    const char *message;
} rows[] = {
    { "relative", "base.qcow2", "base.qcow2" },
    { "absolute", "/images/base.qcow2", "/images/base.qcow2" },
    { "parent-directory", "../base.qcow2", "../base.qcow2" },
    { "colon-behind-slash", "./a:b", "./a:b" },
    { "colon-in-absolute", "/images/a:b", "/images/a:b" },
    { "file-prefix", "file:/images/a", "/images/a" },
    { "file-url", "file:///images/a", "///images/a" },
    { "file-prefix-and-colon", "file:/a:b", "/a:b" },
    { "json-nested", "json:{\"driver\":\"qcow2\"," FILE_JSON("/a") "}", "/a",
      "qcow2" },
    { "json-nested-without-format", "json:{" FILE_JSON("/a") "}", "/a" },
    { "json-dotted",
      "json:{\"driver\":\"raw\",\"file.driver\":\"file\","
      "\"file.filename\":\"/a\"}",
      "/a", "raw" },
    { "json-dotted-filename", "json:{\"file.filename\":\"/a\"}", "/a" },
    { "json-protocol-node", "json:{\"driver\":\"file\",\"filename\":\"/a\"}",
      "/a", "raw" },
    { "json-host-device",
      "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"host_device\","
      "\"filename\":\"/dev/vg/lv\"}}",
      "/dev/vg/lv", "raw" },

    { "empty", "", NULL, NULL, SVIRT_ERROR_INVALID, "is empty" },
    { "file-prefix-alone", "file:", NULL, NULL, SVIRT_ERROR_INVALID,
      "is empty" },
    { "file-prefix-relative", "file:a", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "working directory" },
    { "fdset", "/dev/fdset/3", NULL, NULL, SVIRT_ERROR_INVALID,
      "descriptor set" },
    { "fdset-behind-prefix", "file:/dev/fdset/3", NULL, NULL,
      SVIRT_ERROR_INVALID, "descriptor set" },
    { "nbd", "nbd:localhost:10809", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "protocol 'nbd'" },
    { "nbd-url", "nbd://localhost/x", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "protocol 'nbd'" },
    { "https", "https://example.org/a", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "protocol 'https'" },
    { "rbd", "rbd:pool/image", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "protocol 'rbd'" },
    { "fat-directory", "fat:rw:/home", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "protocol 'fat'" },
    { "host-device", "host_device:/dev/sda", NULL, NULL,
      SVIRT_ERROR_UNSUPPORTED, "protocol 'host_device'" },
    { "drive-letter", "C:\\images\\a.vmdk", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "protocol 'C'" },
    { "protocol-empty", ":a", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "protocol ''" },
    { "json-broken", "json:{", NULL, NULL, SVIRT_ERROR_INVALID,
      "not a JSON object" },
    { "json-array", "json:[]", NULL, NULL, SVIRT_ERROR_INVALID,
      "not a JSON object" },
    { "json-with-tail", "json:{\"file.filename\":\"/a\"}x", NULL, NULL,
      SVIRT_ERROR_INVALID, "not a JSON object" },
    { "json-duplicate-key",
      "json:{\"file.filename\":\"/a\",\"file.filename\":\"/b\"}", NULL, NULL,
      SVIRT_ERROR_INVALID, "not a JSON object" },
    { "json-nul", "json:{\"file.filename\":\"/a\\u0000b\"}", NULL, NULL,
      SVIRT_ERROR_INVALID, "not a JSON object" },
    { "json-escape", "json:{\"file.filename\":\"/a\\u001b\"}", NULL, NULL,
      SVIRT_ERROR_UNSUPPORTED, "control characters" },
    { "json-deep", "json:[[[[[[[[[[]]]]]]]]]]", NULL, NULL, SVIRT_ERROR_INVALID,
      "nested too deeply" },
    { "json-empty", "json:{}", NULL, NULL, SVIRT_ERROR_UNSUPPORTED,
      "exactly one file" },
    { "json-two-files", "json:{\"file.filename\":\"/a\",\"filename\":\"/b\"}",
      NULL, NULL, SVIRT_ERROR_UNSUPPORTED, "exactly one file" },
    { "json-two-spellings",
      "json:{\"file.filename\":\"/a\"," FILE_JSON("/b") "}", NULL, NULL,
      SVIRT_ERROR_INVALID, "single string for 'filename'" },
    { "json-relative", "json:{\"file.filename\":\"a\"}", NULL, NULL,
      SVIRT_ERROR_UNSUPPORTED, "working directory" },
    { "json-fdset", "json:{\"file.filename\":\"/dev/fdset/1\"}", NULL, NULL,
      SVIRT_ERROR_INVALID, "descriptor set" },
    { "json-filename-number", "json:{\"file.filename\":7}", NULL, NULL,
      SVIRT_ERROR_INVALID, "single string for 'file.filename'" },
    { "json-file-by-node-name", "json:{\"file\":\"node\"}", NULL, NULL,
      SVIRT_ERROR_UNSUPPORTED, "key 'file'" },
    { "json-nbd",
      "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"nbd\","
      "\"filename\":\"/a\"}}",
      NULL, NULL, SVIRT_ERROR_UNSUPPORTED, "driver 'nbd'" },
    { "json-unknown-format",
      "json:{\"driver\":\"blkdebug\",\"file.filename\":\"/a\"}", NULL, NULL,
      SVIRT_ERROR_UNSUPPORTED, "driver 'blkdebug'" },
    { "json-probing", "json:{\"filename\":\"/a\"}", NULL, NULL,
      SVIRT_ERROR_UNSUPPORTED, "driver none" },
    { "json-offset",
      "json:{\"driver\":\"raw\",\"offset\":5,\"file.filename\":\"/a\"}", NULL,
      NULL, SVIRT_ERROR_UNSUPPORTED, "key 'offset'" },
    { "json-backing",
      "json:{\"driver\":\"qcow2\",\"backing\":null,"
      "\"file.filename\":\"/a\"}",
      NULL, NULL, SVIRT_ERROR_UNSUPPORTED, "key 'backing'" },
};

static void
test_parse(gconstpointer number)
{
    unsigned row = GPOINTER_TO_UINT(number);
    g_auto(SvirtImageName) name = { 0 };
    g_autoptr(GError) error = NULL;

    svirt_image_name_parse(rows[row].text, &name, &error);
    if (rows[row].path != NULL) {
        g_assert_no_error(error);
        g_assert_cmpstr(name.path, ==, rows[row].path);
        g_assert_cmpint(name.format_known, ==, rows[row].format != NULL);
        if (rows[row].format != NULL) {
            g_assert_cmpstr(svirt_image_format_to_string(name.format), ==,
                            rows[row].format);
        }
    } else {
        g_assert_null(name.path);
        g_assert_error(error, SVIRT_ERROR, (int)rows[row].code);
        if (strstr(error->message, rows[row].message) == NULL) {
            g_error("'%s' does not say '%s'", error->message,
                    rows[row].message);
        }
    }
}

static void
test_length_is_bounded(void)
{
    for (unsigned length = SVIRT_IMAGE_NAME_MAX;
         length <= SVIRT_IMAGE_NAME_MAX + 1; length++) {
        g_autofree char *text = g_strnfill(length, 'n');
        g_auto(SvirtImageName) name = { 0 };

        g_assert_cmpint(svirt_image_name_parse(text, &name, NULL), ==,
                        length == SVIRT_IMAGE_NAME_MAX);
    }
}

static void
test_resolves_as_text(void)
{
    static const char *const cases[][3] = {
        { "/a/top", "base", "/a/base" },
        { "/a/top", "/b/base", "/b/base" },
        { "/a/top", "../base", "/a/../base" },
        { "/top", "base", "/base" },
        { "/a/b:c/top", "d/base", "/a/b:c/d/base" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path =
            svirt_image_name_resolve(cases[i][0], cases[i][1]);

        g_assert_cmpstr(path, ==, cases[i][2]);
    }
}

static void
test_same_ignores_spelling(void)
{
    g_assert_true(svirt_image_name_same("/a/b", "/a//b"));
    g_assert_true(svirt_image_name_same("/a/./b", "/a/b"));
    g_assert_true(svirt_image_name_same("/a/c/../b", "/a/b"));
    g_assert_false(svirt_image_name_same("/a/b", "/a/c"));
    g_assert_false(svirt_image_name_same("/a/b", "/a/b/c"));
}

static void
test_quote_hides_terminal_controls(void)
{
    static const char *const cases[][2] = {
        { "base.qcow2", "'base.qcow2'" },
        { NULL, "none" },
        { "a\033[2Jb\n", "'a\\x1b[2Jb\\x0a'" },
        { "r\xc3\xa9sum\xc3\xa9", "'r\xc3\xa9sum\xc3\xa9'" },
        { "a\xe2\x80\xaetxt", "'a\\u{202e}txt'" },
        { "\xc2\x9b", "'\\u{9b}'" },
        { "\xff", "'\\xff'" },
    };
    g_autofree char *text = g_strnfill(SVIRT_IMAGE_QUOTE_MAX + 1, 'n');
    g_autofree char *shown = svirt_image_quote(text);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *quoted = svirt_image_quote(cases[i][0]);

        g_assert_cmpstr(quoted, ==, cases[i][1]);
    }
    g_assert_cmpuint(strlen(shown), ==, SVIRT_IMAGE_QUOTE_MAX + 5);
    g_assert_true(g_str_has_suffix(shown, "n...'"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf(
            "/image/name/%s/%s", rows[i].path != NULL ? "accepts" : "refuses",
            rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_parse);
    }
    g_test_add_func("/image/name/length-is-bounded", test_length_is_bounded);
    g_test_add_func("/image/name/resolves-as-text", test_resolves_as_text);
    g_test_add_func("/image/name/same-ignores-spelling",
                    test_same_ignores_spelling);
    g_test_add_func("/image/name/quote-hides-terminal-controls",
                    test_quote_hides_terminal_controls);
    return g_test_run();
}
