/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "model/apparmor-profile.h"
#include "profile-reader.h"

/*
 * The same rules compiled by svirt and by apparmor_parser: both automata are
 * asked about the same texts. Rules and texts are random, from fixed seeds.
 */
#define ROUNDS 8
#define RULES 12
#define TEXTS 400

/* What a 6.1 kernel offers, as its features directory says it. */
static const char features[] =
    "policy { versions { v8 { yes } v7 { yes } v6 { yes } v5 { yes } }\n"
    "    set_load { yes } }\n"
    "file { mask { create read write exec append mmap_exec link lock } }\n"
    "network_v8 { af_mask { unix inet inet6 netlink } }\n"
    "signal { mask { hup int quit kill usr1 term stop cont } }\n"
    "ptrace { mask { read trace } }\n"
    "mount { mask { mount umount pivot_root } }\n"
    "domain { version { 1.2 } change_onexec { yes } }\n"
    "caps { mask { chown sys_admin block_suspend } }\n";

typedef struct Both {
    char *directory;
    GByteArray *own;
    char *theirs;
    ReadProfile read_own;
    ReadProfile read_theirs;
} Both;

static void
both_clear(Both *both)
{
    g_byte_array_unref(both->own);
    g_free(both->theirs);
    g_free(both->directory);
}

static void
read_one(const void *bytes, gsize size, ReadProfile *ret)
{
    ReadPlace place = { bytes, bytes, (const uint8_t *)bytes + size };

    g_assert_true(read_profile(&place, ret));
    g_assert_true(place.at == place.end);
}

/* apparmor_parser's result for a profile's text. */
static void
parse_theirs(Both *both, const char *text)
{
    g_autofree char *directory = g_dir_make_tmp("parser.XXXXXX", NULL);
    g_autofree char *rules = g_build_filename(directory, "rules", NULL);
    g_autofree char *kernel = g_build_filename(directory, "features", NULL);
    g_autofree char *output = g_build_filename(directory, "out", NULL);
    g_autofree char *command = g_strdup_printf(
        "apparmor_parser --quiet --skip-cache -M %s -o %s %s", kernel, output,
        rules);
    g_autofree char *messages = NULL;
    GError *error = NULL;
    gsize size;
    int status;

    (void)g_file_set_contents(rules, text, -1, &error);
    g_assert_no_error(error);
    (void)g_file_set_contents(kernel, features, -1, &error);
    g_assert_no_error(error);
    (void)g_spawn_command_line_sync(command, NULL, &messages, &status,
                                    &error);
    g_assert_no_error(error);
    if (status != 0) {
        g_test_message("%s%s", text, messages);
    }
    g_assert_cmpint(status, ==, 0);
    (void)g_file_get_contents(output, &both->theirs, &size, &error);
    g_assert_no_error(error);
    read_one(both->theirs, size, &both->read_theirs);
    (void)g_unlink(rules);
    (void)g_unlink(kernel);
    (void)g_unlink(output);
    (void)g_rmdir(directory);
}

static bool
parser_is_there(void)
{
    g_autofree char *program = g_find_program_in_path("apparmor_parser");

    if (program == NULL) {
        g_test_skip("no apparmor_parser");
    }
    return program != NULL;
}

static char
random_letter(GRand *rand)
{
    return "abc/xyz.01"[g_rand_int_range(rand, 0, 10)];
}

/* A glob, and from the same dice a text it takes, mostly. */
static void
random_piece(GRand *rand, GString *glob, GString *text)
{
    int words = g_rand_int_range(rand, 0, 4);
    char letter = random_letter(rand);
    char other;

    switch (g_rand_int_range(rand, 0, 10)) {
    case 0:
        g_string_append(glob, "*");
        while (words-- > 0) {
            g_string_append_c(text, random_letter(rand));
        }
        break;
    case 1:
        g_string_append(glob, "**");
        while (words-- > 0) {
            g_string_append_c(text, random_letter(rand));
        }
        break;
    case 2:
        g_string_append_c(glob, '?');
        g_string_append_c(text, letter);
        break;
    case 3:
        g_string_append(glob, letter < 'b' ? "[^a-b]" : "[a-cx]");
        g_string_append_c(text, letter);
        break;
    case 4:
        other = random_letter(rand);
        g_string_append_printf(glob, "{%c,%c%c}", letter, other, letter);
        g_string_append_c(text, letter);
        break;
    default:
        g_string_append_c(glob, letter);
        g_string_append_c(text, letter);
        break;
    }
}

