/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "hypervisor/agent-session.h"

/* The guest's side is ours: what it says is in the socket before anybody
 * reads, and its end is told, or not. */

#define ID 7u
/* For what comes, and for what is known not to come. */
#define PATIENCE_MS 60000
#define SILENCE_MS 50
#define SYNC_REPLY "\xff{\"return\": 7}\n"

typedef struct Guest {
    SvirtAgentSession agent;
    int fd; /* the guest's end */
} Guest;

static Guest *
guest_new(const char *says, size_t length, bool ends)
{
    Guest *guest = g_new0(Guest, 1);
    int ends_of[2];
    int room = 8 << 20;

    g_assert_no_errno(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_of));
    (void)setsockopt(ends_of[1], SOL_SOCKET, SO_SNDBUFFORCE, &room,
                     sizeof(room));
    guest->agent.name = "web";
    guest->agent.fd = ends_of[0];
    guest->agent.sync_ms = PATIENCE_MS;
    guest->fd = ends_of[1];
    g_assert_cmpint(send(guest->fd, says, length, MSG_DONTWAIT), ==, length);
    if (ends) {
        g_assert_no_errno(shutdown(guest->fd, SHUT_WR));
    }
    return guest;
}

static void
guest_free(Guest *guest)
{
    (void)close(guest->agent.fd);
    (void)close(guest->fd);
    g_free(guest);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Guest, guest_free)

static void
test_sync(void)
{
    static const struct {
        const char *name;
        const char *says;
        bool ends;
        int code; /* -1: it synchronises */
    } rows[] = {
        { "at once", SYNC_REPLY, false, -1 },
        { "after half an answer", "{\"return\": [1, 2" SYNC_REPLY, false, -1 },
        { "after another's", "\xff{\"return\": 8}\n" SYNC_REPLY, false, -1 },
        { "after marks", "\xff\xff\n\xff[\n" SYNC_REPLY, false, -1 },
        { "after an escape", "\033]0;x\007" SYNC_REPLY, false, -1 },
        { "never", "", false, SVIRT_ERROR_TIMEOUT },
        { "without a mark", "{\"return\": 7}\n", false,
          SVIRT_ERROR_TIMEOUT },
        { "without its line's end", "\xff{\"return\": 7}", false,
          SVIRT_ERROR_TIMEOUT },
        { "as text", "\xff{\"return\": \"7\"}\n", false,
          SVIRT_ERROR_TIMEOUT },
        { "as an array", "\xff[7]\n", false, SVIRT_ERROR_TIMEOUT },
        { "and ends", "", true, SVIRT_ERROR_STATE },
        { "and ends within", "\xff{\"ret", true, SVIRT_ERROR_STATE },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Guest) guest =
            guest_new(rows[i].says, strlen(rows[i].says), rows[i].ends);
        g_autoptr(GError) error = NULL;
        bool ok;

        if (rows[i].code == SVIRT_ERROR_TIMEOUT) {
            guest->agent.sync_ms = SILENCE_MS;
        }
        ok = svirt_agent_session_sync(&guest->agent, ID, &error);

        g_test_message("%s", rows[i].name);
        g_assert_cmpint(ok ? -1 : error->code, ==, rows[i].code);
    }
}

static void
test_asks_with_mark(void)
{
    g_autoptr(Guest) guest = guest_new(SYNC_REPLY, strlen(SYNC_REPLY), false);
    char asked[256] = "";

    g_assert_true(svirt_agent_session_sync(&guest->agent, ID, NULL));
    g_assert_cmpint(recv(guest->fd, asked, sizeof(asked) - 1, 0), >, 0);
    g_assert_cmpstr(asked, ==,
                    "\xff{\"execute\":\"guest-sync-delimited\","
                    "\"arguments\":{\"id\":7}}\n");
}

/* A MiB of it, with and without marks. */
static void
test_garbage_has_an_end(void)
{
    static const char *const pieces[] = { "nonsense", "\xff[[[[\n" };

    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(GString) says = g_string_new(NULL);
        g_autoptr(Guest) guest = NULL;
        g_autoptr(GError) error = NULL;

        while (says->len < (2u << 20)) {
            g_string_append(says, pieces[i]);
        }
        guest = guest_new(says->str, says->len, false);
        g_assert_false(svirt_agent_session_sync(&guest->agent, ID, &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_CORRUPT);
    }
}

