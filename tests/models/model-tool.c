/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * model-tool MODEL VERB ...: the verbs of one model, for scripts.
 *
 *     probe                        "active" or "inactive"
 *     derive UUID [GIVEN]          the label set, one "name value" a line
 *     load|unload UUID [GIVEN]
 *     load-path UUID PATH          loads it with the right to write PATH
 *     get PATH / set PATH LABEL    of an object
 *     enforcing LABEL              "yes" or "no"
 *     separates UUID UUID          "yes" or "no"
 *     socket LABEL                 labels a new TCP socket, or fails
 *     process PID                  the label in force
 *     run LABEL UID -- PROGRAM...  under the label alone: a uid, no
 *                                  capability, no other layer
 *
 * Exit code 1 with the error on stderr when the verb failed.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/procfs.h"
#include "model/model.h"

typedef struct Call {
    const SvirtModel *model;
    int count;
    char **words;
} Call;

static const char *
word(const Call *call, int index)
{
    return index < call->count ? call->words[index] : NULL;
}

static bool
get_seed(const Call *call, int index, SvirtLabelSeed *ret)
{
    static SvirtCategorySet none;

    *ret = (SvirtLabelSeed){ .categories = &none };
    ret->given = word(call, index + 1);
    return word(call, index) != NULL &&
           svirt_uuid_parse(word(call, index), &ret->uuid);
}

static void
say(const char *name, const char *value)
{
    if (value != NULL) {
        (void)printf("%s %s\n", name, value);
    }
}

static bool
probe(const Call *call, GError **error)
{
    bool active;

    if (!call->model->probe(&active, error)) {
        return false;
    }
    (void)puts(active ? "active" : "inactive");
    return true;
}

static bool
derive(const Call *call, GError **error)
{
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtLabelSeed seed;

    if (!get_seed(call, 0, &seed) ||
        !call->model->derive(&seed, &set, error)) {
        return false;
    }
    say("vmm", set.vmm);
    say("monitor", set.monitor);
    say("helper", set.helper);
    say("socket", set.socket);
    say("image", set.image);
    say("shared", set.shared);
    say("content", set.content);
    say("log", set.log);
    return true;
}

static bool
load(const Call *call, GError **error)
{
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtLabelSeed seed;

    return get_seed(call, 0, &seed) &&
           call->model->derive(&seed, &set, error) &&
           call->model->load(&seed, &set, error);
}

static bool
load_path(const Call *call, GError **error)
{
    const SvirtModelPath path = { word(call, 1), SVIRT_MODEL_PATH_WRITE };
    const Call first = { call->model, 1, call->words };
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtLabelSeed seed;

    if (path.path == NULL || !get_seed(&first, 0, &seed)) {
        return false;
    }
    seed.paths = &path;
    seed.path_count = 1;
    return call->model->derive(&seed, &set, error) &&
           call->model->load(&seed, &set, error);
}

static bool
unload(const Call *call, GError **error)
{
    g_auto(SvirtLabelSet) set = { NULL };
    SvirtLabelSeed seed;

    return get_seed(call, 0, &seed) &&
           call->model->derive(&seed, &set, error) &&
           call->model->unload(&seed, &set, error);
}

static bool
open_object(const Call *call, SvirtObject **ret, GError **error)
{
    unsigned any = (1u << SVIRT_OBJECT_MAX) - 1;

    return word(call, 0) != NULL &&
           svirt_object_open(word(call, 0), NULL, any, 0, ret, error);
}

static bool
get_label(const Call *call, GError **error)
{
    g_autoptr(SvirtObject) object = NULL;
    g_autofree char *label = NULL;

    if (!open_object(call, &object, error) ||
        !call->model->read_label(object, &label, error)) {
        return false;
    }
    (void)puts(label != NULL ? label : "-");
    return true;
}

static bool
set_label(const Call *call, GError **error)
{
    g_autoptr(SvirtObject) object = NULL;

    return open_object(call, &object, error) &&
           svirt_model_set_label(call->model, object, word(call, 1), error);
}