static void
drop_double_slashes(GString *glob)
{
    while (strstr(glob->str, "//") != NULL) {
        g_string_erase(glob, strstr(glob->str, "//") - glob->str, 1);
    }
}

static void
random_glob(GRand *rand, GString *glob, GString *text)
{
    int pieces = g_rand_int_range(rand, 1, 9);

    g_string_assign(glob, "/");
    g_string_assign(text, "/");
    while (pieces-- > 0) {
        random_piece(rand, glob, text);
    }
    drop_double_slashes(glob);
}

static void
assert_same(const Both *both, const char *text, gsize length)
{
    uint32_t own = automaton_take(&both->read_own.files, text, length);
    uint32_t theirs = automaton_take(&both->read_theirs.files, text, length);

    if (own != theirs) {
        g_test_message("'%s'", text);
    }
    g_assert_cmphex(own, ==, theirs);
}

static void
change(GRand *rand, GString *text)
{
    gsize at = (gsize)g_rand_int_range(rand, 0, (gint32)text->len);

    switch (g_rand_int_range(rand, 0, 3)) {
    case 0:
        text->str[at] = random_letter(rand);
        break;
    case 1:
        g_string_erase(text, (gssize)at, 1);
        break;
    default:
        g_string_insert_c(text, (gssize)at, random_letter(rand));
        break;
    }
}

static void
test_random_paths(gconstpointer data)
{
    static const char *const accesses[] = { "r", "rw", "mr", "a", "k", "w",
                                            "rwk" };
    g_autoptr(GRand) rand = g_rand_new_with_seed(GPOINTER_TO_UINT(data));
    g_autoptr(SvirtProfile) profile = svirt_profile_new("test", NULL);
    g_autoptr(GString) rules = g_string_new("profile test {\n");
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) glob = g_string_new(NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    Both both = { .own = g_byte_array_new() };
    GError *error = NULL;
    unsigned taken = 0;

    if (!parser_is_there()) {
        both_clear(&both);
        return;
    }
    for (int i = 0; i < RULES; i++) {
        const char *access = accesses[g_rand_int_range(rand, 0,
            G_N_ELEMENTS(accesses))];
        bool owned = g_rand_int_range(rand, 0, 4) == 0;
        unsigned bits;

        random_glob(rand, glob, text);
        g_string_append_printf(rules, "  %s\"%s\" %s,\n",
                               owned ? "owner " : "", glob->str, access);
        g_ptr_array_add(texts, g_strdup(text->str));
        g_assert_true(svirt_profile_access_parse(access, &bits, NULL));
        (void)svirt_profile_allow_path(profile, glob->str, bits, owned,
                                       &error);
        g_assert_no_error(error);
    }
    g_string_append(rules, "}\n");
    (void)svirt_profile_append(profile, both.own, &error);
    g_assert_no_error(error);
    read_one(both.own->data, both.own->len, &both.read_own);
    parse_theirs(&both, rules->str);
    for (int i = 0; i < TEXTS; i++) {
        g_string_assign(text, texts->pdata[i % texts->len]);
        for (int changes = i / 25 % 4; changes > 0; changes--) {
            change(rand, text);
            text->len += text->len == 0;
        }
        assert_same(&both, text->str, text->len);
        taken += automaton_take(&both.read_own.files, text->str,
                                text->len) != 0;
    }
    /* Else the texts would test nothing. */
    g_assert_cmpuint(taken, >, TEXTS / 4);
    g_assert_cmpuint(taken, <, TEXTS);
    both_clear(&both);
}

static const char *const exec_rules =
    "profile test {\n"
    "  /e/i ix,\n  /e/p px,\n  /e/q Px,\n  /e/c cx,\n  /e/d Cx,\n"
    "  /e/u ux,\n  /e/v Ux,\n  owner /o/** rwk,\n  /o/*.log a,\n"
    "  network unix stream,\n  network inet dgram,\n"
    "  signal (send) peer=friend,\n  signal (receive) peer=unconfined,\n"
    "}\n";

