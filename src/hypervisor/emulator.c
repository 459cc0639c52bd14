/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/emulator-private.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "host/connection.h"
#include "host/trusted-path.h"
#include "hypervisor/kvm.h"
#include "hypervisor/qemu.h"

#define CACHE_MAX (256u * 1024u)
/* As libvirt: what QEMU itself takes as its default has changed. */
#define DEFAULT_MACHINE "pc"

/* Says whether a kept answer is of this very file. */
static char *
identity(const struct stat *st, const char *boot)
{
    return g_strdup_printf(
        "%ssvirt-emulator 1 %ju %ju %jd %jd.%09ld %jd.%09ld\n",
        boot, (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
        (intmax_t)st->st_size,
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

/* What `what` is not of the program alone: its answers are until a reboot. */
static bool
look_up(SvirtManager *manager, const char *program, SvirtEmulatorQuestion what,
        char **ret)
{
    static const char *const suffixes[] = { "", "-cpu-tcg", "-cpu-kvm" };
    const SvirtConnection *connection = svirt_manager_connection(manager);
    g_autofree char *path =
        g_build_filename(connection->state_dir, "emulators", NULL);
    g_autofree char *hash = cache_name(program);
    g_autofree char *name = g_strconcat(hash, suffixes[what], NULL);
    g_autofree char *head = NULL;
    SVIRT_AUTO_FD dir = -1;
    char boot[64] = "";
    struct stat st;

    if (stat(program, &st) < 0 ||
        !svirt_connection_open_dir(path, true, &dir, NULL) ||
        (what == SVIRT_EMULATOR_CPU_KVM &&
         svirt_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot,
                          sizeof(boot)) < 0)) {
        return false;
    }
    head = identity(&st, boot);
    *ret = read_cache(dir, name, head);
    if (*ret == NULL &&
        (what == SVIRT_EMULATOR_NAMES
             ? svirt_emulator_ask(program, ret)
             : svirt_emulator_ask_cpu(program, what == SVIRT_EMULATOR_CPU_KVM,
                                      ret))) {
        write_cache(dir, name, head, *ret);
    }
    return *ret != NULL;
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

/* Whoever could swap it has no say in what runs, confined or not. */
static bool
may_be_asked(const char *program, uid_t author)
{
    return geteuid() == 0 &&
           (author == 0 || g_str_has_prefix(program, "/usr/")) &&
           svirt_trusted_path_check(program, NULL);
}

bool
svirt_emulator_resolve(SvirtManager *manager, const SvirtDomain *domain,
                       uid_t author, char **ret_machine, GError **error)
{
    const char *program = svirt_qemu_emulator(domain);
    g_autofree char *lines = NULL;

    *ret_machine = NULL;
    return !may_be_asked(program, author) ||
           !look_up(manager, program, SVIRT_EMULATOR_NAMES, &lines) ||
           resolve(domain, program, lines, ret_machine, error);
}

/* The definition's own words about a feature stay. */
static void
write_feature(SvirtDomain *domain, SvirtXmlNode *cpu, const char *policy,
              const char *name)
{
    SvirtXmlNode *node;

    for (size_t i = 0; i < domain->cpu.feature_count; i++) {
        if (strcmp(domain->cpu.features[i].name, name) == 0) {
            return;
        }
    }
    node = svirt_xml_insert(domain->document, cpu, cpu->last_child, "feature",
                            NULL);
    svirt_xml_set(domain->document, node, "policy", "%s", policy);
    svirt_xml_set(domain->document, node, "name", "%s", name);
}

static void
write_cpu(SvirtDomain *domain, const char *lines)
{
    SvirtXmlDocument *document = domain->document;
    SvirtXmlNode *cpu = svirt_xml_find(document->root, "cpu");
    g_auto(GStrv) all = g_strsplit(lines, "\n", -1);
    SvirtXmlNode *model = svirt_xml_ensure(document, cpu, "model");

    svirt_xml_set(document, cpu, "mode", "custom");
    svirt_xml_set(document, cpu, "match", "exact");
    svirt_xml_set(document, model, "fallback", "forbid");
    for (char **line = all; *line != NULL; line++) {
        char *value = strchr(*line, ' ');

        if (value == NULL) {
            continue;
        }
        *value++ = '\0';
        if (strcmp(*line, "model") == 0) {
            model->text =
                svirt_arena_text(document->arena, value, strlen(value));
        } else {
            write_feature(domain, cpu, *line, value);
        }
    }
}

void
svirt_emulator_fix_cpu(SvirtManager *manager, SvirtDomain *domain,
                       uid_t author)
{
    const char *program = svirt_qemu_emulator(domain);
    bool kvm = domain->type == SVIRT_DOMAIN_TYPE_KVM;
    g_autofree char *lines = NULL;

    if (domain->cpu.mode == SVIRT_CPU_MODE_HOST_MODEL &&
        may_be_asked(program, author) &&
        (!kvm || svirt_kvm_check(-1, NULL)) &&
        look_up(manager, program,
                kvm ? SVIRT_EMULATOR_CPU_KVM : SVIRT_EMULATOR_CPU_TCG,
                &lines)) {
        write_cpu(domain, lines);
    }
}
