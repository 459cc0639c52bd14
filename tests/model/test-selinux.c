/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/selinux-policy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

/* A policy as a directory of files, and a security server of twenty lines. */
typedef struct Fixture {
    char *dir;
    SvirtSelinux selinux;
} Fixture;

static struct {
    bool module;
    bool mls;
    unsigned first_category;
    unsigned last_category;
    unsigned hole; /* a category that is none; 0: none */
    uint32_t flags;
    const char *reply; /* of access; NULL: by dominance */
} server;

static bool
in_range(const SvirtCategorySet *set)
{
    return svirt_category_set_next(set, 0) >= server.first_category &&
           svirt_category_set_next(set, server.last_category + 1) ==
               SVIRT_CATEGORY_MAX &&
           (server.hole == 0 ||
            svirt_category_set_next(set, server.hole) != server.hole);
}

static bool
knows(const char *text)
{
    g_autoptr(SvirtContext) context = NULL;
    bool own;

    if (!svirt_context_parse(text, &context, NULL)) {
        return false;
    }
    own = g_str_has_prefix(context->type, "svirt_vm_") ||
          strcmp(context->type, "svirt_monitor_t") == 0 ||
          strcmp(context->type, "svirt_helper_t") == 0;
    return strcmp(context->type, "bogus_t") != 0 &&
           (!own || server.module) && context->has_range == server.mls &&
           (!context->has_range ||
            in_range(&context->range.high.categories));
}

static ssize_t
answer(int fs, const char *node, const char *request, char *reply,
       size_t size)
{
    g_auto(GStrv) words = g_strsplit(request, " ", -1);
    g_autoptr(SvirtContext) source = NULL;
    g_autoptr(SvirtContext) target = NULL;

    if (!knows(words[0])) {
        errno = EINVAL;
        return -1;
    }
    if (strcmp(node, "context") == 0) {
        return (ssize_t)g_strlcpy(reply, request, size);
    }
    g_assert_cmpstr(node, ==, "access");
    if (words[1] == NULL || !knows(words[1])) {
        errno = EINVAL;
        return -1;
    }
    if (server.reply != NULL) {
        return (ssize_t)g_strlcpy(reply, server.reply, size);
    }
    g_assert_true(svirt_context_parse(words[0], &source, NULL));
    g_assert_true(svirt_context_parse(words[1], &target, NULL));
    return g_snprintf(reply, size, "%x ffffffff 0 ffffffff 7 %x",
                      svirt_context_dominates(source, target) ? 6 : 0,
                      server.flags);
}

static void
put(const Fixture *fixture, const char *path, const char *text)
{
    g_autofree char *full = g_build_filename(fixture->dir, path, NULL);
    g_autofree char *parent = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void
set_up(Fixture *fixture, const void *data)
{
    g_autofree char *fs = NULL;
    g_autofree char *etc = NULL;

    fixture->dir = g_dir_make_tmp("svirt-selinux-XXXXXX", NULL);
    put(fixture, "fs/mls", "1");
    put(fixture, "fs/enforce", "1");
    put(fixture, "fs/class/file/index", "6\n");
    put(fixture, "fs/class/file/perms/read", "2\n");
    put(fixture, "fs/class/file/perms/write", "3\n");
    put(fixture, "fs/class/file/perms/wild", "33\n");
    put(fixture, "etc/config",
        "# comment\nSELINUX=enforcing\n SELINUXTYPE=default \n");
    put(fixture, "etc/default/contexts/virtual_domain_context",
        "system_u:system_r:svirt_t:s0\nsystem_u:system_r:svirt_tcg_t:s0\n");
    put(fixture, "etc/default/contexts/virtual_image_context",
        "system_u:object_r:svirt_image_t:s0\n\n"
        "system_u:object_r:virt_content_t:s0\n");
    fs = g_build_filename(fixture->dir, "fs", NULL);
    etc = g_build_filename(fixture->dir, "etc", NULL);
    fixture->selinux = (SvirtSelinux){
        .fs = open(fs, O_PATH | O_DIRECTORY | O_CLOEXEC),
        .etc = open(etc, O_PATH | O_DIRECTORY | O_CLOEXEC),
        .transact = answer,
    };
    g_assert_cmpint(fixture->selinux.fs, >=, 0);
    memset(&server, 0, sizeof(server));
    server.mls = true;
    server.first_category = 0;
    server.last_category = 1023;
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        remove_tree(child);
    }
    (void)g_remove(path);
}

static void
tear_down(Fixture *fixture, const void *data)
{
    svirt_fd_close(&fixture->selinux.fs);
    svirt_fd_close(&fixture->selinux.etc);
    remove_tree(fixture->dir);
    g_free(fixture->dir);
}

