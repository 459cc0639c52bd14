/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/doctor-smack.h"

#include "base/fd.h"
#include "model/model.h"
#include "model/smack-facts.h"

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

    tell(table, "Smack's floor", "VMs' labels may read what has label '_'; "
                                 "own root and Landlock keep them from it");
    tell(table, "CAP_MAC_*", facts->onlycap[0] != '\0' ? facts->onlycap
                                                       : "of every label");
    tell(table, "packets", packets);
    if (facts->ptrace < G_N_ELEMENTS(tracing)) {
        tell(table, "ptrace", tracing[facts->ptrace]);
    }
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
    return true;
}
