/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/smack-ask.h"

#include <string.h>

#include "label/derive.h"

/* Bring-up rules let through what they name as well as log it. */
static bool
has_bringup_rule(const char *rules, const char *subject)
{
    g_auto(GStrv) lines = g_strsplit(rules, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);

        if (g_strv_length(words) == 3 && strcmp(words[0], subject) == 0 &&
            strchr(words[2], 'b') != NULL) {
            return true;
        }
    }
    return false;
}

bool
svirt_smack_enforces(int root, const char *process, bool *ret_enforcing,
                     GError **error)
{
    g_autofree char *unconfined = NULL;
    g_autofree char *rules = NULL;
    bool known;

    if (!svirt_smack_label_is_valid(process)) {
        *ret_enforcing = false;
        return true;
    }
    if (!svirt_smackfs_knows(root, process, &known, error) ||
        !svirt_smackfs_read(root, "unconfined", &unconfined, error)) {
        return false;
    }
    /* Only a kernel for bringing a policy up has the file, and heeds 'b'. */
    if (unconfined != NULL &&
        !svirt_smackfs_read(root, "load2", &rules, error)) {
        return false;
    }
    *ret_enforcing = known &&
                     (unconfined == NULL || unconfined[0] == '\0') &&
                     (rules == NULL || !has_bringup_rule(rules, process));
    return true;
}

/* Any access at all? */
static bool
reaches(int root, const char *subject, const char *object, bool *ret_reaches,
        GError **error)
{
    bool allows = false;

    for (const char *access = SVIRT_SMACK_ACCESSES;
         *access != '\0' && !allows; access++) {
        const char one[] = { *access, '\0' };

        if (!svirt_smackfs_allows(root, subject, object, one, &allows,
                                  error)) {
            return false;
        }
    }
    *ret_reaches = allows;
    return true;
}

static bool
set_reaches(int root, const SvirtLabelSet *from, const SvirtLabelSet *to,
            bool *ret_reaches, GError **error)
{
    const char *const subjects[] = { from->vmm, from->monitor };
    const char *const objects[] = { to->vmm, to->monitor, to->image };
    bool found = false;

    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(objects) && !found; j++) {
            if (subjects[i] != NULL && objects[j] != NULL &&
                !(j > 0 && g_strcmp0(objects[j], objects[0]) == 0) &&
                !reaches(root, subjects[i], objects[j], &found, error)) {
                return false;
            }
        }
    }
    *ret_reaches = found;
    return true;
}

bool
svirt_smack_separates(int root, const SvirtLabelSet *a,
                      const SvirtLabelSet *b, bool *ret_separates,
                      GError **error)
{
    bool there = true;
    bool back = true;

    if (!set_reaches(root, a, b, &there, error) ||
        !set_reaches(root, b, a, &back, error)) {
        return false;
    }
    *ret_separates = !there && !back;
    return true;
}
