/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "keeper/adopt.h"
#include "keeper/message.h"

static void
open_pair(int ends[2])
{
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
                                 ends));
}

static void
test_a_message_arrives_whole(void)
{
    SvirtMessage sent = { .type = SVIRT_MESSAGE_STARTED, .a = -1,
                          .d = INT64_MAX, .text = "words" };
    SvirtMessage got;
    int ends[2];

    open_pair(ends);
    g_assert_true(svirt_message_send(ends[0], &sent));
    g_assert_true(svirt_message_receive(ends[1], 1000, &got));
    g_assert_cmpmem(&sent, sizeof(sent), &got, sizeof(got));
    g_assert_false(svirt_message_receive(ends[1], 10, &got));
    g_assert_cmpint(errno, ==, ETIMEDOUT);
    (void)close(ends[0]);
    g_assert_false(svirt_message_receive(ends[1], 1000, &got));
    g_assert_cmpint(errno, ==, 0);
    g_assert_false(svirt_message_send(ends[1], &sent));
    g_assert_cmpint(errno, ==, EPIPE);
    (void)close(ends[1]);
}

static void
refuse(const void *bytes, size_t length)
{
    SvirtMessage got;
    int ends[2];

    open_pair(ends);
    g_assert_cmpint(send(ends[0], bytes, length, 0), ==, (ssize_t)length);
    memset(&got, 'u', sizeof(got));
    g_assert_false(svirt_message_receive(ends[1], 1000, &got));
    g_assert_cmpint(errno, ==, EPROTO);
    g_assert_cmpint(*(char *)&got, ==, 'u');
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
test_other_packets_are_refused(void)
{
    char big[sizeof(SvirtMessage) + 1] = { SVIRT_MESSAGE_READY };
    SvirtMessage message = { .type = SVIRT_MESSAGE_READY };

    refuse(big, sizeof(big));
    refuse(big, sizeof(big) - 2);
    refuse(big, 1);
    message.type = SVIRT_MESSAGE_NONE;
    refuse(&message, sizeof(message));
    message.type = SVIRT_MESSAGE_MAX;
    refuse(&message, sizeof(message));
    message.type = SVIRT_MESSAGE_READY;
    memset(message.text, 'x', sizeof(message.text));
    refuse(&message, sizeof(message));
}

static void
test_descriptors_are_refused_and_dropped(void)
{
    SvirtMessage message = { .type = SVIRT_MESSAGE_READY };
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { &message, sizeof(message) };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control) };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    int ends[2], before, after, two = 2;

    open_pair(ends);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &two, sizeof(two));
    before = dup(2);
    (void)close(before);
    g_assert_cmpint(sendmsg(ends[0], &header, 0), >, 0);
    g_assert_false(svirt_message_receive(ends[1], 1000, &message));
    g_assert_cmpint(errno, ==, EPROTO);
    after = dup(2);
    (void)close(after);
    g_assert_cmpint(before, ==, after);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void
test_tables_are_whole(void)
{
    for (unsigned i = 0; i < SVIRT_GUEST_STATE_MAX; i++) {
        SvirtGuestState state;

        g_assert_true(svirt_guest_state_from_string(
            svirt_guest_state_to_string((SvirtGuestState)i), &state));
        g_assert_cmpint(state, ==, i);
    }
    for (unsigned i = 0; i < SVIRT_REASON_MAX; i++) {
        SvirtGuestReason reason;

        g_assert_true(svirt_guest_reason_from_string(
            svirt_guest_reason_to_string((SvirtGuestReason)i), &reason));
        g_assert_cmpint(reason, ==, i);
    }
    for (unsigned i = 0; i < SVIRT_ADOPT_STATE_MAX; i++) {
        SvirtAdoptState state;

        g_assert_true(svirt_adopt_state_from_string(
            svirt_adopt_state_to_string((SvirtAdoptState)i), &state));
        g_assert_cmpint(state, ==, i);
    }
}

static void
test_ends_have_words(void)
{
    static const struct {
        int status;
        const char *words;
    } rows[] = {
        { 0, "status 0" },
        { 3 << 8, "status 3" },
        { 9, "signal 9 (Killed)" },
        { 11 | 0x80, "signal 11 (Segmentation fault): it aborted or crashed" },
        { 6, "signal 6 (Aborted)" },
        { 33, "signal 33 (unknown)" },
    };
    char words[SVIRT_END_WORDS];

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        svirt_message_end_words(rows[i].status, words);
        g_assert_cmpstr(words, ==, rows[i].words);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keeper/message/a-message-arrives-whole",
                    test_a_message_arrives_whole);
    g_test_add_func("/keeper/message/other-packets-are-refused",
                    test_other_packets_are_refused);
    g_test_add_func("/keeper/message/descriptors-are-refused-and-dropped",
                    test_descriptors_are_refused_and_dropped);
    g_test_add_func("/keeper/message/tables-are-whole",
                    test_tables_are_whole);
    g_test_add_func("/keeper/message/ends-have-words", test_ends_have_words);
    return g_test_run();
}
