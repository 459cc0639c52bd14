/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/fixture.h"

#include "state/waivers.h"

static SvirtWaiver *
make(uint64_t number, const char *layer, const char *resource,
     const char *reason, int64_t expires_s)
{
    SvirtUuid uuid = numbered_uuid(number);

    return svirt_waiver_new(&uuid, layer, resource, reason, 1000, 100,
                            expires_s);
}

static void
test_in_force_until_it_expires(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtWaiver) waiver =
        make(1, "landlock", "disk vda", "kernel bug", 200);
    g_autoptr(SvirtWaiver) active = NULL;
    g_autoptr(SvirtWaiver) expired = NULL;
    g_autoptr(SvirtWaiver) other = NULL;
    g_autoptr(GPtrArray) list = NULL;

    define(fixture->state, 1);
    CHANGE(fixture->state,
           svirt_waivers_add(fixture->state, waiver, &error));
    ASSERT_WORKS(svirt_waivers_active(fixture->state, &waiver->uuid,
                                      "landlock", "disk vda", 199, &active,
                                      &error));
    g_assert_cmpstr(active->reason, ==, "kernel bug");
    g_assert_cmpuint(active->author, ==, 1000);
    g_assert_cmpint(active->id, ==, waiver->id);
    ASSERT_WORKS(svirt_waivers_active(fixture->state, &waiver->uuid,
                                      "landlock", "disk vda", 200, &expired,
                                      &error));
    g_assert_null(expired);
    ASSERT_WORKS(svirt_waivers_active(fixture->state, &waiver->uuid,
                                      "landlock", "disk vdb", 199, &other,
                                      &error));
    g_assert_null(other);
    /* Expired ones stay listed until they are removed. */
    ASSERT_WORKS(svirt_waivers_list(fixture->state, NULL, &list, &error));
    g_assert_cmpuint(list->len, ==, 1);
    CHANGE(fixture->state,
           svirt_waivers_remove(fixture->state, waiver->id, &error));
    CHANGE_FAILS(fixture->state,
                 svirt_waivers_remove(fixture->state, waiver->id, &error),
                 SVIRT_ERROR_NOT_FOUND);
}

static void
test_renewal_replaces(Fixture *fixture, gconstpointer data)
{
    g_autoptr(SvirtWaiver) first = make(1, "uid", "disk vda", "a", 200);
    g_autoptr(SvirtWaiver) second = make(1, "uid", "disk vda", "b", 900);
    g_autoptr(GPtrArray) list = NULL;

    define(fixture->state, 1);
    CHANGE(fixture->state, svirt_waivers_add(fixture->state, first, &error));
    CHANGE(fixture->state, svirt_waivers_add(fixture->state, second, &error));
    ASSERT_WORKS(svirt_waivers_list(fixture->state, &first->uuid, &list,
                                    &error));
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpstr(((SvirtWaiver *)list->pdata[0])->reason, ==, "b");
}

static void
test_incomplete_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *long_text = g_strnfill(SVIRT_WAIVER_TEXT_BYTES, 'r');
    const struct {
        const char *layer;
        const char *resource;
        const char *reason;
        int64_t expires_s;
        int code;
    } rows[] = {
        { "", "disk vda", "why", 200, SVIRT_ERROR_INVALID },
        { "uid", "", "why", 200, SVIRT_ERROR_INVALID },
        { "uid", "disk vda", "", 200, SVIRT_ERROR_INVALID },
        { "uid", "disk vda", long_text, 200, SVIRT_ERROR_INVALID },
        { "uid", "disk vda", "why", 100, SVIRT_ERROR_INVALID },
        { "uid", "disk vda", "why", 0, SVIRT_ERROR_INVALID },
        { "uid", "disk vda", "why", 200, SVIRT_ERROR_NOT_FOUND },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SvirtWaiver) waiver =
            make(1, rows[i].layer, rows[i].resource, rows[i].reason,
                 rows[i].expires_s);

        CHANGE_FAILS(fixture->state,
                     svirt_waivers_add(fixture->state, waiver, &error),
                     rows[i].code);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/state/waivers/in-force-until-it-expires",
        test_in_force_until_it_expires);
    ADD("/state/waivers/renewal-replaces", test_renewal_replaces);
    ADD("/state/waivers/incomplete-is-refused", test_incomplete_is_refused);
    return g_test_run();
}
