/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/compartment.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "compartment/uid-use.h"
#include "fixture.h"
#include "state/claims.h"

#define DAC(type, rest) "<seclabel model='dac' type='" type "' " rest

/* The definition, the domain and the outcome of claiming. */
static bool
claim(Fixture *fixture, const char *name, const char *uuid, uid_t author,
      const char *seclabels, SvirtCompartment **ret, GError **error)
{
    g_autoptr(SvirtDomain) domain = fixture_domain(name, uuid, seclabels);
    g_autoptr(SvirtDefinition) definition =
        fixture_define(fixture, name, uuid, author);

    return svirt_compartment_claim(fixture->state, fixture->connection,
                                   fixture->config, definition, domain, ret,
                                   error);
}

static void
test_found_as_claimed(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtDomain) domain = fixture_domain("web", TEST_UUID_A, "");
    g_autoptr(SvirtDefinition) definition =
        fixture_define(fixture, "web", TEST_UUID_A, 0);
    g_autoptr(SvirtCompartment) missing = NULL;
    g_autoptr(SvirtCompartment) claimed = NULL;
    g_autoptr(SvirtCompartment) found = NULL;
    g_autoptr(SvirtState) reader = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *keys =
        g_build_filename(fixture->connection->config_dir, "doi", NULL);
    g_autofree char *aside = g_build_filename(fixture->dir, "doi", NULL);

    svirt_compartment_find(fixture->state, fixture->config, definition,
                           domain, &missing, &error);
    g_assert_no_error(error);
    g_assert_null(missing);
    svirt_compartment_claim(fixture->state, fixture->connection,
                            fixture->config, definition, domain, &claimed,
                            &error);
    g_assert_no_error(error);
    /* From now on neither the key nor a writable state is needed. */
    g_assert_cmpint(g_rename(keys, aside), ==, 0);
    svirt_state_open(fixture->connection->state_dir, SVIRT_STATE_READ,
                     &reader, &error);
    g_assert_no_error(error);
    svirt_compartment_find(reader, fixture->config, definition, domain,
                           &found, &error);
    g_assert_no_error(error);
    g_assert_nonnull(found);
    g_assert_cmpuint(found->vmm_uid, ==, claimed->vmm_uid);
    g_assert_cmpuint(found->owner.incarnation, ==,
                     definition->incarnation);
    g_assert_true(svirt_category_set_equal(&found->categories,
                                           &claimed->categories));
    /* What a former definition of this UUID had is not this one's. */
    definition->incarnation++;
    svirt_compartment_find(reader, fixture->config, definition, domain,
                           &missing, &error);
    g_assert_no_error(error);
    g_assert_null(missing);
    g_assert_cmpuint(found->label_count, ==, claimed->label_count);
    for (size_t i = 0; i < found->label_count; i++) {
        g_assert_cmpstr(found->labels[i].set.vmm, ==,
                        claimed->labels[i].set.vmm);
    }
}

static void
test_every_role_has_its_uid(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtCompartment) web =
        fixture_compartment(fixture, "web", TEST_UUID_A, "");
    g_autoptr(SvirtCompartment) db =
        fixture_compartment(fixture, "db", TEST_UUID_B, "");
    const uid_t uids[] = { web->vmm_uid, web->monitor_uid, web->helper_uid,
                           db->vmm_uid,  db->monitor_uid,  db->helper_uid };

    for (size_t i = 0; i < G_N_ELEMENTS(uids); i++) {
        g_assert_cmpuint(uids[i], >=, fixture->config->uid_first);
        g_assert_cmpuint(uids[i], <=, fixture->config->uid_last);
        for (size_t j = 0; j < i; j++) {
            g_assert_cmpuint(uids[i], !=, uids[j]);
        }
    }
    g_assert_cmpuint(web->vmm_gid, ==, web->vmm_uid);
    g_assert_false(svirt_category_set_contains(&web->categories,
                                               &db->categories));
    g_assert_cmpuint(svirt_category_set_count(&web->categories), ==, 8);
}

