/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/chain.h"

#include <string.h>

#include "base/error.h"
#include "image/chain-private.h"

static SvirtChainMember *
member_add(SvirtChain *chain, const char *path, SvirtChainRole role, int parent)
{
    SvirtChainMember *member = g_new0(SvirtChainMember, 1);

    member->path = g_strdup(path);
    member->role = role;
    member->parent = parent;
    member->format = SVIRT_IMAGE_FORMAT_VMDK;
    member->header = svirt_image_header_new(member->format);
    g_ptr_array_add(chain->members, member);
    return member;
}

/* Every field of every kind set to something that is not the default. */
static SvirtChain *
example_chain(void)
{
    SvirtChain *chain = svirt_chain_new();
    SvirtChainMember *top =
        member_add(chain, "/images/top", SVIRT_CHAIN_ACTIVE, -1);
    SvirtChainMember *extent =
        member_add(chain, "/images/\"e\"\n", SVIRT_CHAIN_EXTENT, 0);
    SvirtChainMember *backing =
        member_add(chain, "/images/base", SVIRT_CHAIN_BACKING, 0);

    top->identity = g_bytes_new("\0\1\377", 3);
    top->header->version = UINT32_MAX;
    top->header->virtual_size_bytes = UINT64_MAX;
    top->header->backing_name = g_strdup("base");
    top->header->backing_format_known = true;
    top->header->backing_format = SVIRT_IMAGE_FORMAT_PARALLELS;
    top->header->data_file = true;
    top->header->data_file_name = g_strdup("d\xc3\xa9");
    top->header->data_file_raw = true;
    top->header->encryption = SVIRT_IMAGE_ENCRYPTION_LUKS;
    svirt_image_header_add_extent(top->header, SVIRT_IMAGE_EXTENT_VMFS_SPARSE,
                                  g_strdup("e"));
    top->header->incompatible_features = UINT64_C(1) << 63;
    top->header->compatible_features = 2;
    top->header->autoclear_features = 3;
    top->header->dirty = true;
    top->header->corrupt = true;
    extent->extent_kind = SVIRT_IMAGE_EXTENT_VMFS_SPARSE;
    backing->identity = g_bytes_new("x", 1);
    g_ptr_array_add(chain->warnings, g_strdup("a warning"));
    return chain;
}

static void
test_round_trip(void)
{
    g_autoptr(SvirtChain) chain = example_chain();
    g_autoptr(SvirtChain) read = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = svirt_chain_to_json(chain);
    g_autofree char *again = NULL;
    g_autofree char *difference = NULL;
    const SvirtChainMember *top;

    g_assert_null(strchr(text, '\n'));
    svirt_chain_from_json(text, &read, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_chain_equal(chain, read, &difference));
    g_assert_null(difference);
    /* Equality passes over what may change; the text does not. */
    again = svirt_chain_to_json(read);
    g_assert_cmpstr(text, ==, again);
    top = read->members->pdata[0];
    g_assert_cmpuint(top->header->virtual_size_bytes, ==, UINT64_MAX);
    g_assert_cmpuint(top->header->incompatible_features, ==, UINT64_C(1) << 63);
    g_assert_cmpuint(top->header->autoclear_features, ==, 3);
    g_assert_true(top->header->dirty);
    g_assert_cmpstr(read->warnings->pdata[0], ==, "a warning");
}

/* Each key written is one that the reader needs: dropping it shows. */
static void
test_small_text_is_as_documented(void)
{
    g_autoptr(SvirtChain) chain = svirt_chain_new();
    g_autofree char *text = NULL;

    member_add(chain, "/a", SVIRT_CHAIN_ACTIVE, -1);
    text = svirt_chain_to_json(chain);
    g_assert_cmpstr(text, ==,
                    "{\"members\":[{\"path\":\"/a\",\"format\":\"vmdk\","
                    "\"role\":\"active\",\"header\":{}}]}");
}

#define ACTIVE(more, header)                                                   \
    "{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","                       \
    "\"role\":\"active\"" more ",\"header\":{" header "}}]}"
#define SECOND(member)                                                         \
    "{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","                       \
    "\"role\":\"active\",\"header\":{}}," member "]}"

