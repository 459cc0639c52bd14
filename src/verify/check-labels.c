/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/check.h"

#include "verify/labels.h"

#define add_row svirt_verify_add_row
typedef SvirtVerifyCheck Check;

static SvirtVerifyRow *
check_enforcing(Check *check, const SvirtModel *model, const char *label)
{
    const char *word = svirt_model_kind_to_string(model->kind);
    g_autofree char *what = g_strdup_printf("enforcing %s", word);
    g_autoptr(GError) error = NULL;
    bool enforcing = false;
    SvirtVerifyRow *row;

    if (!model->is_enforcing(label, &enforcing, &error)) {
        return add_row(check, what, false, "yes", g_strdup(error->message));
    }
    row = add_row(check, what, enforcing, "yes",
                  g_strdup(enforcing ? "yes" : "no: it only warns"));
    row->of_host = true;
    return row;
}

void
svirt_verify_check_keeper(const Check *of_vmm, const SvirtLaunchSpec *spec)
{
    Check check = *of_vmm;

    check.process = SVIRT_PROCESS_MAX;
    for (uint32_t i = 0; spec != NULL && i < spec->n_labels; i++) {
        const SvirtModel *model =
            svirt_model_by_kind((SvirtModelKind)spec->labels[i].model);
        g_autofree char *label = NULL;
        g_autofree char *other = NULL;
        g_autofree char *what = NULL;
        SvirtVerifyRow *row;
        unsigned threads;

        if (model == NULL || model->read_process == NULL ||
            !svirt_verify_read_label(model, check.keeper_dir, &label, &other,
                                     &threads, NULL) || label == NULL) {
            continue;
        }
        what = g_strdup_printf("label %s",
                               svirt_model_kind_to_string(model->kind));
        add_row(&check, what, true, label, g_strdup(label));
        row = check_enforcing(&check, model, label);
        row->advice = true;
        if (!row->ok) {
            g_free(row->found);
            row->found = g_strdup("no: as svirt was started");
        }
    }
}

/* A label that only was asked for proves nothing (pain 2). */
static void
check_label(Check *check, const SvirtLaunchSpec *spec, uint32_t kind)
{
    const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)kind);
    const char *planned = svirt_spec_label(spec, kind, check->process);
    g_autofree char *what = NULL;
    g_autofree char *label = NULL;
    g_autofree char *other = NULL;
    g_autoptr(GError) error = NULL;
    SvirtVerifyRow *row;
    unsigned threads;
    bool ok;

    if (planned == NULL) {
        return;
    }
    what = g_strdup_printf("label %s",
                           svirt_model_kind_to_string((SvirtModelKind)kind));
    if (model == NULL || model->read_process == NULL ||
        !svirt_verify_read_label(model, check->dir, &label, &other, &threads,
                                 &error)) {
        add_row(check, what, false, planned,
                g_strdup(error != NULL ? error->message : "no such model"));
        return;
    }
    ok = label != NULL && model->labels_equal(label, planned);
    add_row(check, what, ok, planned,
            g_strdup(label != NULL ? label : other));
    if (ok) {
        (void)check_enforcing(check, model, label);
    }
    if (model->gap != NULL && check->process == SVIRT_PROCESS_VMM) {
        g_free(what);
        what = g_strdup_printf("gap %s",
                               svirt_model_kind_to_string(model->kind));
        row = add_row(check, what, false, "none", model->gap(planned));
        row->of_host = row->advice = true;
    }
}

void
svirt_verify_check_labels(Check *check, const SvirtLaunchSpec *spec)
{
    for (uint32_t i = 0; spec != NULL && i < spec->n_labels; i++) {
        check_label(check, spec, spec->labels[i].model);
    }
}

void
svirt_verify_foreign_label(Check *check, const SvirtModel *model,
                           char **ret_label)
{
    g_autofree char *what = g_strdup_printf(
        "label %s", svirt_model_kind_to_string(model->kind));
    g_autofree char *label = NULL;
    g_autofree char *other = NULL;
    g_autoptr(GError) error = NULL;
    unsigned threads;

    if (!svirt_verify_read_label(model, check->dir, &label, &other, &threads,
                                 &error)) {
        add_row(check, what, false, "readable", g_strdup(error->message));
        return;
    }
    add_row(check, what, label != NULL, "one",
            g_strdup(label != NULL ? label : other));
    if (label != NULL) {
        (void)check_enforcing(check, model, label);
    }
    *ret_label = g_steal_pointer(&label);
}