static SvirtLabelSeed
seed_of(const char *set, SvirtCategorySet *categories)
{
    SvirtLabelSeed seed = { .categories = categories };

    g_assert_true(svirt_category_set_parse(set, categories, NULL));
    return seed;
}

static void
read_types(const Fixture *fixture, SvirtSelinuxTypes **ret)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(svirt_selinux_types_read(&fixture->selinux, ret, &error));
    g_assert_no_error(error);
}

static void
test_types_of_the_policy(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSelinuxTypes) types = NULL;
    g_auto(SvirtLabelSet) set = { NULL };
    g_auto(SvirtLabelSet) emulated = { NULL };
    SvirtCategorySet categories;
    SvirtLabelSeed seed = seed_of("c1,c5", &categories);

    read_types(fixture, &types);
    g_assert_false(types->own);
    g_assert_true(svirt_selinux_derive(types, &seed, &set, NULL));
    g_assert_cmpstr(set.vmm, ==, "system_u:system_r:svirt_t:s0:c1,c5");
    g_assert_cmpstr(set.socket, ==, set.vmm);
    g_assert_cmpstr(set.image, ==, "system_u:object_r:svirt_image_t:s0:c1,c5");
    g_assert_cmpstr(set.shared, ==, "system_u:object_r:svirt_image_t:s0");
    g_assert_cmpstr(set.content, ==, "system_u:object_r:virt_content_t:s0");
    g_assert_cmpstr(set.monitor, ==, NULL);
    seed.emulated = true;
    g_assert_true(svirt_selinux_derive(types, &seed, &emulated, NULL));
    g_assert_cmpstr(emulated.vmm, ==, "system_u:system_r:svirt_tcg_t:s0:c1,c5");
}

static void
test_types_of_the_module(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSelinuxTypes) types = NULL;
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtCategorySet categories;
    SvirtLabelSeed seed = seed_of("c1,c2,c9", &categories);

    server.module = true;
    read_types(fixture, &types);
    g_assert_true(types->own);
    g_assert_true(svirt_selinux_derive(types, &seed, &set, NULL));
    g_assert_cmpstr(set.vmm, ==, "system_u:system_r:svirt_vm_t:s0:c1,c2,c9");
    g_assert_cmpstr(set.monitor, ==,
                    "system_u:system_r:svirt_monitor_t:s0:c1,c2,c9");
    g_assert_cmpstr(set.image, ==,
                    "system_u:object_r:svirt_vm_image_t:s0:c1,c2,c9");
    g_assert_cmpstr(set.content, ==,
                    "system_u:object_r:svirt_vm_content_t:s0");
}

static void
test_policy_without_levels(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSelinuxTypes) types = NULL;
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtCategoryRange range;
    SvirtCategorySet categories;
    SvirtLabelSeed seed = seed_of("c1,c5", &categories);

    server.mls = false;
    put(fixture, "fs/mls", "0");
    put(fixture, "etc/default/contexts/virtual_domain_context",
        "system_u:system_r:svirt_t\n");
    put(fixture, "etc/default/contexts/virtual_image_context",
        "system_u:object_r:svirt_image_t\n");
    read_types(fixture, &types);
    g_assert_true(svirt_selinux_derive(types, &seed, &set, NULL));
    g_assert_cmpstr(set.vmm, ==, "system_u:system_r:svirt_t");
    g_assert_cmpstr(set.image, ==, "system_u:object_r:svirt_image_t");
    g_assert_true(svirt_selinux_category_range(&fixture->selinux, types,
                                               &range, NULL));
    g_assert_cmpuint(range.last, ==, 1023);
}

/* MLS: the sensitivity is the one of the domain's own context. */
static void
test_sensitivity_of_the_domain(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSelinuxTypes) types = NULL;
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtCategorySet categories;
    SvirtLabelSeed seed = seed_of("c3,c4", &categories);

    put(fixture, "etc/default/contexts/virtual_domain_context",
        "system_u:system_r:svirt_t:s3-s5:c0.c1023\n");
    read_types(fixture, &types);
    g_assert_true(svirt_selinux_derive(types, &seed, &set, NULL));
    g_assert_cmpstr(set.vmm, ==, "system_u:system_r:svirt_t:s3:c3,c4");
    g_assert_cmpstr(set.image, ==, "system_u:object_r:svirt_image_t:s3:c3,c4");
}

