/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/smack-tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/object.h"
#include "base/xattr.h"

#define LABEL "security.SMACK64"
#define TRANSMUTE "security.SMACK64TRANSMUTE"
#define TRANSMUTES "TRUE"
/* Of directories in one another, each of which is open meanwhile: what is
 * deeper is behind the last one. */
#define DEPTH_MAX 128
#define WANT (SVIRT_OBJECT_WANT(REGULAR) | SVIRT_OBJECT_WANT(DIRECTORY))

typedef struct Walk Walk;
struct Walk {
    /* What becomes of one object. */
    bool (*change)(const Walk *walk, const SvirtObject *object,
                   bool *ret_changed, bool *ret_left, GError **error);
    bool dry_run;
    bool again; /* for the tree itself: it was ours before */
    uint64_t mount_id;
    SvirtSmackTreeCount *count;
};

void
svirt_smack_tree_count_clear(SvirtSmackTreeCount *count)
{
    g_clear_pointer(&count->first_left, g_free);
    g_clear_pointer(&count->mounts, g_ptr_array_unref);
}

/* Without Smack in the kernel an object may have none at all. */
static bool
get_label(const SvirtObject *object, char **ret, GError **error)
{
    size_t size;

    if (!svirt_xattr_get(object, LABEL, ret, &size, error)) {
        return false;
    }
    if (*ret == NULL) {
        *ret = g_strdup(SVIRT_SMACK_FLOOR);
    }
    return true;
}

static bool
passes_on(const SvirtObject *object, bool *ret, GError **error)
{
    g_autofree char *value = NULL;
    size_t size;

    if (!svirt_xattr_get(object, TRANSMUTE, &value, &size, error)) {
        return false;
    }
    /* Linux says "" of a directory that does not. */
    *ret = value != NULL && strcmp(value, TRANSMUTES) == 0;
    return true;
}

/*
 * The label goes first: a directory that passes on a label of another, and has
 * the floor's, is somebody's own arrangement and is left.
 */
static bool
label(const Walk *walk, const SvirtObject *object, bool *ret_changed,
      bool *ret_left, GError **error)
{
    const bool directory = object->type == SVIRT_OBJECT_DIRECTORY;
    g_autofree char *now = NULL;
    bool passes = false;
    bool has;

    if (!get_label(object, &now, error) ||
        (directory && !passes_on(object, &passes, error))) {
        return false;
    }
    has = strcmp(now, SVIRT_SMACK_HOST) == 0;
    if (!has && strcmp(now, SVIRT_SMACK_FLOOR) != 0) {
        return true;
    }
    if (!has && !walk->again &&
        (directory ? passes : object->link_count > 1)) {
        *ret_left = true;
        return true;
    }
    *ret_changed = !has || (directory && !passes);
    if (walk->dry_run) {
        return true;
    }
    return (has || svirt_xattr_set(object, LABEL, SVIRT_SMACK_HOST,
                                   strlen(SVIRT_SMACK_HOST), error)) &&
           (!directory || passes ||
            svirt_xattr_set(object, TRANSMUTE, TRANSMUTES,
                            strlen(TRANSMUTES), error));
}

/* Removed, the label is the file system's own; a mount may say which. */
static bool
unlabel(const Walk *walk, const SvirtObject *object, bool *ret_changed,
        bool *ret_left, GError **error)
{
    g_autofree char *now = NULL;
    g_autofree char *after = NULL;

    if (!get_label(object, &now, error)) {
        return false;
    }
    *ret_changed = strcmp(now, SVIRT_SMACK_HOST) == 0;
    if (!*ret_changed || walk->dry_run) {
        return true;
    }
    return (object->type != SVIRT_OBJECT_DIRECTORY ||
            svirt_xattr_remove(object, TRANSMUTE, error)) &&
           svirt_xattr_remove(object, LABEL, error) &&
           get_label(object, &after, error) &&
           (strcmp(after, SVIRT_SMACK_FLOOR) == 0 ||
            svirt_xattr_set(object, LABEL, SVIRT_SMACK_FLOOR,
                            strlen(SVIRT_SMACK_FLOOR), error));
}

/* One that cannot be changed, an immutable file say, does not stop the rest. */
static void
visit(Walk *walk, const SvirtObject *object)
{
    SvirtSmackTreeCount *count = walk->count;
    bool changed = false;
    bool left = false;

    if (!walk->change(walk, object, &changed, &left, NULL)) {
        changed = false;
        left = true;
    }
    count->changed += changed;
    count->left += left;
    if (left && count->first_left == NULL) {
        count->first_left = g_strdup(object->shown_path);
    }
}

