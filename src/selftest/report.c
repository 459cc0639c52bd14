/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/selftest.h"

#include <jansson.h>
#include <stdlib.h>

#define OUTCOME_ROOM 24
#define LAYERS_ROOM 128

/* All that stop it on their own when that was measured, else the guess. */
static void
layer_format(const SvirtSelftestRow *row, char *text, size_t size)
{
    SvirtProbeLayer layer = svirt_selftest_layer(row);

    if (row->alone) {
        svirt_probe_layers_format(row->alone, text, size);
        return;
    }
    (void)g_strlcpy(text,
                    layer == SVIRT_PROBE_LAYER_MAX
                        ? "-"
                        : svirt_probe_layer_to_string(layer),
                    size);
}

static void
row_append(GString *text, const SvirtSelftestRow *row)
{
    char control[OUTCOME_ROOM];
    char confined[OUTCOME_ROOM];
    char layers[LAYERS_ROOM];
    SvirtSelftestVerdict verdict = svirt_selftest_judge(row);

    layer_format(row, layers, sizeof(layers));
    svirt_selftest_outcome_format(&row->control, row->control_made, control,
                                  sizeof(control));
    svirt_selftest_outcome_format(&row->confined, row->confined_made,
                                  confined, sizeof(confined));
    g_string_append_printf(text, " %-26s  %-8s  %-8s  %-13s  %-7s  %s\n",
                           row->name, control,
                           *row->open_reason ? "open" : "blocked", confined,
                           svirt_selftest_verdict_to_string(verdict), layers);
}

/* The rows with this verdict, with what they are and why. */
static void
list_append(GString *text, const SvirtSelftest *selftest,
            SvirtSelftestVerdict verdict, const char *title)
{
    bool any = false;

    for (guint i = 0; i < selftest->rows->len; i++) {
        const SvirtSelftestRow *row = selftest->rows->pdata[i];
        const char *why = verdict == SVIRT_SELFTEST_OPEN
                              ? row->open_reason
                          : *row->control.detail ? row->control.detail
                                                 : row->confined.detail;

        if (svirt_selftest_judge(row) != verdict) {
            continue;
        }
        if (!any) {
            g_string_append_printf(text, "\n%s:\n", title);
            any = true;
        }
        g_string_append_printf(text, " %s: %s%s%s\n", row->name, row->what,
                               *why ? ": " : "", why);
    }
}

char *
svirt_selftest_report_table(const SvirtSelftest *selftest)
{
    GString *text = g_string_new(NULL);
    unsigned counts[SVIRT_SELFTEST_MAX];
    const char *group = "";

    g_string_append_printf(text, " %-26s  %-8s  %-8s  %-13s  %-7s  %s\n",
                           "Attempt", "Control", "Expected", "Got", "Verdict",
                           "Layer");
    g_string_append(text, "------------------------------------------------"
                          "--------------------------------\n");
    for (guint i = 0; i < selftest->rows->len; i++) {
        const SvirtSelftestRow *row = selftest->rows->pdata[i];

        if (g_strcmp0(group, row->group) != 0) {
            group = row->group;
            g_string_append_printf(text, "%s\n", group);
        }
        row_append(text, row);
    }
    list_append(text, selftest, SVIRT_SELFTEST_BREACH, "Breaches");
    list_append(text, selftest, SVIRT_SELFTEST_BROKEN,
                "Broken, proving nothing");
    list_append(text, selftest, SVIRT_SELFTEST_OPEN, "Open, and why");
    list_append(text, selftest, SVIRT_SELFTEST_ABSENT,
                "Not on this kernel or host");
    svirt_selftest_count(selftest, counts);
    g_string_append_printf(
        text,
        "\n%u attempts: %u held, %u open, %u absent, %u breaches, %u broken\n",
        selftest->rows->len, counts[SVIRT_SELFTEST_HELD],
        counts[SVIRT_SELFTEST_OPEN], counts[SVIRT_SELFTEST_ABSENT],
        counts[SVIRT_SELFTEST_BREACH], counts[SVIRT_SELFTEST_BROKEN]);
    return g_string_free(text, FALSE);
}

static json_t *
row_to_json(const SvirtSelftestRow *row)
{
    char control[OUTCOME_ROOM];
    char confined[OUTCOME_ROOM];
    char layers[LAYERS_ROOM];
    char seen[LAYERS_ROOM];

    layer_format(row, seen, sizeof(seen));
    svirt_selftest_outcome_format(&row->control, row->control_made, control,
                                  sizeof(control));
    svirt_selftest_outcome_format(&row->confined, row->confined_made,
                                  confined, sizeof(confined));
    svirt_probe_layers_format(row->layers, layers, sizeof(layers));
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "attempt", row->name,
        "group", row->group, "what", row->what, "control", control,
        "control_detail", row->control.detail, "expected",
        *row->open_reason ? "open" : "blocked", "got", confined, "layer",
        seen, "layers", layers, "reason", row->open_reason,
        "verdict",
        svirt_selftest_verdict_to_string(svirt_selftest_judge(row)));
}

char *
svirt_selftest_report_json(const SvirtSelftest *selftest)
{
    json_t *root = json_object();
    json_t *rows = json_array();
    unsigned counts[SVIRT_SELFTEST_MAX];
    char *dumped;
    char *text;

    svirt_selftest_count(selftest, counts);
    for (guint i = 0; i < selftest->rows->len; i++) {
        json_array_append_new(rows, row_to_json(selftest->rows->pdata[i]));
    }
    for (unsigned i = 0; i < SVIRT_SELFTEST_MAX; i++) {
        json_object_set_new(root, svirt_selftest_verdict_to_string(i),
                            json_integer(counts[i]));
    }
    json_object_set_new(root, "attempts", rows);
    dumped = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    /* Jansson's allocator is not GLib's. */
    text = g_strdup(dumped);
    free(dumped);
    return text;
}
