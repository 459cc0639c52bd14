/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/emulator.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "host/connection.h"
#include "host/trusted-path.h"
#include "hypervisor/qemu.h"

#define CACHE_MAX (256u * 1024u)
/* As libvirt: what QEMU itself takes as its default has changed. */
#define DEFAULT_MACHINE "pc"

/* Says whether a kept answer is of this very file. */
static char *
identity(const struct stat *st)
{
    return g_strdup_printf(
        "svirt-emulator 1 %ju %ju %jd %jd.%09ld %jd.%09ld\n",
        (uintmax_t)st->st_dev, (uintmax_t)st->st_ino, (intmax_t)st->st_size,
        (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
        (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static char *
cache_name(const char *program)
{
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, program, -1);
}

/* Its lines, owned by the caller; NULL: nothing is kept of this file. */
static char *
read_cache(int dir, const char *name, const char *head)
{
    g_autofree char *text = g_malloc(CACHE_MAX);
    ssize_t got = svirt_read_small(dir, name, text, CACHE_MAX);

    return got > 0 && g_str_has_prefix(text, head)
               ? g_strdup(text + strlen(head))
               : NULL;
}

/* What cannot be kept is asked again. */
static void
write_cache(int dir, const char *name, const char *head, const char *lines)
{
    g_autofree char *temporary = g_strdup_printf("%s.%d", name, (int)getpid());
    SVIRT_AUTO_FD fd = openat(dir, temporary,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
                                  O_CLOEXEC,
                              0600);

    if (fd < 0) {
        return;
    }
    if (!svirt_write_full(fd, head, strlen(head)) ||
        !svirt_write_full(fd, lines, strlen(lines)) ||
        renameat(dir, temporary, dir, name) < 0) {
        (void)unlinkat(dir, temporary, 0);
    }
}

static char *
look_up(SvirtManager *manager, const char *program)
{
    const SvirtConnection *connection = svirt_manager_connection(manager);
    g_autofree char *path =
        g_build_filename(connection->state_dir, "emulators", NULL);
    g_autofree char *name = cache_name(program);
    g_autofree char *head = NULL;
    SVIRT_AUTO_FD dir = -1;
    char *lines = NULL;
    struct stat st;

    if (stat(program, &st) < 0 ||
        !svirt_connection_open_dir(path, true, &dir, NULL)) {
        return NULL;
    }
    head = identity(&st);
    lines = read_cache(dir, name, head);
    if (lines == NULL && svirt_emulator_ask(program, &lines)) {
        write_cache(dir, name, head, lines);
    }
    return lines;
}

/* The rest of the line that begins with "KIND WORD"; owned; NULL none. */
static char *
find(const char *lines, char kind, const char *word)
{
    g_autofree char *start = g_strdup_printf("\n%c %s", kind, word);
    g_autofree char *all = g_strconcat("\n", lines, NULL);
    size_t length = strlen(start);

    for (const char *at = strstr(all, start); at != NULL;
         at = strstr(at + 1, start)) {
        if (at[length] == '\n') {
            return g_strdup("");
        }
        if (at[length] == ' ') {
            return g_strndup(at + length + 1,
                             strcspn(at + length + 1, "\n"));
        }
    }
    return NULL;
}

static bool
resolve(const SvirtDomain *domain, const char *program, const char *lines,
        char **ret_machine, GError **error)
{
    const char *machine =
        domain->os.machine != NULL ? domain->os.machine : DEFAULT_MACHINE;
    g_autofree char *target = find(lines, 'a', machine);
    g_autofree char *known = find(lines, 'm', machine);
    const SvirtCpu *cpu = &domain->cpu;
    g_autofree char *model = cpu->mode == SVIRT_CPU_MODE_CUSTOM
                                 ? find(lines, 'c', cpu->model)
                                 : g_strdup("");

    if (target == NULL && known == NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "use machine='q35' or machine='pc'",
                           "emulator '%s' has no machine '%s'", program,
                           machine);
    }
    if (model == NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "list its models: EMULATOR -cpu help",
                           "line %u: emulator '%s' has no CPU model '%s'",
                           cpu->line, program, cpu->model);
    }
    *ret_machine =
        target != NULL ? g_steal_pointer(&target) : g_strdup(machine);
    return true;
}

bool
svirt_emulator_resolve(SvirtManager *manager, const SvirtDomain *domain,
                       uid_t author, char **ret_machine, GError **error)
{
    const char *program = svirt_qemu_emulator(domain);
    g_autofree char *lines = NULL;

    *ret_machine = NULL;
    /* Whoever could swap it has no say in what runs, confined or not. */
    if (geteuid() != 0 ||
        (author != 0 && !g_str_has_prefix(program, "/usr/")) ||
        !svirt_trusted_path_check(program, NULL)) {
        return true;
    }
    lines = look_up(manager, program);
    return lines == NULL ||
           resolve(domain, program, lines, ret_machine, error);
}
