/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/refusal.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "compartment/refusal-facts.h"
#include "fixture.h"

#define EXCLUSIVE SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE
#define READ_ONLY SVIRT_REFUSAL_USE_IMAGE_READ_ONLY

/* Judge what `path` leads to, for a VM of root's. */
static bool
judge_as(Fixture *fixture, const SvirtDefinition *definition,
         const char *path, SvirtRefusalUse use, GPtrArray *ret_waivers,
         GError **error)
{
    g_autoptr(SvirtRefusalFacts) facts = NULL;
    g_autoptr(SvirtObject) object = fixture_open(path);
    const SvirtRefusalRequest request = { .use = use,
                                          .path = path,
                                          .target = "vda",
                                          .definition = definition,
                                          .now_s = TEST_NOW };

    svirt_refusal_facts_new(fixture->connection, fixture->config, &facts,
                            error);
    g_assert_nonnull(facts);
    return svirt_refusal_check(facts, fixture->state, object, &request,
                               ret_waivers, error);
}

static void
assert_judged(Fixture *fixture, const char *path, SvirtRefusalUse use,
              const char *rule)
{
    SvirtUuid uuid;
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(GError) error = NULL;
    bool taken;

    g_assert_true(svirt_uuid_parse(TEST_UUID_A, &uuid));
    definition = svirt_definition_new(&uuid, "web", 0, "<domain/>", TEST_NOW);
    taken = judge_as(fixture, definition, path, use, NULL, &error);
    if (rule == NULL) {
        g_assert_no_error(error);
        g_assert_true(taken);
        return;
    }
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    {
        g_autofree char *word = g_strdup_printf("by rule %s: ", rule);

        g_test_message("%s", error->message);
        g_assert_nonnull(strstr(error->message, word));
        g_assert_nonnull(strstr(error->message, path));
    }
}