static void
test_names_what_other_models_call_it(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtCompartment) web =
        fixture_compartment(fixture, "web", TEST_UUID_A, "");
    const SvirtCompartmentLabel *selinux =
        svirt_compartment_label(web, SVIRT_MODEL_SELINUX);
    const SvirtCompartmentLabel *smack =
        svirt_compartment_label(web, SVIRT_MODEL_SMACK);
    const SvirtCompartmentLabel *apparmor =
        svirt_compartment_label(web, SVIRT_MODEL_APPARMOR);
    const SvirtCompartmentLabel *dac =
        svirt_compartment_label(web, SVIRT_MODEL_DAC);
    g_autofree char *own =
        g_strdup_printf("+%u:+%u", web->vmm_uid, web->vmm_uid);

    g_assert_true(g_str_has_prefix(selinux->set.vmm, "s0:c"));
    g_assert_cmpstr(smack->set.vmm, ==, "svirt-" TEST_UUID_A);
    g_assert_cmpstr(apparmor->set.vmm, ==, "svirt-" TEST_UUID_A);
    g_assert_cmpstr(dac->set.vmm, ==, own);
    g_assert_true(dac->active);
    g_assert_false(selinux->active);
    g_assert_false(dac->relabel);
    g_assert_false(selinux->relabel);
}

static const struct {
    const char *name;
    const char *seclabels;
    SvirtSeclabelType type;
    const char *process; /* NULL: the VM's own uid */
    bool relabel;
    bool shared;
} dac_rows[] = {
    { "nothing said", "", SVIRT_SECLABEL_DYNAMIC, NULL, false, false },
    { "dynamic", DAC("dynamic", "/>"), SVIRT_SECLABEL_DYNAMIC, NULL, false,
      false },
    { "dynamic, spelled out", DAC("dynamic", "relabel='yes'/>"),
      SVIRT_SECLABEL_DYNAMIC, NULL, true, false },
    { "none", DAC("none", "/>"), SVIRT_SECLABEL_NONE, NULL, false, false },
    { "none for all models", "<seclabel type='none'/>",
      SVIRT_SECLABEL_DYNAMIC, NULL, false, false },
    { "static", DAC("static", "><label>+107:+108</label></seclabel>"),
      SVIRT_SECLABEL_STATIC, "+107:+108", false, true },
    { "static, relabelling",
      DAC("static", "relabel='yes'><label>+107:+108</label></seclabel>"),
      SVIRT_SECLABEL_STATIC, "+107:+108", true, true },
    { "static, by names",
      DAC("static", "><label>daemon:daemon</label></seclabel>"),
      SVIRT_SECLABEL_STATIC, "+1:+1", false, true },
};

static void
test_dac_seclabel_is_libvirts(Fixture *fixture, const void *data)
{
    for (size_t i = 0; i < G_N_ELEMENTS(dac_rows); i++) {
        g_autofree char *uuid =
            g_strdup_printf("11111111-2222-4333-8444-5555555555%02zu", i);
        g_autofree char *name = g_strdup_printf("vm%zu", i);
        g_autoptr(SvirtCompartment) compartment = fixture_compartment(
            fixture, name, uuid, dac_rows[i].seclabels);
        g_autofree char *own = g_strdup_printf(
            "+%u:+%u", compartment->monitor_uid - 1,
            compartment->monitor_uid - 1);
        const SvirtCompartmentLabel *dac =
            svirt_compartment_label(compartment, SVIRT_MODEL_DAC);

        g_test_message("%s", dac_rows[i].name);
        g_assert_cmpint(dac->type, ==, dac_rows[i].type);
        g_assert_cmpstr(dac->set.vmm, ==,
                        dac_rows[i].process != NULL ? dac_rows[i].process
                                                    : own);
        g_assert_cmpint(dac->relabel, ==, dac_rows[i].relabel);
        g_assert_cmpint(dac->shared, ==, dac_rows[i].shared);
        g_assert_cmpuint(compartment->monitor_uid, >=,
                         fixture->config->uid_first);
    }
}

