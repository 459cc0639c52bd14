/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole selftest in compartments made by the launch. */
#include "base/error.h"
#include "launch/cgroup.h"
#include "selftest/perform.h"

#include <errno.h>
#include <glib.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Over every range that Debian or systemd give out. */
#define UID_ATTACKER 2000100001u
#define UID_OTHER 2000100002u
#define UID_HELPER 2000100003u
#define MINIMUM 120

static const SvirtSelftestRequest request_plain = {
    .probe = SVIRT_TEST_PROBE,
    .attacker = { UID_ATTACKER, UID_ATTACKER },
    .other = { UID_OTHER, UID_OTHER },
    .helper = { UID_HELPER, UID_HELPER },
    .cgroup_parent = "svirt-test-selftest",
    .landlock_abi_limit = -1,
};

/* The VMs' cgroups are gone; the directory they were in is the test's. */
static void
parent_remove(void)
{
    char mount[256];
    g_autofree char *path = NULL;

    if (svirt_cgroup_find_mount(-1, mount, sizeof(mount))) {
        path = g_build_filename(mount, request_plain.cgroup_parent, NULL);
        (void)rmdir(path);
    }
}

static bool
lacks_root(void)
{
    if (geteuid() != 0) {
        g_test_skip("not root: compartments of their own users need it");
        return true;
    }
    return false;
}

static SvirtSelftest *
perform(const SvirtSelftestRequest *request)
{
    g_autoptr(GError) error = NULL;
    SvirtSelftest *selftest = NULL;

    if (!svirt_selftest_perform(request, &selftest, &error)) {
        g_autofree char *text = svirt_error_render(error);

        g_test_message("%s", text);
        g_assert_not_reached();
    }
    return selftest;
}

/* Nothing is broken and nothing open without a reason. */
static void
assert_holds(const SvirtSelftest *selftest)
{
    unsigned counts[SVIRT_SELFTEST_MAX];

    svirt_selftest_count(selftest, counts);
    if (svirt_selftest_exit_code(selftest) != 0) {
        g_autofree char *table = svirt_selftest_report_table(selftest);

        g_test_message("%s", table);
    }
    g_assert_cmpuint(counts[SVIRT_SELFTEST_BREACH], ==, 0);
    g_assert_cmpuint(counts[SVIRT_SELFTEST_BROKEN], ==, 0);
    g_assert_cmpuint(counts[SVIRT_SELFTEST_HELD], >=, MINIMUM);
}

static void
test_holds(void)
{
    g_autoptr(SvirtSelftest) selftest = NULL;

    if (lacks_root()) {
        return;
    }
    selftest = perform(&request_plain);
    assert_holds(selftest);
}

static long
newest_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0,
                   LANDLOCK_CREATE_RULESET_VERSION);
}

/* Landlock as older kernels have it, down to none. */
static void
test_holds_with_older_landlock(void)
{
    if (lacks_root()) {
        return;
    }
    for (int abi = 0; abi < newest_landlock(); abi++) {
        SvirtSelftestRequest request = request_plain;
        g_autoptr(SvirtSelftest) selftest = NULL;

        g_test_message("Landlock ABI %d", abi);
        request.landlock_abi_limit = abi;
        /* passt's compartment has no part in it, and takes its time. */
        request.cgroup_parent = NULL;
        selftest = perform(&request);
        assert_holds(selftest);
    }
}

#define LAYER(name) (1u << SVIRT_PROBE_LAYER_##name)
/* In force in every run, so that what they stop hides the other layers. */
#define ALWAYS (LAYER(CAPABILITY) | LAYER(RLIMIT) | LAYER(DESCRIPTOR))

/* Does `row` show more or less than its table claims? */
static bool
claim_is_true(const SvirtSelftestRow *row)
{
    if (row->always) {
        return row->layers & ALWAYS;
    }
    if (row->together) {
        return (row->alone & ~row->layers) == 0;
    }
    return row->alone == row->layers;
}

/* What the table says of each layer is what that layer does on its own. */
static void
test_layers_stop_what_they_claim(void)
{
    SvirtSelftestRequest request = request_plain;
    g_autoptr(SvirtSelftest) selftest = NULL;

    if (lacks_root()) {
        return;
    }
    if (newest_landlock() < 6) {
        g_test_skip("Landlock ABI below 6: it stops less than is claimed");
        return;
    }
    request.alone = true;
    selftest = perform(&request);
    for (guint i = 0; i < selftest->rows->len; i++) {
        const SvirtSelftestRow *row = selftest->rows->pdata[i];
        char claimed[128];
        char measured[128];

        if (row->control.outcome != SVIRT_PROBE_OUTCOME_DONE ||
            svirt_selftest_judge(row) == SVIRT_SELFTEST_OPEN ||
            /* passt is confined by its own compartment, not the VMM's. */
            strcmp(row->group, "network") == 0 || claim_is_true(row)) {
            continue;
        }
        svirt_probe_layers_format(row->layers, claimed, sizeof(claimed));
        svirt_probe_layers_format(row->alone, measured, sizeof(measured));
        g_test_message("%s: claimed %s, measured %s", row->name, claimed,
                       measured);
        g_test_fail();
    }
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selftest/compartment/holds", test_holds);
    g_test_add_func("/selftest/compartment/holds-with-older-landlock",
                    test_holds_with_older_landlock);
    g_test_add_func("/selftest/compartment/layers-stop-what-they-claim",
                    test_layers_stop_what_they_claim);
    result = g_test_run();
    parent_remove();
    return result;
}
