/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/qmp-session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/status.h"
#include "monitor/control.h"
#include "monitor/qmp-ask.h"

#define BLOCK 4096u
#define MILLISECOND_NS 1000000LL
/* The end of QMP comes a moment before the end of the process. */
#define CLOSED_GRACE_NS (1000 * MILLISECOND_NS)

static void
tell(SvirtQmpSession *session, SvirtFact fact, SvirtMessageType type,
     int errnum, const char *text)
{
    SvirtMessage message = { .type = type, .errnum = errnum };

    (void)snprintf(message.text, sizeof(message.text), "%s", text);
    svirt_link_tell(session->link, fact, &message);
}

/* For good: nothing is read or written any more. */
static void
give_up(SvirtQmpSession *session, SvirtLoop *loop, int errnum,
        const char *why)
{
    svirt_qmp_parser_break(&session->parser, why);
    tell(session, SVIRT_FACT_BROKEN, SVIRT_MESSAGE_QMP_BROKEN, errnum,
         session->parser.why);
    svirt_watch_retire(loop, &session->watch);
    svirt_qmp_parser_clear(&session->parser);
    svirt_outbox_clear(&session->outbox);
    for (unsigned i = 0; i < SVIRT_QMP_MAX_PENDING; i++) {
        SvirtPending *pending = &session->pending[i];

        if (pending->asker == SVIRT_ASKER_CLIENT) {
            session->answer(session->cookie, pending->client,
                            SVIRT_QMP_KIND_MAX, (SvirtJsonSpan){ 0 });
        }
        pending->asker = SVIRT_ASKER_NONE;
    }
}

const char *
svirt_qmp_session_why(const SvirtQmpSession *session)
{
    if (session->parser.why == NULL && session->closed) {
        return "the VMM closed the connection";
    }
    return session->parser.why;
}

void
svirt_qmp_session_init(SvirtQmpSession *session, SvirtLink *link,
                       const SvirtQmpSessionStart *start, int64_t now_ns)
{
    const SvirtMessage *begin = start->begin;
    bool resync = begin->a == 1;

    session->link = link;
    session->unsettled = 1; /* the negotiation */
    /* A VMM that was ready once may be busy: that is silence, no failure. */
    session->ready_deadline_ns = resync ? SVIRT_NEVER :
        now_ns + start->ready_timeout_ms * MILLISECOND_NS;
    svirt_watch_init(&session->watch, start->fd, SVIRT_WATCH_QMP, 0);
    svirt_qmp_parser_init(&session->parser, start->generation, resync);
    svirt_outbox_init(&session->outbox, 24u * 1024 * 1024);
    svirt_rate_init(&session->bytes, SVIRT_QMP_BYTES_PER_S,
                    2 * SVIRT_QMP_BYTES_PER_S, now_ns);
    svirt_rate_init(&session->messages, SVIRT_QMP_MESSAGES_PER_S,
                    2 * SVIRT_QMP_MESSAGES_PER_S, now_ns);
    svirt_guest_init(&session->guest);
    if (resync) {
        session->guest.state = (SvirtGuestState)begin->b;
        session->guest.reason = (SvirtGuestReason)begin->c;
        session->guest.ran = begin->b == SVIRT_GUEST_RUNNING ||
                             begin->c != SVIRT_REASON_STARTING;
        if ((begin->d & SVIRT_RUN_BROKEN) != 0) {
            svirt_qmp_parser_break(&session->parser,
                                   "broken before the monitor's new start");
            return;
        }
        /* Ends whatever half command the predecessor left (qmp-spec). */
        (void)svirt_outbox_add(&session->outbox, "\xff\n", 2);
    }
    svirt_qmp_ask(session, SVIRT_ASKER_CAPABILITIES,
                  "{\"execute\":\"qmp_capabilities\"}", now_ns);
    if (resync) {
        /* A VMM that was just started waits to be continued: it has -S. */
        svirt_qmp_ask(session, SVIRT_ASKER_STATUS,
                      "{\"execute\":\"query-status\"}", now_ns);
    }
    /* A monitor that takes over does it again, unless it was all done. */
    if ((begin->d & SVIRT_RUN_READY) == 0) {
        svirt_qmp_ask_settings(session, start, now_ns);
    }
}

