/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/manager.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "keeper/layout.h"
#include "host/trusted-path.h"
#include "launch/cgroup.h"

/* Directory entries looked at in /run/svirt: far above any host's VMs. */
#define MAX_RUNS 65536u

struct SvirtManager {
    SvirtConnection *connection; /* owned */
    SvirtConfig *config;         /* owned, NULL until asked for */
    SvirtState *state;           /* owned, NULL until asked for */
    SvirtStateAccess access;     /* of state */
    int run_dir;                 /* fd, -1 unset */
    GArray *device_filters;      /* owned: DeviceFilter */
};

/* A loaded device filter: the same for all VMs with the same nodes. */
typedef struct DeviceFilter {
    uint32_t nodes; /* SVIRT_NODE_* */
    int fd;         /* owned */
} DeviceFilter;

bool
svirt_manager_new(const char *uri, SvirtManager **ret, GError **error)
{
    SvirtConnection *connection;
    SvirtManager *manager;

    if (!svirt_connection_parse(uri, &connection, error)) {
        return false;
    }
    /* Parts of another's would be swapped for other directories of root's. */
    if ((connection->embedded &&
         !svirt_trusted_path_check(connection->state_dir, error)) ||
        (connection->session &&
         (!svirt_trusted_path_check(connection->config_dir, error) ||
          !svirt_trusted_path_check(connection->state_dir, error) ||
          !svirt_trusted_path_check(connection->run_dir, error)))) {
        svirt_connection_free(connection);
        return false;
    }
    manager = g_new0(SvirtManager, 1);
    manager->connection = connection;
    manager->run_dir = -1;
    manager->device_filters = g_array_new(FALSE, FALSE, sizeof(DeviceFilter));
    *ret = manager;
    return true;
}

void
svirt_manager_free(SvirtManager *manager)
{
    if (manager == NULL) {
        return;
    }
    svirt_state_free(manager->state);
    svirt_config_free(manager->config);
    svirt_connection_free(manager->connection);
    svirt_fd_close(&manager->run_dir);
    for (unsigned i = 0; i < manager->device_filters->len; i++) {
        svirt_fd_close(&g_array_index(manager->device_filters, DeviceFilter,
                                      i).fd);
    }
    g_array_free(manager->device_filters, TRUE);
    g_free(manager);
}

const SvirtConnection *
svirt_manager_connection(const SvirtManager *manager)
{
    return manager->connection;
}

const SvirtConfig *
svirt_manager_config(SvirtManager *manager, GError **error)
{
    if (manager->config == NULL &&
        !svirt_config_load(manager->connection, &manager->config, error)) {
        return NULL;
    }
    return manager->config;
}

SvirtState *
svirt_manager_state(SvirtManager *manager, SvirtStateAccess access,
                    GError **error)
{
    SvirtState *state = NULL;

    if (manager->state != NULL &&
        (manager->access == access || access == SVIRT_STATE_READ)) {
        return manager->state;
    }
    if (!svirt_state_open(manager->connection->state_dir, access, &state,
                          error)) {
        return NULL;
    }
    svirt_state_free(manager->state);
    manager->state = state;
    manager->access = access;
    return state;
}

int
svirt_manager_run_dir(SvirtManager *manager, bool create, GError **error)
{
    GError *problem = NULL;

    if (manager->run_dir >= 0) {
        return manager->run_dir;
    }
    if (!svirt_connection_open_dir(manager->connection->run_dir, create,
                                   &manager->run_dir, &problem)) {
        if (!create && g_error_matches(problem, SVIRT_ERROR,
                                       SVIRT_ERROR_NOT_FOUND)) {
            g_clear_error(&problem);
        } else {
            g_propagate_error(error, problem);
        }
        return -1;
    }
    return manager->run_dir;
}

bool
svirt_manager_filter_devices(SvirtManager *manager, uint32_t nodes,
                             int cgroup_fd)
{
    DeviceFilter filter = { .nodes = nodes, .fd = -1 };
    SvirtDeviceRule rules[8];

    for (unsigned i = 0; i < manager->device_filters->len; i++) {
        const DeviceFilter *known = &g_array_index(manager->device_filters,
                                                   DeviceFilter, i);

        if (known->nodes == nodes) {
            return svirt_device_filter_put(known->fd, cgroup_fd);
        }
    }
    filter.fd = svirt_device_filter_load(
        rules, svirt_device_rules_for_nodes(nodes, rules));
    if (filter.fd < 0) {
        return false;
    }
    g_array_append_val(manager->device_filters, filter);
    return svirt_device_filter_put(filter.fd, cgroup_fd);
}

