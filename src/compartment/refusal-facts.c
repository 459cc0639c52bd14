/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/refusal-facts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

static void
own_free(void *data)
{
    SvirtRefusalOwn *own = data;

    g_free(own->path);
    g_free(own);
}

static void
loop_free(void *data)
{
    SvirtRefusalLoop *loop = data;

    g_free(loop->name);
    g_free(loop);
}

void
svirt_refusal_facts_free(SvirtRefusalFacts *facts)
{
    if (facts == NULL) {
        return;
    }
    svirt_mounts_free(facts->mounts);
    g_ptr_array_unref(facts->own);
    g_array_unref(facts->swap_files);
    g_ptr_array_unref(facts->loops);
    g_strfreev(facts->roots);
    g_free(facts);
}

bool
svirt_refusal_inode_is_in(const GArray *inodes, const SvirtObject *object)
{
    for (unsigned i = 0; i < inodes->len; i++) {
        const SvirtRefusalInode *inode =
            &g_array_index(inodes, SvirtRefusalInode, i);

        if (inode->dev == object->dev && inode->ino == object->ino) {
            return true;
        }
    }
    return false;
}

static void
note_inode(GArray *inodes, const struct stat *st)
{
    const SvirtRefusalInode inode = { .dev = st->st_dev, .ino = st->st_ino };

    g_array_append_val(inodes, inode);
}

/* The path without symbolic links, as far as it exists; what does not exist
 * yet has no links. */
static bool
resolve_existing(const char *path, char **ret_path, GError **error)
{
    g_autofree char *head = g_strdup(path);
    g_autofree char *tail = g_strdup("");
    g_autofree char *resolved = NULL;
    SVIRT_AUTO_FD fd = -1;

    while ((fd = open(head, O_PATH | O_CLOEXEC)) < 0) {
        g_autofree char *name = g_path_get_basename(head);
        char *parent = g_path_get_dirname(head);
        char *longer = g_strconcat("/", name, tail, NULL);

        if (errno != ENOENT || strcmp(head, "/") == 0) {
            g_free(parent);
            g_free(longer);
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot examine directory '%s'", path);
        }
        g_free(head);
        g_free(tail);
        head = parent;
        tail = longer;
    }
    resolved = svirt_fd_current_path(fd);
    if (resolved == NULL) {
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot examine directory '%s'", path);
    }
    *ret_path = g_strconcat(strcmp(resolved, "/") == 0 && *tail != '\0'
                                ? "" : resolved, tail, NULL);
    return true;
}

static bool
add_own(SvirtRefusalFacts *facts, const char *path, const char *what,
        const char *store, bool takes_output, GError **error)
{
    g_autofree char *resolved = NULL;
    SvirtRefusalOwn *own;

    if (!resolve_existing(path, &resolved, error)) {
        return false;
    }
    for (unsigned i = 0; i < facts->own->len; i++) {
        own = facts->own->pdata[i];
        if (strcmp(own->path, resolved) == 0) {
            return true;
        }
    }
    own = g_new0(SvirtRefusalOwn, 1);
    own->path = g_steal_pointer(&resolved);
    own->what = what;
    own->store = store;
    own->takes_output = takes_output;
    g_ptr_array_add(facts->own, own);
    return true;
}

/* The directory, or a file in it. */
static bool
has_inode(const char *directory, const SvirtObject *object, bool *ret_has,
          GError **error)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    struct stat st;

    if (entries == NULL) {
        int saved = errno;

        svirt_fd_close(&fd);
        return saved == ENOENT || saved == ENOTDIR ||
               svirt_raise_errno(error, saved, NULL,
                                 "cannot read directory '%s'", directory);
    }
    while (!*ret_has && (entry = readdir(entries)) != NULL) {
        *ret_has = fstatat(dirfd(entries), entry->d_name, &st,
                           AT_SYMLINK_NOFOLLOW) == 0 &&
                   (S_ISREG(st.st_mode) || strcmp(entry->d_name, ".") == 0) &&
                   st.st_dev == object->dev && st.st_ino == object->ino;
    }
    (void)closedir(entries);
    return true;
}

bool
svirt_refusal_is_own(const SvirtRefusalFacts *facts,
                     const SvirtObject *object, bool *ret_own,
                     GError **error)
{
    bool own = false;

    for (unsigned i = 0;
         object->link_count > 1 && !own && i < facts->own->len; i++) {
        const SvirtRefusalOwn *directory = facts->own->pdata[i];

        if (!directory->takes_output &&
            !has_inode(directory->path, object, &own, error)) {
            return false;
        }
    }
    *ret_own = own;
    return true;
}

