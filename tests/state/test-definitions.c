/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include "state/chains.h"
#include "state/objects.h"
#include "state/waivers.h"

static SvirtDefinition *
make(uint64_t number, const char *name, uid_t author)
{
    SvirtUuid uuid = numbered_uuid(number);

    return svirt_definition_new(&uuid, name, author, "<domain>1</domain>",
                                1000);
}

static void
test_comes_back_whole(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtDefinition) web = make(1, "web", 1000);
    g_autoptr(SvirtDefinition) by_name = NULL;
    g_autoptr(SvirtDefinition) by_uuid = NULL;
    g_autoptr(SvirtDefinition) found = NULL;
    char uuid[SVIRT_UUID_TEXT];

    CHANGE(fixture->state,
           svirt_definitions_add(fixture->state, web, &error));
    g_assert_cmpuint(web->incarnation, >, 0);
    ASSERT_WORKS(svirt_definitions_by_name(fixture->state, "web", &by_name,
                                           &error));
    g_assert_true(svirt_uuid_equal(&by_name->uuid, &web->uuid));
    g_assert_cmpstr(by_name->name, ==, "web");
    g_assert_cmpuint(by_name->author, ==, 1000);
    g_assert_cmpuint(by_name->incarnation, ==, web->incarnation);
    g_assert_cmpstr(by_name->xml, ==, "<domain>1</domain>");
    g_assert_cmpint(by_name->created_s, ==, 1000);
    g_assert_null(by_name->tainted);
    ASSERT_WORKS(svirt_definitions_by_uuid(fixture->state, &web->uuid,
                                           &by_uuid, &error));
    g_assert_cmpstr(by_uuid->name, ==, "web");
    svirt_uuid_format(&web->uuid, uuid);
    ASSERT_WORKS(svirt_definitions_find(fixture->state, uuid, &found,
                                        &error));
    g_assert_cmpstr(found->name, ==, "web");
}

static void
test_duplicates_name_the_other(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtDefinition) web = make(1, "web", 0);
    g_autoptr(SvirtDefinition) same_uuid = make(1, "db", 0);
    g_autoptr(SvirtDefinition) same_name = make(2, "web", 0);
    g_autoptr(GError) told = NULL;

    CHANGE(fixture->state,
           svirt_definitions_add(fixture->state, web, &error));
    begin(fixture->state);
    g_assert_false(svirt_definitions_add(fixture->state, same_uuid, &told));
    g_assert_error(told, SVIRT_ERROR, SVIRT_ERROR_EXISTS);
    g_assert_nonnull(strstr(told->message, "'web'"));
    g_clear_error(&told);
    g_assert_false(svirt_definitions_add(fixture->state, same_name, &told));
    g_assert_error(told, SVIRT_ERROR, SVIRT_ERROR_EXISTS);
    g_assert_nonnull(strstr(told->message, "UUID 5a000000-"));
    svirt_state_rollback(fixture->state);
}

static void
test_bad_texts_are_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *long_name = g_strnfill(256, 'n');
    g_autoptr(SvirtDefinition) empty = make(1, "", 0);
    g_autoptr(SvirtDefinition) longer = make(1, long_name, 0);
    g_autoptr(SvirtDefinition) huge = make(1, "huge", 0);

    g_free(huge->xml);
    huge->xml = g_strnfill(SVIRT_DEFINITION_XML_BYTES, 'x');
    CHANGE_FAILS(fixture->state,
                 svirt_definitions_add(fixture->state, empty, &error),
                 SVIRT_ERROR_INVALID);
    CHANGE_FAILS(fixture->state,
                 svirt_definitions_add(fixture->state, longer, &error),
                 SVIRT_ERROR_INVALID);
    CHANGE_FAILS(fixture->state,
                 svirt_definitions_add(fixture->state, huge, &error),
                 SVIRT_ERROR_INVALID);
}

