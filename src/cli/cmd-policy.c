/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/policy-smack.h"
#include "model/selinux-kernel.h"
#include "model/selinux-policy.h"

/*
 * The policy's store is semodule's, and its format libsemanage's: that library
 * would weigh on every command for what is done once per host. So the program
 * is run, by its path, without a shell.
 */
#define SEMODULE "/usr/sbin/semodule"
#define RESTORECON "/usr/sbin/restorecon"
#define MODULE SVIRT_DATADIR "/selinux/svirt.cil"
#define TYPES_BYTES 65536

/* Contexts of these types are left alone by restorecon and fixfiles. */
static const char *const customizable[] = { "svirt_vm_image_t",
                                            "svirt_vm_content_t" };

static bool
run(const char *const argv[], const char *hint, GError **error)
{
    static char *environment[] = { (char *)"PATH=/usr/sbin:/usr/bin",
                                   (char *)"LC_ALL=C.UTF-8", NULL };
    pid_t pid;
    int status;
    int failed = posix_spawn(&pid, argv[0], NULL, NULL, (char **)argv,
                             environment);

    if (failed != 0) {
        return svirt_raise_errno(error, failed, hint, "cannot run '%s'",
                                 argv[0]);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return svirt_raise_errno(error, errno, NULL,
                                     "cannot wait for '%s'", argv[0]);
        }
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return svirt_raise(error, SVIRT_ERROR_FAILED, NULL,
                           "its own words stand above", "'%s' failed",
                           argv[0]);
    }
    return true;
}

/* What becomes the kernel's policy is root's text and nobody else's. */
static bool
check_module(const char *path, GError **error)
{
    SVIRT_AUTO_FD fd = open(path, O_PATH | O_CLOEXEC);
    struct stat facts;

    if (fd < 0 || fstat(fd, &facts) != 0) {
        return svirt_raise_errno(error, errno, "install svirt, or say --file",
                                 "cannot open the module '%s'", path);
    }
    if (!S_ISREG(facts.st_mode) || facts.st_uid != 0 ||
        (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "give a file that only root can write",
                           "module '%s' is not root's alone", path);
    }
    return true;
}

static bool
has_line(const char *text, const char *line)
{
    size_t length = strlen(line);

    for (const char *at = text; (at = strstr(at, line)) != NULL; at++) {
        if ((at == text || at[-1] == '\n') &&
            (at[length] == '\n' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* The policy's list of types that restorecon leaves alone. One write at the
 * end, so that the file keeps its label and what others wrote. */
static bool
add_customizable(const SvirtSelinux *selinux, GError **error)
{
    char policy[SVIRT_SELINUX_NAME_BYTES];
    g_autofree char *path = NULL;
    g_autofree char *text = g_malloc(TYPES_BYTES);
    g_autoptr(GString) added = g_string_new(NULL);
    SVIRT_AUTO_FD fd = -1;

    if (!svirt_selinux_policy_name(selinux, policy, error)) {
        return false;
    }
    path = g_strdup_printf("%s/contexts/customizable_types", policy);
    fd = openat(selinux->etc, path,
                O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 ||
        svirt_read_small(selinux->etc, path, text, TYPES_BYTES) < 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot read '/etc/selinux/%s'", path);
    }
    if (text[0] != '\0' && text[strlen(text) - 1] != '\n') {
        g_string_append_c(added, '\n');
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(customizable); i++) {
        if (!has_line(text, customizable[i])) {
            g_string_append_printf(added, "%s\n", customizable[i]);
        }
    }
    if (added->len <= 1) {
        return true;
    }
    if (!svirt_write_full(fd, added->str, added->len) || fsync(fd) != 0) {
        return svirt_raise_errno(error, errno, NULL,
                                 "cannot write '/etc/selinux/%s'", path);
    }
    return true;
}

static bool
install(const SvirtCli *cli, const char *file, GError **error)
{
    const char *const semodule[] = { SEMODULE, "-i", file, NULL };
    /* What was there before the module: programs, state, logs. */
    const char *const restorecon[] = {
        RESTORECON,          "-R", "-i", SVIRT_BINDIR "/svirt",
        SVIRT_LIBEXECDIR,    "/var/lib/svirt", "/run/svirt",
        "/var/log/svirt",    "/etc/svirt", NULL };
    const SvirtSelinux *selinux;
    bool known;

    if (!svirt_selinux_need(&selinux, error) ||
        !check_module(file, error)) {
        return false;
    }
    svirt_cli_say(cli, "Building the host's policy with '%s'", file);
    (void)fflush(stdout);
    if (!run(semodule, "install policycoreutils", error) ||
        !add_customizable(selinux, error) ||
        !run(restorecon, "install policycoreutils", error) ||
        !svirt_selinux_knows(selinux, "system_u:system_r:svirt_vm_t:s0",
                             &known, error)) {
        return false;
    }
    if (!known) {
        return svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL,
                           "semodule -l shows the modules; load_policy loads",
                           "the module is installed, but the kernel's policy "
                           "does not know svirt_vm_t");
    }
    svirt_cli_done(cli, NULL, "Module 'svirt' is installed and loaded");
    return true;
}

static bool
install_selinux(const SvirtCli *cli, GError **error)
{
    const char *file = svirt_arguments_text(cli->args, "file");

    return install(cli, file != NULL ? file : MODULE, error);
}

static const struct {
    const char *name;
    bool (*run)(const SvirtCli *cli, GError **error);
} actions[] = {
    { "install-selinux", install_selinux },
    { "install-smack", svirt_policy_install_smack },
    { "uninstall-smack", svirt_policy_uninstall_smack },
};

bool
svirt_cmd_policy(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *action = svirt_arguments_text(cli->args, "action");

    for (unsigned i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (strcmp(action, actions[i].name) != 0) {
            continue;
        }
        if (geteuid() != 0) {
            return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                               "run it as root",
                               "only root changes the host's policy");
        }
        return actions[i].run(cli, error);
    }
    return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                       "svirt policy install-selinux, install-smack or "
                       "uninstall-smack",
                       "unknown action '%s'", action);
}
