/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"

#define BOOTED "/run/systemd/system"
#define PRIVATE_SOCKET "/run/systemd/private"
#define ANSWER_S 10
#define ANSWER_BYTES 65536u

/* D-Bus: types of messages and of the header's fields. */
#define METHOD_RETURN 2
#define METHOD_ERROR 3
#define FIELD_PATH 1
#define FIELD_INTERFACE 2
#define FIELD_MEMBER 3
#define FIELD_ERROR_NAME 4
#define FIELD_DESTINATION 6
#define FIELD_SIGNATURE 8
#define FIELD_UNIX_FDS 9

bool
svirt_systemd_is_there(void)
{
    return access(BOOTED, F_OK) == 0;
}

void
svirt_unit_name(const SvirtUuid *uuid, char ret[SVIRT_UNIT_NAME])
{
    char text[SVIRT_UUID_TEXT];

    svirt_uuid_format(uuid, text);
    (void)g_snprintf(ret, SVIRT_UNIT_NAME, "svirt@%s.service", text);
}

/* ---- marshalling: the byte order is named in each message ---------------- */

static void
align(GByteArray *to, unsigned bytes)
{
    static const guint8 zeros[8];

    g_byte_array_append(to, zeros, (bytes - to->len % bytes) % bytes);
}

static void
put_number(GByteArray *to, guint32 number)
{
    align(to, 4);
    g_byte_array_append(to, (const guint8 *)&number, sizeof(number));
}

static void
put_text(GByteArray *to, const char *text)
{
    put_number(to, (guint32)strlen(text));
    g_byte_array_append(to, (const guint8 *)text, (guint)strlen(text) + 1);
}

static void
put_signature(GByteArray *to, const char *signature)
{
    guint8 length = (guint8)strlen(signature);

    g_byte_array_append(to, &length, 1);
    g_byte_array_append(to, (const guint8 *)signature, length + 1u);
}

/* An array's length stands before it; what aligns its first entry does not
 * count. */
static guint
open_array(GByteArray *to, unsigned entry_bytes)
{
    put_number(to, 0);
    align(to, entry_bytes);
    return to->len;
}

static void
close_array(GByteArray *to, guint length_at, guint begin)
{
    guint32 length = to->len - begin;

    memcpy(to->data + length_at, &length, sizeof(length));
}

static void
put_texts(GByteArray *to, const char *const *texts)
{
    guint at, begin;

    align(to, 4);
    at = to->len;
    begin = open_array(to, 4);
    for (; *texts != NULL; texts++) {
        put_text(to, *texts);
    }
    close_array(to, at, begin);
}

/* An entry of a(sv); its value follows. */
static void
put_property(GByteArray *to, const char *name, const char *signature)
{
    align(to, 8);
    put_text(to, name);
    put_signature(to, signature);
}

static void
put_text_property(GByteArray *to, const char *name, const char *value)
{
    put_property(to, name, "s");
    put_text(to, value);
}

static void
put_long_property(GByteArray *to, const char *name, guint64 value)
{
    put_property(to, name, "t");
    align(to, 8);
    g_byte_array_append(to, (const guint8 *)&value, sizeof(value));
}

/* a(sasb): the program, its arguments, whether its failure is ignored. */
static void
put_command(GByteArray *to, const char *name, const char *const *argv)
{
    guint at, begin;

    put_property(to, name, "a(sasb)");
    align(to, 4);
    at = to->len;
    begin = open_array(to, 8);
    put_text(to, argv[0]);
    put_texts(to, argv);
    put_number(to, 0);
    close_array(to, at, begin);
}

static void
put_properties(GByteArray *to, const SvirtUnit *unit)
{
    guint at, begin;

    align(to, 4);
    at = to->len;
    begin = open_array(to, 8);
    put_text_property(to, "Description", unit->description);
    put_text_property(to, "Slice", SVIRT_UNIT_SLICE);
    put_text_property(to, "Type", "simple");
    /* A guest outlives its keeper, and the unit both. */
    put_text_property(to, "ExitType", "cgroup");
    put_text_property(to, "KillMode", "mixed");
    put_text_property(to, "CollectMode", "inactive-or-failed");
    /* A helper that ran out of memory is no reason to end a guest. */
    put_text_property(to, "OOMPolicy", "continue");
    put_text_property(to, "StandardOutput", "null");
    put_property(to, "Delegate", "b");
    put_number(to, 1);
    put_property(to, "StandardInputFileDescriptor", "h");
    put_number(to, 0); /* index in the message's descriptors */
    put_long_property(to, "TimeoutStopUSec",
                      (guint64)unit->stop_timeout_s * G_USEC_PER_SEC);
    /* svirt sets limits of its own, for each VM. */
    put_long_property(to, "TasksMax", G_MAXUINT64);
    put_command(to, "ExecStart", unit->start);
    put_command(to, "ExecStop", unit->stop);
    if (unit->after != NULL && unit->after[0] != NULL) {
        put_property(to, "After", "as");
        put_texts(to, unit->after);
    }
    close_array(to, at, begin);
}

