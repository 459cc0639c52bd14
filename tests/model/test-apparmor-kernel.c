/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "model/apparmor-body.h"
#include "model/apparmor-kernel.h"
#include "model/model.h"
#include "profile-reader.h"

/* A directory that stands for the kernel's two; tests/models asks the real
 * ones. */
typedef struct Fake {
    char *top;
    char *parameters;
    char *fs;
    int64_t magic;
    SvirtApparmor apparmor;
    bool active;
} Fake;

static void
put(const char *directory, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    GError *error = NULL;

    (void)g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
}

static void
fake_make(Fake *fake)
{
    struct statfs facts;

    fake->top = g_dir_make_tmp("apparmor.XXXXXX", NULL);
    fake->parameters = g_build_filename(fake->top, "parameters", NULL);
    fake->fs = g_build_filename(fake->top, "fs", NULL);
    g_assert_cmpint(g_mkdir(fake->parameters, 0700), ==, 0);
    g_assert_cmpint(g_mkdir(fake->fs, 0700), ==, 0);
    g_assert_cmpint(statfs(fake->fs, &facts), ==, 0);
    fake->magic = facts.f_type;
    fake->apparmor = (SvirtApparmor){ -1, -1, -1, -1 };
    put(fake->parameters, "enabled", "Y\n");
    put(fake->parameters, "mode", "enforce\n");
    put(fake->parameters, "lock_policy", "N\n");
    put(fake->fs, "profiles", "one (enforce)\ntwo words (complain)\n"
        "one//child (kill)\nodd\nlast (unconfined)\n");
    put(fake->fs, ".replace", "");
    put(fake->fs, ".access", "");
}

static bool
fake_open(Fake *fake, GError **error)
{
    return svirt_apparmor_open(fake->parameters, fake->fs, fake->magic,
                               &fake->apparmor, &fake->active, error);
}

static void
fake_clear(Fake *fake)
{
    static const char *const files[] = {
        "parameters/enabled", "parameters/mode", "parameters/lock_policy",
        "fs/profiles", "fs/.replace", "fs/.access", "fs", "parameters",
    };

    svirt_fd_close(&fake->apparmor.fs);
    svirt_fd_close(&fake->apparmor.parameters);
    svirt_fd_close(&fake->apparmor.questions);
    svirt_fd_close(&fake->apparmor.mode);
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(fake->top, files[i], NULL);

        (void)g_remove(path);
    }
    (void)g_rmdir(fake->top);
    g_free(fake->top);
    g_free(fake->parameters);
    g_free(fake->fs);
}

static void
test_active(void)
{
    GError *error = NULL;
    Fake fake;

    fake_make(&fake);
    (void)fake_open(&fake, &error);
    g_assert_no_error(error);
    g_assert_true(fake.active);
    fake_clear(&fake);
}

static void
test_disabled(void)
{
    Fake fake;

    fake_make(&fake);
    put(fake.parameters, "enabled", "N\n");
    g_assert_true(fake_open(&fake, NULL));
    g_assert_false(fake.active);
    fake_clear(&fake);
}

static void
test_not_built(void)
{
    SvirtApparmor apparmor;
    bool active = true;

    g_assert_true(svirt_apparmor_open("/nowhere/parameters", "/nowhere/fs", 1,
                                      &apparmor, &active, NULL));
    g_assert_false(active);
}

/* CVE-2020-10731: running, and silently not used. */
static void
test_not_mounted(void)
{
    g_autoptr(GError) missing = NULL;
    g_autoptr(GError) other = NULL;
    Fake fake;

    fake_make(&fake);
    fake.magic++;
    g_assert_false(fake_open(&fake, &other));
    g_assert_error(other, SVIRT_ERROR, SVIRT_ERROR_UNVERIFIED);
    g_assert_nonnull(strstr(svirt_error_hint(other), "mount"));
    g_assert_false(svirt_apparmor_open(fake.parameters, "/nowhere", 1,
                                       &fake.apparmor, &fake.active,
                                       &missing));
    g_assert_error(missing, SVIRT_ERROR, SVIRT_ERROR_UNVERIFIED);
    fake_clear(&fake);
}