/* Unlike the uid of a dynamic label, it is what the VMM runs as. */
static void
test_static_label_is_shared_and_kept(Fixture *fixture, const void *data)
{
    static const char label[] =
        DAC("static", "><label>+107:+108</label></seclabel>");
    g_autoptr(SvirtCompartment) web =
        fixture_compartment(fixture, "web", TEST_UUID_A, label);
    g_autoptr(SvirtCompartment) db =
        fixture_compartment(fixture, "db", TEST_UUID_B, label);
    g_autoptr(SvirtCompartment) found = NULL;
    g_autoptr(SvirtDomain) domain =
        fixture_domain("db", TEST_UUID_B, label);
    g_autoptr(SvirtDomain) changed = fixture_domain("db", TEST_UUID_B, "");
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(web->vmm_uid, ==, 107);
    g_assert_cmpuint(db->vmm_gid, ==, 108);
    g_assert_cmpuint(web->monitor_uid, !=, db->monitor_uid);
    svirt_definitions_by_name(fixture->state, "db", &definition, &error);
    svirt_compartment_find(fixture->state, fixture->config, definition,
                           domain, &found, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(found->monitor_uid, ==, db->monitor_uid);
    g_clear_pointer(&found, svirt_compartment_free);
    /* Another <seclabel> has to be claimed; the block stays. */
    svirt_compartment_find(fixture->state, fixture->config, definition,
                           changed, &found, &error);
    g_assert_no_error(error);
    g_assert_null(found);
    svirt_compartment_claim(fixture->state, fixture->connection,
                            fixture->config, definition, changed, &found,
                            &error);
    g_assert_no_error(error);
    g_assert_cmpuint(found->vmm_uid, ==, db->monitor_uid - 1);
    g_assert_cmpuint(found->monitor_uid, ==, db->monitor_uid);
}

static const struct {
    const char *name;
    uid_t author;
    const char *label;
    int code; /* 0: given */
} refused_rows[] = {
    { "root", 0, "+0:+0", SVIRT_ERROR_REFUSED },
    { "root by name", 0, "root:daemon", SVIRT_ERROR_REFUSED },
    { "root's group", 0, "+107:+0", SVIRT_ERROR_REFUSED },
    { "first of the VMs' range", 0, "+1700000000:+107",
      SVIRT_ERROR_REFUSED },
    { "last group of the VMs' range", 0, "+107:+1700262143",
      SVIRT_ERROR_REFUSED },
    { "behind the VMs' range", 0, "+1700262144:+107", 0 },
    { "no such user", 0, "nosuchuser:daemon", SVIRT_ERROR_NOT_FOUND },
    { "another user", 2, "+1:+1", SVIRT_ERROR_REFUSED },
    { "another group", 2, "+2:+1", SVIRT_ERROR_REFUSED },
    { "the author", 2, "bin:bin", 0 },
};

static void
test_static_label_is_checked(Fixture *fixture, const void *data)
{
    fixture->config->uid_first = 1700000000;
    fixture->config->uid_last = 1700262143;
    for (size_t i = 0; i < G_N_ELEMENTS(refused_rows); i++) {
        g_autofree char *uuid =
            g_strdup_printf("11111111-2222-4333-8444-5555555555%02zu", i);
        g_autofree char *name = g_strdup_printf("vm%zu", i);
        g_autofree char *xml = g_strdup_printf(
            DAC("static", "><label>%s</label></seclabel>"),
            refused_rows[i].label);
        g_autoptr(SvirtCompartment) compartment = NULL;
        g_autoptr(GError) error = NULL;
        bool given = claim(fixture, name, uuid, refused_rows[i].author, xml,
                           &compartment, &error);

        g_test_message("%s", refused_rows[i].name);
        if (refused_rows[i].code == 0) {
            g_assert_no_error(error);
            g_assert_true(given);
        } else {
            g_assert_error(error, SVIRT_ERROR, refused_rows[i].code);
            g_assert_null(compartment);
        }
    }
}

static void
test_models_the_host_lacks_are_listed(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtCompartment) web = fixture_compartment(
        fixture, "web", TEST_UUID_A,
        "<seclabel model='selinux' type='static'>"
        "<label>system_u:system_r:svirt_t:s0:c3,c9</label></seclabel>"
        "<seclabel model='smack' type='none'/>"
        "<seclabel model='flask' type='static'>"
        "<label>system_u:system_r:domU_t</label></seclabel>");
    const SvirtCompartmentLabel *selinux =
        svirt_compartment_label(web, SVIRT_MODEL_SELINUX);
    const SvirtCompartmentLabel *smack =
        svirt_compartment_label(web, SVIRT_MODEL_SMACK);
    const SvirtCompartmentLabel *flask =
        svirt_compartment_label(web, SVIRT_MODEL_FLASK);

    g_assert_cmpstr(selinux->set.vmm, ==,
                    "system_u:system_r:svirt_t:s0:c3,c9");
    g_assert_true(selinux->shared);
    g_assert_null(smack->set.vmm);
    g_assert_cmpint(smack->type, ==, SVIRT_SECLABEL_NONE);
    g_assert_cmpstr(flask->set.vmm, ==, "system_u:system_r:domU_t");
    g_assert_false(selinux->active || smack->active || flask->active);
}