static void
test_base_gives_its_type_alone(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSelinuxTypes) types = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtCategorySet categories;
    SvirtLabelSeed seed = seed_of("c3,c4", &categories);

    read_types(fixture, &types);
    seed.base = "staff_u:staff_r:my_svirt_t:s9:c77";
    g_assert_true(svirt_selinux_derive(types, &seed, &set, &error));
    g_assert_cmpstr(set.vmm, ==, "system_u:system_r:my_svirt_t:s0:c3,c4");
    g_assert_cmpstr(set.image, ==, "system_u:object_r:svirt_image_t:s0:c3,c4");
    seed.base = "my_svirt_t";
    g_assert_false(svirt_selinux_derive(types, &seed, &set, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

static void
test_static_label_gives_images_its_range(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSelinuxTypes) types = NULL;
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtCategorySet categories;
    SvirtLabelSeed seed = seed_of("c3,c4", &categories);

    read_types(fixture, &types);
    seed.given = "system_u:system_r:svirt_t:s0:c392,c662";
    g_assert_true(svirt_selinux_derive(types, &seed, &set, NULL));
    g_assert_cmpstr(set.vmm, ==, seed.given);
    g_assert_cmpstr(set.image, ==,
                    "system_u:object_r:svirt_image_t:s0:c392,c662");
    g_assert_cmpstr(set.shared, ==, "system_u:object_r:svirt_image_t:s0");
}

static void
test_range_is_the_policys(Fixture *fixture, const void *data)
{
    static const struct {
        unsigned first, last, hole, ret_first, ret_last;
    } rows[] = {
        { 0, 1023, 0, 0, 1023 }, { 0, 1022, 0, 0, 1022 },
        { 0, 64, 0, 0, 64 },     { 0, 1, 0, 0, 1 },
        { 0, 0, 0, 0, 0 },       { 100, 139, 0, 100, 139 },
        { 1023, 1023, 0, 1023, 1023 },
        /* Behind a hole in it, or before one. */
        { 0, 99, 20, 21, 99 },   { 0, 1023, 512, 0, 511 },
    };
    g_autoptr(SvirtSelinuxTypes) types = NULL;

    read_types(fixture, &types);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        SvirtCategoryRange range;

        server.first_category = rows[i].first;
        server.last_category = rows[i].last;
        server.hole = rows[i].hole;
        g_assert_true(svirt_selinux_category_range(&fixture->selinux, types,
                                                   &range, NULL));
        g_assert_cmpuint(range.first, ==, rows[i].ret_first);
        g_assert_cmpuint(range.last, ==, rows[i].ret_last);
    }
    server.hole = 0;
}

static void
test_no_category_is_said(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtSelinuxTypes) types = NULL;
    g_autoptr(GError) error = NULL;
    SvirtCategoryRange range;

    read_types(fixture, &types);
    server.first_category = 1;
    server.last_category = 0;
    g_assert_false(svirt_selinux_category_range(&fixture->selinux, types,
                                                &range, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED);
}

static const struct {
    const char *name;
    const char *path;
    const char *text;
    SvirtErrorCode code;
} broken[] = {
    { "no-policy-named", "etc/config", "SELINUX=enforcing\n",
      SVIRT_ERROR_UNSUPPORTED },
    { "policy-out-of-the-directory", "etc/config", "SELINUXTYPE=../default\n",
      SVIRT_ERROR_INVALID },
    { "no-domain", "etc/default/contexts/virtual_domain_context", "\n# x\n",
      SVIRT_ERROR_UNSUPPORTED },
    { "type-not-loaded", "etc/default/contexts/virtual_domain_context",
      "system_u:system_r:bogus_t:s0\n", SVIRT_ERROR_INVALID },
    { "no-context", "etc/default/contexts/virtual_image_context",
      "svirt_image_t\n", SVIRT_ERROR_INVALID },
};

static void
test_broken_policy_is_said(Fixture *fixture, const void *data)
{
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(SvirtSelinuxTypes) types = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree char *full =
            g_build_filename(fixture->dir, broken[i].path, NULL);
        g_autofree char *before = NULL;

        g_test_message("%s", broken[i].name);
        g_assert_true(g_file_get_contents(full, &before, NULL, NULL));
        put(fixture, broken[i].path, broken[i].text);
        g_assert_false(svirt_selinux_types_read(&fixture->selinux, &types,
                                                &error));
        g_assert_error(error, SVIRT_ERROR, (int)broken[i].code);
        put(fixture, broken[i].path, before);
    }
}