static const struct {
    const char *line;
    const char *name; /* NULL: no label */
    SvirtApparmorMode mode;
} lines[] = {
    { "a (enforce)", "a", SVIRT_APPARMOR_ENFORCE },
    { "a b (complain)", "a b", SVIRT_APPARMOR_COMPLAIN },
    { "a//b (kill)", "a//b", SVIRT_APPARMOR_KILL },
    { "a (b) (mixed)", "a (b)", SVIRT_APPARMOR_MIXED },
    { "unconfined", "unconfined", SVIRT_APPARMOR_UNCONFINED },
    { "a", NULL, 0 },
    { "a (other)", NULL, 0 },
    { "a(enforce)", NULL, 0 },
    { " (enforce)", NULL, 0 },
    { "(enforce)", NULL, 0 },
    { "a (enforce", NULL, 0 },
    { "", NULL, 0 },
};

static void
test_split(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = g_strdup(lines[i].line);
        SvirtApparmorMode mode = SVIRT_APPARMOR_MODE_MAX;

        g_test_message("'%s'", line);
        g_assert_true(svirt_apparmor_split(line, &mode) ==
                      (lines[i].name != NULL));
        if (lines[i].name != NULL) {
            g_assert_cmpstr(line, ==, lines[i].name);
            g_assert_cmpint(mode, ==, lines[i].mode);
        }
    }
}

static void
test_find(void)
{
    SvirtApparmorMode mode;
    bool known;
    Fake fake;

    fake_make(&fake);
    g_assert_true(fake_open(&fake, NULL));
    g_assert_true(svirt_apparmor_find(&fake.apparmor, "two words", &known,
                                      &mode, NULL));
    g_assert_true(known);
    g_assert_cmpint(mode, ==, SVIRT_APPARMOR_COMPLAIN);
    g_assert_true(svirt_apparmor_find(&fake.apparmor, "on", &known, &mode,
                                      NULL));
    g_assert_false(known);
    g_assert_true(svirt_apparmor_find(&fake.apparmor, "odd", &known, &mode,
                                      NULL));
    g_assert_false(known);
    fake_clear(&fake);
}