static bool
find_by_id(SvirtManager *manager, SvirtState *state, const char *text,
           SvirtDefinition **ret)
{
    g_autoptr(GPtrArray) runs = NULL;
    guint64 id;

    if (!g_ascii_string_to_unsigned(text, 10, 1, UINT32_MAX, &id, NULL) ||
        !svirt_manager_list_runs(manager, &runs, NULL)) {
        return false;
    }
    for (unsigned i = 0; i < runs->len; i++) {
        const SvirtRunStatus *run = runs->pdata[i];

        if (run->id == id) {
            return svirt_definitions_by_uuid(state, &run->uuid, ret, NULL);
        }
    }
    return false;
}

bool
svirt_manager_find(SvirtManager *manager, const char *name,
                   SvirtDefinition **ret, GError **error)
{
    SvirtState *state = svirt_manager_state(manager, SVIRT_STATE_READ, error);
    GError *problem = NULL;

    if (state == NULL) {
        return false;
    }
    if (svirt_definitions_find(state, name, ret, &problem)) {
        return true;
    }
    if (!g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND)) {
        g_propagate_error(error, problem);
        return false;
    }
    g_clear_error(&problem);
    if (find_by_id(manager, state, name, ret)) {
        return true;
    }
    return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       g_str_has_suffix(name, ".xml")
                           ? "svirt define takes a file, and after that the "
                             "<name> in it is the domain's"
                           : "svirt list --all shows the domains there; -c or "
                             "SVIRT_DEFAULT_URI chooses another place",
                       "no domain '%s' in %s", name,
                       manager->connection->uri);
}

/* A start makes the file before it has anything to say; some die there. */
static bool
status_is_empty(int run_dir, const char *uuid_text)
{
    g_autofree char *path =
        g_strdup_printf("%s/" SVIRT_RUN_STATUS, uuid_text);
    struct stat st;
    bool empty = fstatat(run_dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                 st.st_size == 0;

    errno = EPROTO;
    return empty;
}

bool
svirt_manager_run_status(SvirtManager *manager, const SvirtUuid *uuid,
                         SvirtRunStatus *ret, GError **error)
{
    GError *problem = NULL;
    int run_dir = svirt_manager_run_dir(manager, false, &problem);
    char text[SVIRT_UUID_TEXT];

    if (problem != NULL) {
        g_propagate_error(error, problem);
        return false;
    }
    memset(ret, 0, sizeof(*ret));
    svirt_uuid_format(uuid, text);
    if (run_dir < 0 || svirt_run_status_read(run_dir, text, ret)) {
        if (ret->magic != 0 &&
            !svirt_run_process_alive(&ret->process[SVIRT_PROCESS_VMM]) &&
            !svirt_run_process_alive(&ret->keeper)) {
            memset(ret, 0, sizeof(*ret));
        }
        return true;
    }
    memset(ret, 0, sizeof(*ret));
    if (errno == ENOENT || errno == ENOTDIR ||
        (errno == EPROTO && status_is_empty(run_dir, text))) {
        return true;
    }
    if (errno == EPROTO) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, "svirt recover",
                           "the status of running VM %s is damaged", text);
    }
    return svirt_raise_errno(error, errno, "svirt recover",
                             "cannot read the status of running VM %s", text);
}

static int
compare_ids(gconstpointer a, gconstpointer b)
{
    const SvirtRunStatus *left = *(const SvirtRunStatus *const *)a;
    const SvirtRunStatus *right = *(const SvirtRunStatus *const *)b;

    return (left->id > right->id) - (left->id < right->id);
}