static const struct {
    const char *name;
    const char *text;
} rows[] = {
    { "empty", "" },
    { "null", "null" },
    { "array", "[]" },
    { "truncated", "{\"members\":[{\"path\":\"/a\"" },
    { "no-members", "{}" },
    { "members-empty", "{\"members\":[]}" },
    { "members-object", "{\"members\":{}}" },
    { "member-not-object", "{\"members\":[1]}" },
    { "unknown-key", "{\"members\":[],\"x\":1}" },
    { "unknown-member-key", ACTIVE(",\"x\":1", "") },
    { "unknown-header-key", ACTIVE("", "\"x\":1") },
    { "duplicate-key", ACTIVE(",\"path\":\"/b\"", "") },
    { "no-path", "{\"members\":[{\"format\":\"raw\",\"role\":\"active\","
                 "\"header\":{}}]}" },
    { "relative-path", "{\"members\":[{\"path\":\"a\",\"format\":\"raw\","
                       "\"role\":\"active\",\"header\":{}}]}" },
    { "no-header", "{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","
                   "\"role\":\"active\"}]}" },
    { "unknown-format", "{\"members\":[{\"path\":\"/a\",\"format\":\"iso\","
                        "\"role\":\"active\",\"header\":{}}]}" },
    { "unknown-role", "{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","
                      "\"role\":\"x\",\"header\":{}}]}" },
    { "first-is-backing", "{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","
                          "\"role\":\"backing\",\"parent\":0,"
                          "\"header\":{}}]}" },
    { "active-with-parent", ACTIVE(",\"parent\":0", "") },
    { "parent-string", ACTIVE(",\"parent\":\"0\"", "") },
    { "extent-kind-of-active", ACTIVE(",\"extent\":\"FLAT\"", "") },
    { "identity-not-base64", ACTIVE(",\"identity\":\"!!\"", "") },
    { "identity-empty", ACTIVE(",\"identity\":\"\"", "") },
    { "header-array", "{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","
                      "\"role\":\"active\",\"header\":[]}]}" },
    { "number-as-integer", ACTIVE("", "\"size\":5") },
    { "number-zero", ACTIVE("", "\"size\":\"0\"") },
    { "number-leading-zero", ACTIVE("", "\"size\":\"05\"") },
    { "number-negative", ACTIVE("", "\"size\":\"-5\"") },
    { "number-over", ACTIVE("", "\"size\":\"18446744073709551616\"") },
    { "version-over", ACTIVE("", "\"version\":\"4294967296\"") },
    { "flag-false", ACTIVE("", "\"dirty\":false") },
    { "format-without-backing", ACTIVE("", "\"backing_format\":\"raw\"") },
    { "unknown-encryption", ACTIVE("", "\"encryption\":\"rot13\"") },
    { "backing-empty", ACTIVE("", "\"backing\":\"\"") },
    { "backing-nul", ACTIVE("", "\"backing\":\"a\\u0000b\"") },
    { "extents-empty", ACTIVE("", "\"extents\":[]") },
    { "extent-without-name", ACTIVE("", "\"extents\":[{\"kind\":\"FLAT\"}]") },
    { "extent-unknown-kind",
      ACTIVE("", "\"extents\":[{\"kind\":\"x\",\"name\":\"a\"}]") },
    { "second-active", SECOND("{\"path\":\"/b\",\"format\":\"raw\","
                              "\"role\":\"active\",\"header\":{}}") },
    { "parent-missing", SECOND("{\"path\":\"/b\",\"format\":\"raw\","
                               "\"role\":\"backing\",\"header\":{}}") },
    { "parent-is-self",
      SECOND("{\"path\":\"/b\",\"format\":\"raw\",\"role\":\"backing\","
             "\"parent\":1,\"header\":{}}") },
    { "parent-negative",
      SECOND("{\"path\":\"/b\",\"format\":\"raw\",\"role\":\"backing\","
             "\"parent\":-1,\"header\":{}}") },
    { "extent-without-kind",
      SECOND("{\"path\":\"/b\",\"format\":\"raw\",\"role\":\"extent\","
             "\"parent\":0,\"header\":{}}") },
    { "too-deep", "{\"members\":[[[[[[[1]]]]]]]}" },
    { "warnings-empty",
      "{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","
      "\"role\":\"active\",\"header\":{}}],\"warnings\":[]}" },
    { "warning-number", "{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","
                        "\"role\":\"active\",\"header\":{}}],"
                        "\"warnings\":[1]}" },
};

static void
test_refuses(gconstpointer number)
{
    g_autoptr(SvirtChain) chain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(svirt_chain_from_json(rows[GPOINTER_TO_UINT(number)].text,
                                         &chain, &error));
    g_assert_null(chain);
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_CORRUPT);
}