static json_t *
ask(const char *says, size_t length, bool ends, int timeout_ms,
    GError **error)
{
    g_autoptr(Guest) guest = guest_new(says, length, ends);
    json_t *command = json_pack("{s:s}", "execute", "guest-info");
    json_t *answer = NULL;

    if (svirt_agent_session_send(&guest->agent, command, timeout_ms,
                                 error)) {
        answer = svirt_agent_session_answer(&guest->agent, error);
    }
    json_decref(command);
    return answer;
}

static void
test_answer(void)
{
    static const struct {
        const char *name;
        const char *says;
        bool ends;
        int code; /* -1: it answers */
    } rows[] = {
        { "an object", "{\"return\": {\"a\": 1}}\n", false, -1 },
        { "null", "{\"return\": null}\n", false, -1 },
        { "with more behind it", "{\"return\": 1}\n{\"return\"", false, -1 },
        { "an error", "{\"error\": {\"desc\": \"no\"}}\n", false,
          SVIRT_ERROR_REFUSED },
        { "an error without words", "{\"error\": {}}\n", false,
          SVIRT_ERROR_CORRUPT },
        { "words that are none", "{\"error\": {\"desc\": [1]}}\n", false,
          SVIRT_ERROR_CORRUPT },
        { "nonsense", "return 1\n", false, SVIRT_ERROR_CORRUPT },
        { "nothing", "\n", false, SVIRT_ERROR_CORRUPT },
        { "two returns", "{\"return\": 1, \"return\": 2}\n", false,
          SVIRT_ERROR_CORRUPT },
        { "no UTF-8", "{\"return\": \"\xfe\"}\n", false,
          SVIRT_ERROR_CORRUPT },
        { "half a line", "{\"return\": 1}", false, SVIRT_ERROR_TIMEOUT },
        { "silence", "", false, SVIRT_ERROR_TIMEOUT },
        { "an end", "{\"return\": 1}", true, SVIRT_ERROR_STATE },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        json_t *answer = ask(rows[i].says, strlen(rows[i].says), rows[i].ends,
                             rows[i].code == SVIRT_ERROR_TIMEOUT
                                 ? SILENCE_MS : PATIENCE_MS,
                             &error);

        g_test_message("%s", rows[i].name);
        g_assert_cmpint(answer != NULL ? -1 : error->code, ==, rows[i].code);
        json_decref(answer);
    }
}

/* Deep, wide and long answers cost a scan, not memory. */
static void
test_bounds(void)
{
    static const struct {
        const char *name;
        const char *open;
        const char *each;
        unsigned times;
        const char *close;
        int code;
    } rows[] = {
        { "60 deep", "{\"return\": ", "[", 60, NULL, -1 },
        { "100 deep", "{\"return\": ", "[", 100, NULL,
          SVIRT_ERROR_CORRUPT },
        { "a million deep", "{\"return\": ", "[", 1000000, NULL,
          SVIRT_ERROR_CORRUPT },
        { "10,000 values", "{\"return\": [", "0,", 10000, "0]}\n", -1 },
        { "a million values", "{\"return\": [", "0,", 1000000, "0]}\n",
          SVIRT_ERROR_CORRUPT },
        { "a million brackets in a text", "{\"return\": \"", "[",
          1000000, "\"}\n", -1 },
        { "five MiB", "{\"return\": \"", "xxxxxxxx", 5 << 17, "\"}\n",
          SVIRT_ERROR_CORRUPT },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) says = g_string_new(rows[i].open);
        g_autoptr(GError) error = NULL;
        json_t *answer;

        for (unsigned j = 0; j < rows[i].times; j++) {
            g_string_append(says, rows[i].each);
        }
        for (unsigned j = 0; rows[i].close == NULL && j < rows[i].times; j++) {
            g_string_append_c(says, ']');
        }
        g_string_append(says, rows[i].close != NULL ? rows[i].close : "}\n");
        answer = ask(says->str, says->len, false, PATIENCE_MS, &error);
        g_test_message("%s", rows[i].name);
        g_assert_cmpint(answer != NULL ? -1 : error->code, ==, rows[i].code);
        json_decref(answer);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hypervisor/agent-session/sync", test_sync);
    g_test_add_func("/hypervisor/agent-session/asks-with-a-mark",
                    test_asks_with_mark);
    g_test_add_func("/hypervisor/agent-session/garbage-has-an-end",
                    test_garbage_has_an_end);
    g_test_add_func("/hypervisor/agent-session/answer", test_answer);
    g_test_add_func("/hypervisor/agent-session/bounds", test_bounds);
    return g_test_run();
}
