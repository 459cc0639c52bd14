/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "hypervisor/kvm.h"
#include "model/model.h"

#define CPUS "/sys/devices/system/cpu"
#define NODES "/sys/devices/system/node"

static bool
host_name(const SvirtCli *cli, GError **error)
{
    struct utsname host;
    g_autofree char *safe = NULL;

    if (uname(&host) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot tell the host");
    }
    safe = svirt_text_printable(host.nodename);
    (void)printf(cli->json ? "\"%s\"\n" : "%s\n", safe);
    return true;
}

bool
svirt_cmd_hostname(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return host_name(cli, error);
}

/* Names like cpu0 below a directory of sysfs. */
static unsigned
count_numbered(const char *directory, const char *prefix)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    unsigned count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *rest = entry->d_name + strlen(prefix);

        count += g_str_has_prefix(entry->d_name, prefix) &&
                 *rest != '\0' && rest[strspn(rest, "0123456789")] == '\0';
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return count;
}

/* How many CPUs a list like "0-1,4" names; 1 where there is none. */
static unsigned
count_list(const char *path)
{
    unsigned count = 0;
    char text[4096];

    if (svirt_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0) {
        return 1;
    }
    for (char *save = NULL, *part = strtok_r(text, ",\n", &save);
         part != NULL; part = strtok_r(NULL, ",\n", &save)) {
        unsigned first, last;
        int got = sscanf(part, "%u-%u", &first, &last);

        count += got == 2 && last >= first ? last - first + 1 : 1;
    }
    return MAX(count, 1);
}

typedef struct Topology {
    unsigned cpus;
    unsigned threads; /* of a core */
    unsigned cores;   /* of a socket */
    unsigned sockets; /* of a node */
    unsigned nodes;
    uint64_t memory_kib;
} Topology;

static void
read_topology(Topology *ret)
{
    unsigned together =
        count_list(CPUS "/cpu0/topology/package_cpus_list");
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);

    ret->cpus = (unsigned)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
    ret->threads = count_list(CPUS "/cpu0/topology/thread_siblings_list");
    ret->cores = MAX(together / ret->threads, 1);
    ret->nodes = MAX(count_numbered(NODES, "node"), 1);
    ret->sockets = MAX(ret->cpus / MAX(together, 1) / ret->nodes, 1);
    ret->memory_kib = (uint64_t)MAX(pages, 0) * (uint64_t)page / 1024;
}

static void
add(SvirtTable *table, const char *name, uint64_t value, const char *unit)
{
    g_autofree char *text = g_strdup_printf("%" PRIu64 "%s", value, unit);

    svirt_table_add(table, name, text, NULL);
}

bool
svirt_cmd_nodeinfo(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Name", "Value", NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    g_autofree char *text = NULL;
    struct utsname host;
    Topology topology;

    (void)ret_exit;
    if (uname(&host) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot tell the host");
    }
    read_topology(&topology);
    svirt_table_add(table, "CPU model", host.machine, NULL);
    add(table, "CPU(s)", topology.cpus, "");
    add(table, "CPU socket(s)", topology.sockets, "");
    add(table, "Core(s) per socket", topology.cores, "");
    add(table, "Thread(s) per core", topology.threads, "");
    add(table, "NUMA cell(s)", topology.nodes, "");
    add(table, "Memory size", topology.memory_kib, " KiB");
    text = cli->json ? svirt_table_to_object(table)
                     : svirt_table_to_list(table);
    (void)fputs(text, stdout);
    return true;
}

/* The DOI is the one whose key derives the labels: the only key of the host. */
static char *
doi_name(const SvirtCli *cli)
{
    g_autofree char *path = g_build_filename(
        svirt_manager_connection(cli->manager)->config_dir, "doi", NULL);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    char *name = NULL;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (name == NULL && g_str_has_suffix(entry->d_name, ".key")) {
            name = g_strndup(entry->d_name, strlen(entry->d_name) - 4);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return name != NULL ? name : g_strdup("0");
}

static void
print_models(const SvirtCli *cli)
{
    g_autofree char *name = doi_name(cli);
    g_autofree char *doi = g_markup_escape_text(name, -1);

    for (int kind = 0; kind < SVIRT_MODEL_MAX; kind++) {
        const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)kind);
        bool active = false;

        if (kind < SVIRT_MODEL_NONE && model != NULL &&
            model->probe(&active, NULL) && active) {
            (void)printf("    <secmodel>\n      <model>%s</model>\n"
                         "      <doi>%s</doi>\n    </secmodel>\n",
                         svirt_model_kind_to_string((SvirtModelKind)kind),
                         doi);
        }
    }
}

bool
svirt_cmd_capabilities(const SvirtCli *cli, int *ret_exit, GError **error)
{
    int run_dir = svirt_manager_run_dir(cli->manager, false, NULL);
    struct utsname host;
    Topology topology;

    (void)ret_exit;
    if (uname(&host) < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot tell the host");
    }
    read_topology(&topology);
    (void)printf("<capabilities>\n  <host>\n    <cpu>\n"
                 "      <arch>%s</arch>\n"
                 "      <topology sockets='%u' dies='1' cores='%u' "
                 "threads='%u'/>\n    </cpu>\n",
                 host.machine, topology.sockets * topology.nodes,
                 topology.cores, topology.threads);
    print_models(cli);
    (void)printf("  </host>\n  <guest>\n    <os_type>hvm</os_type>\n"
                 "    <arch name='x86_64'>\n      <wordsize>64</wordsize>\n"
                 "      <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
                 "      <machine>pc</machine>\n      <machine>q35</machine>\n"
                 "      <domain type='qemu'/>\n%s    </arch>\n"
                 "  </guest>\n</capabilities>\n",
                 svirt_kvm_check(run_dir, NULL)
                     ? "      <domain type='kvm'/>\n" : "");
    return true;
}