static void
test_label_follows_the_key(Fixture *fixture, const void *data)
{
    Fixture other = { 0 };
    g_autoptr(SvirtCompartment) here =
        fixture_compartment(fixture, "web", TEST_UUID_A, "");
    g_autoptr(SvirtCompartment) there = NULL;
    g_autoptr(SvirtCompartment) strange = NULL;
    g_autofree char *copy = NULL;

    /* The same key elsewhere gives the same label, another key another. */
    fixture_set_up(&other, NULL);
    strange = fixture_compartment(&other, "db", TEST_UUID_B, "");
    copy = g_strdup_printf("rm -r %s/doi; cp -a %s/doi %s/",
                           other.connection->config_dir,
                           fixture->connection->config_dir,
                           other.connection->config_dir);
    {
        const char *argv[] = { "sh", "-c", copy, NULL };

        g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
                                   G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                                   NULL, NULL, NULL));
    }
    there = fixture_compartment(&other, "web", TEST_UUID_A, "");
    g_assert_true(
        svirt_category_set_equal(&here->categories, &there->categories));
    g_assert_false(
        svirt_category_set_equal(&strange->categories, &there->categories));
    fixture_tear_down(&other, NULL);
}

static void
write_table(const char *root, const char *path, const char *content)
{
    g_autofree char *full = g_build_filename(root, path, NULL);
    g_autofree char *dir = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_assert_true(g_file_set_contents(full, content, -1, NULL));
}

