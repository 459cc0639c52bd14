/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/selinux-kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef SELINUX_MAGIC
#define SELINUX_MAGIC 0xf97cff8c
#endif

#define FS_PATH "/sys/fs/selinux"
#define ETC_PATH "/etc/selinux"
/* A node takes and gives at most a page. */
#define REPLY_BYTES 4096
#define FILESYSTEMS_BYTES 16384
/* SELINUX_AVD_FLAGS_PERMISSIVE, avc.h. */
#define FLAG_PERMISSIVE 1u

static ssize_t
transact(int fs, const char *node, const char *request, char *reply,
         size_t size)
{
    SVIRT_AUTO_FD fd = openat(fs, node, O_RDWR | O_CLOEXEC);
    ssize_t length;

    if (fd < 0 || write(fd, request, strlen(request) + 1) < 0) {
        return -1;
    }
    length = pread(fd, reply, size - 1, 0);
    if (length >= 0) {
        reply[length] = '\0';
    }
    return length;
}

/* A line of /proc/filesystems is "nodev\tNAME". Registered when, and only
 * when, SELinux was enabled at boot. */
static bool
is_registered(const char *filesystems)
{
    const char *found = strstr(filesystems, "\tselinuxfs\n");

    return found != NULL;
}

bool
svirt_selinux_open(const char *filesystems, const char *fs_path,
                   int64_t magic, const char *etc_path, SvirtSelinux *ret,
                   bool *ret_active, GError **error)
{
    SVIRT_AUTO_FD fs = -1;
    struct statfs facts;

    if (!is_registered(filesystems)) {
        *ret_active = false;
        return true;
    }
    fs = open(fs_path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fs < 0 || fstatfs(fs, &facts) != 0 ||
        (uint32_t)facts.f_type != (uint32_t)magic) {
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL,
                           "mount -t selinuxfs selinuxfs /sys/fs/selinux",
                           "the kernel runs SELinux, but '%s' is not its file "
                           "system: VMs would not be confined", fs_path);
    }
    ret->fs = svirt_fd_steal(&fs);
    ret->etc = open(etc_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ret->transact = transact;
    *ret_active = true;
    return true;
}

bool
svirt_selinux_get(const SvirtSelinux **ret, GError **error)
{
    static SvirtSelinux selinux;
    static SvirtSelinuxNumbers numbers;
    static bool known;
    static bool active;
    g_autofree char *text = NULL;

    if (!known) {
        text = g_malloc(FILESYSTEMS_BYTES);
        if (svirt_read_small(AT_FDCWD, "/proc/filesystems", text,
                             FILESYSTEMS_BYTES) < 0) {
            return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                     "cannot read /proc/filesystems");
        }
        if (!svirt_selinux_open(text, FS_PATH, SELINUX_MAGIC, ETC_PATH,
                                &selinux, &active, error)) {
            return false;
        }
        numbers.table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                              NULL);
        selinux.numbers = &numbers;
        known = true;
    }
    *ret = active ? &selinux : NULL;
    return true;
}

bool
svirt_selinux_need(const SvirtSelinux **ret, GError **error)
{
    const SvirtSelinux *selinux = NULL;

    if (!svirt_selinux_get(&selinux, error)) {
        return false;
    }
    if (selinux == NULL) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "boot with security=selinux",
                           "the kernel does not run SELinux");
    }
    *ret = selinux;
    return true;
}

bool
svirt_selinux_knows(const SvirtSelinux *selinux, const char *context,
                    bool *ret_known, GError **error)
{
    char reply[REPLY_BYTES];

    if (selinux->transact(selinux->fs, "context", context, reply,
                          sizeof(reply)) >= 0) {
        *ret_known = true;
        return true;
    }
    /* E2BIG, ENAMETOOLONG, ERANGE: longer than any context of a policy. */
    if (errno != EINVAL && errno != E2BIG && errno != ENAMETOOLONG &&
        errno != ERANGE && errno != ENOMEM) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot ask SELinux for context '%.128s'",
                                 context);
    }
    *ret_known = false;
    return true;
}

static bool
read_number(int dir, const char *path, unsigned long *ret, GError **error)
{
    char text[32];
    char *end;

    if (svirt_read_small(dir, path, text, sizeof(text)) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read selinuxfs file '%s'", path);
    }
    *ret = strtoul(text, &end, 10);
    if (end == text) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, NULL,
                           "selinuxfs file '%s' has no number", path);
    }
    return true;
}

bool
svirt_selinux_flag(const SvirtSelinux *selinux, const char *name, bool *ret,
                   GError **error)
{
    unsigned long number = 0;

    if (!read_number(selinux->fs, name, &number, error)) {
        return false;
    }
    *ret = number != 0;
    return true;
}