static void
put_field(GByteArray *to, guint8 field, const char *signature,
          const char *value)
{
    align(to, 8);
    g_byte_array_append(to, &field, 1);
    put_signature(to, signature);
    if (*signature == 'g') {
        put_signature(to, value);
    } else {
        put_text(to, value);
    }
}

/* Little-endian or big, a call, no flags, version 1, serial 1. */
static GByteArray *
make_call(const char *member, const char *signature, const GByteArray *body)
{
    GByteArray *call = g_byte_array_new();
    const guint8 first[4] = { G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B', 1,
                              0, 1 };
    const guint8 unix_fds = FIELD_UNIX_FDS;
    guint at, begin;

    g_byte_array_append(call, first, sizeof(first));
    put_number(call, body->len);
    put_number(call, 1);
    at = call->len;
    begin = open_array(call, 8);
    put_field(call, FIELD_PATH, "o", "/org/freedesktop/systemd1");
    put_field(call, FIELD_DESTINATION, "s", "org.freedesktop.systemd1");
    put_field(call, FIELD_INTERFACE, "s", "org.freedesktop.systemd1.Manager");
    put_field(call, FIELD_MEMBER, "s", member);
    put_field(call, FIELD_SIGNATURE, "g", signature);
    align(call, 8);
    g_byte_array_append(call, &unix_fds, 1);
    put_signature(call, "u");
    put_number(call, 1);
    close_array(call, at, begin);
    align(call, 8);
    g_byte_array_append(call, body->data, body->len);
    return call;
}

/* ---- the conversation ---------------------------------------------------- */

static bool
connect_private(int *ret, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX,
                                   .sun_path = PRIVATE_SOCKET };
    const struct timeval patience = { .tv_sec = ANSWER_S };
    SVIRT_AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                   sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
                   sizeof(patience)) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        return svirt_raise_errno(error, errno,
                                 "svirt run starts it without systemd",
                                 "cannot reach systemd at '%s'",
                                 PRIVATE_SOCKET);
    }
    *ret = svirt_fd_steal(&fd);
    return true;
}

/* Everything in one go: what is said and done later is said only if this was
 * right. The number is this user's, in hexadecimal digits of its digits. */
static bool
authenticate(int fd)
{
    g_autoptr(GString) words = g_string_new(NULL);
    g_autofree char *uid = g_strdup_printf("%u", (unsigned)geteuid());
    char answer[256];
    size_t got = 0;

    g_string_append_c(words, '\0');
    g_string_append(words, "AUTH EXTERNAL ");
    for (const char *digit = uid; *digit != '\0'; digit++) {
        g_string_append_printf(words, "%02x", (unsigned)*digit);
    }
    g_string_append(words, "\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n");
    if (send(fd, words->str, words->len, MSG_NOSIGNAL) !=
        (ssize_t)words->len) {
        return false;
    }
    /* Byte by byte: what follows the second line is a message. */
    for (unsigned lines = 0; lines < 2; got++) {
        if (got + 1 >= sizeof(answer) ||
            recv(fd, answer + got, 1, MSG_WAITALL) != 1) {
            return false;
        }
        lines += answer[got] == '\n';
    }
    answer[got] = '\0';
    errno = EACCES;
    return g_str_has_prefix(answer, "OK ") &&
           strstr(answer, "\nAGREE_UNIX_FD") != NULL;
}

static bool
send_call(int fd, const GByteArray *call, int passed)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { call->data, call->len };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control.room) };
    ssize_t put;

    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
    put = sendmsg(fd, &message, MSG_NOSIGNAL);
    return put > 0 && svirt_write_full(fd, call->data + put,
                                       call->len - (size_t)put);
}

typedef struct Answer {
    guint8 type;
    char name[128]; /* of an error */
    char text[512]; /* its words */
} Answer;

static guint32
number_at(const guint8 *data, size_t size, size_t at)
{
    guint32 number = 0;

    if (at + sizeof(number) <= size) {
        memcpy(&number, data + at, sizeof(number));
    }
    return number;
}