bool
svirt_manager_visit_runs(SvirtManager *manager, SvirtRunVisitor each,
                         void *data, GError **error)
{
    GError *problem = NULL;
    int runs = svirt_manager_run_dir(manager, false, &problem);
    const struct dirent *entry;
    unsigned seen = 0;
    DIR *dir;
    int copy;

    if (runs < 0) {
        if (problem != NULL) {
            g_propagate_error(error, problem);
        }
        return problem == NULL;
    }
    copy = openat(runs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = copy >= 0 ? fdopendir(copy) : NULL;
    if (dir == NULL) {
        svirt_fd_close(&copy);
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot list the running VMs");
    }
    while ((entry = readdir(dir)) != NULL && seen++ < MAX_RUNS) {
        if (strlen(entry->d_name) == SVIRT_UUID_TEXT - 1) {
            each(runs, entry->d_name, data);
        }
    }
    (void)closedir(dir);
    return true;
}

typedef struct Found {
    GPtrArray *runs;    /* SvirtRunStatus * */
    GPtrArray *damaged; /* SvirtUuid * */
} Found;

/* A half-removed run is recover's business, not a listing's. */
static void
collect_run(int runs, const char *uuid_text, void *data)
{
    Found *found = data;
    SvirtRunStatus status;
    SvirtUuid uuid;

    if (svirt_run_status_read(runs, uuid_text, &status)) {
        if (svirt_run_process_alive(&status.process[SVIRT_PROCESS_VMM])) {
            g_ptr_array_add(found->runs, g_memdup2(&status, sizeof(status)));
        }
    } else if (errno == EPROTO && !status_is_empty(runs, uuid_text) &&
               svirt_uuid_parse(uuid_text, &uuid)) {
        g_ptr_array_add(found->damaged, g_memdup2(&uuid, sizeof(uuid)));
    }
}

bool
svirt_manager_list_all_runs(SvirtManager *manager, GPtrArray **ret,
                            GPtrArray **ret_damaged, GError **error)
{
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) damaged = g_ptr_array_new_with_free_func(g_free);
    Found found = { runs, damaged };

    if (!svirt_manager_visit_runs(manager, collect_run, &found, error)) {
        return false;
    }
    g_ptr_array_sort(runs, compare_ids);
    *ret = g_steal_pointer(&runs);
    *ret_damaged = g_steal_pointer(&damaged);
    return true;
}

bool
svirt_manager_list_runs(SvirtManager *manager, GPtrArray **ret,
                        GError **error)
{
    g_autoptr(GPtrArray) damaged = NULL;

    return svirt_manager_list_all_runs(manager, ret, &damaged, error);
}

bool
svirt_manager_refuse_running(SvirtManager *manager,
                             const SvirtDefinition *definition,
                             const char *why, GError **error)
{
    g_autofree char *hint =
        g_strdup_printf("svirt shutdown '%s' --wait 60",
                        definition->name);
    SvirtRunStatus run;

    if (!svirt_manager_run_status(manager, &definition->uuid, &run, error)) {
        return false;
    }
    return !svirt_run_status_is_active(&run) ||
           svirt_raise(error, SVIRT_ERROR_STATE, NULL, hint,
                       "domain '%s' is running%s", definition->name, why);
}

bool
svirt_manager_open_run(SvirtManager *manager, const SvirtUuid *uuid,
                       const char *name, int *ret_fd, GError **error)
{
    SvirtRunStatus status;
    char text[SVIRT_UUID_TEXT];
    SVIRT_AUTO_FD fd = -1;

    if (!svirt_manager_run_status(manager, uuid, &status, error)) {
        return false;
    }
    if (!svirt_run_status_is_active(&status)) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "svirt list shows what runs",
                           "domain '%s' is not running", name);
    }
    svirt_uuid_format(uuid, text);
    fd = openat(svirt_manager_run_dir(manager, false, NULL), text,
                O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot open the run directory of '%s'",
                                 name);
    }
    *ret_fd = svirt_fd_steal(&fd);
    return true;
}

bool
svirt_manager_parse(const SvirtDefinition *definition, SvirtDomain **ret,
                    GError **error)
{
    GError *cause = NULL;

    if (!svirt_domain_parse(definition->xml, strlen(definition->xml),
                            definition->name, ret, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, cause,
                           "define it again: svirt define FILE",
                           "the stored definition of '%s' cannot be read",
                           definition->name);
    }
    return true;
}
