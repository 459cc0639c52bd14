/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/perform.h"

#include "base/error.h"
#include "launch/cgroup.h"
#include "launch/passt.h"
#include "selftest/compartment-runner.h"
#include "selftest/network.h"
#include "selftest/victim-process.h"
#include "state/claims.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define REMOVE_TIMEOUT_MS 5000
/* Stop an attempt with every layer waived that can be. */
#define ALWAYS                                                               \
    (1u << SVIRT_PROBE_LAYER_CAPABILITY | 1u << SVIRT_PROBE_LAYER_RLIMIT |   \
     1u << SVIRT_PROBE_LAYER_DESCRIPTOR)

typedef struct World {
    const SvirtSelftestRequest *request;
    SvirtSelftestTargets *targets; /* owned */
    SvirtUuid uuid;
    SvirtCgroup cgroup; /* owned; of the attacker */
    bool has_cgroup;
    bool has_device_filter;
    SvirtSelftestNetwork *network; /* owned, NULL: none */
    SvirtSelftestPasst passt_outside;
    SvirtSelftestPasst passt_inside;
    SvirtSelftestLabels labels[2]; /* of the two, loaded */
    SvirtSelftestCompartment attacker;
    SvirtSelftestCompartment other;
    SvirtSelftestRunner outside;
    SvirtSelftestRunner inside;
    SvirtSelftestRunner beside;
} World;