/* The text at `at`, as far as it is one; "" else. */
static void
text_at(const guint8 *data, size_t size, size_t at, char *ret, size_t room)
{
    guint32 length = number_at(data, size, at);

    *ret = '\0';
    if (at + 4 <= size && length < size - at - 4) {
        (void)g_snprintf(ret, (gulong)room, "%.*s", (int)length,
                         (const char *)data + at + 4);
    }
}

/* Fields of texts alone matter here, and their order is the sender's. */
static void
read_fields(const guint8 *data, size_t size, Answer *ret)
{
    for (size_t at = 0; at + 4 < size;) {
        guint8 field = data[at];
        guint8 signature = data[at + 1] == 1 ? data[at + 2] : 0;
        size_t value = at + 4;

        switch (signature) {
        case 's':
        case 'o':
            if (field == FIELD_ERROR_NAME) {
                text_at(data, size, value, ret->name, sizeof(ret->name));
            }
            at = value + 4 + number_at(data, size, value) + 1;
            break;
        case 'g':
            at = value + 1 + (value < size ? data[value] : 0) + 1;
            break;
        case 'u':
            at = value + 4;
            break;
        default:
            return;
        }
        at = (at + 7) & ~(size_t)7;
    }
}

/* One message, of whatever kind. */
static bool
receive(int fd, Answer *ret)
{
    guint8 head[16];
    g_autofree guint8 *rest = NULL;
    size_t body, fields, padded;

    memset(ret, 0, sizeof(*ret));
    if (recv(fd, head, sizeof(head), MSG_WAITALL) != sizeof(head)) {
        errno = errno == 0 ? ECONNRESET : errno;
        return false;
    }
    body = number_at(head, sizeof(head), 4);
    fields = number_at(head, sizeof(head), 12);
    padded = (fields + 7) & ~(size_t)7;
    if (head[0] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B') ||
        body > ANSWER_BYTES || fields > ANSWER_BYTES) {
        errno = EPROTO;
        return false;
    }
    rest = g_malloc(padded + body + 1);
    if (recv(fd, rest, padded + body, MSG_WAITALL) !=
        (ssize_t)(padded + body)) {
        errno = errno == 0 ? ECONNRESET : errno;
        return false;
    }
    ret->type = head[1];
    read_fields(rest, fields, ret);
    if (ret->type == METHOD_ERROR) {
        text_at(rest + padded, body, 0, ret->text, sizeof(ret->text));
    }
    return true;
}

static bool
refuse(const SvirtUnit *unit, const Answer *answer, GError **error)
{
    g_autofree char *words = g_utf8_make_valid(answer->text, -1);
    GError *cause = NULL;

    if (g_str_has_suffix(answer->name, ".UnitExists")) {
        return svirt_raise(error, SVIRT_ERROR_BUSY, NULL,
                           "systemctl stop or unmask it; svirt run starts "
                           "the domain without a unit",
                           "unit '%s' is there still", unit->name);
    }
    svirt_raise(&cause, SVIRT_ERROR_LAUNCH, NULL, NULL, "%s",
                words[0] != '\0' ? words : answer->name);
    return svirt_raise(error, SVIRT_ERROR_LAUNCH, cause,
                       "svirt run starts it without systemd",
                       "systemd refuses to start unit '%s'", unit->name);
}

bool
svirt_systemd_start(const SvirtUnit *unit, GError **error)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GByteArray) call = NULL;
    SVIRT_AUTO_FD fd = -1;
    Answer answer;
    guint at;

    put_text(body, unit->name);
    put_text(body, "fail");
    put_properties(body, unit);
    align(body, 4);
    at = body->len;
    close_array(body, at, open_array(body, 8)); /* no further units */
    call = make_call("StartTransientUnit", "ssa(sv)a(sa(sv))", body);
    if (!connect_private(&fd, error)) {
        return false;
    }
    errno = 0;
    if (!authenticate(fd) || !send_call(fd, call, unit->stdin_fd)) {
        return svirt_raise_errno(error, errno != 0 ? errno : ECONNRESET,
                                 "svirt run starts it without systemd",
                                 "systemd does not answer");
    }
    /* Signals about other units may come first. */
    do {
        if (!receive(fd, &answer)) {
            return svirt_raise_errno(error, errno,
                                     "svirt run starts it without systemd",
                                     "systemd does not answer");
        }
    } while (answer.type != METHOD_RETURN && answer.type != METHOD_ERROR);
    return answer.type == METHOD_RETURN || refuse(unit, &answer, error);
}
