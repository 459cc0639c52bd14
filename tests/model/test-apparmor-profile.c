/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "model/apparmor-profile.h"
#include "profile-reader.h"

/* What a compiled profile says, read as the kernel reads it. */
static GByteArray *
compile(const SvirtProfile *profile, ReadProfile *ret)
{
    GByteArray *bytes = g_byte_array_new();
    GError *error = NULL;
    ReadPlace place;

    (void)svirt_profile_append(profile, bytes, &error);
    g_assert_no_error(error);
    place = (ReadPlace){ bytes->data, bytes->data, bytes->data + bytes->len };
    g_assert_true(read_profile(&place, ret));
    g_assert_true(place.at == place.end);
    return bytes;
}

static SvirtProfile *
new_profile(void)
{
    GError *error = NULL;
    SvirtProfile *profile = svirt_profile_new("test", &error);

    g_assert_no_error(error);
    return profile;
}

static uint32_t
file_accept(const ReadProfile *profile, const char *path)
{
    return automaton_take(&profile->files, path, strlen(path));
}

static const struct {
    const char *name;
    const char *glob;
    const char *taken; /* paths, separated by blanks */
    const char *passed;
} globs[] = {
    { "literal", "/a/b", "/a/b", "/a /a/ /a/b/ /a/bc /b /" },
    { "star", "/a*c", "/ac /abc /abbc", "/a/c /ab /abcd" },
    { "component", "/a/*", "/a/b /a/bc", "/a/ /a/b/ /a/b/c" },
    { "component-inside", "/a/*/c", "/a/b/c", "/a//c /a/b/b/c /a/c" },
    { "deep", "/a/**", "/a/b /a/b/ /a/b/c", "/a/ /a /a//b" },
    { "deep-inside", "/a/**/c", "/a/b/c /a/b/b/c /a/b//c", "/a/c /a//c" },
    { "deep-end", "/a**", "/a /a/ /a/b /ab", "/b" },
    { "one", "/a?c", "/abc /a?c", "/ac /a/c /abbc" },
    { "class", "/[a-cx]", "/a /b /c /x", "/d /- / /ab" },
    { "class-with-dash", "/[a-]", "/a /-", "/b" },
    { "class-escaped", "/[\\]\\^]", "/] /^", "/a /\\" },
    { "negated", "/[^a-c]", "/d //", "/a /b /c /" },
    { "words", "/{a,bc}d", "/ad /bcd", "/abcd /d /a" },
    { "words-empty", "/a{,b}", "/a /ab", "/abb /" },
    { "words-nested", "/{a,{b,c}d}e", "/ae /bde /cde", "/be /de /abde" },
    { "words-with-star", "/{*,x}/y", "/q/y /x/y //y", "/q/q/y" },
    { "escapes", "/\\*\\{\\,\\}\\[\\\\", "/*{,}[\\", "/a{,}[\\" },
    { "comma", "/a,b", "/a,b", "/a /b" },
    { "bytes", "/\xc3\xa4*", "/\xc3\xa4 /\xc3\xa4\xff", "/\xc3" },
    { "overlap", "/*a*a", "/aa /aba /baaa", "/a /ab" },
};

static void
test_glob(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(SvirtProfile) profile = new_profile();
    g_auto(GStrv) taken = g_strsplit(globs[row].taken, " ", -1);
    g_auto(GStrv) passed = g_strsplit(globs[row].passed, " ", -1);
    g_autoptr(GByteArray) bytes = NULL;
    GError *error = NULL;
    ReadProfile read;

    (void)svirt_profile_allow_path(profile, globs[row].glob,
                                   SVIRT_PROFILE_READ, false, &error);
    g_assert_no_error(error);
    bytes = compile(profile, &read);
    for (char **path = taken; *path != NULL; path++) {
        g_autofree char *shown = g_strescape(*path, NULL);

        g_test_message("takes %s", shown);
        g_assert_cmphex(file_accept(&read, *path), ==, 0x10004);
    }
    for (char **path = passed; *path != NULL; path++) {
        g_autofree char *shown = g_strescape(*path, NULL);

        g_test_message("passes %s", shown);
        g_assert_cmphex(file_accept(&read, *path), ==, 0);
    }
}

