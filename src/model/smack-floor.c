/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/smack-floor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/procfs.h"
#include "label/derive.h"
#include "model/smack-facts.h"
#include "model/smack-fs.h"

#define TREES_BYTES 65536
/* Making a directory hand its label on is for who has every right alone. */
#define COPIED "rwxal"

void
svirt_smack_floor_free(SvirtSmackFloor *floor)
{
    if (floor == NULL) {
        return;
    }
    g_strfreev(floor->trees);
    g_strfreev(floor->unlabelled);
    g_free(floor);
}

static bool
read_trees(char ***ret, GError **error)
{
    g_autofree char *text = g_malloc(TREES_BYTES);

    if (svirt_read_small(AT_FDCWD, SVIRT_SMACK_TREES_FILE, text,
                         TREES_BYTES) < 0) {
        if (errno == ENOENT) {
            *ret = NULL;
            return true;
        }
        return svirt_raise_errno(error, errno, NULL, "cannot read '%s'",
                                 SVIRT_SMACK_TREES_FILE);
    }
    *ret = NULL;
    if (*g_strchomp(text) == '\0') {
        return true;
    }
    *ret = g_strsplit(text, "\n", -1);
    for (char **tree = *ret; *tree != NULL; tree++) {
        if ((*tree)[0] != '/') {
            g_strfreev(g_steal_pointer(ret));
            return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL,
                               "svirt policy install-smack writes it anew",
                               "'%s' names no directory in a line of its own",
                               SVIRT_SMACK_TREES_FILE);
        }
    }
    return true;
}

bool
svirt_smack_floor_read(int root, SvirtSmackFloor **ret, GError **error)
{
    g_autoptr(SvirtSmackFloor) floor = g_new0(SvirtSmackFloor, 1);
    g_autoptr(GStrvBuilder) without = g_strv_builder_new();

    if (!read_trees(&floor->trees, error) ||
        !svirt_smackfs_allows(root, SVIRT_SMACK_FLOOR, SVIRT_SMACK_HOST,
                              SVIRT_SMACK_ACCESSES, &floor->ruled, error)) {
        return false;
    }
    for (char **tree = floor->trees; tree != NULL && *tree != NULL; tree++) {
        bool labelled = false;

        /* One that cannot be looked at is not known to be closed. */
        if (!svirt_smack_tree_is_labelled(*tree, &labelled, NULL) ||
            !labelled) {
            g_strv_builder_add(without, *tree);
        }
    }
    floor->unlabelled = g_strv_builder_end(without);
    *ret = g_steal_pointer(&floor);
    return true;
}

static bool
may_read_host(int root, const char *process)
{
    bool allows = true;

    (void)svirt_smackfs_allows(root, process, SVIRT_SMACK_HOST, "r", &allows,
                               NULL);
    return allows;
}

char *
svirt_smack_floor_gap(const char *process)
{
    g_autoptr(SvirtSmackFloor) floor = NULL;
    g_autofree char *closed = NULL;
    SVIRT_AUTO_FD root = -1;

    if (!svirt_smackfs_open(&root, NULL) ||
        !svirt_smack_floor_read(root, &floor, NULL) ||
        floor->trees == NULL || floor->unlabelled[0] != NULL ||
        may_read_host(root, process)) {
        return g_strdup("it lets all read what has the floor label '_': own "
                        "root and Landlock do not, and svirt policy "
                        "install-smack takes it off the host's files");
    }
    closed = g_strjoinv(" ", floor->trees);
    return g_strdup_printf("it lets all read what has the floor label '_', "
                           "which is outside of %s: own root and Landlock "
                           "do not", closed);
}

/* Labels by their form: of a VM, its monitor, or a class of objects. */
static bool
is_of_vm(const char *label, const GPtrArray *claimed)
{
    const size_t tail = SVIRT_UUID_TEXT - 1;
    g_autofree char *name = g_strdup(label);
    size_t length;
    SvirtUuid uuid;

    if (g_str_has_suffix(name, ".monitor")) {
        name[strlen(name) - strlen(".monitor")] = '\0';
    }
    length = strlen(name);
    if (g_str_has_prefix(name, "svirt-") ||
        (length > tail && svirt_uuid_parse(name + length - tail, &uuid))) {
        return true;
    }
    for (unsigned i = 0; claimed != NULL && i < claimed->len; i++) {
        if (strcmp(g_ptr_array_index(claimed, i), name) == 0) {
            return true;
        }
    }
    return false;
}

static void
add_subject(GHashTable *found, const char *label, const GPtrArray *claimed)
{
    if ((strcmp(label, "^") == 0 || svirt_smack_label_is_valid(label)) &&
        !is_of_vm(label, claimed)) {
        (void)g_hash_table_add(found, g_strdup(label));
    }
}

static bool
add_processes(GHashTable *found, const GPtrArray *claimed, GError **error)
{
    g_autoptr(GDir) directory = g_dir_open("/proc", 0, error);
    SVIRT_AUTO_FD procfs = svirt_procfs_open();
    const char *name;

    if (directory == NULL || procfs < 0) {
        g_clear_error(error);
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot list the host's processes");
    }
    while ((name = g_dir_read_name(directory)) != NULL) {
        SVIRT_AUTO_FD process = -1;
        g_autofree char *label = NULL;

        if (g_ascii_isdigit(name[0])) {
            process = svirt_procfs_open_process(procfs, atoi(name));
        }
        /* One may have ended meanwhile. */
        if (process >= 0 && svirt_smack_task_label(process, &label, NULL)) {
            add_subject(found, label, claimed);
        }
    }
    return true;
}

