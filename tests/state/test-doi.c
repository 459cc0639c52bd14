/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include <sys/wait.h>

#include "state/doi.h"

typedef struct Keys {
    char *directory; /* owned */
    char *path;      /* owned; of example.com's key */
} Keys;

static void
put_key(const Keys *keys, const char *name, size_t size, unsigned mode)
{
    g_autofree char *file = g_strconcat(name, ".key", NULL);
    g_autofree char *path = g_build_filename(keys->directory, file, NULL);
    char bytes[64];

    memset(bytes, 'k', sizeof(bytes));
    g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
    g_assert_cmpint(g_chmod(path, (int)mode), ==, 0);
}

static void
keys_set_up(Keys *keys, gconstpointer data)
{
    keys->directory = make_directory();
    keys->path =
        g_build_filename(keys->directory, "example.com.key", NULL);
    put_key(keys, "example.com", 32, 0600);
}

static void
keys_tear_down(Keys *keys, gconstpointer data)
{
    remove_tree(keys->directory);
    g_free(keys->directory);
    g_free(keys->path);
}

static void
assert_fails(const Keys *keys, const char *name, int code)
{
    SvirtDoi *doi = NULL;

    ASSERT_FAILS(svirt_doi_open(keys->directory, name, "id", &doi, &error),
                 code);
    g_assert_null(doi);
}

static void
test_named_key_is_read(Keys *keys, gconstpointer data)
{
    g_autoptr(SvirtDoi) doi = NULL;
    g_autoptr(SvirtDoi) only = NULL;

    ASSERT_WORKS(svirt_doi_open(keys->directory, "example.com", "id", &doi,
                                &error));
    g_assert_cmpstr(doi->name, ==, "example.com");
    g_assert_cmpint(doi->key[31], ==, 'k');
    /* The only one needs no name. */
    ASSERT_WORKS(svirt_doi_open(keys->directory, NULL, "id", &only, &error));
    g_assert_cmpstr(only->name, ==, "example.com");
    assert_fails(keys, "other.example.com", SVIRT_ERROR_NOT_FOUND);
    put_key(keys, "second.example.com", 32, 0600);
    assert_fails(keys, NULL, SVIRT_ERROR_STATE);
}

static void
test_wrong_size_is_refused(Keys *keys, gconstpointer data)
{
    static const size_t sizes[] = { 0, 31, 33, 64 };

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        put_key(keys, "example.com", sizes[i], 0600);
        assert_fails(keys, "example.com", SVIRT_ERROR_CORRUPT);
    }
}

static void
test_wrong_mode_owner_or_kind_is_refused(Keys *keys, gconstpointer data)
{
    static const unsigned modes[] = { 0640, 0604, 0620, 0601 };
    g_autofree char *other = g_strconcat(keys->path, "-other", NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        put_key(keys, "example.com", 32, modes[i]);
        assert_fails(keys, "example.com", SVIRT_ERROR_REFUSED);
    }
    put_key(keys, "example.com", 32, 0600);
    if (geteuid() == 0) {
        g_assert_cmpint(chown(keys->path, 1234, 0), ==, 0);
        assert_fails(keys, "example.com", SVIRT_ERROR_REFUSED);
        g_assert_cmpint(chown(keys->path, 0, 0), ==, 0);
    }
    g_assert_cmpint(link(keys->path, other), ==, 0);
    assert_fails(keys, "example.com", SVIRT_ERROR_REFUSED);
    g_assert_cmpint(g_unlink(keys->path), ==, 0);
    g_assert_cmpint(symlink(other, keys->path), ==, 0);
    assert_fails(keys, "example.com", SVIRT_ERROR_REFUSED);
    g_assert_cmpint(g_unlink(keys->path), ==, 0);
    g_assert_cmpint(mkfifo(keys->path, 0600), ==, 0);
    assert_fails(keys, "example.com", SVIRT_ERROR_REFUSED);
}

static void
test_open_directory_is_refused(Keys *keys, gconstpointer data)
{
    g_assert_cmpint(g_chmod(keys->directory, 0777), ==, 0);
    assert_fails(keys, "example.com", SVIRT_ERROR_REFUSED);
}

static void
test_bad_names_are_refused(Keys *keys, gconstpointer data)
{
    static const char *const names[] = {
        "", ".", "..", "../etc", "a/b", "a..b", ".a", "a.", "a b", "a\nb",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        assert_fails(keys, names[i], SVIRT_ERROR_INVALID);
    }
    g_assert_true(svirt_doi_name_is_valid("engineering.example.com"));
}

static void
test_local_name_hides_the_machine_id(void)
{
    static const char *const id = "0123456789abcdef0123456789abcdef";
    g_autofree char *name = svirt_doi_local_name(id);
    g_autofree char *again = svirt_doi_local_name(id);
    g_autofree char *other = svirt_doi_local_name("another");

    g_assert_cmpstr(name, ==, again);
    g_assert_cmpstr(name, !=, other);
    g_assert_cmpuint(strlen(name), ==, strlen("local.") + 16);
    g_assert_true(svirt_doi_name_is_valid(name));
    g_assert_null(strstr(name, "0123"));
}

/* Several first commands at once: one key, the same for all. */
static void
test_local_key_is_made_once(void)
{
    g_autofree char *parent = make_directory();
    g_autofree char *directory = g_build_filename(parent, "doi", NULL);
    g_autofree char *name = svirt_doi_local_name("machine");
    g_autofree char *file = g_strconcat(name, ".key", NULL);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    g_autoptr(GDir) entries = NULL;
    uint8_t keys[4][SVIRT_DOI_KEY_BYTES];
    unsigned files = 0;
    struct stat st;
    int fds[2];

    g_assert_cmpint(pipe(fds), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        pid_t child = fork();

        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            SvirtDoi *doi = NULL;

            ASSERT_WORKS(svirt_doi_open(directory, NULL, "machine", &doi,
                                        &error));
            g_assert_cmpint(write(fds[1], doi->key, sizeof(doi->key)), ==,
                            sizeof(doi->key));
            _exit(0);
        }
    }
    close(fds[1]);
    for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_assert_cmpint(read(fds[0], keys[i], sizeof(keys[i])), ==,
                        sizeof(keys[i]));
        g_assert_cmpmem(keys[i], sizeof(keys[i]), keys[0], sizeof(keys[0]));
    }
    close(fds[0]);
    while (wait(NULL) > 0) {
    }
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmphex(st.st_mode, ==, S_IFREG | 0600);
    g_assert_cmpint(st.st_size, ==, 32);
    entries = g_dir_open(directory, 0, NULL);
    while (g_dir_read_name(entries) != NULL) {
        files++;
    }
    g_assert_cmpuint(files, ==, 1);
    remove_tree(parent);
}

#define ADD_KEYS(path, function)                                             \
    g_test_add(path, Keys, NULL, keys_set_up, function, keys_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_KEYS("/state/doi/named-key-is-read", test_named_key_is_read);
    ADD_KEYS("/state/doi/wrong-size-is-refused", test_wrong_size_is_refused);
    ADD_KEYS("/state/doi/wrong-mode-owner-or-kind-is-refused",
             test_wrong_mode_owner_or_kind_is_refused);
    ADD_KEYS("/state/doi/open-directory-is-refused",
             test_open_directory_is_refused);
    ADD_KEYS("/state/doi/bad-names-are-refused", test_bad_names_are_refused);
    g_test_add_func("/state/doi/local-name-hides-the-machine-id",
                    test_local_name_hides_the_machine_id);
    g_test_add_func("/state/doi/local-key-is-made-once",
                    test_local_key_is_made_once);
    return g_test_run();
}