static void
world_clear(World *world)
{
    svirt_selftest_passt_stop(&world->passt_outside);
    svirt_selftest_passt_stop(&world->passt_inside);
    svirt_selftest_network_free(world->network);
    svirt_selftest_targets_free(world->targets);
    svirt_selftest_labels_unload(&world->labels[0]);
    svirt_selftest_labels_unload(&world->labels[1]);
    if (world->has_cgroup) {
        (void)svirt_cgroup_remove(world->cgroup.parent_fd, &world->uuid,
                                  REMOVE_TIMEOUT_MS);
        svirt_cgroup_close(&world->cgroup);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

/* A host without cgroup v2 has a selftest that says so, not none. */
static void
cgroup_make(World *world)
{
    const SvirtCgroupLimits limits = {
        .memory_max_bytes = SVIRT_SELFTEST_MEMORY_BYTES,
        .pids_max = SVIRT_SELFTEST_CGROUP_TASKS,
    };
    SvirtDeviceRule rules[8];
    SvirtLaunchFailure failure;
    size_t count;

    svirt_uuid_generate(&world->uuid);
    world->has_cgroup =
        world->request->cgroup_parent &&
        svirt_cgroup_create(world->request->cgroup_parent, &world->uuid,
                            &limits, &world->cgroup, &failure);
    if (world->has_cgroup) {
        count = svirt_device_rules_for_nodes(SVIRT_SELFTEST_NODES, rules);
        world->has_device_filter =
            svirt_cgroup_set_devices(world->cgroup.vmm_fd, rules, count);
    }
}

static void
compartment_init(const World *world, const char *name, SvirtSpecIds ids,
                 const SvirtSelftestLabels *labels,
                 SvirtSelftestCompartment *ret)
{
    const SvirtSelftestRequest *request = world->request;

    *ret = (SvirtSelftestCompartment){
        .program = request->probe,
        .name = name,
        .ids = ids,
        .cgroup_fd = world->has_cgroup ? world->cgroup.vmm_fd : -1,
        .waived_layers = request->waived_layers |
                         (world->has_cgroup ? 0 : SVIRT_LAYER_CGROUP),
        .landlock_abi_limit = request->landlock_abi_limit,
        .exec = (request->exec ? SVIRT_EXEC_STDIO | SVIRT_EXEC_TIED : 0) |
                (request->waived_layers & SVIRT_LAYER_UID
                 ? SVIRT_EXEC_OWN_IDS : 0),
        .file_limit_bytes = SVIRT_SELFTEST_FILE_BYTES,
        .labels = labels,
        .launched = SVIRT_LAUNCHED_INIT,
    };
}

static bool
limits_tasks(const World *world)
{
    return world->has_cgroup &&
           !(world->cgroup.missing_controllers & SVIRT_CONTROLLER_PIDS);
}

static bool
world_make(World *world, GError **error)
{
    cgroup_make(world);
    compartment_init(world, "svirt-selftest-a", world->request->attacker,
                     &world->labels[0], &world->attacker);
    compartment_init(world, "svirt-selftest-b", world->request->other,
                     &world->labels[1], &world->other);
    /* One cgroup would be one place: the other VM has none of its own. */
    world->other.cgroup_fd = -1;
    world->other.waived_layers |= SVIRT_LAYER_CGROUP;
    svirt_selftest_runner_plain(world->request->probe, &world->outside);
    svirt_selftest_runner_compartment(&world->attacker, &world->inside);
    svirt_selftest_runner_compartment(&world->other, &world->beside);
    for (unsigned i = 0; i < G_N_ELEMENTS(world->labels); i++) {
        if (!svirt_selftest_labels_load(world->request->probe,
                                        &world->labels[i], error)) {
            return false;
        }
    }
    if (!svirt_selftest_targets_new(&world->request->places, &world->targets,
                                    error)) {
        return false;
    }
    if (!svirt_selftest_targets_label(world->targets, &world->labels[0],
                                      &world->labels[1], error)) {
        return false;
    }
    if (limits_tasks(world)) {
        svirt_selftest_targets_limit_tasks(world->targets,
                                           SVIRT_SELFTEST_CGROUP_TASKS);
    }
    return true;
}

/*
 * Without passt, or without cgroup v2, on which its address filter hangs, a
 * VM gets no network of this kind: nothing to try.
 */
static bool
network_make(World *world, GError **error)
{
    g_autoptr(GError) lacking = NULL;
    SvirtSpecIds helper = world->request->helper;

    if (!world->has_cgroup || access(svirt_passt_program(), X_OK) < 0 ||
        !svirt_selftest_network_new(&world->network, &lacking)) {
        return true;
    }
    if (helper.uid == 0) {
        helper.uid = world->request->attacker.uid + SVIRT_UID_HELPER;
        helper.gid = helper.uid;
    }
    if (!svirt_selftest_passt_start(world->network, &world->passt_outside,
                                    error) ||
        !svirt_selftest_passt_launch(world->network, helper,
                                     world->cgroup.helper_fd,
                                     &world->passt_inside, error)) {
        return false;
    }
    svirt_selftest_targets_passt(
        world->targets, world->passt_outside.fd, world->passt_inside.fd,
        svirt_selftest_network_port(world->network));
    return true;
}

static void
excuses_make(const World *world, SvirtSelftest *selftest)
{
    const char *reason = NULL;
    SvirtSelftestRow *threads = svirt_selftest_row(selftest, "threads");

    if (!world->has_cgroup) {
        reason = "this host has no cgroup v2 for the VM";
    } else if (world->cgroup.missing_controllers & SVIRT_CONTROLLER_MEMORY) {
        reason = "this host's cgroup v2 has no memory controller";
    }
    if (world->request->user &&
        (world->request->waived_layers & SVIRT_LAYER_UID) != 0) {
        (void)svirt_selftest_excuse(selftest, "pipe-reopen",
                                    "it runs as you: no subordinate uids");
    }
    /* The controller's limit is the lower one, and counts for root too. */
    if (threads && limits_tasks(world)) {
        threads->layers = 1u << SVIRT_PROBE_LAYER_CGROUP;
        threads->together = false;
    }
    if (reason) {
        (void)svirt_selftest_excuse(selftest, "memory", reason);
    }
}

static bool
is_blocked(const SvirtSelftestRow *row)
{
    return row->confined_made &&
           (row->confined.outcome == SVIRT_PROBE_OUTCOME_BLOCKED ||
            row->confined.outcome == SVIRT_PROBE_OUTCOME_SIGNAL);
}

/* The attempts with `kept` as the only layer; a table of its own. */
static bool
alone_run(World *world, uint32_t kept, SvirtSelftest **ret, GError **error)
{
    const SvirtSelftestMode mode = kept & SVIRT_LAYER_SECCOMP
                                       ? SVIRT_SELFTEST_INSIDE
                                       : SVIRT_SELFTEST_APART;
    SvirtSelftestCompartment compartment = world->attacker;
    g_autoptr(SvirtSelftest) selftest = NULL;
    SvirtSelftestRunner runner;

    compartment.waived_layers = SVIRT_LAYER_ALL & ~kept;
    compartment.labels = NULL;
    if (!(kept & SVIRT_LAYER_CGROUP)) {
        compartment.cgroup_fd = -1;
    }
    svirt_selftest_runner_compartment(&compartment, &runner);
    if (!svirt_selftest_new(world->request->probe, &selftest, error)) {
        return false;
    }
    selftest->tell = world->request->tell;
    if (!svirt_selftest_run(selftest, mode, world->targets, &runner, error)) {
        return false;
    }
    *ret = g_steal_pointer(&selftest);
    return true;
}

static void
alone_apply(SvirtSelftest *selftest, const SvirtSelftest *measured,
            uint32_t layer)
{
    for (guint i = 0; i < selftest->rows->len; i++) {
        SvirtSelftestRow *row = selftest->rows->pdata[i];

        if (row->control.outcome != SVIRT_PROBE_OUTCOME_DONE ||
            !is_blocked(measured->rows->pdata[i])) {
            continue;
        }
        if (layer == 0) {
            row->always = true;
            row->alone = row->layers & ALWAYS;
        } else if (!row->always) {
            row->alone |= layer;
        }
    }
}

static bool
alone_measure(World *world, SvirtSelftest *selftest, GError **error)
{
    const struct {
        uint32_t kept;
        uint32_t layer;
    } runs[] = {
        /* First: what the others block as well is not their doing. */
        { 0, 0 },
        { SVIRT_LAYER_ROOT, 1u << SVIRT_PROBE_LAYER_ROOT },
        { SVIRT_LAYER_SECCOMP, 1u << SVIRT_PROBE_LAYER_FILTER },
        { SVIRT_LAYER_LANDLOCK, 1u << SVIRT_PROBE_LAYER_LANDLOCK },
        { SVIRT_LAYER_UID, 1u << SVIRT_PROBE_LAYER_DAC },
        { SVIRT_LAYER_NAMESPACES, 1u << SVIRT_PROBE_LAYER_NAMESPACE },
        { SVIRT_LAYER_CGROUP | SVIRT_LAYER_DEVICE_FILTER,
          1u << SVIRT_PROBE_LAYER_CGROUP },
    };
    /* The victim is ended through the runner: it has to go first. */
    SvirtSelftestCompartment same = world->other;
    SvirtSelftestRunner runner;
    g_autoptr(SvirtSelftestVictim) victim = NULL;

    /* One user for both, or the other's own user would always help. */
    same.waived_layers |= SVIRT_LAYER_UID;
    same.labels = NULL;
    svirt_selftest_runner_compartment(&same, &runner);
    if (!svirt_selftest_victim_start(&runner, &victim, error)) {
        return false;
    }
    /* One passt serves one VM. */
    svirt_selftest_targets_passt(world->targets, -1, -1, -1);
    svirt_selftest_targets_aim(world->targets,
                               svirt_selftest_victim_pid(victim),
                               svirt_selftest_victim_address(victim));
    for (size_t i = 0; i < G_N_ELEMENTS(runs); i++) {
        g_autoptr(SvirtSelftest) measured = NULL;

        if ((runs[i].kept & SVIRT_LAYER_CGROUP) && !world->has_cgroup) {
            continue;
        }
        if (!alone_run(world, runs[i].kept, &measured, error)) {
            return false;
        }
        alone_apply(selftest, measured, runs[i].layer);
    }
    return true;
}

/* What a kernel without Landlock blocks is never Landlock's doing. */
static void
forget_landlock(SvirtSelftest *selftest)
{
    for (guint i = 0; i < selftest->rows->len; i++) {
        SvirtSelftestRow *row = selftest->rows->pdata[i];

        row->layers &= ~(1u << SVIRT_PROBE_LAYER_LANDLOCK);
    }
}

/* Of a user: refused outside as it is inside, it is nobody's target. */
static void
forget_root(SvirtSelftest *selftest)
{
    for (guint i = 0; i < selftest->rows->len; i++) {
        SvirtSelftestRow *row = selftest->rows->pdata[i];

        if (row->control.outcome == SVIRT_PROBE_OUTCOME_BLOCKED &&
            is_blocked(row)) {
            row->control.outcome = SVIRT_PROBE_OUTCOME_ABSENT;
            (void)g_strlcpy(row->control.detail,
                            "an ordinary user may not do it",
                            sizeof(row->control.detail));
        }
    }
}

/* Without namespaces nothing but these stands in the way of some. */
static void
excuse_layers(const SvirtSelftest *selftest, uint32_t lacking)
{
    const uint32_t layers = 1u << SVIRT_PROBE_LAYER_ROOT |
                            1u << SVIRT_PROBE_LAYER_NAMESPACE |
                            1u << SVIRT_PROBE_LAYER_DAC;

    for (guint i = 0; (lacking & SVIRT_LAYER_ROOT) != 0 &&
                      i < selftest->rows->len; i++) {
        SvirtSelftestRow *row = selftest->rows->pdata[i];

        if ((row->layers & ~layers) == 0) {
            g_free(row->open_reason);
            row->open_reason = g_strdup("user namespaces are refused");
        }
    }
}

static bool
perform_all(const SvirtSelftestRequest *request, SvirtSelftest **ret,
            GError **error)
{
    g_auto(World) world = {
        .request = request,
        .cgroup = SVIRT_CGROUP_INIT,
        .passt_outside = { 0, -1 },
        .passt_inside = { 0, -1 },
    };
    g_autoptr(SvirtSelftest) selftest = NULL;
    g_autoptr(SvirtSelftestVictim) victim = NULL;

    if (!svirt_selftest_new(request->probe, &selftest, error) ||
        !world_make(&world, error) || !network_make(&world, error) ||
        !svirt_selftest_victim_start(&world.beside, &victim, error)) {
        return false;
    }
    svirt_selftest_targets_aim(world.targets,
                               svirt_selftest_victim_pid(victim),
                               svirt_selftest_victim_address(victim));
    excuses_make(&world, selftest);
    selftest->tell = request->tell;
    if (request->landlock_abi_limit == 0) {
        forget_landlock(selftest);
    }
    if (!svirt_selftest_run(selftest, SVIRT_SELFTEST_OUTSIDE, world.targets,
                            &world.outside, error) ||
        !svirt_selftest_run(selftest, SVIRT_SELFTEST_INSIDE, world.targets,
                            &world.inside, error) ||
        (request->alone && !alone_measure(&world, selftest, error))) {
        return false;
    }
    if (request->user) {
        excuse_layers(selftest, request->waived_layers);
        forget_root(selftest);
    }
    *ret = g_steal_pointer(&selftest);
    return true;
}

bool
svirt_selftest_perform(const SvirtSelftestRequest *request,
                       SvirtSelftest **ret, GError **error)
{
    sigset_t ends;
    sigset_t before;
    bool ok;

    /* What the targets are made of outlives a process that is ended. */
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &ends, &before);
    ok = perform_all(request, ret, error);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}