static void
test_access_is_asked(Fixture *fixture, const void *data)
{
    static const char *const rw[] = { "read", "write", NULL };
    static const char *const wild[] = { "wild", NULL };
    const char *one = "system_u:system_r:svirt_t:s0:c1,c2";
    const char *same = "system_u:object_r:svirt_image_t:s0:c1,c2";
    const char *other = "system_u:object_r:svirt_image_t:s0:c1,c3";
    g_autoptr(GError) error = NULL;
    SvirtSelinuxDecision decision;
    uint32_t wanted;

    g_assert_true(svirt_selinux_ask(&fixture->selinux, one, same, "file", rw,
                                    &decision, &wanted, NULL));
    g_assert_cmpuint(wanted, ==, 6);
    g_assert_cmpuint(decision.allowed, ==, 6);
    g_assert_cmpuint(decision.sequence, ==, 7);
    g_assert_false(decision.permissive);
    server.flags = 1;
    g_assert_true(svirt_selinux_ask(&fixture->selinux, one, other, "file", rw,
                                    &decision, &wanted, NULL));
    g_assert_cmpuint(decision.allowed & wanted, ==, 0);
    g_assert_true(decision.permissive);
    g_assert_false(svirt_selinux_ask(&fixture->selinux, one, other, "file",
                                     wild, &decision, &wanted, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
    g_clear_error(&error);
    g_assert_false(svirt_selinux_ask(&fixture->selinux, one, "a:b:bogus_t:s0",
                                     "file", rw, &decision, &wanted,
                                     &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
    g_clear_error(&error);
    server.reply = "6 ffffffff";
    g_assert_false(svirt_selinux_ask(&fixture->selinux, one, same, "file", rw,
                                     &decision, &wanted, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_SYSTEM);
}

static void
test_start_is_asked(Fixture *fixture, const void *data)
{
    const char *label = "system_u:system_r:svirt_t:s0:c1,c2";
    g_autoptr(SvirtSelinuxTypes) types = NULL;
    bool may = false;

    put(fixture, "fs/class/process/index", "2\n");
    put(fixture, "fs/class/process/perms/transition", "2\n");
    read_types(fixture, &types);
    /* The server allows what dominates, in every class it has. */
    g_assert_true(svirt_selinux_may_start(
        &fixture->selinux, types, "unconfined_u:unconfined_r:unconfined_t:s0",
        label, &may, NULL));
    g_assert_false(may);
    g_assert_true(svirt_selinux_may_start(
        &fixture->selinux, types,
        "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023", label, &may,
        NULL));
    g_assert_false(may); /* no class process2: no transition under NNP */
    put(fixture, "fs/class/process2/index", "99\n");
    put(fixture, "fs/class/process2/perms/nnp_transition", "2\n");
    put(fixture, "fs/class/process2/perms/nosuid_transition", "3\n");
    g_assert_true(svirt_selinux_may_start(
        &fixture->selinux, types,
        "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023", label, &may,
        NULL));
    g_assert_true(may);
    g_assert_true(svirt_selinux_may_start(&fixture->selinux, types,
                                          "a:b:bogus_t:s0", label, &may,
                                          NULL));
    g_assert_false(may);
}

/* CVE-2020-10731: it must not pass for a host without SELinux. */
static void
test_unmounted_is_never_inactive(Fixture *fixture, const void *data)
{
    static const char with[] = "nodev\tsysfs\nnodev\tselinuxfs\n\text4\n";
    static const char without[] = "nodev\tsysfs\nnodev\tselinuxfs2\n";
    g_autofree char *fs = g_build_filename(fixture->dir, "fs", NULL);
    g_autoptr(GError) error = NULL;
    struct statfs facts;
    SvirtSelinux found;
    bool active = true;

    g_assert_true(svirt_selinux_open(without, fs, 0, fs, &found, &active,
                                     NULL));
    g_assert_false(active);
    g_assert_false(svirt_selinux_open(with, "/nonexistent", 0, fs, &found,
                                      &active, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_UNVERIFIED);
    g_clear_error(&error);
    g_assert_false(svirt_selinux_open(with, fs, 0xf97cff8c, fs, &found,
                                      &active, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_UNVERIFIED);
    g_assert_cmpint(statfs(fs, &facts), ==, 0);
    g_assert_true(svirt_selinux_open(with, fs, facts.f_type, fs, &found,
                                     &active, NULL));
    g_assert_true(active);
    svirt_fd_close(&found.fs);
    svirt_fd_close(&found.etc);
}

#define SELINUX_TEST(name, test)                                             \
    g_test_add("/model/selinux/" name, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SELINUX_TEST("types-of-the-policy", test_types_of_the_policy);
    SELINUX_TEST("types-of-the-module", test_types_of_the_module);
    SELINUX_TEST("policy-without-levels", test_policy_without_levels);
    SELINUX_TEST("sensitivity-of-the-domain", test_sensitivity_of_the_domain);
    SELINUX_TEST("base-gives-its-type-alone", test_base_gives_its_type_alone);
    SELINUX_TEST("static-label-gives-images-its-range",
                 test_static_label_gives_images_its_range);
    SELINUX_TEST("range-is-the-policys", test_range_is_the_policys);
    SELINUX_TEST("no-category-is-said", test_no_category_is_said);
    SELINUX_TEST("broken-policy-is-said", test_broken_policy_is_said);
    SELINUX_TEST("access-is-asked", test_access_is_asked);
    SELINUX_TEST("start-is-asked", test_start_is_asked);
    SELINUX_TEST("unmounted-is-never-inactive",
                 test_unmounted_is_never_inactive);
    return g_test_run();
}