static const struct {
    const char *path;
    SvirtRefusalUse use;
    SvirtRefusalPlace place;
} places[] = {
    { "/srv/a.img", EXCLUSIVE, SVIRT_REFUSAL_PLACE_FREE },
    { "/home/u/a.img", EXCLUSIVE, SVIRT_REFUSAL_PLACE_FREE },
    { "/etcetera/a.img", EXCLUSIVE, SVIRT_REFUSAL_PLACE_FREE },
    { "/etc/shadow", READ_ONLY, SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/etc", SVIRT_REFUSAL_USE_OUTPUT, SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/root/.ssh/id_rsa", READ_ONLY, SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/root/a.img", EXCLUSIVE, SVIRT_REFUSAL_PLACE_FREE },
    { "/boot/vmlinuz", SVIRT_REFUSAL_USE_BOOT, SVIRT_REFUSAL_PLACE_GIVEN },
    { "/boot/vmlinuz", READ_ONLY, SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/usr/lib/x/vmlinuz", SVIRT_REFUSAL_USE_BOOT,
      SVIRT_REFUSAL_PLACE_GIVEN },
    { "/lib/modules/6/vmlinuz", SVIRT_REFUSAL_USE_BOOT,
      SVIRT_REFUSAL_PLACE_GIVEN },
    { "/usr/bin/qemu-system-x86_64", SVIRT_REFUSAL_USE_EMULATOR,
      SVIRT_REFUSAL_PLACE_GIVEN },
    { "/usr/share/virtio-win/a.iso", READ_ONLY, SVIRT_REFUSAL_PLACE_GIVEN },
    { "/usr/share/virtio-win/a.iso", EXCLUSIVE, SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/usr/bin/ls", READ_ONLY, SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/var/lib/libvirt/images/a.img", EXCLUSIVE, SVIRT_REFUSAL_PLACE_GIVEN },
    { "/var/lib/libvirt/images2/a.img", EXCLUSIVE,
      SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/var/lib/dpkg/status", READ_ONLY, SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/var/log/syslog", SVIRT_REFUSAL_USE_OUTPUT,
      SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/var/log/libvirt/qemu/a.log", SVIRT_REFUSAL_USE_OUTPUT,
      SVIRT_REFUSAL_PLACE_GIVEN },
    { "/var/tmp/a.img", EXCLUSIVE, SVIRT_REFUSAL_PLACE_GIVEN },
    { "/run/docker.sock", SVIRT_REFUSAL_USE_SOCKET,
      SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/run/media/u/stick/a.iso", READ_ONLY, SVIRT_REFUSAL_PLACE_GIVEN },
    { "/dev/shm/a.img", EXCLUSIVE, SVIRT_REFUSAL_PLACE_GIVEN },
    { "/dev/log", SVIRT_REFUSAL_USE_SOCKET, SVIRT_REFUSAL_PLACE_SYSTEM },
    { "/usr/configured/a.img", EXCLUSIVE, SVIRT_REFUSAL_PLACE_GIVEN },
    { "/usr/configured/a.log", SVIRT_REFUSAL_USE_OUTPUT,
      SVIRT_REFUSAL_PLACE_SYSTEM },
};

static void
test_directories_by_use(void)
{
    static char root[] = "/usr/configured/";
    char *const roots[] = { root, NULL };

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        const char *directory = NULL;

        g_test_message("%s as %s", places[i].path,
                       svirt_refusal_use_to_string(places[i].use));
        g_assert_cmpint(svirt_refusal_place(places[i].path, places[i].use,
                                            roots, &directory),
                        ==, places[i].place);
        g_assert_cmpint(directory != NULL, ==,
                        places[i].place == SVIRT_REFUSAL_PLACE_SYSTEM);
    }
}

static void
test_words_are_whole(void)
{
    for (unsigned i = 0; i < SVIRT_REFUSAL_MAX; i++) {
        SvirtRefusalRule rule = SVIRT_REFUSAL_MAX;

        g_assert_true(svirt_refusal_rule_from_string(
            svirt_refusal_rule_to_string((SvirtRefusalRule)i), &rule));
        g_assert_cmpuint(rule, ==, i);
        g_assert_cmpint(svirt_refusal_rule_can_be_waived(rule), ==,
                        rule != SVIRT_REFUSAL_STATE);
    }
}

/* What any Linux host has. */
static void
test_files_of_the_host(Fixture *fixture, const void *data)
{
    g_autofree char *disk = fixture_file(fixture, "disk.img", "x");
    g_autofree char *dir = g_build_filename(fixture->dir, "links", NULL);
    static const struct {
        const char *path;
        SvirtRefusalUse use;
        const char *rule;
    } rows[] = {
        { "/etc/passwd", EXCLUSIVE, "system-dir" },
        { "/etc/passwd", READ_ONLY, "system-dir" },
        { "/proc/self/environ", READ_ONLY, "pseudo-fs" },
        { "/proc/sys/kernel/core_pattern", EXCLUSIVE, "pseudo-fs" },
        { "/sys/kernel/uevent_seqnum", READ_ONLY, "pseudo-fs" },
        { "/dev/urandom", SVIRT_REFUSAL_USE_DEVICE, NULL },
        { "/dev/random", SVIRT_REFUSAL_USE_DEVICE, NULL },
        { "/dev/mem", SVIRT_REFUSAL_USE_DEVICE, "device" },
        { "/dev/kmsg", SVIRT_REFUSAL_USE_DEVICE, "device" },
        { "/dev/null", SVIRT_REFUSAL_USE_OUTPUT, NULL },
        { "/dev/null", SVIRT_REFUSAL_USE_DEVICE, "device" },
        { "/usr/bin/env", SVIRT_REFUSAL_USE_EMULATOR, NULL },
        { "/usr/bin/passwd", SVIRT_REFUSAL_USE_EMULATOR, "set-id" },
    };

    g_assert_cmpint(g_mkdir(dir, 0755), ==, 0);
    assert_judged(fixture, disk, EXCLUSIVE, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *soft = g_strdup_printf("%s/%zu", dir, i);

        if (!g_file_test(rows[i].path, G_FILE_TEST_EXISTS)) {
            g_test_message("this host has no %s", rows[i].path);
            continue;
        }
        assert_judged(fixture, rows[i].path, rows[i].use, rows[i].rule);
        /* And by another name. */
        g_assert_cmpint(symlink(rows[i].path, soft), ==, 0);
        assert_judged(fixture, soft, rows[i].use, rows[i].rule);
    }
}

static void
test_files_root_alone_reads(Fixture *fixture, const void *data)
{
    if (fixture_lacks_root()) {
        return;
    }
    assert_judged(fixture, "/etc/shadow", EXCLUSIVE, "system-dir");
    if (g_file_test("/proc/kcore", G_FILE_TEST_EXISTS)) {
        assert_judged(fixture, "/proc/kcore", READ_ONLY, "pseudo-fs");
    }
    assert_judged(fixture, "/proc/1/mem", EXCLUSIVE, "pseudo-fs");
}

/* A claim makes the key and the rest of svirt's own. */
static void
make_own_files(Fixture *fixture)
{
    g_autofree char *status =
        g_build_filename(fixture->connection->run_dir, "vm", "status", NULL);
    g_autofree char *parent = g_path_get_dirname(status);

    svirt_compartment_free(
        fixture_compartment(fixture, "db", TEST_UUID_B, ""));
    g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
    g_assert_true(g_file_set_contents(status, "x", -1, NULL));
}

static char *
find_key(Fixture *fixture)
{
    g_autofree char *doi =
        g_build_filename(fixture->connection->config_dir, "doi", NULL);
    g_autoptr(GDir) dir = g_dir_open(doi, 0, NULL);
    const char *name = g_dir_read_name(dir);

    g_assert_nonnull(name);
    return g_build_filename(doi, name, NULL);
}

static void
test_own_files(Fixture *fixture, const void *data)
{
    g_autofree char *key = NULL;
    g_autofree char *store = NULL;
    const char *state_dir = fixture->connection->state_dir;

    make_own_files(fixture);
    key = find_key(fixture);
    {
        const char *const files[] = { "/state.db", "/state.db-wal",
                                      "/state.lock" };

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
            g_autofree char *path = g_strconcat(state_dir, files[i], NULL);
            g_autofree char *soft =
                g_strdup_printf("%s/symlink%zu", fixture->dir, i);
            g_autofree char *hard =
                g_strdup_printf("%s/hard%zu", fixture->dir, i);

            assert_judged(fixture, path, EXCLUSIVE, "state");
            assert_judged(fixture, path, READ_ONLY, "state");
            g_assert_cmpint(symlink(path, soft), ==, 0);
            assert_judged(fixture, soft, READ_ONLY, "state");
            g_assert_cmpint(link(path, hard), ==, 0);
            assert_judged(fixture, hard, READ_ONLY, "state");
        }
    }
    assert_judged(fixture, key, READ_ONLY, "state");
    /* Sockets and logs are made in directories. */
    assert_judged(fixture, fixture->connection->run_dir,
                  SVIRT_REFUSAL_USE_SOCKET, "state");
    assert_judged(fixture, state_dir, SVIRT_REFUSAL_USE_OUTPUT, "state");
    store = g_strconcat(state_dir, "/images", NULL);
    g_assert_cmpint(g_mkdir(store, 0755), ==, 0);
    {
        g_autofree char *image = g_strconcat(store, "/a.img", NULL);

        g_assert_true(g_file_set_contents(image, "x", -1, NULL));
        assert_judged(fixture, image, EXCLUSIVE, NULL);
    }
}