static const struct {
    const char *name;
    const char *path;
    const char *content;
    uid_t first; /* of the block of 4 that it keeps busy */
} use_rows[] = {
    { "account", "etc/passwd", "a:x:1001:1002::/:\n", 1000 },
    { "account's group", "etc/passwd", "a:x:1:1006::/:\n", 1004 },
    { "group", "etc/group", "a:x:1011:\n", 1008 },
    { "subordinate uids", "etc/subuid", "a:900:113\n", 1012 },
    { "subordinate gids", "etc/subgid", "a:1019:65536\n", 1016 },
    { "process", "proc/7/status",
      "Name:\tx\nUid:\t1\t1\t1\t1020\nGid:\t1\t1\t1\t1\nGroups:\t\n", 1020 },
    { "process's group", "proc/7/status",
      "Name:\tx\nUid:\t1\t1\t1\t1\nGid:\t1\t1\t1\t1\nGroups:\t3 1025 \n",
      1024 },
    { "shared memory", "proc/sysvipc/shm",
      "key shmid perms\n0 0 1600 4096 1 1 0 1028 1 1 1 0\n", 1028 },
    { "semaphore's creator", "proc/sysvipc/sem",
      "key semid\n0 0 600 1 1 1 1032 1 0 0\n", 1032 },
    { "message queue", "proc/sysvipc/msg",
      "key msqid\n0 0 600 0 0 0 0 1 1036 1 1\n", 1036 },
    { "key", "proc/key-users", "    0: 9 8/8 1/1 1/1\n 1041: 1 1/1 1/1 1/1\n",
      1040 },
};

static void
test_uids_in_use_are_seen(Fixture *fixture, const void *data)
{
    for (size_t i = 0; i < G_N_ELEMENTS(use_rows); i++) {
        g_autofree char *number = g_strdup_printf("root%zu", i);
        g_autofree char *root =
            g_build_filename(fixture->dir, number, NULL);
        g_autoptr(SvirtUidUse) use = NULL;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", use_rows[i].name);
        write_table(root, use_rows[i].path, use_rows[i].content);
        svirt_uid_use_read(fixture->state, root, 1000, 1999, &use, &error);
        g_assert_no_error(error);
        g_assert_true(svirt_uid_use_has(use_rows[i].first, 4, false, use));
        g_assert_false(svirt_uid_use_has(use_rows[i].first - 4, 4, false,
                                         use) &&
                       use_rows[i].first != 1012);
    }
}

static void
test_block_of_a_living_process_is_skipped(Fixture *fixture, const void *data)
{
    g_autoptr(SvirtCompartment) web = NULL;
    g_autofree char *shm = g_strdup_printf("/dev/shm/svirt-test-%d",
                                           (int)getpid());
    g_autoptr(GError) error = NULL;
    uid_t first = fixture->config->uid_first;

    if (fixture_lacks_root()) {
        return;
    }
    g_assert_true(g_file_set_contents(shm, "x", -1, NULL));
    g_assert_cmpint(chown(shm, first + 2, 0), ==, 0);
    claim(fixture, "web", TEST_UUID_A, 0, "", &web, &error);
    (void)g_unlink(shm);
    g_assert_no_error(error);
    g_assert_cmpuint(web->vmm_uid, ==, first + 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    FIXTURE_TEST("/compartment/compartment/found-as-claimed",
                 test_found_as_claimed);
    FIXTURE_TEST("/compartment/compartment/every-role-has-its-uid",
                 test_every_role_has_its_uid);
    FIXTURE_TEST("/compartment/compartment/names-what-other-models-call-it",
                 test_names_what_other_models_call_it);
    FIXTURE_TEST("/compartment/compartment/dac-seclabel-is-libvirts",
                 test_dac_seclabel_is_libvirts);
    FIXTURE_TEST("/compartment/compartment/static-label-is-shared-and-kept",
                 test_static_label_is_shared_and_kept);
    FIXTURE_TEST("/compartment/compartment/static-label-is-checked",
                 test_static_label_is_checked);
    FIXTURE_TEST("/compartment/compartment/models-the-host-lacks-are-listed",
                 test_models_the_host_lacks_are_listed);
    FIXTURE_TEST("/compartment/compartment/label-follows-the-key",
                 test_label_follows_the_key);
    FIXTURE_TEST("/compartment/uid-use/every-kind-is-seen",
                 test_uids_in_use_are_seen);
    FIXTURE_TEST("/compartment/uid-use/block-in-use-is-skipped",
                 test_block_of_a_living_process_is_skipped);
    return g_test_run();
}