static void
test_controls_are_accepted(void)
{
    static const char *const texts[] = {
        ACTIVE("", ""),
        ACTIVE("", "\"size\":\"18446744073709551615\",\"dirty\":true"),
        SECOND("{\"path\":\"/b\",\"format\":\"raw\",\"role\":\"backing\","
               "\"parent\":0,\"header\":{}}"),
        ACTIVE(",\"identity\":\"eA==\"", "\"backing\":\"b\""),
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(SvirtChain) chain = NULL;
        g_autoptr(GError) error = NULL;

        svirt_chain_from_json(texts[i], &chain, &error);
        g_assert_no_error(error);
    }
}

static void
members_check(unsigned count, bool want)
{
    g_autoptr(GString) text =
        g_string_new("{\"members\":[{\"path\":\"/a\",\"format\":\"raw\","
                     "\"role\":\"active\",\"header\":{}}");
    g_autoptr(SvirtChain) chain = NULL;

    for (unsigned i = 1; i < count; i++) {
        g_string_append(text, ",{\"path\":\"/b\",\"format\":\"raw\","
                              "\"role\":\"backing\",\"parent\":0,"
                              "\"header\":{}}");
    }
    g_string_append(text, "]}");
    g_assert_cmpint(svirt_chain_from_json(text->str, &chain, NULL), ==, want);
}

static void
test_members_are_counted(void)
{
    members_check(SVIRT_CHAIN_MEMBERS_MAX, true);
    members_check(SVIRT_CHAIN_MEMBERS_MAX + 1, false);
}

static void
test_text_is_bounded(void)
{
    g_autofree char *blanks = g_strnfill(1024 * 1024, ' ');
    g_autofree char *text = g_strconcat(ACTIVE("", ""), blanks, NULL);
    g_autoptr(SvirtChain) chain = NULL;

    g_assert_false(svirt_chain_from_json(text, &chain, NULL));
    text[1024 * 1024] = '\0';
    g_assert_true(svirt_chain_from_json(text, &chain, NULL));
}

typedef void (*Change)(SvirtChain *chain);

static void
change_path(SvirtChain *chain)
{
    svirt_chain_member_at(chain, 2)->path[1] = 'x';
}

static void
change_format(SvirtChain *chain)
{
    svirt_chain_member_at(chain, 2)->format = SVIRT_IMAGE_FORMAT_RAW;
}

static void
change_header(SvirtChain *chain)
{
    svirt_chain_member_at(chain, 0)->header->backing_name[0] = 'x';
}

static void
change_identity(SvirtChain *chain)
{
    g_clear_pointer(&svirt_chain_member_at(chain, 2)->identity, g_bytes_unref);
}

static void
change_length(SvirtChain *chain)
{
    g_ptr_array_set_size(chain->members, 2);
}

static void
change_active_identity(SvirtChain *chain)
{
    g_clear_pointer(&svirt_chain_member_at(chain, 0)->identity, g_bytes_unref);
}

static void
test_equal_says_what_changed(void)
{
    static const struct {
        Change change;
        const char *text; /* NULL: equal */
    } cases[] = {
        { change_path, "backing file was '/images/base', is now "
                       "'/xmages/base'" },
        { change_format, "'/images/base' was a backing file of format vmdk, "
                         "is now a backing file of format raw" },
        { change_header,
          "'/images/top': backing file was 'base', is now 'xase'" },
        { change_identity,
          "'/images/base' is another file than the one recorded" },
        { change_length, "chain had 3 members, has now 2" },
        { change_active_identity, NULL },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(SvirtChain) recorded = example_chain();
        g_autoptr(SvirtChain) found = example_chain();
        g_autofree char *difference = NULL;

        cases[i].change(found);
        g_assert_cmpint(svirt_chain_equal(recorded, found, &difference), ==,
                        cases[i].text == NULL);
        g_assert_cmpstr(difference, ==, cases[i].text);
        g_assert_cmpint(svirt_chain_equal(recorded, found, NULL), ==,
                        cases[i].text == NULL);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/chain-json/round-trip", test_round_trip);
    g_test_add_func("/image/chain-json/small-text-is-as-documented",
                    test_small_text_is_as_documented);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/image/chain-json/refuses/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_refuses);
    }
    g_test_add_func("/image/chain-json/controls-are-accepted",
                    test_controls_are_accepted);
    g_test_add_func("/image/chain-json/members-are-counted",
                    test_members_are_counted);
    g_test_add_func("/image/chain-json/text-is-bounded", test_text_is_bounded);
    g_test_add_func("/image/chain/equal-says-what-changed",
                    test_equal_says_what_changed);
    return g_test_run();
}
