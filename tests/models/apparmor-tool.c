/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * apparmor-tool VERB ...: what the scripts ask of AppArmor beyond the model's
 * own verbs.
 *
 *     rules NAME            compiles the input, lines of "ACCESS GLOB", into a
 *                           profile and loads it
 *     ask NAME PATH...      the kernel's word for each path, a line each
 *     sockets LABEL         uses inherited sockets under the label; a line for
 *                           each call, as attempt has
 *     fill FIRST COUNT      loads the profiles of COUNT VMs
 *     time COUNT RULES      milliseconds to make and load a VM's profiles
 *                           with so many path rules, the best of COUNT
 *     parser COUNT FILE     milliseconds apparmor_parser takes to do the same
 *                           with the rules of FILE, the best of COUNT
 *     findings COUNT        milliseconds to ask for COUNT VMs whether they
 *                           are enforced and apart
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/procfs.h"
#include "model/apparmor-kernel.h"
#include "model/apparmor-profile.h"
#include "model/apparmor-stream.h"
#include "model/model.h"

static double
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool
load_rules(char **words, GError **error)
{
    g_autoptr(SvirtProfile) profile = svirt_profile_new(words[0], error);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const SvirtApparmor *apparmor;
    char access[16], glob[4096];

    if (profile == NULL || !svirt_apparmor_need(&apparmor, error)) {
        return false;
    }
    while (scanf("%15s %4095s", access, glob) == 2) {
        unsigned bits;

        if (!svirt_profile_access_parse(access, &bits, error) ||
            !svirt_profile_allow_path(profile, glob, bits, false, error)) {
            return false;
        }
    }
    return svirt_profile_append(profile, bytes, error) &&
           svirt_apparmor_replace(apparmor, bytes->data, bytes->len, error);
}

static bool
ask(char **words, GError **error)
{
    const SvirtApparmor *apparmor;

    if (!svirt_apparmor_need(&apparmor, error)) {
        return false;
    }
    for (char **path = words + 1; *path != NULL; path++) {
        g_autofree char *key = g_strdup_printf("%c%s", SVIRT_CLASS_FILE,
                                               *path);
        uint32_t allow = 0;
        bool known;

        if (!svirt_apparmor_ask(apparmor, words[0], key, strlen(key), &known,
                                &allow, error)) {
            return false;
        }
        (void)printf("%s %s%08x\n", *path, known ? "" : "unknown ", allow);
    }
    return true;
}

static void
say(const char *call, int result)
{
    (void)printf("%s: %s\n", call,
                 result >= 0 ? "ok" : strerrorname_np(errno));
}

/* Descriptors 10 to 13: connected, its other end, listening with a client in
 * its queue, and new. */
static int
use_sockets(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    int type;
    socklen_t size = sizeof(type);
    char byte = 'x';
    int pair[2];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    say("send", (int)send(10, &byte, 1, 0));
    say("write", (int)write(10, &byte, 1));
    say("receive", (int)recv(11, &byte, 1, 0));
    say("getsockopt", getsockopt(10, SOL_SOCKET, SO_TYPE, &type, &size));
    say("shutdown", shutdown(10, SHUT_WR));
    say("accept", accept(12, NULL, NULL));
    say("listen", listen(12, 4));
    say("bind", bind(13, (struct sockaddr *)&address, sizeof(address)));
    address.sin_port = htons(9);
    say("connect", connect(13, (struct sockaddr *)&address,
                           sizeof(address)));
    say("socket unix", socket(AF_UNIX, SOCK_STREAM, 0));
    say("socket inet", socket(AF_INET, SOCK_STREAM, 0));
    say("socket netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    say("socket packet", socket(AF_PACKET, SOCK_RAW, 0));
    say("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    return 0;
}

static bool
make_sockets(void)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX,
                                .sun_path = "\0apparmor-tool" };
    int pair[2];
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    int fresh = socket(AF_INET, SOCK_STREAM, 0);

    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
           bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0 &&
           listen(listener, 4) == 0 &&
           connect(client, (struct sockaddr *)&name, sizeof(name)) == 0 &&
           dup2(pair[0], 10) >= 0 && dup2(pair[1], 11) >= 0 &&
           dup2(listener, 12) >= 0 && dup2(fresh, 13) >= 0;
}

static bool
sockets(char **words, GError **error)
{
    SVIRT_AUTO_FD procfs = svirt_procfs_open();
    const SvirtModelAttribute *attribute = &svirt_model_apparmor.process;
    int fd;

    if (!make_sockets() || procfs < 0) {
        return false;
    }
    fd = svirt_procfs_open_attribute(procfs, attribute->path,
                                     attribute->fallback);
    if (fd < 0 ||
        !svirt_procfs_write_attribute(fd, attribute->prefix, words[0])) {
        return false;
    }
    (void)execl("/proc/self/exe", "apparmor-tool", "inside", (char *)NULL);
    return false;
}