bool
svirt_smack_floor_subjects(int root, const GPtrArray *claimed, char ***ret,
                           GError **error)
{
    g_autoptr(GHashTable) found =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_autofree char *rules = NULL;
    g_autofree char *own = NULL;
    g_auto(GStrv) lines = NULL;
    GHashTableIter iter;
    void *key;

    if (!svirt_smack_own_label(&own, error) ||
        !add_processes(found, claimed, error) ||
        !svirt_smackfs_read(root, "load2", &rules, error)) {
        return false;
    }
    add_subject(found, own, claimed);
    lines = g_strsplit(rules != NULL ? rules : "", "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 2);

        if (words[0] != NULL) {
            add_subject(found, words[0], claimed);
        }
    }
    g_strv_builder_add(builder, SVIRT_SMACK_FLOOR);
    g_hash_table_iter_init(&iter, found);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        g_strv_builder_add(builder, key);
    }
    *ret = g_strv_builder_end(builder);
    return true;
}

/* What the subject has on the floor, in the kernel's letters. */
static bool
floor_accesses(int root, const char *subject, char ret[sizeof(COPIED)],
               GError **error)
{
    size_t count = 0;

    for (const char *access = COPIED; *access != '\0'; access++) {
        const char one[] = { *access, '\0' };
        bool allows;

        if (!svirt_smackfs_allows(root, subject, SVIRT_SMACK_FLOOR, one,
                                  &allows, error)) {
            return false;
        }
        if (allows) {
            ret[count++] = *access;
        }
    }
    ret[count] = '\0';
    return true;
}

static bool
write_list(const char *directory, const char *file, const char *text,
           GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (g_mkdir_with_parents(directory, 0755) != 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make '%s'",
                                 directory);
    }
    if (!g_file_set_contents_full(file, text, -1,
                                  G_FILE_SET_CONTENTS_CONSISTENT |
                                      G_FILE_SET_CONTENTS_DURABLE,
                                  0644, &cause)) {
        return svirt_raise(error, SVIRT_ERROR_SYSTEM,
                           g_steal_pointer(&cause), NULL,
                           "cannot write '%s'", file);
    }
    return true;
}

static bool
write_rules(int root, char *const *rules, GError **error)
{
    for (; *rules != NULL; rules++) {
        g_auto(GStrv) words = g_strsplit(*rules, " ", 3);
        bool allows;

        if (!svirt_smackfs_write(root, "load2", *rules, error) ||
            !svirt_smackfs_allows(root, words[0], words[1], words[2],
                                  &allows, error)) {
            return false;
        }
        if (!allows) {
            return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                               "Smack does not give '%s' what the rule '%s' "
                               "says", words[0], *rules);
        }
    }
    return true;
}

bool
svirt_smack_floor_rule(int root, char *const *subjects, GError **error)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) rules = NULL;
    g_autofree char *text = NULL;
    g_autofree char *list = NULL;

    for (; *subjects != NULL; subjects++) {
        const bool floor = strcmp(*subjects, SVIRT_SMACK_FLOOR) == 0;
        char had[sizeof(COPIED)] = "";
        g_autofree char *rule = NULL;

        if (!floor && !floor_accesses(root, *subjects, had, error)) {
            return false;
        }
        rule = g_strdup_printf("%s %s %s", *subjects, SVIRT_SMACK_HOST,
                               floor ? SVIRT_SMACK_ACCESSES : had);
        g_strv_builder_add(builder, rule);
    }
    rules = g_strv_builder_end(builder);
    text = g_strjoinv("\n", rules);
    list = g_strconcat(text, "\n", NULL);
    return write_list(SVIRT_SMACK_RULES_DIR, SVIRT_SMACK_RULES_FILE, list,
                      error) &&
           write_rules(root, rules, error);
}

bool
svirt_smack_floor_unrule(int root, GError **error)
{
    g_autofree char *rules = NULL;
    g_auto(GStrv) lines = NULL;

    if (!svirt_smackfs_read(root, "load2", &rules, error)) {
        return false;
    }
    lines = g_strsplit(rules != NULL ? rules : "", "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        g_autofree char *nothing = NULL;

        if (g_strv_length(words) < 3 ||
            strcmp(words[1], SVIRT_SMACK_HOST) != 0) {
            continue;
        }
        nothing = g_strdup_printf("%s %s -", words[0], words[1]);
        if (!svirt_smackfs_write(root, "load2", nothing, error)) {
            return false;
        }
    }
    return unlink(SVIRT_SMACK_RULES_FILE) == 0 || errno == ENOENT ||
           svirt_raise_errno(error, errno, NULL, "cannot remove '%s'",
                             SVIRT_SMACK_RULES_FILE);
}

bool
svirt_smack_floor_note(char *const *trees, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *list = NULL;

    if (trees == NULL || *trees == NULL) {
        return unlink(SVIRT_SMACK_TREES_FILE) == 0 || errno == ENOENT ||
               svirt_raise_errno(error, errno, NULL, "cannot remove '%s'",
                                 SVIRT_SMACK_TREES_FILE);
    }
    text = g_strjoinv("\n", (char **)trees);
    list = g_strconcat(text, "\n", NULL);
    return write_list(SVIRT_SMACK_TREES_DIR, SVIRT_SMACK_TREES_FILE, list,
                      error);
}