/* The first bytes of a command with the descriptors; false: not now. */
static bool
send_fds(SvirtQmpSession *session, const int *fds, size_t n_fds)
{
    SvirtOutbox *box = &session->outbox;
    char control[CMSG_SPACE(sizeof(int) * SVIRT_CONTROL_MAX_REQUEST_FDS)];
    struct iovec part = { box->bytes + box->start, svirt_outbox_length(box) };
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = CMSG_SPACE(sizeof(int) * n_fds),
    };
    struct cmsghdr *message;
    ssize_t put;

    memset(control, 0, sizeof(control));
    message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
    memcpy(CMSG_DATA(message), fds, sizeof(int) * n_fds);
    /* The one descriptor and number that the filter lets it through on. */
    put = sendmsg(session->watch.fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put <= 0) {
        return false;
    }
    box->start += (size_t)put;
    if (box->start == box->used) {
        svirt_outbox_clear(box);
    }
    return true;
}

/* QEMU keeps one set of descriptors, so one such command is under way. */
static bool
fds_must_wait(const SvirtQmpSession *session)
{
    for (unsigned i = 0; i < SVIRT_QMP_MAX_PENDING; i++) {
        if (session->pending[i].asker != SVIRT_ASKER_NONE &&
            session->pending[i].has_fds) {
            return true;
        }
    }
    return svirt_outbox_length(&session->outbox) > 0;
}

SvirtSend
svirt_qmp_session_send(SvirtQmpSession *session, SvirtAsker asker,
                       unsigned client, SvirtJsonSpan command, const int *fds,
                       size_t n_fds, int64_t now_ns)
{
    SvirtPending *pending;

    if (svirt_qmp_session_why(session) != NULL ||
        n_fds > SVIRT_CONTROL_MAX_REQUEST_FDS) {
        return SVIRT_SEND_FAILED;
    }
    if (n_fds > 0 && fds_must_wait(session)) {
        return SVIRT_SEND_LATER;
    }
    pending = svirt_qmp_reserve(session, asker, now_ns);
    if (pending == NULL) {
        return SVIRT_SEND_FAILED;
    }
    pending->client = (uint16_t)client;
    pending->has_fds = n_fds > 0;
    if (!svirt_qmp_add_command(session, pending->serial, command)) {
        pending->asker = SVIRT_ASKER_NONE;
        return SVIRT_SEND_FAILED;
    }
    if (n_fds > 0 && !send_fds(session, fds, n_fds)) {
        /* The outbox was empty: nothing of anybody else's is taken back. */
        svirt_outbox_clear(&session->outbox);
        pending->asker = SVIRT_ASKER_NONE;
        return SVIRT_SEND_LATER;
    }
    return SVIRT_SEND_DONE;
}

void
svirt_qmp_session_continue(SvirtQmpSession *session, int64_t now_ns)
{
    if (svirt_qmp_session_why(session) != NULL) {
        tell(session, SVIRT_FACT_CONTINUED, SVIRT_MESSAGE_CONTINUED,
             EREMOTEIO, svirt_qmp_session_why(session));
        return;
    }
    svirt_qmp_ask(session, SVIRT_ASKER_CONTINUE, "{\"execute\":\"cont\"}",
                  now_ns);
}

void
svirt_qmp_session_forget(SvirtQmpSession *session, SvirtAsker asker,
                         unsigned client)
{
    for (unsigned i = 0; i < SVIRT_QMP_MAX_PENDING; i++) {
        SvirtPending *pending = &session->pending[i];

        if (pending->asker == asker && pending->client == client) {
            pending->asker = SVIRT_ASKER_GONE;
        }
    }
}

static void
settle_one(SvirtQmpSession *session)
{
    if (--session->unsettled == 0) {
        session->ready = true;
        tell(session, SVIRT_FACT_READY, SVIRT_MESSAGE_QMP_READY, 0, "");
    }
}

static void
answer_setting(SvirtQmpSession *session, const SvirtQmpMessage *message)
{
    if (message->kind == SVIRT_QMP_RETURN) {
        settle_one(session);
    } else {
        svirt_qmp_parser_break(&session->parser,
                               "it refuses a link's state or the balloon's "
                               "size");
    }
}