/* The number that the policy has for a class or a permission: a thousand VMs
 * are asked about with the same twenty. */
static bool
find_number(const SvirtSelinux *selinux, const char *path,
            unsigned long *ret, GError **error)
{
    SvirtSelinuxNumbers *numbers = selinux->numbers;

    if (numbers == NULL) {
        return read_number(selinux->fs, path, ret, error);
    }
    g_mutex_lock(&numbers->lock);
    *ret = GPOINTER_TO_UINT(g_hash_table_lookup(numbers->table, path));
    g_mutex_unlock(&numbers->lock);
    if (*ret != 0) {
        return true;
    }
    if (!read_number(selinux->fs, path, ret, error)) {
        return false;
    }
    g_mutex_lock(&numbers->lock);
    g_hash_table_insert(numbers->table, g_strdup(path),
                        GUINT_TO_POINTER((guint)*ret));
    g_mutex_unlock(&numbers->lock);
    return true;
}

/* Was the answer given by the policy whose numbers were asked with? */
static bool
numbers_hold(const SvirtSelinux *selinux, uint32_t sequence)
{
    SvirtSelinuxNumbers *numbers = selinux->numbers;
    bool hold;

    if (numbers == NULL) {
        return true;
    }
    g_mutex_lock(&numbers->lock);
    hold = numbers->sequence == sequence;
    if (!hold) {
        g_hash_table_remove_all(numbers->table);
        numbers->sequence = sequence;
    }
    g_mutex_unlock(&numbers->lock);
    return hold;
}

static bool
permission_bits(const SvirtSelinux *selinux, const char *class,
                const char *const *permissions, uint32_t *ret, GError **error)
{
    *ret = 0;
    for (; *permissions != NULL; permissions++) {
        char path[128];
        unsigned long number = 0;

        (void)g_snprintf(path, sizeof(path), "class/%s/perms/%s", class,
                         *permissions);
        if (!find_number(selinux, path, &number, error)) {
            return false;
        }
        if (number < 1 || number > 32) {
            return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, NULL,
                               "SELinux permission %s has number %lu",
                               *permissions, number);
        }
        *ret |= 1u << (number - 1);
    }
    return true;
}

static bool
ask_once(const SvirtSelinux *selinux, const char *source,
                  const char *target, const char *class,
                  const char *const *permissions, SvirtSelinuxDecision *ret,
                  uint32_t *ret_wanted, GError **error)
{
    g_autofree char *request = NULL;
    char reply[REPLY_BYTES];
    char path[64];
    unsigned long number = 0;
    uint32_t wanted;
    uint32_t allowed;
    uint32_t sequence;
    uint32_t flags;

    (void)g_snprintf(path, sizeof(path), "class/%s/index", class);
    if (!find_number(selinux, path, &number, error) ||
        !permission_bits(selinux, class, permissions, &wanted, error)) {
        return false;
    }
    request = g_strdup_printf("%s %s %lu", source, target, number);
    if (selinux->transact(selinux->fs, "access", request, reply,
                          sizeof(reply)) < 0) {
        if (errno == EINVAL) {
            return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                               "the loaded policy does not know '%.128s' or "
                               "'%.128s'", source, target);
        }
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot ask SELinux what '%.128s' may do",
                                 source);
    }
    /* allowed decided auditallow auditdeny seqno flags */
    if (sscanf(reply, "%" SCNx32 " %*x %*x %*x %" SCNu32 " %" SCNx32,
               &allowed, &sequence, &flags) != 3) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, NULL,
                           "SELinux answered '%.64s'", reply);
    }
    *ret = (SvirtSelinuxDecision){
        .allowed = allowed,
        .permissive = (flags & FLAG_PERMISSIVE) != 0,
        .sequence = sequence,
    };
    *ret_wanted = wanted;
    return true;
}

bool
svirt_selinux_ask(const SvirtSelinux *selinux, const char *source,
                  const char *target, const char *class,
                  const char *const *permissions, SvirtSelinuxDecision *ret,
                  uint32_t *ret_wanted, GError **error)
{
    /* A policy may be loaded between two questions, but not again and again. */
    for (unsigned i = 0; i < 8; i++) {
        if (!ask_once(selinux, source, target, class, permissions, ret,
                      ret_wanted, error)) {
            return false;
        }
        if (numbers_hold(selinux, ret->sequence)) {
            return true;
        }
    }
    return svirt_raise(error, SVIRT_ERROR_SYSTEM, NULL, NULL,
                       "SELinux policies are loaded faster than asked about");
}