static void
test_no_glob_takes_nul(void)
{
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = NULL;
    static const char *const every[] = { "/**", "/*", "/?", "/[^a]" };
    ReadProfile read;

    for (gsize i = 0; i < G_N_ELEMENTS(every); i++) {
        g_assert_true(svirt_profile_allow_path(profile, every[i],
            SVIRT_PROFILE_READ, false, NULL));
    }
    bytes = compile(profile, &read);
    g_assert_cmphex(automaton_take(&read.files, "/b", 2), ==, 0x10004);
    g_assert_cmphex(automaton_take(&read.files, "/\0", 2), ==, 0);
    g_assert_cmphex(automaton_take(&read.files, "/b\0/etc", 7), ==, 0);
}

/* The byte that stands for most others while tables are made. */
static void
test_low_byte(void)
{
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = NULL;
    ReadProfile read;

    g_assert_true(svirt_profile_allow_path(profile, "/a?",
        SVIRT_PROFILE_READ, false, NULL));
    g_assert_true(svirt_profile_allow_path(profile, "/a\x01",
        SVIRT_PROFILE_MAP, false, NULL));
    g_assert_true(svirt_profile_allow_path(profile, "/b\x01",
        SVIRT_PROFILE_MAP, false, NULL));
    bytes = compile(profile, &read);
    g_assert_cmphex(file_accept(&read, "/a\x01"), ==, 0x110044);
    g_assert_cmphex(file_accept(&read, "/a\x02"), ==, 0x10004);
    g_assert_cmphex(file_accept(&read, "/a/"), ==, 0);
    g_assert_cmphex(file_accept(&read, "/b\x01"), ==, 0x100040);
    g_assert_cmphex(file_accept(&read, "/b\x02"), ==, 0);
}

static const struct {
    const char *name;
    const char *glob;
} bad_globs[] = {
    { "relative", "a" },
    { "nothing", "" },
    { "double-slash", "/a//b" },
    { "open-brace", "/{a,b" },
    { "open-nested", "/{a,{b,c}" },
    { "closed-brace", "/a}" },
    { "one-word", "/{a}" },
    { "open-class", "/[a" },
    { "closed-class", "/a]" },
    { "empty-class", "/[]" },
    { "backward-class", "/[z-a]" },
    { "last-backslash", "/a\\" },
    { "class-backslash", "/[\\" },
    { "deep-braces", "/{{{{{{{{{{{{{{{{{a,b},c},d},e},f},g},h},i},j},k},l},m}"
      ",n},o},p},q},r}" },
};