static bool
add_instance(SvirtRefusalFacts *facts, const SvirtConnection *connection,
             GError **error)
{
    g_autofree char *keys =
        g_build_filename(connection->config_dir, "doi", NULL);

    /* The first that fits is named. */
    return add_own(facts, keys, "keys", NULL, false, error) &&
           add_own(facts, connection->config_dir, "configuration", NULL,
                   false, error) &&
           add_own(facts, connection->state_dir, "state", "images", false,
                   error) &&
           add_own(facts, connection->run_dir, "run directory", NULL, false,
                   error) &&
           add_own(facts, connection->log_dir, "log directory", NULL, true,
                   error);
}

static bool
read_swap_files(SvirtRefusalFacts *facts, GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    GError *cause = NULL;
    struct stat st;

    if (!g_file_get_contents("/proc/swaps", &text, NULL, &cause)) {
        /* A kernel without swapping has no such table. */
        if (g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            g_clear_error(&cause);
            return true;
        }
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, NULL,
                           "cannot read the table of swap files");
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, " ", 2);
        g_autofree char *path =
            fields[0] != NULL ? g_strcompress(fields[0]) : NULL;

        if (path != NULL && path[0] == '/' && stat(path, &st) == 0 &&
            S_ISREG(st.st_mode)) {
            note_inode(facts->swap_files, &st);
        }
    }
    return true;
}

static void
note_loop(SvirtRefusalFacts *facts, int block, const char *name)
{
    g_autofree char *file = g_strconcat(name, "/loop/backing_file", NULL);
    g_autofree char *device = g_strconcat(name, "/dev", NULL);
    char path[PATH_MAX];
    char number[32];
    unsigned major_number;
    unsigned minor_number;
    SvirtRefusalLoop *loop;
    struct stat st;

    if (svirt_read_small(block, file, path, sizeof(path)) <= 0 ||
        svirt_read_small(block, device, number, sizeof(number)) <= 0 ||
        sscanf(number, "%u:%u", &major_number, &minor_number) != 2) {
        return;
    }
    path[strcspn(path, "\n")] = '\0';
    if (stat(path, &st) != 0) {
        return;
    }
    loop = g_new0(SvirtRefusalLoop, 1);
    loop->file = (SvirtRefusalInode){ .dev = st.st_dev, .ino = st.st_ino };
    loop->device = makedev(major_number, minor_number);
    loop->name = g_strdup(name);
    g_ptr_array_add(facts->loops, loop);
}

/* Of the loop devices that could be, the kernel's table has those that hold
 * something: major, minor, blocks, name. */
static bool
read_loops(SvirtRefusalFacts *facts, GError **error)
{
    SVIRT_AUTO_FD block = open("/sys/block", O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *text = NULL;
    GError *cause = NULL;

    if (block < 0) {
        return svirt_raise_errno(error, errno, "mount sysfs on /sys",
                                 "cannot read the list of block devices");
    }
    if (!g_file_get_contents("/proc/partitions", &text, NULL, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, NULL,
                           "cannot read the list of block devices");
    }
    for (char *save = NULL, *line = strtok_r(text, "\n", &save);
         line != NULL; line = strtok_r(NULL, "\n", &save)) {
        const char *name = strrchr(line, ' ');

        if (name != NULL && g_str_has_prefix(name + 1, "loop")) {
            note_loop(facts, block, name + 1);
        }
    }
    return true;
}

static GStrv
resolve_roots(char *const *roots)
{
    GPtrArray *all = g_ptr_array_new();
    char resolved[PATH_MAX];

    for (; roots != NULL && *roots != NULL; roots++) {
        g_ptr_array_add(all, g_strdup(*roots));
        if (realpath(*roots, resolved) != NULL &&
            strcmp(resolved, *roots) != 0) {
            g_ptr_array_add(all, g_strdup(resolved));
        }
    }
    g_ptr_array_add(all, NULL);
    return (GStrv)g_ptr_array_free(all, FALSE);
}

bool
svirt_refusal_facts_new(const SvirtConnection *connection,
                        const SvirtConfig *config, SvirtRefusalFacts **ret,
                        GError **error)
{
    g_autoptr(SvirtRefusalFacts) facts = g_new0(SvirtRefusalFacts, 1);
    g_autoptr(SvirtConnection) system = NULL;

    facts->own = g_ptr_array_new_with_free_func(own_free);
    facts->swap_files =
        g_array_new(FALSE, FALSE, sizeof(SvirtRefusalInode));
    facts->loops = g_ptr_array_new_with_free_func(loop_free);
    facts->roots = resolve_roots(config->image_roots);
    /* The system instance's own things are nobody's disk in an embedded one
     * either; to an ordinary user they are closed. */
    if (!svirt_mounts_read(&facts->mounts, error) ||
        !svirt_connection_parse("qemu:///system", &system, error) ||
        !add_instance(facts, connection, error) ||
        (!connection->unprivileged &&
         !add_instance(facts, system, error)) ||
        !read_swap_files(facts, error) || !read_loops(facts, error)) {
        return false;
    }
    *ret = g_steal_pointer(&facts);
    return true;
}
