/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "monitor/guest.h"
#include "monitor/qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define ID(n) "\"id\": \"7-" n "\""
#define STAMP "\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}"

/* `shown`: a letter per message: G greeting, E event, R return, X error; at
 * the end B when the parser is broken. */
static const struct {
    const char *name;
    const char *input;
    const char *shown;
    bool resync;
} rows[] = {
    { "greeting", GREETING, "G", false },
    { "greeting-and-answer", GREETING "{\"return\": {}, " ID("1") "}\r\n",
      "GR", false },
    { "error", GREETING "{" ID("1") ", \"error\": {\"class\": \"GenericError\","
      " \"desc\": \"no\"}}\n", "GX", false },
    { "event", GREETING "{" STAMP ", \"event\": \"STOP\"}\n", "GE", false },
    { "event-before-greeting", "{" STAMP ", \"event\": \"STOP\"}\n", "E",
      false },
    { "unknown-event", GREETING "{\"event\": \"NOVELTY\", \"data\": {}}\n",
      "GE", false },
    { "event-repeated", GREETING "{\"event\": \"STOP\"}\n{\"event\": \"STOP\"}"
      "\n{\"event\": \"STOP\"}\n", "GEEE", false },
    { "dump-completed-unasked", GREETING "{\"event\": \"DUMP_COMPLETED\", "
      "\"data\": {\"result\": {\"status\": \"failed\"}}}\n", "GE", false },
    { "no-newline-yet", GREETING "{\"return\": {}, " ID("1") "}", "G", false },
    { "second-greeting", GREETING GREETING, "GB", false },
    { "answer-before-greeting", "{\"return\": {}, " ID("1") "}\n", "B",
      false },
    { "greeting-is-number", "{\"QMP\": 1}\n", "B", false },
    { "not-json", GREETING "hello\n", "GB", false },
    { "array", GREETING "[]\n", "GB", false },
    { "empty-line", GREETING "\n", "GB", false },
    { "nul", GREETING "{\"event\": \"ST\\u0000\"}\n", "GE", false },
    { "no-kind", GREETING "{\"foo\": 1}\n", "GB", false },
    { "two-kinds", GREETING "{\"return\": {}, \"event\": \"STOP\", " ID("1")
      "}\n", "GB", false },
    { "kind-twice", GREETING "{\"return\": {}, \"return\": {}, " ID("1") "}\n",
      "GB", false },
    { "event-is-object", GREETING "{\"event\": {}}\n", "GB", false },
    { "event-is-null", GREETING "{\"event\": null}\n", "GB", false },
    { "data-is-string", GREETING "{\"event\": \"STOP\", \"data\": \"x\"}\n",
      "GB", false },
    { "error-is-string", GREETING "{\"error\": \"x\", " ID("1") "}\n", "GB",
      false },
    { "no-id", GREETING "{\"return\": {}}\n", "GB", false },
    { "id-is-number", GREETING "{\"return\": {}, \"id\": 1}\n", "GB", false },
    { "id-is-object", GREETING "{\"return\": {}, \"id\": {}}\n", "GB", false },
    { "id-twice", GREETING "{\"return\": {}, " ID("1") ", " ID("1") "}\n",
      "GB", false },
    { "id-of-another-generation", GREETING
      "{\"return\": {}, \"id\": \"8-1\"}\n", "GB", false },
    { "data-twice", GREETING "{\"event\": \"STOP\", \"data\": {}, \"data\": {}}"
      "\n", "GB", false },
    { "id-without-number", GREETING "{\"return\": {}, " ID("") "}\n", "GB",
      false },
    { "id-with-sign", GREETING "{\"return\": {}, " ID("-1") "}\n", "GB",
      false },
    { "id-too-big", GREETING "{\"return\": {}, " ID("4294967296") "}\n", "GB",
      false },
    { "resync-half-line", "ersion\": {}}}\r\n{\"return\": {}, " ID("1") "}\n",
      "R", true },
    { "resync-stale-answer", "{\"return\": {}, \"id\": \"6-9\"}\n"
      "{\"return\": {}, " ID("1") "}\n", "R", true },
    { "resync-syntax-error", "{\"error\": {\"class\": \"GenericError\", "
      "\"desc\": \"JSON parse error\"}}\n{\"return\": {}, " ID("1") "}\n", "R",
      true },
    { "resync-unread-greeting", GREETING "{\"return\": {}, " ID("1") "}\n",
      "GR", true },
    { "resync-event-half", "\"STOP\"}\n{\"event\": \"RESUME\"}\n", "E", true },
};

