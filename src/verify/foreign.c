/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verify/foreign.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "domain/xml.h"

#define PID_SUFFIX ".pid"
#define STATUS_BYTES (1u << 20)
#define PROCESSES_MAX 100000u

SvirtForeign *
svirt_foreign_new(const char *name, pid_t pid)
{
    SvirtForeign *foreign = g_new0(SvirtForeign, 1);

    foreign->name = name != NULL ? g_strdup(name)
                                 : g_strdup_printf("pid %d", (int)pid);
    foreign->pid = pid;
    return foreign;
}

void
svirt_foreign_free(SvirtForeign *foreign)
{
    if (foreign == NULL) {
        return;
    }
    for (unsigned i = 0; i < SVIRT_MODEL_MAX; i++) {
        g_free(foreign->claim[i]);
        g_free(foreign->image[i]);
    }
    g_free(foreign->name);
    g_free(foreign);
}

/* The base name of the program; false: no user program, or it is gone. */
static bool
program_of(pid_t pid, char name[256])
{
    char path[32];
    char target[4096];
    const char *base;
    ssize_t length;

    (void)g_snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    length = readlink(path, target, sizeof(target) - 1);
    if (length <= 0) {
        return false;
    }
    target[length] = '\0';
    base = strrchr(target, '/');
    return base != NULL && g_strlcpy(name, base + 1, 256) < 256;
}

static bool
is_vmm(const char *program)
{
    return g_str_has_prefix(program, "qemu-system-") ||
           g_str_has_prefix(program, "qemu-kvm") ||
           strcmp(program, "kvm") == 0;
}

static const char *
attribute(const SvirtXmlNode *node, const char *name)
{
    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) == 0) {
            return node->attributes[i].value;
        }
    }
    return NULL;
}

static const SvirtXmlNode *
child_of(const SvirtXmlNode *node, const char *name)
{
    const SvirtXmlNode *child = node->first_child;

    while (child != NULL && strcmp(child->name, name) != 0) {
        child = child->next;
    }
    return child;
}

static const char *
text_of(const SvirtXmlNode *node, const char *name)
{
    const SvirtXmlNode *child = child_of(node, name);

    return child != NULL ? child->text : NULL;
}

/* DAC's labels are numbers for two VMs of one user: nothing to compare. */
static void
take_seclabel(SvirtForeign *foreign, const SvirtXmlNode *node)
{
    const char *model = attribute(node, "model");
    const char *type = attribute(node, "type");
    SvirtModelKind kind;

    if (model == NULL || !svirt_model_kind_from_string(model, &kind) ||
        foreign->claim[kind] != NULL) {
        return;
    }
    foreign->claim[kind] = g_strdup(text_of(node, "label"));
    foreign->image[kind] = g_strdup(text_of(node, "imagelabel"));
    foreign->given[kind] = g_strcmp0(type, "static") == 0;
}

/* libvirt's own account of a running VM: <domstatus><domain>. */
static void
read_status(SvirtForeign *foreign, int dir, const char *file)
{
    g_autofree char *text = g_malloc(STATUS_BYTES);
    ssize_t length = svirt_read_small(dir, file, text, STATUS_BYTES);
    g_autoptr(SvirtXmlDocument) document = NULL;
    const SvirtXmlNode *node;

    if (length < 0 ||
        !svirt_xml_parse(text, (size_t)length, file, &document, NULL)) {
        return;
    }
    node = strcmp(document->root->name, "domain") == 0
               ? document->root : child_of(document->root, "domain");
    node = node != NULL ? node->first_child : NULL;
    for (; node != NULL; node = node->next) {
        if (strcmp(node->name, "seclabel") == 0) {
            take_seclabel(foreign, node);
        }
    }
}

/* The file alone proves nothing: it may be of before a crash. */
static SvirtForeign *
read_libvirt(int dir, const char *file)
{
    g_autofree char *name = g_strndup(file, strlen(file) -
                                                strlen(PID_SUFFIX));
    g_autofree char *status = g_strconcat(name, ".xml", NULL);
    SvirtForeign *foreign;
    char text[32];
    char program[256];
    pid_t pid;

    if (svirt_read_small(dir, file, text, sizeof(text)) < 0) {
        return NULL;
    }
    pid = (pid_t)strtol(text, NULL, 10);
    if (pid <= 1 || !program_of(pid, program)) {
        return NULL;
    }
    foreign = svirt_foreign_new(name, pid);
    read_status(foreign, dir, status);
    return foreign;
}

static void
list_libvirt(const char *path, GHashTable *known, GPtrArray *list)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        SvirtForeign *foreign;

        if (!g_str_has_suffix(entry->d_name, PID_SUFFIX) ||
            strlen(entry->d_name) == strlen(PID_SUFFIX)) {
            continue;
        }
        foreign = read_libvirt(dirfd(dir), entry->d_name);
        if (foreign == NULL ||
            !g_hash_table_add(known, GINT_TO_POINTER(foreign->pid))) {
            svirt_foreign_free(foreign);
            continue;
        }
        g_ptr_array_add(list, foreign);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    } else {
        svirt_fd_close(&fd);
    }
}

static void
free_foreign(void *foreign)
{
    svirt_foreign_free(foreign);
}

bool
svirt_foreign_list(const char *libvirt_dir, const GArray *own,
                   GPtrArray **ret, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_foreign);
    /* A thousand VMs have thousands of processes. */
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL);
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    unsigned seen = 0;

    if (proc == NULL) {
        return svirt_raise_errno(error, errno, "mount procfs on /proc",
                                 "cannot list /proc");
    }
    for (unsigned i = 0; i < own->len; i++) {
        (void)g_hash_table_add(
            known, GINT_TO_POINTER(g_array_index(own, pid_t, i)));
    }
    list_libvirt(libvirt_dir, known, list);
    while ((entry = readdir(proc)) != NULL && seen < PROCESSES_MAX) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        char program[256];

        if (pid <= 1) {
            continue;
        }
        seen++;
        if (!g_hash_table_contains(known, GINT_TO_POINTER(pid)) &&
            program_of(pid, program) && is_vmm(program)) {
            g_ptr_array_add(list, svirt_foreign_new(NULL, pid));
        }
    }
    (void)closedir(proc);
    *ret = g_steal_pointer(&list);
    return true;
}
