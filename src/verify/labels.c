/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/labels.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

static bool
read_thread(const SvirtModel *model, int tasks, const char *name,
            char **ret_label, bool *ret_gone, GError **error)
{
    SVIRT_AUTO_FD task = openat(tasks, name,
                                O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_autoptr(GError) problem = NULL;

    *ret_gone = task < 0 && errno == ENOENT;
    if (task < 0) {
        return *ret_gone ||
               svirt_raise_errno(error, errno, NULL,
                                 "cannot open thread %s", name);
    }
    if (model->read_process(task, ret_label, &problem)) {
        return true;
    }
    *ret_gone = g_error_matches(problem, SVIRT_ERROR, SVIRT_ERROR_NOT_FOUND);
    if (!*ret_gone) {
        g_propagate_error(error, g_steal_pointer(&problem));
    }
    return *ret_gone;
}

static bool
read_threads(const SvirtModel *model, DIR *dir, char **label, char **other,
             unsigned *threads, GError **error)
{
    const struct dirent *entry;

    while ((entry = readdir(dir)) != NULL) {
        g_autofree char *one = NULL;
        bool gone = false;

        if (entry->d_name[0] == '.') {
            continue;
        }
        if (!read_thread(model, dirfd(dir), entry->d_name, &one, &gone,
                         error)) {
            return false;
        }
        if (gone) {
            continue;
        }
        (*threads)++;
        if (*label == NULL) {
            *label = g_steal_pointer(&one);
        } else if (*other == NULL && g_strcmp0(*label, one) != 0) {
            *other = g_strdup_printf("%s and %s", *label, one);
        }
    }
    return true;
}

bool
svirt_verify_read_label(const SvirtModel *model, int process_dir,
                        char **ret_label, char **ret_other,
                        unsigned *ret_threads, GError **error)
{
    int copy = openat(process_dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    g_autofree char *label = NULL;
    g_autofree char *other = NULL;
    unsigned threads = 0;
    bool ok;

    if (dir == NULL) {
        int saved = errno;

        svirt_fd_close(&copy);
        return svirt_raise_errno(error, saved, NULL,
                                 "cannot list the threads of a process");
    }
    ok = read_threads(model, dir, &label, &other, &threads, error);
    (void)closedir(dir);
    if (!ok) {
        return false;
    }
    if (threads == 0) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL, NULL,
                           "the process has ended");
    }
    *ret_label = other == NULL ? g_steal_pointer(&label) : NULL;
    *ret_other = g_steal_pointer(&other);
    *ret_threads = threads;
    return true;
}