/* The same file, as the kernel's is. */
static void
change_mode(const Fake *fake, const char *text)
{
    g_autofree char *path = g_build_filename(fake->parameters, "mode", NULL);
    SVIRT_AUTO_FD fd = open(path, O_WRONLY | O_TRUNC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(svirt_write_full(fd, text, strlen(text)));
}

static void
test_global_mode(void)
{
    g_autoptr(GError) error = NULL;
    SvirtApparmorMode mode;
    Fake fake;

    fake_make(&fake);
    g_assert_true(fake_open(&fake, NULL));
    g_assert_true(svirt_apparmor_global_mode(&fake.apparmor, &mode, NULL));
    g_assert_cmpint(mode, ==, SVIRT_APPARMOR_ENFORCE);
    change_mode(&fake, "complain\n");
    g_assert_true(svirt_apparmor_global_mode(&fake.apparmor, &mode, NULL));
    g_assert_cmpint(mode, ==, SVIRT_APPARMOR_COMPLAIN);
    change_mode(&fake, "perhaps\n");
    g_assert_false(svirt_apparmor_global_mode(&fake.apparmor, &mode,
                                              &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_CORRUPT);
    fake_clear(&fake);
}

static void
test_replace(void)
{
    g_autofree char *got = NULL;
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    Fake fake;

    fake_make(&fake);
    g_assert_true(fake_open(&fake, NULL));
    g_assert_true(svirt_apparmor_replace(&fake.apparmor, "bytes", 5, NULL));
    path = g_build_filename(fake.fs, ".replace", NULL);
    g_assert_true(g_file_get_contents(path, &got, NULL, NULL));
    g_assert_cmpstr(got, ==, "bytes");
    (void)g_remove(path);
    g_assert_false(svirt_apparmor_replace(&fake.apparmor, "bytes", 5,
                                          &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
    /* A profile that is not there need not be removed. */
    g_assert_true(svirt_apparmor_remove(&fake.apparmor, "one", NULL));
    fake_clear(&fake);
}

/* The file gives the query back, which is no answer. */
static void
test_strange_answer(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) wide = NULL;
    g_autofree char *name = g_strnfill(9000, 'a');
    bool known;
    uint32_t allow;
    Fake fake;

    fake_make(&fake);
    g_assert_true(fake_open(&fake, NULL));
    g_assert_false(svirt_apparmor_ask(&fake.apparmor, "one", "\x02/", 2,
                                      &known, &allow, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_CORRUPT);
    g_assert_false(svirt_apparmor_ask(&fake.apparmor, name, "\x02/", 2,
                                      &known, &allow, &wide));
    g_assert_error(wide, SVIRT_ERROR, SVIRT_ERROR_INVALID);
    fake_clear(&fake);
}

static void
make_set(const char *given, SvirtLabelSeed *seed, SvirtLabelSet *ret)
{
    GError *error = NULL;

    *seed = (SvirtLabelSeed){ .given = given };
    g_assert_true(svirt_uuid_parse("aaaaaaaa-0000-4000-8000-000000000001",
                                   &seed->uuid));
    (void)svirt_model_apparmor.derive(seed, ret, &error);
    g_assert_no_error(error);
}

#define NAME "svirt-aaaaaaaa-0000-4000-8000-000000000001"

static void
test_derive(void)
{
    g_auto(SvirtLabelSet) own = { NULL };
    g_auto(SvirtLabelSet) given = { NULL };
    SvirtLabelSeed seed;

    make_set(NULL, &seed, &own);
    g_assert_cmpstr(own.vmm, ==, NAME);
    g_assert_cmpstr(own.monitor, ==, NAME "//monitor");
    g_assert_cmpstr(own.helper, ==, NAME "//passt");
    g_assert_null(own.image);
    make_set("web", &seed, &given);
    g_assert_cmpstr(given.vmm, ==, "web");
    g_assert_null(given.monitor);
}

static void
test_derive_refuses(void)
{
    g_autofree char *wide = g_strnfill(4097, 'a');
    const SvirtLabelSeed seeds[] = {
        { .base = "base" }, { .given = "unconfined" }, { .given = "" },
        { .given = wide },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(GError) error = NULL;
        SvirtLabelSet set;

        g_assert_false(svirt_model_apparmor.derive(&seeds[i], &set, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        g_assert_nonnull(svirt_error_hint(error));
    }
}

static void
read_all(const GByteArray *bytes, ReadProfile profiles[3])
{
    ReadPlace place = { bytes->data, bytes->data,
                        bytes->data + bytes->len };

    for (int i = 0; i < 3; i++) {
        g_assert_true(read_profile(&place, &profiles[i]));
    }
    g_assert_true(place.at == place.end);
}

static uint32_t
may(const ReadProfile *profile, const char *path)
{
    return automaton_take(&profile->files, path, strlen(path)) & 0x7f;
}

/* What the constant body says of the host's files. */
static void
test_body(void)
{
    static const char *const closed[] = {
        "/", "/etc/passwd", "/etc/shadow", "/usr/", "/usr/bin/qemu-img",
        "/usr/share/doc/x", "/proc/1/mem", "/proc/self/maps", "/dev/sda",
        "/var/lib/svirt/x", "/run/svirt/x", "/dev/shm/x", "/tmp/x",
        "/usr/share/qemu", "/usr/libexec/x", "/dev/net/tun",
    };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_auto(SvirtLabelSet) set = { NULL };
    ReadProfile profile[3];
    SvirtLabelSeed seed;
    GError *error = NULL;

    make_set(NULL, &seed, &set);
    (void)svirt_apparmor_make(&seed, &set, bytes, &error);
    g_assert_no_error(error);
    read_all(bytes, profile);
    g_assert_cmpstr(profile[0].name, ==, NAME);
    g_assert_cmpstr(profile[1].name, ==, NAME "//monitor");
    g_assert_cmpstr(profile[2].name, ==, NAME "//passt");
    for (gsize i = 0; i < G_N_ELEMENTS(closed); i++) {
        g_test_message("%s", closed[i]);
        for (int j = 0; j < 3; j++) {
            g_assert_cmphex(may(&profile[j], closed[i]), ==, 0);
        }
    }
    g_assert_cmphex(may(&profile[0], "/usr/lib/x/libc.so.6"), ==, 0x44);
    g_assert_cmphex(may(&profile[0], "/usr/share/seabios/bios.bin"), ==, 4);
    g_assert_cmphex(may(&profile[0], "/dev/kvm"), ==, 0xe);
    g_assert_cmphex(may(&profile[1], "/dev/kvm"), ==, 0);
    g_assert_cmphex(profile[0].capabilities, ==, 0);
    g_assert_cmphex(profile[2].capabilities, ==, 0);
    /* Use, and nothing that makes or opens a socket. */
    g_assert_cmphex(automaton_take(&profile[0].policy, "\x0e\0\2\0\1", 5),
                    ==, 0x18c026);
    g_assert_cmphex(automaton_take(&profile[0].policy, "\x0e\0\x10\0\3", 5),
                    ==, 0);
    g_assert_cmphex(automaton_take(&profile[0].policy,
        "\x0a\x09svirt-aaaaaaaa-0000-4000-8000-000000000002", 44), ==, 0);
    g_assert_cmphex(automaton_take(&profile[0].policy, "\x0a\x09" NAME, 44),
                    ==, 6);
    g_assert_cmphex(automaton_take(&profile[0].policy,
                                   "\x0a\x09unconfined", 12), ==, 4);
}

static void
test_body_with_paths(void)
{
    static const SvirtModelPath paths[] = {
        { "/dev/vfio/7", SVIRT_MODEL_PATH_READ | SVIRT_MODEL_PATH_WRITE },
        { "/srv/a*", SVIRT_MODEL_PATH_READ | SVIRT_MODEL_PATH_TREE },
        { "/opt/vmm", SVIRT_MODEL_PATH_EXECUTE },
    };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_auto(SvirtLabelSet) set = { NULL };
    ReadProfile profile[3];
    SvirtLabelSeed seed;

    make_set(NULL, &seed, &set);
    seed.paths = paths;
    seed.path_count = G_N_ELEMENTS(paths);
    g_assert_true(svirt_apparmor_make(&seed, &set, bytes, NULL));
    read_all(bytes, profile);
    g_assert_cmphex(may(&profile[0], "/dev/vfio/7"), ==, 0x2e);
    g_assert_cmphex(may(&profile[0], "/dev/vfio/8"), ==, 0);
    g_assert_cmphex(may(&profile[0], "/srv/a*/b/c"), ==, 4);
    g_assert_cmphex(may(&profile[0], "/srv/ab/c"), ==, 0);
    g_assert_cmphex(may(&profile[0], "/opt/vmm"), ==, 0x45);
    g_assert_cmphex(may(&profile[1], "/dev/vfio/7"), ==, 0);
    g_assert_cmphex(may(&profile[2], "/srv/a*/b"), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/apparmor/kernel/active", test_active);
    g_test_add_func("/apparmor/kernel/disabled", test_disabled);
    g_test_add_func("/apparmor/kernel/not-built", test_not_built);
    g_test_add_func("/apparmor/kernel/not-mounted-is-an-error",
                    test_not_mounted);
    g_test_add_func("/apparmor/kernel/splits-labels", test_split);
    g_test_add_func("/apparmor/kernel/finds-profiles", test_find);
    g_test_add_func("/apparmor/kernel/global-mode", test_global_mode);
    g_test_add_func("/apparmor/kernel/replace", test_replace);
    g_test_add_func("/apparmor/kernel/strange-answer", test_strange_answer);
    g_test_add_func("/apparmor/derive/names", test_derive);
    g_test_add_func("/apparmor/derive/refuses", test_derive_refuses);
    g_test_add_func("/apparmor/body/closed-but-for", test_body);
    g_test_add_func("/apparmor/body/paths", test_body_with_paths);
    return g_test_run();
}
