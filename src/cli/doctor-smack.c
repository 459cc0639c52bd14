/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/doctor-smack.h"

#include "base/fd.h"
#include "model/model.h"
#include "model/smack-facts.h"
#include "model/smack-floor.h"

/* How things are, without a judgement. */
static void
tell(SvirtTable *table, const char *what, const char *state)
{
    svirt_table_add(table, what, "-", state, NULL, NULL);
}

static void
tell_facts(SvirtTable *table, const SvirtSmackFacts *facts)
{
    static const char *const tracing[] = {
        "who may read and write may trace", "equal labels alone trace",
        "equal labels alone trace, whatever the capabilities",
    };
    g_autofree char *packets = g_strdup_printf(
        "those without a label count as '%s'%s", facts->ambient,
        facts->netlabel[0] != '\0' ? ", some addresses have their own" : "");

    tell(table, "CAP_MAC_*", facts->onlycap[0] != '\0' ? facts->onlycap
                                                       : "of every label");
    tell(table, "packets", packets);
    if (facts->ptrace < G_N_ELEMENTS(tracing)) {
        tell(table, "ptrace", tracing[facts->ptrace]);
    }
}

/* What has the floor label is every VM's to read, as far as Smack goes. */
static bool
tell_floor(SvirtTable *table, int root, bool *ret_ill, GError **error)
{
    g_autoptr(SvirtSmackFloor) floor = NULL;
    g_autofree char *trees = NULL;
    g_autofree char *state = NULL;
    const char *what;
    bool good;

    if (!svirt_smack_floor_read(root, &floor, error)) {
        return false;
    }
    if (floor->trees == NULL) {
        tell(table, "Smack's floor",
             "VMs' labels may read what has label '_'; own root and Landlock "
             "keep them from it, and svirt policy install-smack takes it off");
        return true;
    }
    good = floor->ruled && floor->unlabelled[0] == NULL;
    if (good) {
        what = "VMs' labels may read what is outside of";
    } else if (!floor->ruled) {
        what = "no rule lets the host into";
    } else {
        what = "not labelled any more:";
    }
    trees = g_strjoinv(" ", floor->ruled && !good ? floor->unlabelled
                                                  : floor->trees);
    state = g_strdup_printf("%s %s", what, trees);
    svirt_table_add(table, "Smack's floor", good ? "good" : "bad", state,
                    good ? NULL
                         : "what users may read, or VMs may not; svirt policy "
                           "install-smack",
                    NULL);
    *ret_ill = *ret_ill || !good;
    return true;
}

bool
svirt_doctor_smack(SvirtTable *table, bool *ret_ill, GError **error)
{
    g_autoptr(SvirtSmackFacts) facts = NULL;
    g_autoptr(GError) cause = NULL;
    g_auto(GStrv) warnings = NULL;
    g_autofree char *own = NULL;
    SVIRT_AUTO_FD root = -1;
    bool active = false;

    if (!svirt_model_smack.probe(&active, &cause)) {
        svirt_table_add(table, "Smack", "bad", cause->message,
                        svirt_error_hint(cause), NULL);
        *ret_ill = true;
        return true;
    }
    if (!active) {
        return true;
    }
    if (!svirt_smackfs_open(&root, error) ||
        !svirt_smack_own_label(&own, error) ||
        !svirt_smack_facts_read(root, own, &facts, error)) {
        return false;
    }
    warnings = svirt_smack_facts_warnings(facts);
    if (warnings[0] == NULL) {
        svirt_table_add(table, "Smack", "good", "enforcing", NULL, NULL);
    }
    for (char **line = warnings; *line != NULL; line++) {
        svirt_table_add(table, "Smack", "bad", *line,
                        "what Smack is trusted with; write to that file",
                        NULL);
        *ret_ill = true;
    }
    tell_facts(table, facts);
    return tell_floor(table, root, ret_ill, error);
}