static void
test_bad_glob(gconstpointer data)
{
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GError) error = NULL;

    g_assert_false(svirt_profile_allow_path(profile,
        bad_globs[GPOINTER_TO_SIZE(data)].glob, SVIRT_PROFILE_READ, false,
        &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
    g_assert_nonnull(svirt_error_hint(error));
}

static const struct {
    const char *text;
    uint32_t accept; /* of the owner's and the others' set */
} accesses[] = {
    /* As apparmor_parser 3.0 writes them. */
    { "r", 0x10004 }, { "w", 0x2800a }, { "rw", 0x3800e }, { "a", 0x20008 },
    { "mr", 0x110044 }, { "rwk", 0xb802e }, { "ix", 0x904241 },
    { "px", 0x2404901 }, { "Px", 0x2004801 }, { "cx", 0x3404d01 },
    { "Cx", 0x3004c01 }, { "ux", 0x1404501 }, { "Ux", 0x1004401 },
    { "rix", 0x914245 },
};

static void
test_access(gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = NULL;
    ReadProfile read;
    unsigned access;

    g_assert_true(svirt_profile_access_parse(accesses[row].text, &access,
                                             NULL));
    g_assert_true(svirt_profile_allow_path(profile, "/a", access, false,
                                           NULL));
    g_assert_true(svirt_profile_allow_path(profile, "/o", access, true,
                                           NULL));
    bytes = compile(profile, &read);
    g_assert_cmphex(file_accept(&read, "/a"), ==, accesses[row].accept);
    g_assert_cmphex(file_accept(&read, "/o"), ==,
                    accesses[row].accept & 0x3fff);
}

static void
test_bad_access(void)
{
    static const char *const bad[] = { "", "x", "q", "ixpx", "r w", "rX" };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        unsigned access = 77;

        g_assert_false(svirt_profile_access_parse(bad[i], &access, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        g_assert_cmpuint(access, ==, 77);
    }
}

static void
test_rules_add_up(void)
{
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = NULL;
    ReadProfile read;

    g_assert_true(svirt_profile_allow_path(profile, "/a/**",
        SVIRT_PROFILE_READ, false, NULL));
    g_assert_true(svirt_profile_allow_path(profile, "/a/*.so",
        SVIRT_PROFILE_MAP, false, NULL));
    bytes = compile(profile, &read);
    g_assert_cmphex(file_accept(&read, "/a/b.so"), ==, 0x110044);
    g_assert_cmphex(file_accept(&read, "/a/b.s"), ==, 0x10004);
    g_assert_cmphex(file_accept(&read, "/a/b/c.so"), ==, 0x10004);
}

static void
test_contradiction(void)
{
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GError) error = NULL;

    g_byte_array_append(bytes, (const guint8 *)"before", 6);
    g_assert_true(svirt_profile_allow_path(profile, "/a/*",
        SVIRT_PROFILE_EXEC_INHERIT, false, NULL));
    g_assert_true(svirt_profile_allow_path(profile, "/*/b",
        SVIRT_PROFILE_EXEC_PROFILE, false, NULL));
    g_assert_false(svirt_profile_append(profile, bytes, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_cmpuint(bytes->len, ==, 6);
}

static void
test_link(void)
{
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = NULL;
    static const char pair[] = "/l\0/any/target";
    static const char other[] = "/m\0/any/target";
    ReadProfile read;

    g_assert_true(svirt_profile_allow_path(profile, "/l",
        SVIRT_PROFILE_LINK | SVIRT_PROFILE_READ, false, NULL));
    bytes = compile(profile, &read);
    g_assert_cmphex(file_accept(&read, "/l"), ==, 0x50014);
    /* Only where the target may be accessed as the link. */
    g_assert_cmphex(automaton_take(&read.files, pair, sizeof(pair) - 1), ==,
                    0xc0030);
    g_assert_cmphex(automaton_take(&read.files, other, sizeof(other) - 1),
                    ==, 0);
}

static void
test_literal(void)
{
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = NULL;
    ReadProfile read;

    g_assert_true(svirt_profile_allow_literal(profile, "/a*{b}", false,
        SVIRT_PROFILE_READ, NULL));
    g_assert_true(svirt_profile_allow_literal(profile, "/t[1]", true,
        SVIRT_PROFILE_READ, NULL));
    bytes = compile(profile, &read);
    g_assert_cmphex(file_accept(&read, "/a*{b}"), ==, 0x10004);
    g_assert_cmphex(file_accept(&read, "/axb"), ==, 0);
    g_assert_cmphex(file_accept(&read, "/t[1]/"), ==, 0x10004);
    g_assert_cmphex(file_accept(&read, "/t[1]/x/y"), ==, 0x10004);
    g_assert_cmphex(file_accept(&read, "/t[1]"), ==, 0);
    g_assert_cmphex(file_accept(&read, "/t[1]x"), ==, 0);
    g_assert_cmphex(file_accept(&read, "/t1/x"), ==, 0);
}

static const struct {
    const char *name;
    const char *key;
    gsize length;
    uint32_t accept;
} keys[] = {
    { "socket-named", "\x0e\0\1\0\1", 5, 0x18c026 },
    { "socket-other-type", "\x0e\0\1\0\2", 5, 0 },
    { "socket-other-family", "\x0e\0\2\0\1", 5, 0 },
    { "socket-any-type", "\x0e\0\x0a\0\3", 5, 0x50 },
    { "socket-high-family", "\x0e\1\1\0\1", 5, 0 },
    { "signal-named", "\x0a\x0f" "peer", 6, 4 },
    { "signal-other", "\x0a\x0f" "peer2", 7, 0 },
    { "signal-part", "\x0a\x0f" "pee", 5, 0 },
    { "ptrace", "\x09" "peer", 5, 0 },
    { "mount", "\x07/\0none\0ext4\0\1", 13, 0 },
    { "namespace", "\x15", 1, 0 },
};

static void
test_policy(void)
{
    static const uint8_t classes[] = { 2, 3, 7, 9, 10, 14, 16, 17, 19, 21,
                                       22 };
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = NULL;
    ReadProfile read;

    g_assert_true(svirt_profile_allow_socket(profile, AF_UNIX, SOCK_STREAM,
        SVIRT_PROFILE_SOCKET_USE, NULL));
    g_assert_true(svirt_profile_allow_socket(profile, AF_INET6, 0,
        SVIRT_PROFILE_SOCKET_CREATE | SVIRT_PROFILE_SOCKET_CONNECT, NULL));
    g_assert_true(svirt_profile_allow_signal(profile, "peer",
        SVIRT_PROFILE_SIGNAL_RECEIVE, NULL));
    bytes = compile(profile, &read);
    g_assert_cmpstr(read.name, ==, "test");
    g_assert_cmpuint(read.version, ==, SVIRT_PROFILE_VERSION);
    g_assert_cmpuint(read.mode, ==, 0);
    g_assert_cmphex(read.capabilities, ==, 0);
    for (gsize i = 0; i < sizeof(classes); i++) {
        g_assert_cmpuint(automaton_walk(&read.policy, read.policy.start,
                                        &classes[i], 1), !=, 0);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_test_message("%s", keys[i].name);
        g_assert_cmphex(automaton_take(&read.policy, keys[i].key,
                                       keys[i].length), ==, keys[i].accept);
    }
}

static void
test_bad_name(void)
{
    g_autofree char *wide = g_strnfill(256, 'a');
    const char *const bad[] = { "", ":ns:a", "a b", "a\n", "\xc3\xa4", wide };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(svirt_profile_new(bad[i], &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
    }
}

/* Wildcards that multiply are refused in good time, not computed. */
static void
test_too_many(void)
{
    g_autoptr(SvirtProfile) profile = new_profile();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    gint64 began = g_get_monotonic_time();

    for (int i = 0; i < 20; i++) {
        g_autofree char *glob = g_strdup_printf("/**a%c**b%c**c%c", 'a' + i,
                                                'b' + i, 'c' + i);

        g_assert_true(svirt_profile_allow_path(profile, glob,
            SVIRT_PROFILE_READ, false, NULL));
    }
    g_assert_false(svirt_profile_append(profile, bytes, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED);
    g_assert_cmpint(g_get_monotonic_time() - began, <, 20 * G_USEC_PER_SEC);
}

static void
test_same_bytes(void)
{
    GByteArray *bytes[2];

    for (int i = 0; i < 2; i++) {
        g_autoptr(SvirtProfile) profile = new_profile();
        ReadProfile read;

        g_assert_true(svirt_profile_allow_path(profile, "/usr/{lib,x}/**",
            SVIRT_PROFILE_READ, false, NULL));
        bytes[i] = compile(profile, &read);
    }
    g_assert_cmpmem(bytes[0]->data, bytes[0]->len, bytes[1]->data,
                    bytes[1]->len);
    g_byte_array_unref(bytes[0]);
    g_byte_array_unref(bytes[1]);
}

#define ADD_ROWS(rows, prefix, field, function)                              \
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {                         \
        g_autofree char *path = g_strdup_printf("%s%s", prefix,              \
                                                (rows)[i].field);            \
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), function);           \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS(globs, "/apparmor/glob/", name, test_glob)
    ADD_ROWS(bad_globs, "/apparmor/glob/refuses-", name, test_bad_glob)
    ADD_ROWS(accesses, "/apparmor/access/", text, test_access)
    g_test_add_func("/apparmor/glob/takes-no-nul", test_no_glob_takes_nul);
    g_test_add_func("/apparmor/glob/low-byte", test_low_byte);
    g_test_add_func("/apparmor/access/refuses", test_bad_access);
    g_test_add_func("/apparmor/rules/add-up", test_rules_add_up);
    g_test_add_func("/apparmor/rules/contradict", test_contradiction);
    g_test_add_func("/apparmor/rules/link", test_link);
    g_test_add_func("/apparmor/rules/literal", test_literal);
    g_test_add_func("/apparmor/rules/too-many", test_too_many);
    g_test_add_func("/apparmor/policy/keys", test_policy);
    g_test_add_func("/apparmor/profile/refuses-name", test_bad_name);
    g_test_add_func("/apparmor/profile/same-bytes", test_same_bytes);
    return g_test_run();
}