static void
test_replace_keeps_the_incarnation(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtDefinition) web = make(1, "web", 0);
    g_autoptr(SvirtDefinition) other_name = make(1, "db", 0);
    g_autoptr(SvirtDefinition) other_author = make(1, "web", 7);
    g_autoptr(SvirtDefinition) unknown = make(9, "nine", 0);
    g_autoptr(SvirtDefinition) found = NULL;

    CHANGE(fixture->state,
           svirt_definitions_add(fixture->state, web, &error));
    CHANGE(fixture->state,
           svirt_definitions_set_tainted(fixture->state, &web->uuid,
                                         "monitor command", &error));
    g_free(web->xml);
    web->xml = g_strdup("<domain>2</domain>");
    web->changed_s = 2000;
    CHANGE(fixture->state,
           svirt_definitions_replace(fixture->state, web, &error));
    ASSERT_WORKS(svirt_definitions_by_name(fixture->state, "web", &found,
                                           &error));
    g_assert_cmpstr(found->xml, ==, "<domain>2</domain>");
    g_assert_cmpuint(found->incarnation, ==, web->incarnation);
    g_assert_cmpint(found->created_s, ==, 1000);
    g_assert_cmpint(found->changed_s, ==, 2000);
    g_assert_cmpstr(found->tainted, ==, "monitor command");
    CHANGE_FAILS(
        fixture->state,
        svirt_definitions_replace(fixture->state, other_name, &error),
        SVIRT_ERROR_EXISTS);
    CHANGE_FAILS(
        fixture->state,
        svirt_definitions_replace(fixture->state, other_author, &error),
        SVIRT_ERROR_REFUSED);
    CHANGE_FAILS(fixture->state,
                 svirt_definitions_replace(fixture->state, unknown, &error),
                 SVIRT_ERROR_NOT_FOUND);
}

static void
test_list_is_sorted_and_without_xml(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) list = NULL;
    const SvirtDefinition *first;

    define(fixture->state, 3);
    define(fixture->state, 1);
    define(fixture->state, 2);
    ASSERT_WORKS(svirt_definitions_list(fixture->state, &list, &error));
    g_assert_cmpuint(list->len, ==, 3);
    first = list->pdata[0];
    g_assert_cmpstr(first->name, ==, "vm1");
    g_assert_null(first->xml);
}

/* What goes with an undefine, and what stays to be given back. */
static void
test_remove_takes_claims_chains_and_waivers(Fixture *fixture,
                                            gconstpointer data)
{
    SvirtUuid uuid = numbered_uuid(1);
    SvirtOwner owner = numbered_owner(1);
    SvirtIdentity identity = { .format = S_IFREG,
                               .ino = 5,
                               .has_birth = true };
    g_autoptr(SvirtClaim) claim =
        svirt_claim_new(&owner, SVIRT_MODEL_SMACK, "", "svirt-1");
    g_autoptr(SvirtWaiver) waiver = svirt_waiver_new(
        &uuid, "landlock", "disk vda", "kernel bug", 0, 1, 100);
    g_autoptr(GPtrArray) claims = NULL;
    g_autoptr(GPtrArray) waivers = NULL;
    g_autoptr(GPtrArray) chains = NULL;
    g_autoptr(GPtrArray) objects = NULL;
    int64_t id;

    define(fixture->state, 1);
    begin(fixture->state);
    ASSERT_WORKS(svirt_claims_add(fixture->state, claim, &error));
    ASSERT_WORKS(svirt_waivers_add(fixture->state, waiver, &error));
    ASSERT_WORKS(svirt_chains_put(fixture->state, &uuid, "vda", "[]",
                                  &error));
    ASSERT_WORKS(svirt_objects_remember(fixture->state, &identity, "/a",
                                        SVIRT_MODEL_SMACK, &owner, NULL,
                                        "svirt-1", &id, &error));
    ASSERT_WORKS(svirt_objects_remember(fixture->state, &identity, "/a",
                                        SVIRT_MODEL_NONE, &owner, NULL, NULL,
                                        &id, &error));
    commit(fixture->state);
    CHANGE(fixture->state,
           svirt_definitions_remove(fixture->state, &uuid, &error));
    ASSERT_WORKS(svirt_claims_list(fixture->state, NULL, &claims, &error));
    ASSERT_WORKS(svirt_waivers_list(fixture->state, NULL, &waivers, &error));
    ASSERT_WORKS(svirt_chains_list(fixture->state, &uuid, &chains, &error));
    ASSERT_WORKS(svirt_objects_list(fixture->state, NULL, &objects, &error));
    g_assert_cmpuint(claims->len, ==, 0);
    g_assert_cmpuint(waivers->len, ==, 0);
    g_assert_cmpuint(chains->len, ==, 0);
    g_assert_cmpuint(objects->len, ==, 1);
    CHANGE_FAILS(fixture->state,
                 svirt_definitions_remove(fixture->state, &uuid, &error),
                 SVIRT_ERROR_NOT_FOUND);
}

