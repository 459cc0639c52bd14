/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/emulator-private.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/json-load.h"
#include "launch/child.h"

/* It is a hostile answer: so much, so long, so many names of such a form. */
#define REPLY_MAX (4u << 20)
#define TIMEOUT_S 5
#define NAMES_MAX 4096u
#define NAME_MAX_BYTES 64u
#define SOCKET_FD 10
#define NOBODY 65534u
#define NOFILE 256u

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtLaunchSpec, svirt_spec_free)

static const char questions[] =
    "{\"execute\":\"qmp_capabilities\"}\n"
    "{\"execute\":\"query-machines\",\"id\":\"m\"}\n"
    "{\"execute\":\"query-cpu-definitions\",\"id\":\"c\"}\n"
    "{\"execute\":\"quit\",\"id\":\"q\"}\n";

static bool
is_name(const char *name)
{
    size_t length = name != NULL ? strlen(name) : 0;

    for (size_t i = 0; i < length; i++) {
        if (!g_ascii_isalnum(name[i]) && strchr("-_.+", name[i]) == NULL) {
            return false;
        }
    }
    return length > 0 && length <= NAME_MAX_BYTES;
}

bool
svirt_emulator_read_reply(const char *text, size_t length, GString *lines)
{
    json_t *reply = svirt_json_load(text, length, 0);
    const char *id = json_string_value(json_object_get(reply, "id"));
    const json_t *list = json_object_get(reply, "return");
    size_t count = MIN(json_array_size(list), NAMES_MAX);
    bool machines = g_strcmp0(id, "m") == 0;
    bool ok = id != NULL && json_is_array(list);

    for (size_t i = 0; ok && i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *alias = json_string_value(json_object_get(item, "alias"));

        if (!is_name(name)) {
            continue;
        }
        g_string_append_printf(lines, "%c %s\n", machines ? 'm' : 'c', name);
        if (machines && is_name(alias)) {
            g_string_append_printf(lines, "a %s %s\n", alias, name);
        }
    }
    json_decref(reply);
    return ok;
}

static bool
add_fd(SvirtLaunchSpec **spec, int source, int number, SvirtFdRole role)
{
    const SvirtSpecFd fd = { .source = source, .to = SVIRT_TO_VMM,
                             .vmm = number, .monitor = -1, .passt = -1,
                             .role = role };

    return svirt_spec_add_fd(spec, &fd);
}

static int
make_spec(const char *program, bool kvm, int null_fd, int socket_fd)
{
    const char *const arguments[] = {
        program, "-machine", kvm ? "none,accel=kvm" : "none,accel=tcg",
        "-nodefaults", "-no-user-config",
        "-display", "none", "-chardev", "socket,id=qmp,fd=10",
        "-mon", "chardev=qmp,mode=control",
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                    "resourcecontrol=deny",
    };
    g_autoptr(SvirtLaunchSpec) spec = NULL;
    bool ok = true;
    SvirtUuid uuid;

    svirt_uuid_generate(&uuid);
    spec = svirt_spec_new(&uuid, "emulator");
    for (size_t i = 0; ok && i < G_N_ELEMENTS(arguments); i++) {
        ok = svirt_spec_add_arg(&spec, SVIRT_PROCESS_VMM, arguments[i]);
    }
    ok = ok && svirt_spec_add_file(&spec, "/usr", SVIRT_FILE_TREE) &&
         svirt_spec_add_file(&spec, "/etc/ld.so.cache", 0) &&
         svirt_spec_add_file(&spec, program, SVIRT_FILE_EXECUTE) &&
         add_fd(&spec, socket_fd, SOCKET_FD, SVIRT_FD_PROBE);
    for (int i = 0; ok && i <= 2; i++) {
        ok = add_fd(&spec, null_fd, i, SVIRT_FD_NULL);
    }
    spec->ids[SVIRT_PROCESS_VMM] = (SvirtSpecIds){ NOBODY, NOBODY };
    /* It lives for a moment, and has nothing to be limited in. */
    spec->waived_layers = SVIRT_LAYER_CGROUP | SVIRT_LAYER_DEVICE_FILTER;
    spec->device_nodes = SVIRT_NODE_NULL | SVIRT_NODE_URANDOM |
                         (kvm ? SVIRT_NODE_KVM : 0);
    spec->rlimit_fsize_bytes = REPLY_MAX;
    spec->rlimit_nofile = NOFILE;
    spec->ready_timeout_ms = TIMEOUT_S * 1000;
    return ok ? svirt_spec_seal(spec) : -1;
}