static char *
bind_mount(Fixture *fixture, const char *from, const char *name, bool file)
{
    char *to = g_build_filename(fixture->dir, name, NULL);

    if (file) {
        g_assert_true(g_file_set_contents(to, "", -1, NULL));
    } else {
        g_assert_cmpint(g_mkdir(to, 0755), ==, 0);
    }
    g_assert_cmpint(mount(from, to, NULL, MS_BIND | MS_REC, NULL), ==, 0);
    return to;
}

static void
test_bind_mounts_do_not_help(Fixture *fixture, const void *data)
{
    g_autofree char *run = NULL;
    g_autofree char *vm = NULL;
    g_autofree char *etc = NULL;
    g_autofree char *key = NULL;
    g_autofree char *bound_key = NULL;
    g_autofree char *own_vm =
        g_build_filename(fixture->connection->run_dir, "vm", NULL);

    if (fixture_lacks_root()) {
        return;
    }
    make_own_files(fixture);
    key = find_key(fixture);
    run = bind_mount(fixture, fixture->connection->run_dir, "b1", false);
    vm = bind_mount(fixture, own_vm, "b2", false);
    etc = bind_mount(fixture, "/etc", "b3", false);
    bound_key = bind_mount(fixture, key, "b4", true);
    {
        g_autofree char *one = g_strconcat(run, "/vm/status", NULL);
        g_autofree char *two = g_strconcat(vm, "/status", NULL);
        g_autofree char *three = g_strconcat(etc, "/passwd", NULL);

        assert_judged(fixture, one, READ_ONLY, "state");
        assert_judged(fixture, two, READ_ONLY, "state");
        assert_judged(fixture, vm, SVIRT_REFUSAL_USE_SOCKET, "state");
        assert_judged(fixture, three, READ_ONLY, "system-dir");
        assert_judged(fixture, bound_key, READ_ONLY, "state");
    }
    g_assert_cmpint(umount2(run, MNT_DETACH), ==, 0);
    g_assert_cmpint(umount2(vm, MNT_DETACH), ==, 0);
    g_assert_cmpint(umount2(etc, MNT_DETACH), ==, 0);
    g_assert_cmpint(umount2(bound_key, MNT_DETACH), ==, 0);
}