static void
answer_capabilities(SvirtQmpSession *session, const SvirtQmpMessage *message)
{
    SvirtJsonSpan class;

    /* CommandNotFound: a predecessor has negotiated already. */
    if (message->kind == SVIRT_QMP_ERROR &&
        !(svirt_json_member(message->body, "class", &class) &&
          svirt_json_is(class, "CommandNotFound"))) {
        svirt_qmp_parser_break(&session->parser,
                               "it refuses the negotiation");
        return;
    }
    settle_one(session);
}

static void
answer_status(SvirtQmpSession *session, const SvirtQmpMessage *message)
{
    bool changed = false;

    if (message->kind != SVIRT_QMP_RETURN ||
        !svirt_guest_status(&session->guest, message->body, &changed)) {
        svirt_qmp_parser_break(&session->parser,
                               "query-status without a status");
        return;
    }
    svirt_link_tell_guest(session->link, &session->guest);
}

static void
answer_continue(SvirtQmpSession *session, const SvirtQmpMessage *message)
{
    SvirtJsonSpan words;
    char text[256] = "QEMU refuses 'cont'";

    if (message->kind == SVIRT_QMP_RETURN) {
        tell(session, SVIRT_FACT_CONTINUED, SVIRT_MESSAGE_CONTINUED, 0, "");
        return;
    }
    if (svirt_json_member(message->body, "desc", &words)) {
        (void)svirt_json_string(words, text, sizeof(text));
    }
    tell(session, SVIRT_FACT_CONTINUED, SVIRT_MESSAGE_CONTINUED, EREMOTEIO,
         text);
}

static void
take_answer(SvirtQmpSession *session, const SvirtQmpMessage *message)
{
    SvirtPending taken = { 0 };

    for (unsigned i = 0; i < SVIRT_QMP_MAX_PENDING; i++) {
        if (session->pending[i].asker != SVIRT_ASKER_NONE &&
            session->pending[i].serial == message->serial) {
            taken = session->pending[i];
            session->pending[i].asker = SVIRT_ASKER_NONE;
            break;
        }
    }
    if (taken.asker != SVIRT_ASKER_NONE) {
        svirt_qmp_parser_synced(&session->parser);
    }
    switch (taken.asker) {
    case SVIRT_ASKER_NONE:
    case SVIRT_ASKER_MAX:
        (void)svirt_qmp_parser_stale(&session->parser);
        break;
    case SVIRT_ASKER_CAPABILITIES:
        answer_capabilities(session, message);
        break;
    case SVIRT_ASKER_STATUS:
        answer_status(session, message);
        break;
    case SVIRT_ASKER_SETTING:
        answer_setting(session, message);
        break;
    case SVIRT_ASKER_CONTINUE:
        answer_continue(session, message);
        break;
    case SVIRT_ASKER_CLIENT:
        session->answer(session->cookie, taken.client, message->kind,
                        message->body);
        break;
    case SVIRT_ASKER_GRAPHICS:
        session->given(session->given_cookie, taken.client,
                       message->kind == SVIRT_QMP_RETURN);
        break;
    case SVIRT_ASKER_GONE:
        break;
    }
}

static void
take_message(SvirtQmpSession *session, const SvirtQmpMessage *message)
{
    switch (message->kind) {
    case SVIRT_QMP_EVENT:
        if (svirt_guest_event(&session->guest, message->event,
                              message->body)) {
            svirt_link_tell_guest(session->link, &session->guest);
        }
        session->heard(session->cookie, message->name, message->body);
        break;
    case SVIRT_QMP_RETURN:
    case SVIRT_QMP_ERROR:
        take_answer(session, message);
        break;
    case SVIRT_QMP_GREETING:
    case SVIRT_QMP_KIND_MAX:
        break;
    }
}