/* All messages there are; then B when broken. */
static void
take(SvirtQmpParser *parser, GString *shown)
{
    static const char letters[] = "GERX";
    SvirtQmpMessage message;
    SvirtQmpVerdict verdict;

    while ((verdict = svirt_qmp_parser_next(parser, &message)) ==
           SVIRT_QMP_MESSAGE) {
        g_string_append_c(shown, letters[message.kind]);
    }
    if (verdict == SVIRT_QMP_BROKEN) {
        g_assert_nonnull(parser->why);
        g_string_append_c(shown, 'B');
    }
}

static void
test_row(gconstpointer data)
{
    const char *input = rows[GPOINTER_TO_UINT(data)].input;
    size_t length = strlen(input);

    for (size_t step = 1; step <= length; step = step == 1 ? 7 : step * 13) {
        g_autoptr(GString) shown = g_string_new(NULL);
        SvirtQmpParser parser;

        svirt_qmp_parser_init(&parser, 7, rows[GPOINTER_TO_UINT(data)].resync);
        for (size_t at = 0; at < length && parser.why == NULL; at += step) {
            g_assert_true(svirt_qmp_parser_feed(&parser, input + at,
                                                MIN(step, length - at)));
            take(&parser, shown);
        }
        g_assert_cmpstr(shown->str, ==, rows[GPOINTER_TO_UINT(data)].shown);
        svirt_qmp_parser_clear(&parser);
    }
}

static void
test_a_line_is_at_most_4_mib(void)
{
    g_autofree char *block = g_malloc(65536);
    SvirtQmpParser parser;
    SvirtQmpMessage message;
    size_t fed = 0;

    memset(block, ' ', 65536);
    svirt_qmp_parser_init(&parser, 7, false);
    while (svirt_qmp_parser_feed(&parser, block, 65536)) {
        fed += 65536;
        if (svirt_qmp_parser_next(&parser, &message) == SVIRT_QMP_BROKEN) {
            break;
        }
        g_assert_cmpuint(fed, <=, SVIRT_QMP_MAX_LINE);
    }
    g_assert_cmpuint(fed, ==, SVIRT_QMP_MAX_LINE + 65536);
    g_assert_cmpuint(parser.room, <=, 2 * SVIRT_QMP_MAX_LINE);
    svirt_qmp_parser_clear(&parser);
}

static void
test_a_big_buffer_is_given_back(void)
{
    g_autofree char *text = g_malloc(1024 * 1024);
    const char *last = "{\"event\": \"STOP\"}\n";
    SvirtQmpParser parser;
    SvirtQmpMessage message;

    memset(text, ' ', 1024 * 1024);
    memcpy(text, "{\"event\":", 9);
    memcpy(text + 1024 * 1024 - 8, "\"STOP\"}\n", 8);
    svirt_qmp_parser_init(&parser, 7, false);
    g_assert_true(svirt_qmp_parser_feed(&parser, text, 1024 * 1024));
    g_assert_cmpint(svirt_qmp_parser_next(&parser, &message), ==,
                    SVIRT_QMP_MESSAGE);
    g_assert_cmpint(message.event, ==, SVIRT_QMP_EVENT_STOP);
    g_assert_true(svirt_qmp_parser_feed(&parser, last, strlen(last)));
    g_assert_cmpuint(parser.room, <=, 8192);
    g_assert_cmpint(svirt_qmp_parser_next(&parser, &message), ==,
                    SVIRT_QMP_MESSAGE);
    svirt_qmp_parser_clear(&parser);
}

