/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/block-device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

/* A stack of disks, partitions, md, dm and loop is never this deep. */
#define MAX_DEPTH 16

typedef struct HostUses {
    GHashTable *by_device; /* "M:N" -> words, both owned */
} HostUses;

static char *
device_key(dev_t device)
{
    return g_strdup_printf("%u:%u", major(device), minor(device));
}

/*
 * mountinfo's own M:N is the file system's, which btrfs and others make up;
 * the source field names the node, so both are noted.
 */
static void
note_mount_line(HostUses *uses, const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, " ", 64);
    unsigned count = g_strv_length(fields);
    g_autofree char *use = NULL;
    unsigned dash = 6;
    struct stat st;

    if (count < 10) {
        return;
    }
    while (dash < count && strcmp(fields[dash], "-") != 0) {
        dash++;
    }
    use = g_strdup_printf("mounted on %s", fields[4]);
    g_hash_table_insert(uses->by_device, g_strdup(fields[2]), g_strdup(use));
    if (dash + 2 < count && fields[dash + 2][0] == '/' &&
        stat(fields[dash + 2], &st) == 0 && S_ISBLK(st.st_mode)) {
        g_hash_table_insert(uses->by_device, device_key(st.st_rdev),
                            g_steal_pointer(&use));
    }
}

static void
note_swap_line(HostUses *uses, const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, " ", 2);
    struct stat st;

    if (fields[0] != NULL && fields[0][0] == '/' &&
        stat(fields[0], &st) == 0 && S_ISBLK(st.st_mode)) {
        g_hash_table_insert(uses->by_device, device_key(st.st_rdev),
                            g_strdup("swap space"));
    }
}

static bool
read_table(const char *path, void (*note)(HostUses *, const char *),
           HostUses *uses, GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    GError *cause = NULL;

    if (!g_file_get_contents(path, &text, NULL, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, "mount /proc",
                           "cannot tell which block devices are in use");
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        note(uses, *line);
    }
    return true;
}

static char *walk(const HostUses *uses, int dir, unsigned depth);

/* `entry` is a directory of sysfs that stands for a block device. */
static char *
use_of_entry(const HostUses *uses, int parent, const char *entry,
             const char *relation, unsigned depth)
{
    SVIRT_AUTO_FD dir =
        openat(parent, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char number[32];
    const char *use;

    if (dir < 0 ||
        svirt_read_small(dir, "dev", number, sizeof(number)) < 0) {
        return NULL;
    }
    g_strchomp(number);
    use = g_hash_table_lookup(uses->by_device, number);
    if (use != NULL) {
        return g_strdup_printf("%s %s is %s", relation, entry, use);
    }
    return depth < MAX_DEPTH ? walk(uses, dir, depth + 1) : NULL;
}

static char *
walk_list(const HostUses *uses, int dir, const char *list,
          const char *relation, unsigned depth)
{
    int fd = openat(dir, list, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    char *use = NULL;

    if (entries == NULL) {
        svirt_fd_close(&fd);
        return NULL;
    }
    while (use == NULL && (entry = readdir(entries)) != NULL) {
        if (entry->d_name[0] != '.') {
            use = use_of_entry(uses, dirfd(entries), entry->d_name, relation,
                               depth);
        }
    }
    (void)closedir(entries);
    return use;
}

/* Devices built on this one, and its partitions (directories with a dev). */
static char *
walk(const HostUses *uses, int dir, unsigned depth)
{
    char *use = walk_list(uses, dir, "holders", "its user", depth);

    return use != NULL ? use
                       : walk_list(uses, dir, ".", "its partition", depth);
}

static char *
use_of_whole(const HostUses *uses, int dir)
{
    SVIRT_AUTO_FD parent = -1;
    char number[32];
    const char *use;

    /* Only a partition has this file; its parent directory is the disk. */
    if (faccessat(dir, "partition", F_OK, 0) < 0) {
        return NULL;
    }
    parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 ||
        svirt_read_small(parent, "dev", number, sizeof(number)) < 0) {
        return NULL;
    }
    g_strchomp(number);
    use = g_hash_table_lookup(uses->by_device, number);
    return use != NULL ? g_strdup_printf("its whole disk is %s", use) : NULL;
}

bool
svirt_block_device_host_use(dev_t device, char **ret_use, GError **error)
{
    g_autoptr(GHashTable) table =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *key = device_key(device);
    g_autofree char *path = g_strdup_printf("/sys/dev/block/%s", key);
    HostUses uses = { .by_device = table };
    SVIRT_AUTO_FD dir = -1;
    const char *direct;

    if (!read_table("/proc/self/mountinfo", note_mount_line, &uses, error) ||
        !read_table("/proc/swaps", note_swap_line, &uses, error)) {
        return false;
    }
    direct = g_hash_table_lookup(table, key);
    if (direct != NULL) {
        *ret_use = g_strdup(direct);
        return true;
    }
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return svirt_raise_errno(error, errno, "mount /sys",
                                 "cannot tell who uses block device %s", key);
    }
    *ret_use = walk(&uses, dir, 0);
    if (*ret_use == NULL) {
        *ret_use = use_of_whole(&uses, dir);
    }
    return true;
}
