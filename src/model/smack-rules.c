/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/smack-rules.h"

#include <string.h>

/* Whatever one does with files and directories of one's own. */
#define OWN_FILE SVIRT_SMACK_ACCESSES

static void
add(SvirtSmackRule *rules, size_t *count, const char *subject,
    const char *object, const char *accesses)
{
    if (subject != NULL && object != NULL && strcmp(subject, object) != 0) {
        rules[(*count)++] = (SvirtSmackRule){ subject, object, accesses };
    }
}

/*
 * Nothing is said of the VM as subject and the host as object: the VM writes,
 * signals, traces and reaches nothing of the host, and Smack's floor lets it
 * read and execute what no one labelled.
 */
size_t
svirt_smack_rules(const SvirtLabelSet *labels, const char *host,
                  SvirtSmackRule ret[SVIRT_SMACK_RULES_MAX])
{
    size_t count = 0;

    /* Base images, cdroms: opened, received over QMP, locked to be read. */
    add(ret, &count, labels->vmm, labels->content, "rl");
    /* <shareable/> disks: written by several VMs. */
    add(ret, &count, labels->vmm, labels->shared, "rwl");
    /* Hot-plug: descriptors pass the monitor, and receiving one is checked as
     * opening it. Writing gives locking by itself. */
    add(ret, &count, labels->monitor, labels->image, "rwl");
    add(ret, &count, labels->monitor, labels->content, "r");
    add(ret, &count, labels->monitor, labels->shared, "rwl");
    /* A viewer's socket pair is the monitor's: who receives one must be able to
     * write to its label, and that to theirs (which the images' rule is). To
     * Smack a signal is a write, too: its monitor is kept from it by the uid
     * and the pid namespace alone. */
    add(ret, &count, labels->vmm, labels->monitor, "wl");
    /* Looking at a log's size and cutting its end off are asked for though it
     * is open; no VMM has a rule for logs. */
    add(ret, &count, labels->monitor, labels->log, "rwl");
    add(ret, &count, host, labels->log, OWN_FILE);
    /* An author's own files stay the author's: they are opened with the
     * author's rights, which have no CAP_MAC_OVERRIDE. */
    add(ret, &count, host, labels->image, OWN_FILE);
    add(ret, &count, host, labels->content, OWN_FILE);
    add(ret, &count, host, labels->shared, OWN_FILE);
    g_assert(count <= SVIRT_SMACK_RULES_MAX);
    return count;
}

/* Each access alone: the kernel answers for all that are asked at once. */
static bool
check_rule(int root, const SvirtSmackRule *rule, GError **error)
{
    for (const char *access = SVIRT_SMACK_ACCESSES; *access != '\0';
         access++) {
        const char one[] = { *access, '\0' };
        bool wanted = strchr(rule->accesses, *access) != NULL;
        bool allows;

        if (!svirt_smackfs_allows(root, rule->subject, rule->object, one,
                                  &allows, error)) {
            return false;
        }
        if (allows != wanted) {
            return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL,
                               "see who else writes rules: cat "
                               "/sys/fs/smackfs/load2",
                               "Smack %s '%s' the access '%s' on '%s' after "
                               "the rule '%s' was written",
                               allows ? "gives" : "keeps from", rule->subject,
                               one, rule->object, rule->accesses);
        }
    }
    return true;
}

bool
svirt_smack_rules_load(int root, const SvirtLabelSet *labels,
                       const char *host, GError **error)
{
    SvirtSmackRule rules[SVIRT_SMACK_RULES_MAX];
    const size_t count = svirt_smack_rules(labels, host, rules);

    for (size_t i = 0; i < count; i++) {
        g_autofree char *line =
            g_strdup_printf("%s %s %s", rules[i].subject, rules[i].object,
                            rules[i].accesses);

        if (!svirt_smackfs_write(root, "load2", line, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_rule(root, &rules[i], error)) {
            return false;
        }
    }
    return true;
}

static bool
revoke_subject(int root, const char *subject, GError **error)
{
    bool known;

    if (subject == NULL) {
        return true;
    }
    /* Revoking would make the kernel keep a label it has never seen. */
    return svirt_smackfs_knows(root, subject, &known, error) &&
           (!known ||
            svirt_smackfs_write(root, "revoke-subject", subject, error));
}

static bool
take_from_host(int root, const char *host, const char *object, GError **error)
{
    g_autofree char *line =
        g_strdup_printf("%s %s - %s", host, object, SVIRT_SMACK_ACCESSES);
    bool known;

    return svirt_smackfs_knows(root, object, &known, error) &&
           (!known || svirt_smackfs_write(root, "change-rule", line, error));
}

bool
svirt_smack_rules_unload(int root, const SvirtLabelSet *labels,
                         const char *host, bool shared_vmm, GError **error)
{
    if (!revoke_subject(root, labels->monitor, error)) {
        return false;
    }
    return shared_vmm ||
           (revoke_subject(root, labels->vmm, error) &&
            take_from_host(root, host, labels->image, error));
}
