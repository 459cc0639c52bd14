/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Rows before the separator "-": id, parent, device, root, point, options. */
#define FIELDS_MIN 10
#define FIELDS_MAX 64

static void
mount_free(void *data)
{
    SvirtMount *mount = data;

    g_free(mount->root);
    g_free(mount->mountpoint);
    g_free(mount->type);
    g_free(mount);
}

void
svirt_mounts_free(SvirtMounts *mounts)
{
    if (mounts == NULL) {
        return;
    }
    g_ptr_array_unref(mounts->rows);
    g_free(mounts);
}

static bool
is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* The kernel writes blanks and backslashes as \ooo. */
static char *
unescape(const char *text)
{
    GString *plain = g_string_new(NULL);

    while (*text != '\0') {
        if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
            is_octal(text[3])) {
            g_string_append_c(plain, (char)((text[1] - '0') * 64 +
                                            (text[2] - '0') * 8 +
                                            (text[3] - '0')));
            text += 4;
        } else {
            g_string_append_c(plain, *text++);
        }
    }
    return g_string_free(plain, FALSE);
}

static SvirtMount *
parse_line(const char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, " ", FIELDS_MAX);
    unsigned count = g_strv_length(fields);
    unsigned dash = 6;
    unsigned major_number;
    unsigned minor_number;
    SvirtMount *mount;
    guint64 id;

    while (dash < count && strcmp(fields[dash], "-") != 0) {
        dash++;
    }
    if (count < FIELDS_MIN || dash + 1 >= count ||
        !g_ascii_string_to_unsigned(fields[0], 10, 0, G_MAXUINT64, &id,
                                    NULL) ||
        sscanf(fields[2], "%u:%u", &major_number, &minor_number) != 2) {
        return NULL;
    }
    mount = g_new0(SvirtMount, 1);
    mount->id = id;
    mount->device = makedev(major_number, minor_number);
    mount->root = unescape(fields[3]);
    mount->mountpoint = unescape(fields[4]);
    mount->type = g_strdup(fields[dash + 1]);
    return mount;
}

bool
svirt_mounts_parse(const char *text, SvirtMounts **ret, GError **error)
{
    g_autoptr(SvirtMounts) mounts = g_new0(SvirtMounts, 1);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    mounts->rows = g_ptr_array_new_with_free_func(mount_free);
    for (char **line = lines; *line != NULL; line++) {
        SvirtMount *mount;

        if (**line == '\0') {
            continue;
        }
        mount = parse_line(*line);
        if (mount == NULL) {
            return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                               "line '%.64s' of mountinfo is not understood",
                               *line);
        }
        g_ptr_array_add(mounts->rows, mount);
    }
    *ret = g_steal_pointer(&mounts);
    return true;
}

bool
svirt_mounts_read(SvirtMounts **ret, GError **error)
{
    g_autofree char *text = NULL;
    GError *cause = NULL;

    if (!g_file_get_contents("/proc/self/mountinfo", &text, NULL, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause,
                           "mount procfs on /proc",
                           "cannot read the table of mounts");
    }
    return svirt_mounts_parse(text, ret, error);
}

const SvirtMount *
svirt_mounts_by_id(const SvirtMounts *mounts, uint64_t id)
{
    for (unsigned i = 0; i < mounts->rows->len; i++) {
        const SvirtMount *mount = mounts->rows->pdata[i];

        if (mount->id == id) {
            return mount;
        }
    }
    return NULL;
}

bool
svirt_path_is_below(const char *path, const char *directory)
{
    size_t size = strlen(directory);

    while (size > 0 && directory[size - 1] == '/') {
        size--;
    }
    return path[0] == '/' && strncmp(path, directory, size) == 0 &&
           (path[size] == '\0' || path[size] == '/');
}

/* `path`, which is below `from`, as it is called below `to`. */
static char *
move_path(const char *path, const char *from, const char *to)
{
    const char *rest = path + (strcmp(from, "/") == 0 ? 0 : strlen(from));

    if (strcmp(to, "/") == 0) {
        return g_strdup(*rest == '\0' ? "/" : rest);
    }
    return g_strconcat(to, strcmp(rest, "/") == 0 ? "" : rest, NULL);
}

char *
svirt_mount_inner_path(const SvirtMount *mount, const char *path)
{
    if (!svirt_path_is_below(path, mount->mountpoint)) {
        return NULL;
    }
    return move_path(path, mount->mountpoint, mount->root);
}

GStrv
svirt_mounts_aliases(const SvirtMounts *mounts, const SvirtMount *mount,
                     const char *path)
{
    g_autofree char *inner = svirt_mount_inner_path(mount, path);
    GPtrArray *aliases = g_ptr_array_new();

    g_ptr_array_add(aliases, g_strdup(path));
    for (unsigned i = 0; inner != NULL && i < mounts->rows->len; i++) {
        const SvirtMount *other = mounts->rows->pdata[i];

        if (other != mount && other->device == mount->device &&
            svirt_path_is_below(inner, other->root)) {
            g_ptr_array_add(aliases,
                            move_path(inner, other->root, other->mountpoint));
        }
    }
    g_ptr_array_add(aliases, NULL);
    return (GStrv)g_ptr_array_free(aliases, FALSE);
}