static void
test_garbage_after_a_take_over_is_bounded(void)
{
    SvirtQmpParser parser;
    SvirtQmpMessage message;
    unsigned lines = 0;

    svirt_qmp_parser_init(&parser, 7, true);
    while (svirt_qmp_parser_feed(&parser, "garbage\n", 8) &&
           svirt_qmp_parser_next(&parser, &message) == SVIRT_QMP_MORE) {
        lines++;
        g_assert_cmpuint(lines, <=, SVIRT_QMP_MAX_STALE);
    }
    g_assert_cmpuint(lines, ==, SVIRT_QMP_MAX_STALE);
    svirt_qmp_parser_clear(&parser);
}

static void
test_garbage_after_the_first_answer_breaks(void)
{
    const char *text = "half\n{\"return\": {}, " ID("3") "}\n";
    SvirtQmpParser parser;
    SvirtQmpMessage message;

    svirt_qmp_parser_init(&parser, 7, true);
    g_assert_true(svirt_qmp_parser_feed(&parser, text, strlen(text)));
    g_assert_cmpint(svirt_qmp_parser_next(&parser, &message), ==,
                    SVIRT_QMP_MESSAGE);
    g_assert_cmpuint(message.serial, ==, 3);
    svirt_qmp_parser_synced(&parser);
    g_assert_true(svirt_qmp_parser_feed(&parser, "half\n", 5));
    g_assert_cmpint(svirt_qmp_parser_next(&parser, &message), ==,
                    SVIRT_QMP_BROKEN);
    g_assert_false(svirt_qmp_parser_feed(&parser, "{}\n", 3));
    svirt_qmp_parser_clear(&parser);
}

static const struct {
    const char *name;
    const char *text;
    bool ok;
} commands[] = {
    { "plain", "{\"execute\": \"query-status\"}", true },
    { "with-arguments", " {\"execute\":\"x\",\"arguments\":{\"a\":[1]}} ",
      true },
    { "arguments-first", "{\"arguments\":{},\"execute\":\"x\"}", true },
    { "with-id", "{\"execute\":\"x\",\"id\":\"7-1\"}", false },
    { "with-escaped-id", "{\"execute\":\"x\",\"\\u0069d\":1}", false },
    { "two-commands", "{\"execute\":\"x\"}{\"execute\":\"y\"}", false },
    { "two-lines", "{\"execute\":\"x\"}\n{\"execute\":\"y\"}", false },
    { "execute-twice", "{\"execute\":\"x\",\"execute\":\"y\"}", false },
    { "out-of-band", "{\"exec-oob\":\"x\"}", false },
    { "execute-is-number", "{\"execute\":1}", false },
    { "empty", "{}", false },
    { "array", "[]", false },
    { "no-json", "query-status", false },
};

static void
test_command(gconstpointer data)
{
    const char *text = commands[GPOINTER_TO_UINT(data)].text;
    const char *why = NULL;
    SvirtJsonSpan span;

    g_assert_cmpint(svirt_qmp_command_check(text, strlen(text), &span, &why),
                    ==, commands[GPOINTER_TO_UINT(data)].ok);
    g_assert_cmpint(why == NULL, ==, commands[GPOINTER_TO_UINT(data)].ok);
}

static void
test_events_have_their_table(void)
{
    for (unsigned i = 0; i < SVIRT_QMP_EVENT_MAX; i++) {
        SvirtQmpEvent event;

        g_assert_true(svirt_qmp_event_from_string(
            svirt_qmp_event_to_string((SvirtQmpEvent)i), &event));
        g_assert_cmpint(event, ==, i);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path =
            g_strdup_printf("/monitor/qmp/says/%s", rows[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_row);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *path =
            g_strdup_printf("/monitor/qmp/command/%s", commands[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_command);
    }
    g_test_add_func("/monitor/qmp/a-line-is-at-most-4-mib",
                    test_a_line_is_at_most_4_mib);
    g_test_add_func("/monitor/qmp/a-big-buffer-is-given-back",
                    test_a_big_buffer_is_given_back);
    g_test_add_func("/monitor/qmp/garbage-after-a-take-over-is-bounded",
                    test_garbage_after_a_take_over_is_bounded);
    g_test_add_func("/monitor/qmp/garbage-after-the-first-answer-breaks",
                    test_garbage_after_the_first_answer_breaks);
    g_test_add_func("/monitor/qmp/events-have-their-table",
                    test_events_have_their_table);
    return g_test_run();
}
