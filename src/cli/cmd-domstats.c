/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/notices.h"
#include "hypervisor/life.h"
#include "keeper/message.h"

/* virsh's names and units: nanoseconds, KiB, bytes. What QEMU says of a disk
 * is QEMU's word; time and memory are the kernel's. */

static void
set(json_t *stats, const char *name, int64_t value)
{
    json_object_set_new(stats, name, json_integer(value));
}

/* The number behind `key` in a file of the VM's cgroup; -1: none. */
static int64_t
cgroup_number(const SvirtRunStatus *run, const char *file, const char *key)
{
    const char *dir = run->cgroup[SVIRT_LEAF_VMM];
    g_autofree char *path = g_build_filename(dir, file, NULL);
    const char *at;
    char text[4096];

    if (dir[0] == '\0' ||
        svirt_read_small(AT_FDCWD, path, text, sizeof(text)) < 0) {
        return -1;
    }
    at = g_str_has_prefix(text, key) ? text : NULL;
    return at != NULL ? (int64_t)g_ascii_strtoull(at + strlen(key), NULL, 10)
                      : -1;
}

static void
add_use(json_t *stats, const SvirtRunStatus *run)
{
    int64_t used_us = cgroup_number(run, "cpu.stat", "usage_usec ");
    int64_t memory = cgroup_number(run, "memory.current", "");

    if (used_us >= 0) {
        set(stats, "cpu.time", used_us * 1000);
    }
    if (memory >= 0) {
        set(stats, "balloon.rss", memory / 1024);
    }
}

static const char *const counters[][2] = {
    { "rd_operations", "rd.reqs" }, { "rd_bytes", "rd.bytes" },
    { "rd_total_time_ns", "rd.times" }, { "wr_operations", "wr.reqs" },
    { "wr_bytes", "wr.bytes" }, { "wr_total_time_ns", "wr.times" },
    { "flush_operations", "fl.reqs" }, { "flush_total_time_ns", "fl.times" },
};

static void
add_counters(json_t *stats, size_t index, const json_t *said)
{
    const json_t *values = json_object_get(said, "stats");

    for (size_t i = 0; i < G_N_ELEMENTS(counters); i++) {
        const json_t *value = json_object_get(values, counters[i][0]);
        g_autofree char *name =
            g_strdup_printf("block.%zu.%s", index, counters[i][1]);

        if (json_is_integer(value)) {
            set(stats, name, json_integer_value(value));
        }
    }
}

/* Of the guest's device disk<index> (hypervisor/qemu-disk.c). */
static const json_t *
find_disk(const json_t *said, size_t index)
{
    g_autofree char *id = g_strdup_printf("/machine/peripheral/disk%zu",
                                          index);
    const json_t *each;
    size_t i;

    json_array_foreach(said, i, each) {
        const char *device =
            json_string_value(json_object_get(each, "qdev"));

        if (device != NULL && g_str_has_prefix(device, id) &&
            !g_ascii_isdigit(device[strlen(id)])) {
            return each;
        }
    }
    return NULL;
}

static void
add_disks(json_t *stats, const SvirtDomain *domain, const json_t *said)
{
    set(stats, "block.count", (int64_t)domain->disk_count);
    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];
        g_autofree char *name = g_strdup_printf("block.%zu.name", i);
        g_autofree char *path = g_strdup_printf("block.%zu.path", i);

        json_object_set_new(stats, name, json_string(disk->target));
        if (disk->images[0].path != NULL) {
            json_object_set_new(stats, path,
                                json_string(disk->images[0].path));
        }
        add_counters(stats, i, find_disk(said, i));
    }
}

static json_t *
collect(const SvirtCli *cli, const SvirtDefinition *definition,
        GError **error)
{
    g_autoptr(SvirtDomain) domain = NULL;
    json_t *balloon = NULL, *disks = NULL, *stats;
    SvirtRunStatus run;

    if (!svirt_manager_parse(definition, &domain, error) ||
        !svirt_manager_run_status(cli->manager, &definition->uuid, &run,
                                  error)) {
        return NULL;
    }
    stats = json_object();
    /* SvirtGuestState counts as virDomainState does. */
    set(stats, "state.state",
        svirt_run_status_is_active(&run) ? run.state : SVIRT_GUEST_SHUT_OFF);
    if (svirt_run_status_is_active(&run)) {
        add_use(stats, &run);
        /* Without a balloon, or an answer, the definition is what there is. */
        (void)svirt_life_call(cli->manager, definition, "query-balloon", NULL,
                              -1, &balloon, NULL);
        (void)svirt_life_call(cli->manager, definition, "query-blockstats",
                              NULL, -1, &disks, NULL);
    }
    set(stats, "balloon.current",
        balloon != NULL
            ? json_integer_value(json_object_get(balloon, "actual")) / 1024
            : (int64_t)domain->memory_bytes / 1024);
    set(stats, "balloon.maximum", (int64_t)domain->memory_bytes / 1024);
    set(stats, "vcpu.current", domain->vcpus);
    set(stats, "vcpu.maximum", domain->vcpus_max);
    set(stats, "net.count", (int64_t)domain->interface_count);
    add_disks(stats, domain, disks);
    json_decref(balloon);
    json_decref(disks);
    return stats;
}

static bool
print_one(const SvirtCli *cli, const char *name, json_t *all, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autofree char *safe = NULL;
    const json_t *value;
    const char *key;
    json_t *stats;

    if (!svirt_manager_find(cli->manager, name, &definition, error)) {
        return false;
    }
    stats = collect(cli, definition, error);
    if (stats == NULL) {
        return false;
    }
    if (cli->json) {
        json_object_set_new(stats, "domain", json_string(definition->name));
        json_array_append_new(all, stats);
        return true;
    }
    safe = svirt_text_printable(definition->name);
    (void)printf("Domain: '%s'\n", safe);
    json_object_foreach(stats, key, value) {
        if (json_is_integer(value)) {
            (void)printf("  %s=%" PRId64 "\n", key,
                         (int64_t)json_integer_value(value));
        } else {
            g_autofree char *text =
                svirt_text_printable(json_string_value(value));

            (void)printf("  %s=%s\n", key, text);
        }
    }
    (void)putchar('\n');
    json_decref(stats);
    return true;
}

bool
svirt_cmd_domstats(const SvirtCli *cli, int *ret_exit, GError **error)
{
    char **names = svirt_arguments_rest(cli->args);
    g_autoptr(GPtrArray) runs = NULL;
    json_t *all = json_array();
    bool ok = true;

    (void)ret_exit;
    for (char **name = names; ok && *name != NULL; name++) {
        ok = print_one(cli, *name, all, error);
    }
    if (names[0] == NULL) {
        ok = svirt_manager_list_runs(cli->manager, &runs, error);
        for (unsigned i = 0; ok && i < runs->len; i++) {
            const SvirtRunStatus *run = runs->pdata[i];

            /* One that ends at this moment is none of them. */
            (void)print_one(cli, run->name, all, NULL);
        }
    }
    if (ok && cli->json) {
        svirt_json_print(all);
    } else {
        json_decref(all);
    }
    return ok;
}
