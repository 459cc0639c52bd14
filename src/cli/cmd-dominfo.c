/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "cli/command.h"
#include "compartment/compartment.h"
#include "host/layers.h"
#include "base/fd.h"
#include "hypervisor/balloon.h"
#include "hypervisor/tap.h"
#include "keeper/message.h"
#include "model/model.h"
#include "state/autostart.h"
#include "state/waivers.h"

typedef struct Info {
    const SvirtCli *cli;
    SvirtTable *table;
} Info;

static void
add(Info *info, const char *name, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void
add(Info *info, const char *name, const char *format, ...)
{
    g_autofree char *value = NULL;
    va_list args;

    va_start(args, format);
    value = g_strdup_vprintf(format, args);
    va_end(args);
    svirt_table_add(info->table, name, value, NULL, NULL);
}

/* A number, with its unit or "", which is one in JSON as well, as `key`. */
static void
add_number(Info *info, const char *name, const char *key, uint64_t number,
           const char *unit)
{
    g_autofree char *value = g_strdup_printf("%" PRIu64 "%s", number, unit);

    svirt_table_add(info->table, name, value, key, NULL);
}

/* SVIRT_LAYER_* of a mask, as words. */
static char *
layer_words(uint32_t layers)
{
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {
        { SVIRT_LAYER_LANDLOCK, "landlock" },
        { SVIRT_LAYER_SECCOMP, "seccomp" },
        { SVIRT_LAYER_CGROUP, "cgroup" },
        { SVIRT_LAYER_NAMESPACES, "namespaces" },
        { SVIRT_LAYER_DEVICE_FILTER, "device filter" },
        { SVIRT_LAYER_ROOT, "own root" },
        { SVIRT_LAYER_UID, "own uid" },
    };
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        if ((layers & words[i].bit) != 0) {
            g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "",
                                   words[i].word);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* What ended is named as such: a number could be anybody's by now. */
static void
add_process(Info *info, const char *name, const SvirtRunProcess *process,
            const char *otherwise)
{
    if (svirt_run_process_alive(process)) {
        add(info, name, "pid %d, uid %" PRIu32, process->pid, process->uid);
    } else {
        add(info, name, "%s", otherwise);
    }
}

static void
add_run(Info *info, const SvirtRunStatus *run)
{
    g_autofree char *lacking = layer_words(run->lacking_layers);
    g_autofree char *waived = layer_words(run->waived_layers);
    g_autofree char *controllers = NULL;

    add(info, "Emulator", "pid %d, uid %" PRIu32,
        run->process[SVIRT_PROCESS_VMM].pid,
        run->process[SVIRT_PROCESS_VMM].uid);
    add_process(info, "Monitor", &run->process[SVIRT_PROCESS_MONITOR],
                "none at present");
    add_process(info, "Keeper", &run->keeper, "gone: svirt recover");
    for (unsigned i = SVIRT_PROCESS_PASST; i < SVIRT_PROCESS_MAX; i++) {
        g_autofree char *name =
            i == SVIRT_PROCESS_PASST
                ? g_strdup("Network helper")
                : g_strdup_printf("Network helper %u",
                                  i - SVIRT_PROCESS_PASST + 1);

        if (run->process[i].pid != 0) {
            add(info, name, "pid %d, uid %" PRIu32,
                run->process[i].pid, run->process[i].uid);
        }
    }
    if ((run->flags & SVIRT_RUN_NETWORK_LOST) != 0) {
        add(info, "Network", "%s", "a helper ended: stop and start the VM");
    }
    add(info, "Landlock", run->landlock_abi > 0 ? "ABI %d" : "none",
        run->landlock_abi);
    add(info, "Cgroup", "%s",
        run->cgroup[SVIRT_LEAF_VMM][0] != '\0'
            ? run->cgroup[SVIRT_LEAF_VMM]
            : "none");
    controllers = svirt_layers_missing_controllers(
        run->cgroup[SVIRT_LEAF_VMM]);
    add(info, "Kernel lacks", "%s%s%s%s",
        lacking[0] == '\0' && controllers[0] == '\0' ? "nothing" : lacking,
        lacking[0] != '\0' && controllers[0] != '\0' ? ", " : "",
        controllers[0] != '\0' ? "cgroup v2 controllers: " : "", controllers);
    if (waived[0] != '\0') {
        add(info, svirt_manager_connection(info->cli->manager)->unprivileged
                ? "A user lacks" : "Waived layers", "%s",
            waived);
    }
    if ((run->flags & SVIRT_RUN_UNMANAGED) != 0) {
        add(info, "Management", "%s", "none: only destroy works");
    } else if ((run->flags & SVIRT_RUN_BROKEN) != 0) {
        add(info, "Management", "%s", "the emulator broke the protocol");
    }
    if ((run->flags & SVIRT_RUN_UNLOCKED) != 0) {
        add(info, "Image locks", "%s",
            "given up by the emulator while it had no keeper");
    }
}

static bool
add_waivers(Info *info, SvirtState *state, const SvirtDefinition *definition,
            GError **error)
{
    g_autoptr(GPtrArray) waivers = NULL;
    int64_t now = time(NULL);

    if (!svirt_waivers_list(state, &definition->uuid, &waivers, error)) {
        return false;
    }
    for (unsigned i = 0; i < waivers->len; i++) {
        const SvirtWaiver *waiver = waivers->pdata[i];

        if (waiver->expires_s > now) {
            add(info, "Waiver", "%s for '%s': %s", waiver->layer,
                waiver->resource, waiver->reason);
        }
    }
    return true;
}

static bool
add_labels(Info *info, SvirtState *state, const SvirtConfig *config,
           const SvirtDefinition *definition, const SvirtDomain *domain,
           bool active, GError **error)
{
    g_autoptr(SvirtCompartment) compartment = NULL;

    if (!svirt_compartment_find(state, config, definition, domain,
                                &compartment, error)) {
        return false;
    }
    for (size_t i = 0; compartment != NULL && i < compartment->label_count;
         i++) {
        const SvirtCompartmentLabel *label = &compartment->labels[i];
        const SvirtModel *model = svirt_model_by_kind(label->model);

        if (label->active && label->set.vmm != NULL) {
            add(info, "Security model", "%s",
                svirt_model_kind_to_string(label->model));
            add(info, "Security label", "%s%s", label->set.vmm,
                active ? " (enforcing)" : "");
            if (model != NULL && model->gap != NULL) {
                g_autofree char *gap = model->gap(label->set.vmm);

                add(info, "Security gap", "%s", gap);
            }
        }
    }
    if (domain->vsock.info.line != 0) {
        add(info, "Security gap", "%s",
            "its VMM may take another vsock CID that is free");
    }
    return true;
}

static void
add_definition(Info *info, const SvirtDefinition *definition,
               const SvirtDomain *domain, const SvirtRunStatus *run,
               bool damaged)
{
    const SvirtConnection *connection =
        svirt_manager_connection(info->cli->manager);
    bool transient = false;
    SvirtAutostart mark = { 0 };

    char uuid[SVIRT_UUID_TEXT];
    bool active = svirt_run_status_is_active(run);
    uint64_t used_bytes =
        active ? svirt_balloon_read(info->cli->manager, definition, domain)
               : domain->current_memory_bytes;

    /* A mark that cannot be read is none: autostart says why. */
    (void)svirt_autostart_read(connection, &definition->uuid, &mark, NULL);
    (void)svirt_transient_read(connection, &definition->uuid, &transient,
                               NULL);
    svirt_uuid_format(&definition->uuid, uuid);
    if (active) {
        add_number(info, "Id", "id", run->id, "");
    } else {
        svirt_table_add(info->table, "Id", NULL, NULL, NULL);
    }
    add(info, "Name", "%s", definition->name);
    add(info, "UUID", "%s", uuid);
    add(info, "OS Type", "%s", "hvm");
    add(info, "State", "%s",
        active    ? svirt_guest_state_to_string(run->state)
        : damaged ? svirt_guest_state_to_string(SVIRT_GUEST_NOSTATE)
                  : "shut off");
    add_number(info, "CPU(s)", "cpus", domain->vcpus, "");
    add_number(info, "Max memory", "max_memory_kib",
               domain->memory_bytes / 1024, " KiB");
    add_number(info, "Used memory", "used_memory_kib", used_bytes / 1024,
               " KiB");
    add(info, "Persistent", "%s", transient ? "no" : "yes");
    add(info, "Autostart", "%s", mark.on ? "enable" : "disable");
    add(info, "Author", "uid %u", (unsigned)definition->author);
    add(info, "Tainted", "%s",
        active && (run->flags & SVIRT_RUN_TAINTED) != 0 ? "yes" : "no");
}

/* Whether a start would be refused, and all that is in its way. */
static void
add_obstacles(Info *info, const SvirtDomain *domain)
{
    add(info, "Startable", "%s", domain->obstacle_count > 0 ? "no" : "yes");
    for (size_t i = 0; i < domain->obstacle_count; i++) {
        add(info, "Obstacle", "%s (%s)", domain->obstacles[i].text,
            domain->obstacles[i].hint);
    }
}

/* What carries each interface; what has none now would not start. */
static void
add_interfaces(Info *info, const SvirtDefinition *definition,
               const SvirtDomain *domain)
{
    g_autoptr(GPtrArray) nets = NULL;
    g_autoptr(GError) problem = NULL;
    SVIRT_AUTO_FD run = -1;

    (void)svirt_nets_plan(svirt_manager_connection(info->cli->manager),
                          domain, definition->author, NULL, &nets, &problem);
    (void)svirt_manager_open_run(info->cli->manager, &definition->uuid,
                                 definition->name, &run, NULL);
    for (size_t i = 0; i < domain->interface_count; i++) {
        g_autofree char *name = g_strdup_printf("Interface net%zu", i);
        g_autofree char *text =
            nets != NULL ? svirt_net_describe(nets->pdata[i])
                         : g_strdup(problem->message);
        g_autofree char *tap = run >= 0 ? svirt_tap_name(run, i) : NULL;

        add(info, name, "%s%s%s", text, tap != NULL ? ", " : "",
            tap != NULL ? tap : "");
    }
}

/* virsh prints "Name:   value"; JSON is one object. */
static void
print(const SvirtCli *cli, const SvirtTable *table)
{
    g_autofree char *text = cli->json ? svirt_table_to_object(table)
                                      : svirt_table_to_list(table);

    (void)fputs(text, stdout);
}

bool
svirt_cmd_dominfo(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Name", "Value", "Key", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    Info info = { cli, table };
    const SvirtConfig *config = svirt_manager_config(cli->manager, error);
    SvirtRunStatus run;
    SvirtState *state;
    bool damaged;

    (void)ret_exit;
    if (config == NULL || !svirt_cli_domain(cli, &definition, error) ||
        !svirt_manager_parse(definition, &domain, error) ||
        !svirt_cli_run_status(cli, &definition->uuid, &run, &damaged,
                              error)) {
        return false;
    }
    state = svirt_manager_state(cli->manager, SVIRT_STATE_READ, error);
    if (state == NULL) {
        return false;
    }
    add_definition(&info, definition, domain, &run, damaged);
    add_obstacles(&info, domain);
    if (!add_labels(&info, state, config, definition, domain,
                    svirt_run_status_is_active(&run), error) ||
        !add_waivers(&info, state, definition, error)) {
        return false;
    }
    add_interfaces(&info, definition, domain);
    if (svirt_run_status_is_active(&run)) {
        add_run(&info, &run);
    }
    print(cli, table);
    return true;
}