/* The messages that are whole and within the rate. */
static void
take_messages(SvirtQmpSession *session, int64_t now_ns)
{
    SvirtQmpMessage message;

    for (;;) {
        if (svirt_rate_available(&session->messages, now_ns) == 0) {
            session->paused_until_ns = svirt_rate_ready_ns(&session->messages);
            return;
        }
        if (svirt_qmp_parser_next(&session->parser, &message) !=
            SVIRT_QMP_MESSAGE) {
            return;
        }
        svirt_rate_take(&session->messages, 1);
        take_message(session, &message);
    }
}

void
svirt_qmp_session_read(SvirtQmpSession *session, SvirtLoop *loop,
                       int64_t now_ns)
{
    char block[BLOCK];

    for (int i = 0; i < 16 && session->watch.fd >= 0; i++) {
        /* read(2), never recvmsg(2): descriptors the VMM sends are dropped. */
        ssize_t got = read(session->watch.fd, block, sizeof(block));

        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            session->closed = true;
            session->closed_ns = now_ns + CLOSED_GRACE_NS;
            svirt_watch_set(loop, &session->watch, 0);
            return;
        }
        svirt_rate_take(&session->bytes, (uint64_t)got);
        if (!svirt_qmp_parser_feed(&session->parser, block, (size_t)got)) {
            return;
        }
        take_messages(session, now_ns);
        if (svirt_rate_available(&session->bytes, now_ns) == 0) {
            session->paused_until_ns = svirt_rate_ready_ns(&session->bytes);
        }
        if (session->paused_until_ns != 0 || session->parser.why != NULL) {
            return;
        }
    }
}

/* The earliest answer that is due, and whether one is overdue now. */
static int64_t
check_silence(SvirtQmpSession *session, int64_t now_ns)
{
    int64_t next_ns = SVIRT_NEVER;
    bool silent = false;

    for (unsigned i = 0; i < SVIRT_QMP_MAX_PENDING; i++) {
        const SvirtPending *pending = &session->pending[i];

        if (pending->asker == SVIRT_ASKER_NONE) {
            continue;
        }
        if (pending->overdue_ns <= now_ns) {
            silent = true;
        } else if (pending->overdue_ns < next_ns) {
            next_ns = pending->overdue_ns;
        }
    }
    if (silent != session->silent) {
        SvirtMessage message = { .type = SVIRT_MESSAGE_SILENT, .a = silent };

        session->silent = silent;
        svirt_link_tell(session->link, SVIRT_FACT_SILENT, &message);
    }
    return next_ns;
}

int64_t
svirt_qmp_session_update(SvirtQmpSession *session, SvirtLoop *loop,
                         int64_t now_ns)
{
    int64_t wake_ns;

    if (session->watch.fd < 0) {
        return SVIRT_NEVER;
    }
    if (session->paused_until_ns != 0 &&
        session->paused_until_ns <= now_ns) {
        session->paused_until_ns = 0;
        take_messages(session, now_ns);
    }
    if (session->parser.why == NULL && !session->closed &&
        !svirt_outbox_flush(&session->outbox, session->watch.fd)) {
        session->closed = true;
        session->closed_ns = now_ns + CLOSED_GRACE_NS;
    }
    if (session->parser.why != NULL) {
        give_up(session, loop, EPROTO, session->parser.why);
        return SVIRT_NEVER;
    }
    if (session->closed) {
        if (session->closed_ns <= now_ns) {
            give_up(session, loop, EPROTO, "the VMM closed the connection");
            return SVIRT_NEVER;
        }
        svirt_watch_set(loop, &session->watch, 0);
        return session->closed_ns;
    }
    if (!session->ready && session->ready_deadline_ns <= now_ns) {
        give_up(session, loop, ETIMEDOUT, "no answer to the first command");
        return SVIRT_NEVER;
    }
    wake_ns = check_silence(session, now_ns);
    if (!session->ready && session->ready_deadline_ns < wake_ns) {
        wake_ns = session->ready_deadline_ns;
    }
    if (session->paused_until_ns != 0 && session->paused_until_ns < wake_ns) {
        wake_ns = session->paused_until_ns;
    }
    svirt_watch_set(loop, &session->watch,
                    (session->paused_until_ns == 0 ? EPOLLIN : 0) |
                    (svirt_outbox_length(&session->outbox) > 0 ? EPOLLOUT
                                                               : 0));
    return wake_ns;
}
