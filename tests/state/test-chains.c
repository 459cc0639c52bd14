/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include "state/chains.h"

static void
test_put_get_replace_remove(Fixture *fixture, gconstpointer data)
{
    SvirtUuid uuid = numbered_uuid(1);
    g_autofree char *json = NULL;
    g_autofree char *gone = NULL;
    g_autoptr(GPtrArray) list = NULL;

    define(fixture->state, 1);
    begin(fixture->state);
    ASSERT_WORKS(svirt_chains_put(fixture->state, &uuid, "vdb", "[1]",
                                  &error));
    ASSERT_WORKS(svirt_chains_put(fixture->state, &uuid, "vda", "[2]",
                                  &error));
    ASSERT_WORKS(svirt_chains_put(fixture->state, &uuid, "vda", "[3]",
                                  &error));
    commit(fixture->state);
    ASSERT_WORKS(svirt_chains_get(fixture->state, &uuid, "vda", &json,
                                  &error));
    g_assert_cmpstr(json, ==, "[3]");
    ASSERT_WORKS(svirt_chains_list(fixture->state, &uuid, &list, &error));
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpstr(((SvirtChainRecord *)list->pdata[1])->target, ==, "vdb");
    CHANGE(fixture->state,
           svirt_chains_remove(fixture->state, &uuid, "vda", &error));
    CHANGE(fixture->state,
           svirt_chains_remove(fixture->state, &uuid, "vda", &error));
    ASSERT_WORKS(svirt_chains_get(fixture->state, &uuid, "vda", &gone,
                                  &error));
    g_assert_null(gone);
}

static void
test_bounds_and_unknown_domain(Fixture *fixture, gconstpointer data)
{
    SvirtUuid uuid = numbered_uuid(1);
    g_autofree char *target = g_strnfill(SVIRT_CHAIN_TARGET_BYTES, 'v');
    g_autofree char *json = g_strnfill(SVIRT_CHAIN_BYTES, ' ');

    CHANGE_FAILS(fixture->state,
                 svirt_chains_put(fixture->state, &uuid, "vda", "[]", &error),
                 SVIRT_ERROR_NOT_FOUND);
    CHANGE_FAILS(
        fixture->state,
        svirt_chains_put(fixture->state, &uuid, target, "[]", &error),
        SVIRT_ERROR_INVALID);
    CHANGE_FAILS(fixture->state,
                 svirt_chains_put(fixture->state, &uuid, "", "[]", &error),
                 SVIRT_ERROR_INVALID);
    CHANGE_FAILS(fixture->state,
                 svirt_chains_put(fixture->state, &uuid, "vda", json, &error),
                 SVIRT_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/state/chains/put-get-replace-remove", test_put_get_replace_remove);
    ADD("/state/chains/bounds-and-unknown-domain",
        test_bounds_and_unknown_domain);
    return g_test_run();
}