static void
seed_number(unsigned number, SvirtLabelSeed *ret)
{
    g_autofree char *text = g_strdup_printf(
        "aaaaaaaa-0000-4000-8000-%012u", number);

    *ret = (SvirtLabelSeed){ .base = NULL };
    (void)svirt_uuid_parse(text, &ret->uuid);
}

static bool
load_seed(const SvirtLabelSeed *seed, GError **error)
{
    g_auto(SvirtLabelSet) set = { NULL };

    return svirt_model_apparmor.derive(seed, &set, error) &&
           svirt_model_apparmor.load(seed, &set, error);
}

static bool
fill(char **words, GError **error)
{
    unsigned first = (unsigned)atoi(words[0]);
    unsigned count = (unsigned)atoi(words[1]);
    bool ok = true;

    for (unsigned i = 0; ok && i < count; i++) {
        SvirtLabelSeed seed;

        seed_number(first + i, &seed);
        ok = load_seed(&seed, error);
    }
    return ok;
}

/* Each time another VM's, since equal profiles are not loaded again. */
static bool
measure(char **words, GError **error)
{
    unsigned count = (unsigned)atoi(words[0]);
    size_t rules = (size_t)atoi(words[1]);
    unsigned first = words[2] != NULL ? (unsigned)atoi(words[2]) : 0;
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autofree SvirtModelPath *paths = g_new0(SvirtModelPath, rules + 1);
    double best = 1e9;

    for (size_t i = 0; i < rules; i++) {
        char *path = g_strdup_printf("/var/lib/images/vm-%zu/disk-%zu%s",
                                     i * 7919 % 1000, i,
                                     i % 4 != 0 ? ".qcow2" : "");

        g_ptr_array_add(texts, path);
        paths[i].path = path;
        paths[i].access = SVIRT_MODEL_PATH_READ | SVIRT_MODEL_PATH_WRITE |
            (i % 4 == 0 ? SVIRT_MODEL_PATH_TREE : 0);
    }
    for (unsigned i = 0; i < count; i++) {
        SvirtLabelSeed seed;
        double began = now_ms();

        seed_number(100000 + (unsigned)rules * 1000 + first + i, &seed);
        seed.paths = paths;
        seed.path_count = rules;
        if (!load_seed(&seed, error)) {
            return false;
        }
        best = MIN(best, now_ms() - began);
    }
    (void)printf("%.3f\n", best);
    return true;
}

static bool
measure_parser(char **words, GError **error)
{
    double best = 1e9;

    for (int i = atoi(words[0]); i > 0; i--) {
        double began = now_ms();
        pid_t pid = fork();
        int status = -1;

        if (pid == 0) {
            (void)execlp("apparmor_parser", "apparmor_parser", "--replace",
                         "--skip-cache", "--quiet", words[1], (char *)NULL);
            _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            return svirt_raise(error, SVIRT_ERROR_FAILED, NULL, NULL,
                               "apparmor_parser gave %d", status);
        }
        best = MIN(best, now_ms() - began);
    }
    (void)printf("%.3f\n", best);
    return true;
}

static bool
findings(char **words, GError **error)
{
    unsigned count = (unsigned)atoi(words[0]);
    double began = now_ms();

    for (unsigned i = 0; i < count; i++) {
        g_auto(SvirtLabelSet) a = { NULL };
        g_auto(SvirtLabelSet) b = { NULL };
        SvirtLabelSeed seed;
        bool enforcing, apart;

        seed_number(i, &seed);
        (void)svirt_model_apparmor.derive(&seed, &a, NULL);
        seed_number((i + 1) % count, &seed);
        (void)svirt_model_apparmor.derive(&seed, &b, NULL);
        if (!svirt_model_apparmor.is_enforcing(a.vmm, &enforcing, error) ||
            !svirt_model_apparmor.separates(&a, &b, &apart, error)) {
            return false;
        }
        if (!enforcing || !apart) {
            (void)printf("VM %u: enforcing %d, apart %d\n", i, enforcing,
                         apart);
        }
    }
    (void)printf("%.3f\n", now_ms() - began);
    return true;
}

static const struct {
    const char *name;
    int words;
    bool (*call)(char **words, GError **error);
} verbs[] = {
    { "rules", 1, load_rules }, { "ask", 1, ask },
    { "sockets", 1, sockets },  { "fill", 2, fill },
    { "time", 2, measure },     { "parser", 2, measure_parser },
    { "findings", 1, findings },
};

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (argc == 2 && strcmp(argv[1], "inside") == 0) {
        return use_sockets();
    }
    for (size_t i = 0; argc > 1 && i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0 &&
            argc - 2 >= verbs[i].words) {
            bool done = verbs[i].call(argv + 2, &error);

            if (error != NULL) {
                g_autofree char *text = svirt_error_render(error);

                (void)fputs(text, stderr);
            }
            return done ? 0 : 1;
        }
    }
    return 2;
}
