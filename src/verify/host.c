/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/host.h"

#include <string.h>

#include "label/context.h"

/* One label of one VM. */
typedef struct Entry {
    SvirtSubject *subject;
    const char *label;
    SvirtContext *context; /* owned; SELinux alone */
} Entry;

void
svirt_subject_free(SvirtSubject *subject)
{
    if (subject == NULL) {
        return;
    }
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        g_free(subject->label[i]);
        g_free(subject->image[i]);
    }
    g_free(subject->name);
    g_free(subject);
}

static void
entry_free(void *data)
{
    Entry *entry = data;

    svirt_context_free(entry->context);
    g_free(entry);
}

/* By type first, so that those which could reach each other are neighbours. */
static int
compare_entries(const void *a, const void *b)
{
    const Entry *first = *(Entry *const *)a;
    const Entry *second = *(Entry *const *)b;
    int by_type = first->context != NULL && second->context != NULL
        ? strcmp(first->context->type, second->context->type) : 0;

    return by_type != 0 ? by_type : strcmp(first->label, second->label);
}

static void
add_row(const SvirtSubject *subject, SvirtModelKind model, const char *what,
        bool ok, const char *expected, char *found)
{
    SvirtVerifyRow *row = g_new0(SvirtVerifyRow, 1);

    row->what =
        g_strdup_printf("%s %s", what, svirt_model_kind_to_string(model));
    row->process = SVIRT_PROCESS_VMM;
    row->ok = ok;
    row->of_host = true;
    row->expected = g_strdup(expected);
    row->found = found;
    g_ptr_array_add(subject->rows, row);
}

static GPtrArray *
list_entries(GPtrArray *subjects, SvirtModelKind model)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func(entry_free);

    for (unsigned i = 0; i < subjects->len; i++) {
        SvirtSubject *subject = subjects->pdata[i];
        Entry *entry;

        if (subject->label[model] == NULL) {
            continue;
        }
        entry = g_new0(Entry, 1);
        entry->subject = subject;
        entry->label = subject->label[model];
        if (model == SVIRT_MODEL_SELINUX) {
            (void)svirt_context_parse(entry->label, &entry->context, NULL);
        }
        g_ptr_array_add(entries, entry);
    }
    g_ptr_array_sort(entries, compare_entries);
    return entries;
}

/* NULL: the two do not meet. */
static const char *
how_they_meet(const Entry *one, const Entry *other)
{
    if (strcmp(one->label, other->label) == 0) {
        return "the same as";
    }
    if (one->context == NULL || other->context == NULL ||
        strcmp(one->context->type, other->context->type) != 0) {
        return NULL;
    }
    if (svirt_context_dominates(one->context, other->context)) {
        return "dominates";
    }
    return svirt_context_dominates(other->context, one->context)
               ? "dominated by" : NULL;
}

static void
check_unique(const GPtrArray *entries, SvirtModelKind model)
{
    for (unsigned i = 0; i < entries->len; i++) {
        const Entry *entry = entries->pdata[i];
        g_autoptr(GString) found = g_string_new(NULL);
        bool ok = true;

        for (unsigned j = 0; j < entries->len && found->len < 200; j++) {
            const Entry *other = entries->pdata[j];
            const char *how = i != j ? how_they_meet(entry, other) : NULL;

            if (how == NULL) {
                continue;
            }
            g_string_append_printf(found, "%s%s %s", found->len > 0 ? ", " : "",
                                   how, other->subject->name);
            ok = ok && strcmp(entry->label, other->label) == 0 &&
                 entry->subject->given[model] && other->subject->given[model];
        }
        if (found->len > 0 && ok) {
            g_string_append(found, " (static labels)");
        }
        add_row(entry->subject, model, "unique", ok, "nobody else's",
                g_strdup(found->len > 0 ? found->str : "nobody else's"));
    }
}

static void
ask_separation(const SvirtModel *model, const Entry *one, const Entry *other)
{
    SvirtModelKind kind = model->kind;
    const SvirtLabelSet a = { .vmm = one->subject->label[kind],
                              .image = one->subject->image[kind] };
    const SvirtLabelSet b = { .vmm = other->subject->label[kind],
                              .image = other->subject->image[kind] };
    g_autoptr(GError) error = NULL;
    bool separates = false;
    bool asked = model->separates(&a, &b, &separates, &error);

    add_row(one->subject, kind, "separates", asked && separates,
            "kept from the others",
            asked ? g_strdup_printf("%s %s",
                                    separates ? "kept from" : "reaches",
                                    other->subject->name)
                  : g_strdup(error->message));
}

/*
 * Labels of one type differ in their sets alone, and every set in the same
 * way: a neighbour stands for all. The last asks about the first.
 */
static void
check_separation(const GPtrArray *entries, const SvirtModel *model)
{
    for (unsigned i = 0; i < entries->len && entries->len > 1; i++) {
        const Entry *entry = entries->pdata[i];

        for (unsigned j = 1; j < entries->len; j++) {
            const Entry *other = entries->pdata[(i + j) % entries->len];

            if (strcmp(entry->label, other->label) != 0) {
                ask_separation(model, entry, other);
                break;
            }
        }
    }
}

void
svirt_verify_compare(GPtrArray *subjects)
{
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        const SvirtModel *model = svirt_model_by_kind((SvirtModelKind)i);
        g_autoptr(GPtrArray) entries = NULL;

        if (model == NULL || !model->labels_processes) {
            continue;
        }
        entries = list_entries(subjects, (SvirtModelKind)i);
        check_unique(entries, (SvirtModelKind)i);
        check_separation(entries, model);
    }
}
