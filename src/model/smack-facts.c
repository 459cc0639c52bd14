/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/smack-facts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/procfs.h"

#define LOG_DENIED 1u

void
svirt_smack_facts_free(SvirtSmackFacts *facts)
{
    if (facts == NULL) {
        return;
    }
    g_free(facts->own);
    g_free(facts->ambient);
    g_free(facts->onlycap);
    g_free(facts->unconfined);
    g_free(facts->netlabel);
    g_free(facts->syslog);
    g_free(facts);
}

/* A file this kernel does not have is an empty one. */
static bool
read_text(int root, const char *file, char **ret_text, GError **error)
{
    if (!svirt_smackfs_read(root, file, ret_text, error)) {
        return false;
    }
    if (*ret_text == NULL) {
        *ret_text = g_strdup("");
    }
    return true;
}

static bool
read_number(int root, const char *file, unsigned *ret_number, GError **error)
{
    g_autofree char *text = NULL;
    guint64 number;

    if (!read_text(root, file, &text, error)) {
        return false;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT, &number, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "%s of smackfs is '%.64s', no number", file, text);
    }
    *ret_number = (unsigned)number;
    return true;
}

bool
svirt_smack_facts_read(int root, const char *own, SvirtSmackFacts **ret,
                       GError **error)
{
    g_autoptr(SvirtSmackFacts) facts = g_new0(SvirtSmackFacts, 1);

    facts->own = g_strdup(own);
    if (!read_text(root, "ambient", &facts->ambient, error) ||
        !read_text(root, "onlycap", &facts->onlycap, error) ||
        !svirt_smackfs_read(root, "unconfined", &facts->unconfined, error) ||
        !read_text(root, "netlabel", &facts->netlabel, error) ||
        !read_text(root, "syslog", &facts->syslog, error) ||
        !read_number(root, "ptrace", &facts->ptrace, error) ||
        !read_number(root, "logging", &facts->logging, error) ||
        !read_number(root, "doi", &facts->doi, error) ||
        !read_number(root, "direct", &facts->direct, error) ||
        !read_number(root, "mapped", &facts->mapped, error)) {
        return false;
    }
    *ret = g_steal_pointer(&facts);
    return true;
}

char **
svirt_smack_facts_warnings(const SvirtSmackFacts *facts)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    if (facts->unconfined != NULL && facts->unconfined[0] != '\0') {
        g_autofree char *line = g_strdup_printf(
            "Smack lets label '%s' through everywhere, and everybody to it "
            "(/sys/fs/smackfs/unconfined)", facts->unconfined);

        g_strv_builder_add(builder, line);
    }
    if (facts->onlycap[0] != '\0' &&
        !svirt_smack_list_has(facts->onlycap, facts->own)) {
        g_autofree char *line = g_strdup_printf(
            "Smack keeps svirt, which has label '%s', from labelling "
            "(/sys/fs/smackfs/onlycap is '%s')", facts->own, facts->onlycap);

        g_strv_builder_add(builder, line);
    }
    if ((facts->logging & LOG_DENIED) == 0) {
        g_strv_builder_add(builder, "Smack logs no denial "
                                    "(/sys/fs/smackfs/logging)");
    }
    return g_strv_builder_end(builder);
}

bool
svirt_smack_list_has(const char *list, const char *label)
{
    g_auto(GStrv) words = g_strsplit_set(list, " \t\n", -1);

    return label[0] != '\0' && g_strv_contains((const char *const *)words,
                                               label);
}

static bool
read_attribute(int task, char **ret_label, GError **error)
{
    char text[SVIRT_SMACK_LABEL_BYTES + 1];
    ssize_t length =
        svirt_read_small(task, "attr/smack/current", text, sizeof(text));

    /* Before Linux 5.1 there is one file for whichever model runs. */
    if (length < 0 && errno == ENOENT) {
        length = svirt_read_small(task, "attr/current", text, sizeof(text));
    }
    if (length < 0) {
        return svirt_raise_errno(error, errno == ESRCH ? ENOENT : errno,
                                 NULL, "cannot read the Smack label of a "
                                 "process");
    }
    *ret_label = g_strdup(g_strchomp(text));
    return true;
}

bool
svirt_smack_task_label(int task, char **ret_label, GError **error)
{
    return read_attribute(task, ret_label, error);
}

bool
svirt_smack_own_label(char **ret_label, GError **error)
{
    SVIRT_AUTO_FD procfs = svirt_procfs_open();
    SVIRT_AUTO_FD task = -1;

    if (procfs >= 0) {
        task = svirt_procfs_open_at(procfs, "thread-self",
                                    O_PATH | O_DIRECTORY);
    }
    if (task < 0) {
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot open /proc/thread-self");
    }
    return read_attribute(task, ret_label, error);
}