bool
svirt_emulator_talk_open(const char *program, bool kvm, unsigned timeout_s,
                         SvirtEmulatorTalk *talk)
{
    SVIRT_AUTO_FD null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    SVIRT_AUTO_FD ours = -1;
    SVIRT_AUTO_FD theirs = -1;
    SVIRT_AUTO_FD spec_fd = -1;
    const SvirtLaunchSpec *spec;
    const char *why = "";
    int pair[2];
    bool ok;

    if (null_fd < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        return false;
    }
    ours = pair[0];
    theirs = pair[1];
    spec_fd = make_spec(program, kvm, null_fd, theirs);
    spec = spec_fd >= 0 ? svirt_spec_map(spec_fd, &why) : NULL;
    if (spec == NULL) {
        return false;
    }
    ok = svirt_launch_process(spec, SVIRT_PROCESS_VMM, -1, &talk->launched,
                              NULL);
    svirt_spec_unmap(spec);
    if (ok) {
        talk->fd = ours;
        ours = -1;
        talk->text = g_string_new(NULL);
        talk->left = REPLY_MAX;
        talk->end_s = time(NULL) + timeout_s;
    }
    return ok;
}

bool
svirt_emulator_talk_say(SvirtEmulatorTalk *talk, const char *text)
{
    return svirt_write_full(talk->fd, text, strlen(text));
}

bool
svirt_emulator_talk_hear(SvirtEmulatorTalk *talk, char **ret)
{
    struct pollfd wait = { .fd = talk->fd, .events = POLLIN };
    char *eol;

    while ((eol = memchr(talk->text->str, '\n', talk->text->len)) == NULL) {
        char block[16384];
        ssize_t got;

        if (talk->left == 0 || time(NULL) > talk->end_s) {
            return false;
        }
        if (poll(&wait, 1, 1000) <= 0) {
            continue;
        }
        /* read(2), not recvmsg(2): descriptors that come along are dropped. */
        got = read(talk->fd, block, MIN(sizeof(block), talk->left));
        if (got <= 0) {
            return false;
        }
        talk->left -= (size_t)got;
        g_string_append_len(talk->text, block, got);
    }
    *ret = g_strndup(talk->text->str, (gsize)(eol - talk->text->str));
    g_string_erase(talk->text, 0, (gssize)(eol - talk->text->str) + 1);
    return true;
}

void
svirt_emulator_talk_close(SvirtEmulatorTalk *talk)
{
    if (talk->text == NULL) {
        return;
    }
    (void)kill(talk->launched.pid, SIGKILL);
    while (waitpid(talk->launched.pid, NULL, 0) < 0 && errno == EINTR) {
    }
    svirt_fd_close(&talk->launched.pidfd);
    svirt_fd_close(&talk->fd);
    g_string_free(talk->text, TRUE);
    talk->text = NULL;
}

bool
svirt_emulator_ask(const char *program, char **ret)
{
    g_auto(SvirtEmulatorTalk) talk = SVIRT_EMULATOR_TALK_INIT;
    g_autoptr(GString) lines = g_string_new(NULL);
    unsigned answers = 0;

    if (!svirt_emulator_talk_open(program, false, TIMEOUT_S, &talk) ||
        !svirt_emulator_talk_say(&talk, questions)) {
        return false;
    }
    while (answers < 2) {
        g_autofree char *line = NULL;

        if (!svirt_emulator_talk_hear(&talk, &line)) {
            return false;
        }
        answers += svirt_emulator_read_reply(line, strlen(line), lines);
    }
    *ret = g_strdup(lines->str);
    return true;
}
