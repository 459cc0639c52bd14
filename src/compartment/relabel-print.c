/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "compartment/relabel-plan.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 5
#define NOTHING "-"

static const char *const headings[COLUMNS] = { "Target", "Model", "Now",
                                               "Then", "Path" };

static void
fill(const SvirtRelabelStep *step, const char *cells[COLUMNS])
{
    cells[0] = step->target != NULL ? step->target : NOTHING;
    cells[1] = svirt_model_kind_to_string(step->model->kind);
    cells[2] = step->current != NULL ? step->current : NOTHING;
    cells[3] = step->wanted;
    cells[4] = step->object->shown_path;
}

/* A path may hold anything; a line of the table is a line. */
static void
append_cell(GString *table, const char *text, size_t width)
{
    size_t used = 0;

    for (const char *p = text; *p != '\0'; p++, used++) {
        g_string_append_c(table, g_ascii_iscntrl(*p) ? '?' : *p);
    }
    for (; used < width; used++) {
        g_string_append_c(table, ' ');
    }
}

static void
append_line(GString *table, const char *const cells[COLUMNS],
            const size_t widths[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        append_cell(table, cells[i], i + 1 < COLUMNS ? widths[i] + 3 : 0);
    }
    g_string_append_c(table, '\n');
}

char *
svirt_relabel_plan_to_table(const SvirtRelabelPlan *plan)
{
    GString *table = g_string_new(NULL);
    size_t widths[COLUMNS];
    const char *cells[COLUMNS];

    for (size_t c = 0; c < COLUMNS; c++) {
        widths[c] = strlen(headings[c]);
    }
    for (unsigned i = 0; i < plan->steps->len; i++) {
        fill(plan->steps->pdata[i], cells);
        for (size_t c = 0; c < COLUMNS; c++) {
            widths[c] = MAX(widths[c], strlen(cells[c]));
        }
    }
    if (plan->steps->len > 0) {
        append_line(table, headings, widths);
    }
    for (unsigned i = 0; i < plan->steps->len; i++) {
        fill(plan->steps->pdata[i], cells);
        append_line(table, cells, widths);
    }
    return g_string_free(table, FALSE);
}

/* null for NULL; the name of a file may be any bytes, JSON is UTF-8. */
static json_t *
make_text(const char *text)
{
    g_autofree char *valid = NULL;

    if (text == NULL) {
        return json_null();
    }
    valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}

char *
svirt_relabel_plan_to_json(const SvirtRelabelPlan *plan)
{
    json_t *list = json_array();
    char *printed;
    char *copy;

    for (unsigned i = 0; i < plan->steps->len; i++) {
        const SvirtRelabelStep *step = plan->steps->pdata[i];
        json_t *item = json_object();

        json_object_set_new(item, "path",
                            make_text(step->object->shown_path));
        json_object_set_new(item, "target", make_text(step->target));
        json_object_set_new(
            item, "model",
            make_text(svirt_model_kind_to_string(step->model->kind)));
        json_object_set_new(item, "current", make_text(step->current));
        json_object_set_new(item, "wanted", make_text(step->wanted));
        json_array_append_new(list, item);
    }
    printed = json_dumps(list, JSON_INDENT(2));
    json_decref(list);
    /* jansson's allocator is malloc(3). */
    copy = g_strconcat(printed, "\n", NULL);
    free(printed);
    return copy;
}
