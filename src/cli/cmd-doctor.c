/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/doctor-smack.h"
#include "model/selinux-kernel.h"
#include "model/selinux-policy.h"

#define LABEL_BYTES 4096
#define INSTALL "svirt policy install-selinux"

/* The table as it grows. */
typedef struct Doctor {
    const SvirtSelinux *selinux; /* borrowed */
    SvirtSelinuxTypes *types;    /* owned */
    SvirtTable *table;           /* borrowed */
    bool ill;
} Doctor;

static void
add(Doctor *doctor, bool good, const char *what, const char *state,
    const char *lost)
{
    doctor->ill = doctor->ill || !good;
    svirt_table_add(doctor->table, what, good ? "good" : "bad", state,
                    good ? NULL : lost, NULL);
}

/* May `source` do all of `permissions` to `target`? */
static bool
may(const Doctor *doctor, const char *source, const char *target,
    const char *class, const char *const *permissions, bool *ret,
    bool *ret_permissive, GError **error)
{
    SvirtSelinuxDecision decision;
    uint32_t wanted;

    if (!svirt_selinux_ask(doctor->selinux, source, target, class,
                           permissions, &decision, &wanted, error)) {
        return false;
    }
    *ret = (decision.allowed & wanted) == wanted;
    *ret_permissive = decision.permissive;
    return true;
}

/* Too few for a set each that no other VM can have are claimed one by one. */
static bool
check_range(Doctor *doctor, SvirtCategoryRange *ret, bool *ret_usable,
            GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autofree char *state = NULL;

    if (!svirt_selinux_category_range(doctor->selinux, doctor->types, ret,
                                      &cause) ||
        !svirt_category_range_check(ret, &cause)) {
        if (!g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_UNSUPPORTED) &&
            !g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_INVALID)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return false;
        }
        add(doctor, false, "categories", cause->message,
            "every start; semanage user changes the range of system_u");
        *ret_usable = false;
        return true;
    }
    state = g_strdup_printf(
        "c%u.c%u%s", ret->first, ret->last,
        svirt_category_range_mode(ret) == SVIRT_DERIVE_DERIVED
            ? "" : ", claimed one set after the other");
    add(doctor, true, "categories", state, NULL);
    *ret_usable = true;
    return true;
}

/* Two VMs' sets, asked of the loaded policy. */
static bool
check_categories(Doctor *doctor, unsigned first, GError **error)
{
    static const char *const reading[] = { "read", NULL };
    SvirtCategorySet sets[2] = { 0 };
    SvirtLabelSet labels[2] = { { NULL }, { NULL } };
    bool permissive = false;
    bool allowed = false;
    bool done = true;

    for (unsigned i = 0; i < 2 && done; i++) {
        SvirtLabelSeed seed = { .categories = &sets[i] };

        svirt_category_set_add(&sets[i], first + 2 * i);
        svirt_category_set_add(&sets[i], first + 2 * i + 1);
        done = svirt_selinux_derive(doctor->types, &seed, &labels[i], error);
    }
    done = done && may(doctor, labels[0].vmm, labels[1].image, "file",
                       reading, &allowed, &permissive, error);
    if (done) {
        add(doctor, !allowed, "VMs kept apart",
            allowed ? "the policy lets a VM read another's image" : "yes",
            "every isolation by SELinux: the type is no "
            "mcs_constrained_type; " INSTALL);
        add(doctor, !permissive, "domain enforces",
            permissive ? "the domain is permissive" : "yes",
            "denials are logged only; semanage permissive -d TYPE");
    }
    svirt_label_set_clear(&labels[0]);
    svirt_label_set_clear(&labels[1]);
    return done;
}

/* Without the module libvirt's daemon alone may start libvirt's domain, and
 * not with no_new_privs set. */
static bool
check_entry(Doctor *doctor, GError **error)
{
    static const char *const entering[] = { "transition", NULL };
    static const char *const confined[] = { "nnp_transition",
                                            "nosuid_transition", NULL };
    g_autofree char *domain = svirt_context_format(doctor->types->vmm);
    g_autofree char *own = g_malloc(LABEL_BYTES);
    const char *from = "system_u:system_r:svirt_keeper_t:s0";
    bool permissive;
    bool allowed;
    bool both;

    if (!doctor->types->own) {
        if (svirt_read_small(AT_FDCWD, "/proc/thread-self/attr/current", own,
                             LABEL_BYTES) < 0) {
            return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                     "cannot read svirt's own label");
        }
        from = g_strstrip(own);
    }
    if (!may(doctor, from, domain, "process", entering, &allowed, &permissive,
             error) ||
        !may(doctor, from, domain, "process2", confined, &both, &permissive,
             error)) {
        return false;
    }
    both = both && allowed;
    add(doctor, both, "VMs can be started",
        both ? "yes" : "the policy lets this domain start none",
        "every start; " INSTALL);
    return true;
}

static bool
check_selinux(Doctor *doctor, GError **error)
{
    g_autoptr(GError) cause = NULL;
    SvirtCategoryRange range;
    bool enforcing;
    bool usable = false;

    if (!svirt_selinux_flag(doctor->selinux, "enforce", &enforcing, error)) {
        return false;
    }
    add(doctor, enforcing, "SELinux", enforcing ? "enforcing" : "permissive",
        "denials are logged only; setenforce 1");
    if (!svirt_selinux_types_read(doctor->selinux, &doctor->types, &cause)) {
        add(doctor, false, "types for VMs", cause->message,
            "every start; " INSTALL);
        return true;
    }
    add(doctor, doctor->types->own, "svirt's module",
        doctor->types->own ? "loaded" : "not loaded",
        "domains for monitor, passt and keeper; types of svirt's own, apart "
        "from libvirt's; image labels that restorecon leaves alone; " INSTALL);
    return check_range(doctor, &range, &usable, error) &&
           (!usable || check_categories(doctor, range.first, error)) &&
           check_entry(doctor, error);
}

bool
svirt_cmd_doctor(const SvirtCli *cli, int *ret_exit, GError **error)
{
    static const char *const columns[] = { "Check", "Result", "State", "Lost",
                                           NULL };
    g_autoptr(SvirtTable) table = svirt_table_new(columns);
    Doctor doctor = { .table = table };
    bool done;

    if (!svirt_selinux_get(&doctor.selinux, error)) {
        return false;
    }
    if (doctor.selinux == NULL) {
        svirt_table_add(table, "SELinux", "-", "not run by this kernel", NULL,
                        NULL);
    }
    done = (doctor.selinux == NULL || check_selinux(&doctor, error)) &&
           svirt_doctor_smack(table, &doctor.ill, error);
    svirt_selinux_types_free(doctor.types);
    if (!done) {
        return false;
    }
    svirt_cli_print_table(cli, table);
    *ret_exit = doctor.ill ? SVIRT_ERROR_UNVERIFIED : 0;
    return true;
}