/* An embedded instance's VMs have no business with the system's either. */
static void
test_system_instance_is_refused(Fixture *fixture, const void *data)
{
    if (fixture_lacks_root()) {
        return;
    }
    g_assert_cmpint(mount("none", "/run", "tmpfs", 0, NULL), ==, 0);
    g_assert_cmpint(g_mkdir("/run/svirt", 0755), ==, 0);
    g_assert_true(g_file_set_contents("/run/svirt/status", "x", -1, NULL));
    assert_judged(fixture, "/run/svirt/status", READ_ONLY, "state");
    g_assert_cmpint(umount2("/run", MNT_DETACH), ==, 0);
}

/* The table of mounts was read before they were made. */
static void
test_later_mounts_are_seen(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtRefusalFacts) facts = NULL;
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtObject) image = NULL;
    g_autoptr(SvirtObject) status = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *store = g_build_filename(fixture->dir, "store", NULL);
    g_autofree char *path = g_build_filename(store, "a.img", NULL);
    g_autofree char *run = NULL;
    g_autofree char *bound = NULL;
    SvirtRefusalRequest request = { .use = READ_ONLY, .now_s = TEST_NOW };

    if (fixture_lacks_root()) {
        return;
    }
    make_own_files(fixture);
    definition = fixture_define(fixture, "web", TEST_UUID_A, 0);
    request.definition = definition;
    svirt_refusal_facts_new(fixture->connection, fixture->config, &facts,
                            &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_mkdir(store, 0755), ==, 0);
    g_assert_cmpint(mount("none", store, "tmpfs", 0, NULL), ==, 0);
    g_assert_true(g_file_set_contents(path, "x", -1, NULL));
    run = bind_mount(fixture, fixture->connection->run_dir, "b", false);
    bound = g_build_filename(run, "vm", "status", NULL);
    image = fixture_open(path);
    status = fixture_open(bound);
    request.path = path;
    g_assert_true(svirt_refusal_check(facts, fixture->state, image, &request,
                                      NULL, &error));
    request.path = bound;
    g_assert_false(svirt_refusal_check(facts, fixture->state, status,
                                       &request, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_cmpint(umount2(store, MNT_DETACH), ==, 0);
    g_assert_cmpint(umount2(run, MNT_DETACH), ==, 0);
}

static void
test_hard_links_and_set_id(Fixture *fixture, const void *data)
{
    g_autofree char *disk = fixture_file(fixture, "disk.img", "x");
    g_autofree char *other = g_build_filename(fixture->dir, "other", NULL);
    g_autofree char *set_id = fixture_file(fixture, "set-id", "x");

    g_assert_cmpint(link(disk, other), ==, 0);
    assert_judged(fixture, disk, EXCLUSIVE, "hard-link");
    assert_judged(fixture, disk, SVIRT_REFUSAL_USE_IMAGE_SHARED, "hard-link");
    assert_judged(fixture, disk, SVIRT_REFUSAL_USE_OUTPUT, "hard-link");
    assert_judged(fixture, disk, READ_ONLY, NULL);
    g_assert_cmpint(g_unlink(other), ==, 0);
    assert_judged(fixture, disk, EXCLUSIVE, NULL);
    g_assert_cmpint(g_chmod(set_id, 04700), ==, 0);
    assert_judged(fixture, set_id, READ_ONLY, "set-id");
    g_assert_cmpint(g_chmod(set_id, 02600), ==, 0);
    assert_judged(fixture, set_id, EXCLUSIVE, "set-id");
}

static void
test_deleted_file_has_no_place(Fixture *fixture, const void *data)
{
    g_autofree char *disk = fixture_file(fixture, "disk.img", "x");
    g_autoptr(SvirtDefinition) definition =
        fixture_define(fixture, "web", TEST_UUID_A, 0);
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(SvirtRefusalFacts) facts = NULL;
    g_autoptr(GError) error = NULL;
    const SvirtRefusalRequest request = { .use = EXCLUSIVE,
                                          .path = disk,
                                          .definition = definition,
                                          .now_s = TEST_NOW };

    g_assert_cmpint(g_unlink(disk), ==, 0);
    g_assert_true(g_file_set_contents(disk, "y", -1, NULL));
    object = fixture_open(disk);
    g_assert_cmpint(g_unlink(disk), ==, 0);
    svirt_object_refresh(object, &error);
    svirt_refusal_facts_new(fixture->connection, fixture->config, &facts,
                            &error);
    g_assert_no_error(error);
    g_assert_false(svirt_refusal_check(facts, fixture->state, object,
                                       &request, NULL, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
}

static void
test_author_without_access(Fixture *fixture, const void *data)
{
    g_autofree char *disk = fixture_file(fixture, "disk.img", "x");
    g_autofree char *key = NULL;
    static const gid_t groups[] = { 65534 };
    g_autoptr(SvirtCredentials) author =
        svirt_credentials_new(65534, 65534, groups, 1);
    g_autoptr(SvirtObject) object = NULL;
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD fd = -1;

    if (fixture_lacks_root()) {
        return;
    }
    make_own_files(fixture);
    key = find_key(fixture);
    /* A directory that is closed to the author is closed to svirt. */
    g_assert_false(svirt_object_open(key, author, SVIRT_OBJECT_WANT_DISK, 0,
                                     &object, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_clear_error(&error);
    svirt_object_open(disk, author, SVIRT_OBJECT_WANT_DISK, 0, &object,
                      &error);
    g_assert_no_error(error);
    g_assert_false(
        svirt_object_reopen(object, author, O_RDONLY, &fd, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_REFUSED);
    g_assert_cmpint(fd, ==, -1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_unshare_mounts();
    g_test_add_func("/compartment/refusal/directories-by-use",
                    test_directories_by_use);
    g_test_add_func("/compartment/refusal/words-are-whole",
                    test_words_are_whole);
    FIXTURE_TEST("/compartment/refusal/files-of-the-host",
                 test_files_of_the_host);
    FIXTURE_TEST("/compartment/refusal/files-root-alone-reads",
                 test_files_root_alone_reads);
    FIXTURE_TEST("/compartment/refusal/own-files", test_own_files);
    FIXTURE_TEST("/compartment/refusal/bind-mounts-do-not-help",
                 test_bind_mounts_do_not_help);
    FIXTURE_TEST("/compartment/refusal/system-instance-is-refused",
                 test_system_instance_is_refused);
    FIXTURE_TEST("/compartment/refusal/later-mounts-are-seen",
                 test_later_mounts_are_seen);
    FIXTURE_TEST("/compartment/refusal/hard-links-and-set-id",
                 test_hard_links_and_set_id);
    FIXTURE_TEST("/compartment/refusal/deleted-file-has-no-place",
                 test_deleted_file_has_no_place);
    FIXTURE_TEST("/compartment/refusal/author-without-access",
                 test_author_without_access);
    return g_test_run();
}
