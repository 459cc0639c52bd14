/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/record.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

static SvirtProbeRecord
record_new(void)
{
    SvirtProbeRecord record;

    svirt_probe_record_init(&record, SVIRT_PROBE_PHASE_END, 3, 7, "passwd");
    record.outcome = SVIRT_PROBE_OUTCOME_BLOCKED;
    record.error = EACCES;
    return record;
}

static void
test_round_trip(void)
{
    SvirtProbeRecord sent = record_new();
    SvirtProbeRecord got;
    int ends[2];

    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_true(svirt_probe_record_write(ends[1], &sent));
    (void)close(ends[1]);
    g_assert_cmpint(svirt_probe_record_read(ends[0], &got), ==, 1);
    g_assert_cmpmem(&sent, sizeof(sent), &got, sizeof(got));
    g_assert_cmpint(svirt_probe_record_read(ends[0], &got), ==, 0);
    (void)close(ends[0]);
}

static void
test_rejects_cut_short(void)
{
    SvirtProbeRecord sent = record_new();
    SvirtProbeRecord got = { .magic = 1 };
    int ends[2];

    g_assert_cmpint(pipe(ends), ==, 0);
    g_assert_cmpint(write(ends[1], &sent, sizeof(sent) - 1), ==,
                    sizeof(sent) - 1);
    (void)close(ends[1]);
    g_assert_cmpint(svirt_probe_record_read(ends[0], &got), ==, -1);
    g_assert_cmpint(errno, ==, EBADMSG);
    g_assert_cmpuint(got.magic, ==, 1);
    (void)close(ends[0]);
}

static void
test_rejects_out_of_range(void)
{
    static const struct {
        const char *name;
        size_t offset;
        uint32_t value;
    } cases[] = {
        { "magic", offsetof(SvirtProbeRecord, magic), 0 },
        { "phase", offsetof(SvirtProbeRecord, phase), SVIRT_PROBE_PHASE_MAX },
        { "step", offsetof(SvirtProbeRecord, step),
          SVIRT_PROBE_ROWS_MAX + 1 },
        { "row", offsetof(SvirtProbeRecord, row), SVIRT_PROBE_ROWS_MAX },
        { "outcome", offsetof(SvirtProbeRecord, outcome),
          SVIRT_PROBE_OUTCOME_MAX },
        { "negative error", offsetof(SvirtProbeRecord, error), UINT32_MAX },
        { "large error", offsetof(SvirtProbeRecord, error), 4096 },
        { "signal", offsetof(SvirtProbeRecord, signal), 65 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        SvirtProbeRecord record = record_new();

        g_test_message("%s", cases[i].name);
        g_assert_true(svirt_probe_record_valid(&record));
        memcpy((char *)&record + cases[i].offset, &cases[i].value,
               sizeof(cases[i].value));
        g_assert_false(svirt_probe_record_valid(&record));
    }
}

static void
test_rejects_bad_text(void)
{
    SvirtProbeRecord record = record_new();

    memset(record.name, 'a', sizeof(record.name));
    g_assert_false(svirt_probe_record_valid(&record));
    record = record_new();
    memset(record.detail, 'a', sizeof(record.detail));
    g_assert_false(svirt_probe_record_valid(&record));
    record = record_new();
    record.detail[0] = '\033';
    g_assert_false(svirt_probe_record_valid(&record));
}

static void
test_words(void)
{
    for (unsigned i = 0; i < SVIRT_PROBE_LAYER_MAX; i++) {
        SvirtProbeLayer layer = SVIRT_PROBE_LAYER_MAX;

        g_assert_true(svirt_probe_layer_from_string(
            svirt_probe_layer_to_string(i), &layer));
        g_assert_cmpuint(layer, ==, i);
    }
    for (unsigned i = 0; i < SVIRT_PROBE_OUTCOME_MAX; i++) {
        SvirtProbeOutcome outcome = SVIRT_PROBE_OUTCOME_MAX;

        g_assert_true(svirt_probe_outcome_from_string(
            svirt_probe_outcome_to_string(i), &outcome));
        g_assert_cmpuint(outcome, ==, i);
    }
    for (unsigned i = 0; i < SVIRT_PROBE_PHASE_MAX; i++) {
        g_assert_nonnull(svirt_probe_phase_to_string(i));
    }
}

static void
test_layers_round_trip(void)
{
    char text[128];
    uint32_t layers = 99;

    for (uint32_t set = 0; set < (1u << SVIRT_PROBE_LAYER_MAX); set++) {
        svirt_probe_layers_format(set, text, sizeof(text));
        g_assert_true(svirt_probe_layers_parse(text, &layers));
        g_assert_cmpuint(layers, ==, set);
    }
    layers = 99;
    g_assert_false(svirt_probe_layers_parse("root|wall", &layers));
    g_assert_cmpuint(layers, ==, 99);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selftest/record/round-trip", test_round_trip);
    g_test_add_func("/selftest/record/rejects-cut-short",
                    test_rejects_cut_short);
    g_test_add_func("/selftest/record/rejects-out-of-range",
                    test_rejects_out_of_range);
    g_test_add_func("/selftest/record/rejects-bad-text",
                    test_rejects_bad_text);
    g_test_add_func("/selftest/record/words", test_words);
    g_test_add_func("/selftest/record/layers-round-trip",
                    test_layers_round_trip);
    return g_test_run();
}
