/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/launch-fds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/fd.h"
#include "keeper/layout.h"
#include "keeper/socket-file.h"

static void
free_socket(gpointer data)
{
    SvirtLaunchSocket *socket = data;

    g_free(socket->dir_path);
    g_free(socket->name);
    g_free(socket);
}

SvirtLaunchFds *
svirt_launch_fds_new(void)
{
    SvirtLaunchFds *fds = g_new0(SvirtLaunchFds, 1);

    fds->entries = g_array_new(FALSE, TRUE, sizeof(SvirtSpecFd));
    fds->locks = g_array_new(FALSE, TRUE, sizeof(SvirtSpecLock));
    fds->fds = g_array_new(FALSE, TRUE, sizeof(int));
    fds->sockets = g_ptr_array_new_with_free_func(free_socket);
    fds->next_vmm = SVIRT_VMM_FIRST_FD;
    return fds;
}

void
svirt_launch_fds_free(SvirtLaunchFds *fds)
{
    if (fds == NULL) {
        return;
    }
    for (unsigned i = 0; i < fds->fds->len; i++) {
        svirt_fd_close(&g_array_index(fds->fds, int, i));
    }
    g_array_unref(fds->fds);
    g_array_unref(fds->entries);
    g_array_unref(fds->locks);
    g_ptr_array_unref(fds->sockets);
    g_free(fds);
}

int
svirt_launch_fds_next(SvirtLaunchFds *fds)
{
    return fds->next_vmm++;
}

bool
svirt_launch_fds_take(SvirtLaunchFds *fds, int *fd, const SvirtSpecFd *entry,
                      GError **error)
{
    SvirtSpecFd taken = *entry;

    if (fds->entries->len >= SVIRT_SPEC_MAX_FDS) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "give the domain fewer disks",
                           "the domain needs more than %d descriptors",
                           SVIRT_SPEC_MAX_FDS);
    }
    taken.source = SVIRT_KEEPER_FIRST_SOURCE + (int)fds->entries->len;
    g_array_append_val(fds->entries, taken);
    g_array_append_val(fds->fds, *fd);
    *fd = -1;
    return true;
}

bool
svirt_launch_fds_take_lock(SvirtLaunchFds *fds, int *fd, SvirtLockBytes bytes,
                           GError **error)
{
    const SvirtSpecFd entry = {
        .to = SVIRT_TO_VMM | SVIRT_TO_KEEPER,
        .vmm = svirt_launch_fds_next(fds),
        .monitor = -1,
        .passt = -1,
        .role = SVIRT_FD_LOCK,
    };
    SvirtSpecLock lock = { .bytes = bytes };
    struct stat st;

    if (fstat(*fd, &st) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot examine a locked image");
    }
    if (!svirt_launch_fds_take(fds, fd, &entry, error)) {
        return false;
    }
    lock.device = st.st_dev;
    lock.inode = st.st_ino;
    lock.source =
        g_array_index(fds->entries, SvirtSpecFd, fds->entries->len - 1).source;
    g_array_append_val(fds->locks, lock);
    return true;
}

static void
set_author(SvirtSpecAuthor *author, const SvirtCredentials *credentials)
{
    *author = (SvirtSpecAuthor){ 0 };
    if (credentials == NULL) {
        return;
    }
    author->uid = credentials->uid;
    author->gid = credentials->gid;
    while (author->n_groups < SVIRT_SPEC_MAX_GROUPS &&
           author->n_groups < credentials->group_count) {
        author->groups[author->n_groups] =
            credentials->groups[author->n_groups];
        author->n_groups++;
    }
}

bool
svirt_launch_fds_take_socket(SvirtLaunchFds *fds, const SvirtObject *dir,
                             const char *name, uint32_t serial,
                             const SvirtCredentials *author, GError **error)
{
    g_autofree char *dir_path = svirt_object_current_path(dir);
    SVIRT_AUTO_FD copy = fcntl(dir->path_fd, F_DUPFD_CLOEXEC, 3);
    const SvirtSpecFd entry = {
        .to = SVIRT_TO_KEEPER,
        .vmm = -1,
        .monitor = -1,
        .passt = -1,
        .role = SVIRT_FD_SOCKET_DIR,
        .index = serial,
    };
    SvirtLaunchSocket *taken;
    struct stat st;

    if (dir_path == NULL ||
        fstatat(dir->path_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISSOCK(st.st_mode)) {
        return true;
    }
    if (copy < 0) {
        return svirt_raise_errno(error, errno, "raise it: ulimit -n",
                                 "no descriptor is left for the VM");
    }
    if (!svirt_launch_fds_take(fds, &copy, &entry, error)) {
        return false;
    }
    taken = g_new0(SvirtLaunchSocket, 1);
    taken->socket = (SvirtSpecSocket){
        .dir_device = dir->dev,
        .dir_inode = dir->ino,
        .device = st.st_dev,
        .inode = st.st_ino,
        .source = g_array_index(fds->entries, SvirtSpecFd,
                                fds->entries->len - 1).source,
    };
    taken->dir_path = g_steal_pointer(&dir_path);
    taken->name = g_strdup(name);
    g_ptr_array_add(fds->sockets, taken);
    set_author(&fds->author, author);
    return true;
}

void
svirt_launch_fds_remove_sockets(const SvirtLaunchFds *fds)
{
    for (unsigned i = 0; i < fds->sockets->len; i++) {
        const SvirtLaunchSocket *taken = fds->sockets->pdata[i];
        const SvirtSocketFile file = {
            .dir_fd = g_array_index(fds->fds, int,
                                    taken->socket.source -
                                        SVIRT_KEEPER_FIRST_SOURCE),
            .dir_path = taken->dir_path,
            .name = taken->name,
            .socket = taken->socket,
            .author = &fds->author,
        };

        (void)svirt_socket_file_remove(&file); /* the next start replaces it */
    }
}

bool
svirt_launch_fds_fill(const SvirtLaunchFds *fds, SvirtLaunchSpec **spec)
{
    for (unsigned i = 0; i < fds->entries->len; i++) {
        if (!svirt_spec_add_fd(spec, &g_array_index(fds->entries, SvirtSpecFd,
                                                    i))) {
            return false;
        }
    }
    for (unsigned i = 0; i < fds->locks->len; i++) {
        if (!svirt_spec_add_lock(spec, &g_array_index(fds->locks,
                                                      SvirtSpecLock, i))) {
            return false;
        }
    }
    for (unsigned i = 0; i < fds->sockets->len; i++) {
        const SvirtLaunchSocket *taken = fds->sockets->pdata[i];

        if (!svirt_spec_add_socket(spec, &taken->socket, taken->dir_path,
                                   taken->name)) {
            return false;
        }
    }
    (*spec)->author = fds->author;
    return true;
}
