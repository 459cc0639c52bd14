/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "base/hmac-sha256.h"

/* RFC 4231, test cases 1, 2, 3, 6 and 7; and every size around a block. */
static const struct {
    const char *name;
    size_t key_fill; /* that many bytes of `key_byte`; 0: key_text */
    uint8_t key_byte;
    const char *key_text;
    size_t text_fill;
    uint8_t text_byte;
    const char *text;
    const char *digest;
} rows[] = {
    { "rfc4231-1", 20, 0x0b, NULL, 0, 0, "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "rfc4231-2", 0, 0, "Jefe", 0, 0, "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { "rfc4231-3", 20, 0xaa, NULL, 50, 0xdd, NULL,
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { "rfc4231-6", 131, 0xaa, NULL, 0, 0,
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
};

static void
hex(const uint8_t digest[SVIRT_SHA256_BYTES], char ret[65])
{
    for (unsigned i = 0; i < SVIRT_SHA256_BYTES; i++) {
        g_snprintf(ret + 2 * i, 3, "%02x", digest[i]);
    }
}

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    uint8_t key[256], text[256], digest[SVIRT_SHA256_BYTES];
    size_t key_size = rows[row].key_fill;
    size_t text_size = rows[row].text_fill;
    char shown[65];

    memset(key, rows[row].key_byte, sizeof(key));
    memset(text, rows[row].text_byte, sizeof(text));
    if (rows[row].key_text != NULL) {
        key_size = strlen(rows[row].key_text);
        memcpy(key, rows[row].key_text, key_size);
    }
    if (rows[row].text != NULL) {
        text_size = strlen(rows[row].text);
        memcpy(text, rows[row].text, text_size);
    }
    svirt_hmac_sha256(key, key_size, text, text_size, digest);
    hex(digest, shown);
    g_assert_cmpstr(shown, ==, rows[row].digest);
}

static void
test_agrees_with_glib_at_every_size(void)
{
    uint8_t bytes[300], digest[SVIRT_SHA256_BYTES];

    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    for (unsigned size = 0; size <= 200; size++) {
        size_t key_size = size % 100 + 1;
        g_autofree char *want = g_compute_hmac_for_data(
            G_CHECKSUM_SHA256, bytes, key_size, bytes + 50, size);
        char shown[65];

        svirt_hmac_sha256(bytes, key_size, bytes + 50, size, digest);
        hex(digest, shown);
        g_assert_cmpstr(shown, ==, want);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/base/hmac-sha256/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/base/hmac-sha256/agrees-with-glib-at-every-size",
                    test_agrees_with_glib_at_every_size);
    return g_test_run();
}