static void
test_uuid_with_labels_is_its_authors(Fixture *fixture, gconstpointer data)
{
    SvirtOwner owner = { numbered_uuid(1), 1, 1000 };
    SvirtIdentity identity = { .format = S_IFREG,
                               .ino = 5,
                               .has_birth = true };
    g_autoptr(SvirtClaim) claim =
        svirt_claim_new(&owner, SVIRT_MODEL_SMACK, "", "svirt-1");
    g_autoptr(SvirtDefinition) thief = make(1, "web", 1001);
    unsigned remaining;
    int64_t id;

    CHANGE(fixture->state, svirt_claims_add(fixture->state, claim, &error));
    CHANGE_FAILS(fixture->state,
                 svirt_definitions_add(fixture->state, thief, &error),
                 SVIRT_ERROR_REFUSED);
    begin(fixture->state);
    ASSERT_WORKS(svirt_claims_remove_all(fixture->state, &owner.uuid,
                                         &error));
    ASSERT_WORKS(svirt_objects_remember(fixture->state, &identity, "/a",
                                        SVIRT_MODEL_SMACK, &owner, NULL,
                                        "svirt-1", &id, &error));
    commit(fixture->state);
    CHANGE_FAILS(fixture->state,
                 svirt_definitions_add(fixture->state, thief, &error),
                 SVIRT_ERROR_REFUSED);
    begin(fixture->state);
    ASSERT_WORKS(svirt_objects_drop(fixture->state, id, &owner.uuid,
                                    &remaining, &error));
    ASSERT_WORKS(svirt_definitions_add(fixture->state, thief, &error));
    commit(fixture->state);
}

static void
test_incarnations_never_repeat(Fixture *fixture, gconstpointer data)
{
    uint64_t last = 0;

    for (unsigned i = 0; i < 3; i++) {
        g_autoptr(SvirtDefinition) web = make(1, "web", 0);

        CHANGE(fixture->state,
               svirt_definitions_add(fixture->state, web, &error));
        g_assert_cmpuint(web->incarnation, >, last);
        last = web->incarnation;
        CHANGE(fixture->state,
               svirt_definitions_remove(fixture->state, &web->uuid, &error));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/state/definitions/comes-back-whole", test_comes_back_whole);
    ADD("/state/definitions/duplicates-name-the-other",
        test_duplicates_name_the_other);
    ADD("/state/definitions/bad-texts-are-refused",
        test_bad_texts_are_refused);
    ADD("/state/definitions/replace-keeps-the-incarnation",
        test_replace_keeps_the_incarnation);
    ADD("/state/definitions/list-is-sorted-and-without-xml",
        test_list_is_sorted_and_without_xml);
    ADD("/state/definitions/remove-takes-claims-chains-and-waivers",
        test_remove_takes_claims_chains_and_waivers);
    ADD("/state/definitions/uuid-with-labels-is-its-authors",
        test_uuid_with_labels_is_its_authors);
    ADD("/state/definitions/incarnations-never-repeat",
        test_incarnations_never_repeat);
    return g_test_run();
}