static bool
enforcing(const Call *call, GError **error)
{
    bool yes;

    if (word(call, 0) == NULL ||
        !call->model->is_enforcing(word(call, 0), &yes, error)) {
        return false;
    }
    (void)puts(yes ? "yes" : "no");
    return true;
}

static bool
separates(const Call *call, GError **error)
{
    const Call second = { call->model, 1, call->words + 1 };
    const Call first = { call->model, 1, call->words };
    g_auto(SvirtLabelSet) a = { NULL };
    g_auto(SvirtLabelSet) b = { NULL };
    SvirtLabelSeed seed;
    bool yes;

    if (call->count != 2 || !get_seed(&first, 0, &seed) ||
        !call->model->derive(&seed, &a, error) ||
        !get_seed(&second, 0, &seed) ||
        !call->model->derive(&seed, &b, error) ||
        !call->model->separates(&a, &b, &yes, error)) {
        return false;
    }
    (void)puts(yes ? "yes" : "no");
    return true;
}

static bool
label_socket(const Call *call, GError **error)
{
    SVIRT_AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && word(call, 0) != NULL &&
           call->model->label_socket(fd, word(call, 0), error);
}

static bool
read_process(const Call *call, GError **error)
{
    SVIRT_AUTO_FD procfs = svirt_procfs_open();
    SVIRT_AUTO_FD task = -1;
    g_autofree char *label = NULL;
    pid_t pid = word(call, 0) != NULL ? atoi(word(call, 0)) : -1;

    if (procfs >= 0) {
        task = svirt_procfs_open_thread(procfs, pid, pid);
    }
    if (task < 0 || !call->model->read_process(task, &label, error)) {
        return false;
    }
    (void)puts(label);
    return true;
}

/* No other layer stays, no_new_privs among them. */
static bool
drop(uid_t uid)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3,
                                               0 };
    struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

    return setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 &&
           setresuid(uid, uid, uid) == 0 &&
           syscall(SYS_capset, &header, none) == 0;
}

static bool
run(const Call *call, GError **error)
{
    SVIRT_AUTO_FD procfs = svirt_procfs_open();
    const SvirtModelAttribute *attribute = &call->model->process;
    SVIRT_AUTO_FD fd = -1;

    if (call->count < 4 || strcmp(call->words[2], "--") != 0 || procfs < 0) {
        return false;
    }
    fd = svirt_procfs_open_attribute(procfs, attribute->path,
                                     attribute->fallback);
    if (fd < 0 || !svirt_procfs_write_attribute(fd, attribute->prefix,
                                                call->words[0]) ||
        !drop((uid_t)atoi(call->words[1]))) {
        perror("run");
        return false;
    }
    (void)execvp(call->words[3], call->words + 3);
    perror(call->words[3]);
    return false;
}

static const struct {
    const char *name;
    bool (*call)(const Call *call, GError **error);
} verbs[] = {
    { "probe", probe },       { "derive", derive },
    { "load", load },         { "unload", unload },
    { "load-path", load_path },
    { "get", get_label },     { "set", set_label },
    { "enforcing", enforcing }, { "separates", separates },
    { "socket", label_socket }, { "process", read_process },
    { "run", run },
};

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    SvirtModelKind kind;
    Call call = { .count = argc - 3, .words = argv + 3 };

    if (argc < 3 || !svirt_model_kind_from_string(argv[1], &kind)) {
        return 2;
    }
    call.model = svirt_model_by_kind(kind);
    for (size_t i = 0; call.model != NULL && i < G_N_ELEMENTS(verbs); i++) {
        if (strcmp(argv[2], verbs[i].name) == 0) {
            bool done = verbs[i].call(&call, &error);

            if (error != NULL) {
                g_autofree char *text = svirt_error_render(error);

                (void)fputs(text, stderr);
            }
            return done ? 0 : 1;
        }
    }
    return 2;
}
