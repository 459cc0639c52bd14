/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/uid-use.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "label/dac-label.h"
#include "state/objects.h"

/* /proc/PID/status of a process with many groups is longer. */
#define STATUS_BYTES 65536

typedef struct Range {
    uint64_t first;
    uint64_t count;
} Range;

struct SvirtUidUse {
    uid_t first;
    uid_t last;
    char *root;     /* owned */
    bool complete;  /* processes were looked at */
    GError *failed; /* owned; why they could not be */
    GArray *ranges; /* Range; those that touch first to last */
};

void
svirt_uid_use_free(SvirtUidUse *use)
{
    if (use == NULL) {
        return;
    }
    g_array_unref(use->ranges);
    g_clear_error(&use->failed);
    g_free(use->root);
    g_free(use);
}

static bool
has(const SvirtUidUse *use, uid_t first, unsigned count)
{
    for (unsigned i = 0; i < use->ranges->len; i++) {
        const Range *range = &g_array_index(use->ranges, Range, i);

        if (range->first < (uint64_t)first + count &&
            first < range->first + range->count) {
            return true;
        }
    }
    return false;
}

static void
note(SvirtUidUse *use, uint64_t first, uint64_t count)
{
    const Range range = { .first = first, .count = count };

    if (count > 0 && first <= use->last && first <= UINT32_MAX &&
        first + MIN(count, UINT32_MAX) > use->first) {
        g_array_append_val(use->ranges, range);
    }
}

/* Every number of a line, as "Uid:\t0\t0\t0\t0" has them. */
static void
note_numbers(SvirtUidUse *use, const char *text)
{
    while (*text != '\0' && *text != '\n') {
        char *end;
        guint64 number;

        if (!g_ascii_isdigit(*text)) {
            text++;
            continue;
        }
        number = g_ascii_strtoull(text, &end, 10);
        note(use, number, 1);
        text = end;
    }
}

static void
note_process(SvirtUidUse *use, int proc, const char *pid)
{
    g_autofree char *path = g_strconcat(pid, "/status", NULL);
    g_autofree char *text = g_malloc(STATUS_BYTES);
    static const char *const lines[] = { "\nUid:", "\nGid:", "\nGroups:" };

    /* It may have ended meanwhile. */
    if (svirt_read_small(proc, path, text, STATUS_BYTES) <= 0) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        const char *line = strstr(text, lines[i]);

        if (line != NULL) {
            note_numbers(use, line + strlen(lines[i]));
        }
    }
}

typedef void (*NoteEntry)(SvirtUidUse *use, int dir, const char *name);

static void
note_if_process(SvirtUidUse *use, int dir, const char *name)
{
    if (g_ascii_isdigit(name[0])) {
        note_process(use, dir, name);
    }
}

static void
note_owner(SvirtUidUse *use, int dir, const char *name)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        note(use, st.st_uid, 1);
        note(use, st.st_gid, 1);
    }
}

static bool
note_directory(SvirtUidUse *use, const char *root, const char *path,
               NoteEntry note_entry, GError **error)
{
    g_autofree char *full = g_strconcat(root, path, NULL);
    DIR *entries = opendir(full);
    const struct dirent *entry;

    if (entries == NULL) {
        return errno == ENOENT ||
               svirt_raise_errno(error, errno, NULL,
                                 "cannot tell which uids are in use: '%s'",
                                 full);
    }
    while ((entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0) {
            note_entry(use, dirfd(entries), entry->d_name);
        }
    }
    (void)closedir(entries);
    return true;
}

/* A table with a separator and the columns that are ids. */
typedef struct Table {
    const char *path;
    char separator;   /* ' ': any run of blanks */
    int columns[4];   /* -1 ends */
    int count_column; /* of a range that starts in columns[0]; -1: one id */
} Table;

static const Table tables[] = {
    { "/etc/passwd", ':', { 2, 3, -1, -1 }, -1 },
    { "/etc/group", ':', { 2, -1, -1, -1 }, -1 },
    { "/etc/subuid", ':', { 1, -1, -1, -1 }, 2 },
    { "/etc/subgid", ':', { 1, -1, -1, -1 }, 2 },
    /* key shmid perms size cpid lpid nattch uid gid cuid cgid ... */
    { "/proc/sysvipc/shm", ' ', { 7, 8, 9, 10 }, -1 },
    /* key msqid perms cbytes qnum lspid lrpid uid gid cuid cgid ... */
    { "/proc/sysvipc/msg", ' ', { 7, 8, 9, 10 }, -1 },
    /* key semid perms nsems uid gid cuid cgid ... */
    { "/proc/sysvipc/sem", ' ', { 4, 5, 6, 7 }, -1 },
    /* "  uid:  usage nkeys/nikeys ..." of every uid that has keys */
    { "/proc/key-users", ':', { 0, -1, -1, -1 }, -1 },
};

