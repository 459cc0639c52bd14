/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

bool
fixture_lacks_root(void)
{
    if (geteuid() != 0) {
        g_test_skip("needs root");
        return true;
    }
    return false;
}

void
fixture_unshare_mounts(void)
{
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0) {
        g_assert_cmpint(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), ==,
                        0);
    }
}

void
fixture_open_state(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;

    svirt_state_open(fixture->connection->state_dir, SVIRT_STATE_WRITE,
                     &fixture->state, &error);
    g_assert_no_error(error);
}

void
fixture_close_state(Fixture *fixture)
{
    svirt_state_free(fixture->state);
    fixture->state = NULL;
}

void
fixture_set_up(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *uri = NULL;

    fixture->dir = g_dir_make_tmp("svirt-compartment-XXXXXX", &error);
    g_assert_no_error(error);
    /* The authors of these tests are not all root. */
    g_assert_cmpint(chmod(fixture->dir, 0755), ==, 0);
    uri = g_strdup_printf("qemu:///embed?root=%s", fixture->dir);
    svirt_connection_parse(uri, &fixture->connection, &error);
    g_assert_no_error(error);
    svirt_config_load(fixture->connection, &fixture->config, &error);
    g_assert_no_error(error);
    /* Uids that no other test, and no VM of this host, goes by. */
    fixture->config->uid_first =
        1900000000u + (unsigned)getpid() % 100000u * 1024u;
    fixture->config->uid_last = fixture->config->uid_first + 1023;
    fixture_open_state(fixture);
}

void
fixture_tear_down(Fixture *fixture, const void *data)
{
    const char *argv[] = { "rm", "-rf", fixture->dir, NULL };

    fixture_close_state(fixture);
    svirt_config_free(fixture->config);
    svirt_connection_free(fixture->connection);
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH,
                               NULL, NULL, NULL, NULL, NULL, NULL));
    g_free(fixture->dir);
}

SvirtDomain *
fixture_domain(const char *name, const char *uuid, const char *seclabels)
{
    g_autofree char *xml = g_strdup_printf(
        "<domain type='qemu'><name>%s</name><uuid>%s</uuid>"
        "<memory>65536</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os>%s</domain>",
        name, uuid, seclabels);
    g_autoptr(GError) error = NULL;
    SvirtDomain *domain = NULL;

    svirt_domain_parse(xml, strlen(xml), "test.xml", &domain, &error);
    g_assert_no_error(error);
    return domain;
}

SvirtDefinition *
fixture_define(Fixture *fixture, const char *name, const char *uuid,
               uid_t author)
{
    g_autoptr(GError) error = NULL;
    SvirtDefinition *definition;
    SvirtUuid parsed;

    g_assert_true(svirt_uuid_parse(uuid, &parsed));
    definition =
        svirt_definition_new(&parsed, name, author, "<domain/>", TEST_NOW);
    g_assert_true(svirt_state_begin(fixture->state, &error));
    svirt_definitions_add(fixture->state, definition, &error);
    g_assert_no_error(error);
    g_assert_true(svirt_state_commit(fixture->state, &error));
    return definition;
}

SvirtCompartment *
fixture_compartment(Fixture *fixture, const char *name, const char *uuid,
                    const char *seclabels)
{
    g_autoptr(SvirtDomain) domain = fixture_domain(name, uuid, seclabels);
    g_autoptr(SvirtDefinition) definition =
        fixture_define(fixture, name, uuid, 0);
    g_autoptr(GError) error = NULL;
    SvirtCompartment *compartment = NULL;

    svirt_compartment_claim(fixture->state, fixture->connection,
                            fixture->config, definition, domain,
                            &compartment, &error);
    g_assert_no_error(error);
    return compartment;
}

char *
fixture_file(Fixture *fixture, const char *name, const char *content)
{
    char *path = g_build_filename(fixture->dir, name, NULL);

    g_assert_true(g_file_set_contents(path, content, -1, NULL));
    g_assert_cmpint(chmod(path, 0600), ==, 0);
    return path;
}

SvirtObject *
fixture_open(const char *path)
{
    g_autoptr(GError) error = NULL;
    SvirtObject *object = NULL;

    svirt_object_open(path, NULL, (1u << SVIRT_OBJECT_MAX) - 1, 0, &object,
                      &error);
    g_assert_no_error(error);
    return object;
}

SvirtRelabelItem
fixture_disk(const SvirtObject *object)
{
    const SvirtRelabelItem item = { .object = object,
                                    .kind = SVIRT_RESOURCE_DISK,
                                    .access = SVIRT_ACCESS_EXCLUSIVE,
                                    .target = "vda" };

    return item;
}

void
fixture_add_test_label(SvirtCompartment *compartment, const char *image)
{
    SvirtCompartmentLabel *label =
        &compartment->labels[compartment->label_count++];

    label->model = SVIRT_MODEL_TEST;
    label->type = SVIRT_SECLABEL_DYNAMIC;
    label->active = true;
    label->relabel = true;
    label->set.image = g_strdup(image);
}

char *
fixture_labels(const char *path)
{
    char value[256] = "-";
    struct stat st;
    ssize_t size;

    g_assert_cmpint(stat(path, &st), ==, 0);
    size = getxattr(path, "user.svirt.test", value, sizeof(value) - 1);
    if (size >= 0) {
        value[size] = '\0';
    }
    return g_strdup_printf("%u:%u %s", st.st_uid, st.st_gid, value);
}