/* What the list above says, added by svirt's verbs. */
static void
add_same(SvirtProfile *profile)
{
    static const char *const list[][2] = {
        { "/e/i", "ix" }, { "/e/p", "px" }, { "/e/q", "Px" },
        { "/e/c", "cx" }, { "/e/d", "Cx" }, { "/e/u", "ux" },
        { "/e/v", "Ux" }, { "/o/**", "rwk" }, { "/o/*.log", "a" },
    };
    const unsigned all = SVIRT_PROFILE_SOCKET_USE |
        SVIRT_PROFILE_SOCKET_CREATE | SVIRT_PROFILE_SOCKET_CONNECT |
        SVIRT_PROFILE_SOCKET_ACCEPT | SVIRT_PROFILE_SOCKET_BIND |
        SVIRT_PROFILE_SOCKET_LISTEN;

    for (gsize i = 0; i < G_N_ELEMENTS(list); i++) {
        unsigned bits;

        g_assert_true(svirt_profile_access_parse(list[i][1], &bits, NULL));
        g_assert_true(svirt_profile_allow_path(profile, list[i][0], bits,
            strcmp(list[i][0], "/o/**") == 0, NULL));
    }
    g_assert_true(svirt_profile_allow_socket(profile, AF_UNIX, SOCK_STREAM,
                                             all, NULL));
    g_assert_true(svirt_profile_allow_socket(profile, AF_INET, SOCK_DGRAM,
                                             all, NULL));
    g_assert_true(svirt_profile_allow_signal(profile, "friend",
                                             SVIRT_PROFILE_SIGNAL_SEND,
                                             NULL));
    g_assert_true(svirt_profile_allow_signal(profile, "unconfined",
                                             SVIRT_PROFILE_SIGNAL_RECEIVE,
                                             NULL));
}

static const struct {
    const char *key;
    gsize length;
    uint32_t accept;
} keys[] = {
    { "\x0e\0\1\0\1", 5, 0x1fc076 },
    { "\x0e\0\2\0\2", 5, 0x1fc076 },
    { "\x0e\0\2\0\1", 5, 0 },
    { "\x0a\x0f" "friend", 8, 2 },
    { "\x0a\x09" "unconfined", 12, 4 },
    { "\x0a\x09" "enemy", 7, 0 },
    { "\x09" "friend", 7, 0 },
    { "\x07/\0dev\0ext4\0\1", 12, 0 },
    { "\x07/mnt/", 6, 0 },
    { "\x07/new/\0/old/", 12, 0 },
    { "\x15", 1, 0 },
};

static void
test_kinds_of_rules(void)
{
    static const char *const paths[] = {
        "/e/i", "/e/p", "/e/q", "/e/c", "/e/d", "/e/u", "/e/v", "/e/w",
        "/o/x", "/o/x.log", "/o/x/y.log", "/o/",
    };
    g_autoptr(SvirtProfile) profile = svirt_profile_new("test", NULL);
    Both both = { .own = g_byte_array_new() };

    if (!parser_is_there()) {
        both_clear(&both);
        return;
    }
    add_same(profile);
    g_assert_true(svirt_profile_append(profile, both.own, NULL));
    read_one(both.own->data, both.own->len, &both.read_own);
    parse_theirs(&both, exec_rules);
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        assert_same(&both, paths[i], strlen(paths[i]));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        uint32_t theirs = automaton_take(&both.read_theirs.policy,
                                         keys[i].key, keys[i].length);
        uint32_t own = automaton_take(&both.read_own.policy, keys[i].key,
                                      keys[i].length);

        g_assert_cmphex(theirs, ==, keys[i].accept);
        g_assert_cmphex(own, ==, keys[i].accept);
    }
    g_assert_cmphex(both.read_own.capabilities, ==,
                    both.read_theirs.capabilities);
    both_clear(&both);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        g_autofree char *path = g_strdup_printf(
            "/apparmor/as-the-parser/random-paths-%u", i);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_random_paths);
    }
    g_test_add_func("/apparmor/as-the-parser/kinds-of-rules",
                    test_kinds_of_rules);
    return g_test_run();
}