static bool
field_number(GPtrArray *fields, int column, uint64_t *ret)
{
    char *end;

    if (column < 0 || (unsigned)column >= fields->len) {
        return false;
    }
    *ret = g_ascii_strtoull(fields->pdata[column], &end, 10);
    return end != fields->pdata[column];
}

static GPtrArray *
split_fields(char *line, char separator)
{
    GPtrArray *fields = g_ptr_array_new();

    if (separator == ' ') {
        for (char *word = strtok_r(line, " \t", &line); word != NULL;
             word = strtok_r(NULL, " \t", &line)) {
            g_ptr_array_add(fields, word);
        }
        return fields;
    }
    while (line != NULL) {
        g_ptr_array_add(fields, line);
        line = strchr(line, separator);
        if (line != NULL) {
            *line++ = '\0';
        }
    }
    return fields;
}

static void
note_row(SvirtUidUse *use, const Table *table, char *line)
{
    g_autoptr(GPtrArray) fields = split_fields(line, table->separator);
    uint64_t count = 1;
    uint64_t id;

    if (table->count_column >= 0 &&
        !field_number(fields, table->count_column, &count)) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(table->columns); i++) {
        if (field_number(fields, table->columns[i], &id)) {
            note(use, id, count);
        }
    }
}

static bool
note_table(SvirtUidUse *use, const char *root, const Table *table,
           GError **error)
{
    g_autofree char *path = g_strconcat(root, table->path, NULL);
    g_autofree char *text = NULL;
    GError *cause = NULL;
    char *rest;

    if (!g_file_get_contents(path, &text, NULL, &cause)) {
        if (g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            g_clear_error(&cause);
            return true;
        }
        return svirt_raise(error, SVIRT_ERROR_SYSTEM, cause, NULL,
                           "cannot tell which uids are in use");
    }
    rest = text;
    while (rest != NULL) {
        char *line = rest;

        rest = strchr(rest, '\n');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        note_row(use, table, line);
    }
    return true;
}

/* Objects whose former owner was not given back yet go on carrying the uid. */
static bool
note_labelled(SvirtUidUse *use, SvirtState *state, GError **error)
{
    g_autoptr(GPtrArray) values = NULL;

    if (!svirt_objects_written(state, SVIRT_MODEL_DAC, &values, error)) {
        return false;
    }
    for (unsigned i = 0; i < values->len; i++) {
        SvirtDacLabel label;

        if (svirt_dac_label_parse(values->pdata[i], NULL, &label, NULL)) {
            note(use, label.uid, 1);
            note(use, label.gid, 1);
        }
    }
    return true;
}

bool
svirt_uid_use_read(SvirtState *state, const char *root, uid_t first,
                   uid_t last, SvirtUidUse **ret, GError **error)
{
    g_autoptr(SvirtUidUse) use = g_new0(SvirtUidUse, 1);

    use->first = first;
    use->last = last;
    use->root = g_strdup(root);
    use->ranges = g_array_new(FALSE, FALSE, sizeof(Range));
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        if (!note_table(use, root, &tables[i], error)) {
            return false;
        }
    }
    if (!note_labelled(use, state, error)) {
        return false;
    }
    *ret = g_steal_pointer(&use);
    return true;
}

static void
complete(SvirtUidUse *use)
{
    use->complete = true;
    (void)(note_directory(use, use->root, "/proc", note_if_process,
                          &use->failed) &&
           note_directory(use, use->root, "/dev/shm", note_owner,
                          &use->failed) &&
           note_directory(use, use->root, "/dev/mqueue", note_owner,
                          &use->failed));
}

bool
svirt_uid_use_has(uid_t first, unsigned count, bool seen, void *data)
{
    SvirtUidUse *use = data;

    if (!seen && !use->complete) {
        complete(use);
    }
    return use->failed != NULL || has(use, first, count);
}

bool
svirt_uid_use_check(const SvirtUidUse *use, GError **error)
{
    if (use->failed != NULL) {
        g_propagate_error(error, g_error_copy(use->failed));
        return false;
    }
    return true;
}