static void walk_directory(Walk *walk, const SvirtObject *directory,
                           unsigned depth);

/*
 * What is mounted there is asked nothing, not even its attributes: a process
 * may serve it, and never answer. EXDEV: something is.
 */
static int
open_here(int fd, const char *name)
{
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
                   RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };

    return (int)syscall(SYS_openat2, fd, name, &how, sizeof(how));
}

/* What is gone meanwhile, or has become something else, is no matter. */
static void
enter(Walk *walk, const SvirtObject *directory, int fd, const char *name,
      unsigned depth)
{
    g_autofree char *shown =
        g_build_filename(directory->shown_path, name, NULL);
    SVIRT_AUTO_FD path_fd = open_here(fd, name);
    g_autoptr(SvirtObject) object = NULL;

    if (path_fd < 0 && errno == EXDEV) {
        g_ptr_array_add(walk->count->mounts, g_steal_pointer(&shown));
        return;
    }
    if (path_fd < 0 ||
        !svirt_object_from_fd(path_fd, shown, WANT, SVIRT_OBJECT_NO_IDENTITY,
                              &object, NULL)) {
        return;
    }
    if (object->is_mount_root || object->mount_id != walk->mount_id) {
        g_ptr_array_add(walk->count->mounts, g_steal_pointer(&shown));
        return;
    }
    visit(walk, object);
    if (object->type == SVIRT_OBJECT_DIRECTORY && depth < DEPTH_MAX) {
        walk_directory(walk, object, depth + 1);
    }
}

static void
walk_directory(Walk *walk, const SvirtObject *directory, unsigned depth)
{
    SVIRT_AUTO_FD fd = -1;
    struct dirent *entry;
    DIR *stream;

    if (!svirt_object_reopen(directory, NULL, O_RDONLY | O_DIRECTORY, &fd,
                             NULL)) {
        return;
    }
    stream = fdopendir(fd);
    if (stream == NULL) {
        return;
    }
    (void)svirt_fd_steal(&fd);
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0 &&
            (entry->d_type == DT_DIR || entry->d_type == DT_REG ||
             entry->d_type == DT_UNKNOWN)) {
            enter(walk, directory, dirfd(stream), entry->d_name, depth);
        }
    }
    (void)closedir(stream);
}

static bool
open_tree(const char *path, SvirtObject **ret, GError **error)
{
    return svirt_object_open(path, NULL, SVIRT_OBJECT_WANT(DIRECTORY),
                             SVIRT_OBJECT_NO_SYMLINKS |
                                 SVIRT_OBJECT_NO_IDENTITY,
                             ret, error);
}

static bool
walk_tree(Walk *walk, const char *path, SvirtSmackTreeCount *ret,
          GError **error)
{
    g_auto(SvirtSmackTreeCount) count = {
        .mounts = g_ptr_array_new_with_free_func(g_free),
    };
    g_autoptr(SvirtObject) tree = NULL;
    bool changed = false;
    bool left = false;

    if (!open_tree(path, &tree, error) ||
        !walk->change(walk, tree, &changed, &left, error)) {
        return false;
    }
    if (left) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "setfattr -x " TRANSMUTE " takes it away",
                           "directory '%s' passes its label on already", path);
    }
    count.changed = changed;
    walk->again = false;
    walk->count = &count;
    walk->mount_id = tree->mount_id;
    walk_directory(walk, tree, 0);
    *ret = count;
    count = (SvirtSmackTreeCount){ .changed = 0 };
    return true;
}

bool
svirt_smack_tree_label(const char *path, bool again, bool dry_run,
                       SvirtSmackTreeCount *ret, GError **error)
{
    Walk walk = { .change = label, .dry_run = dry_run, .again = again };

    return walk_tree(&walk, path, ret, error);
}

bool
svirt_smack_tree_unlabel(const char *path, bool dry_run,
                         SvirtSmackTreeCount *ret, GError **error)
{
    Walk walk = { .change = unlabel, .dry_run = dry_run };

    return walk_tree(&walk, path, ret, error);
}

bool
svirt_smack_tree_is_labelled(const char *path, bool *ret_labelled,
                             GError **error)
{
    g_autoptr(SvirtObject) tree = NULL;
    g_autofree char *now = NULL;

    if (!open_tree(path, &tree, error) || !get_label(tree, &now, error)) {
        return false;
    }
    *ret_labelled = strcmp(now, SVIRT_SMACK_HOST) == 0;
    return true;
}
