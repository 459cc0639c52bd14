/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "host/trusted-path.h"
#include "hypervisor/nvram.h"

#define DESCRIPTOR_MAX (64u * 1024u)
#define DESCRIPTORS_MAX 256u
/* Both halves of a PC's flash, and what they are made of. */
#define FLASH_MAX (8u << 20)
#define FLASH_BLOCK 4096u
#define HIDE_HINT                                                             \
    "correct it, or hide it by an empty file of its name in /etc/qemu/firmware"

static bool
is_trusted(const char *path, const char *what, GError **error)
{
    GError *cause = NULL;

    return svirt_trusted_path_check(path, &cause) ||
           svirt_raise(error, SVIRT_ERROR_REFUSED, cause, HIDE_HINT,
                       "%s '%s' is not root's alone", what, path);
}

/* Name to path: of each name the first directory's. A missing one has none. */
static void
list_directory(GTree *found, const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL &&
           g_tree_nnodes(found) < (int)DESCRIPTORS_MAX) {
        if (g_str_has_suffix(name, ".json") && name[0] != '.' &&
            g_tree_lookup(found, name) == NULL) {
            g_tree_insert(found, g_strdup(name),
                          g_build_filename(path, name, NULL));
        }
    }
}

static int
compare_names(gconstpointer a, gconstpointer b, gpointer data)
{
    (void)data;
    return strcmp(a, b);
}

static GTree *
list_descriptors(const SvirtConnection *connection)
{
    GTree *found = g_tree_new_full(compare_names, NULL, g_free, g_free);
    g_autofree char *own =
        g_build_filename(connection->config_dir, "firmware", NULL);

    list_directory(found, own);
    list_directory(found, "/etc/qemu/firmware");
    list_directory(found, "/usr/share/qemu/firmware");
    return found;
}

/* A plain file of flash, as large as that may be; its size in *ret. */
static bool
check_file(const char *descriptor, const char *path, off_t *ret,
           GError **error)
{
    static const char qcow[] = { 'Q', 'F', 'I', '\xfb' };
    char head[sizeof(qcow)] = { 0 };
    const char *fault = NULL;
    SVIRT_AUTO_FD fd = -1;
    struct stat st = { .st_size = 0 };

    if (!is_trusted(path, "the firmware", error)) {
        return false;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        fault = errno == ENOENT ? "is not there" : "cannot be read";
    } else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        fault = "is no file";
    } else if (st.st_size == 0 || st.st_size > FLASH_MAX ||
               st.st_size % FLASH_BLOCK != 0) {
        fault = "has a size that no flash has";
    } else if (svirt_read_full(fd, head, sizeof(head)) !=
               (ssize_t)sizeof(head)) {
        fault = "cannot be read";
    } else if (memcmp(head, qcow, sizeof(qcow)) == 0) {
        fault = "is qcow2 and not raw";
    }
    *ret = st.st_size;
    return fault == NULL ||
           svirt_raise(error, SVIRT_ERROR_INVALID, NULL, HIDE_HINT,
                       "firmware descriptor '%s' names '%s', which %s",
                       descriptor, path, fault);
}

static bool
check_choice(const char *descriptor, const SvirtFirmwareChoice *choice,
             GError **error)
{
    off_t executable = 0;
    off_t variables = 0;

    if (!check_file(descriptor, choice->executable, &executable, error) ||
        (choice->variables != NULL &&
         !check_file(descriptor, choice->variables, &variables, error))) {
        return false;
    }
    return (executable + variables <= (off_t)FLASH_MAX &&
            g_strcmp0(choice->executable, choice->variables) != 0) ||
           svirt_raise(error, SVIRT_ERROR_INVALID, NULL, HIDE_HINT,
                       "firmware descriptor '%s' names two files that do not "
                       "fit into one flash",
                       descriptor);
}

typedef struct Search {
    const SvirtFirmwareWish *wish;
    SvirtFirmwareChoice *choice;
    bool found;
    GError *error;
} Search;

/* True ends the search. */
static gboolean
try_descriptor(gpointer name, gpointer path, gpointer data)
{
    g_autofree char *text = g_malloc(DESCRIPTOR_MAX + 1);
    Search *search = data;
    GError *cause = NULL;
    ssize_t size;

    (void)name;
    if (!is_trusted(path, "firmware descriptor", &search->error)) {
        return TRUE;
    }
    size = svirt_read_small(AT_FDCWD, path, text, DESCRIPTOR_MAX + 1);
    if (size == 0) {
        return FALSE;
    }
    if (size < 0 || size >= (ssize_t)DESCRIPTOR_MAX) {
        svirt_raise(&search->error, SVIRT_ERROR_INVALID, NULL, HIDE_HINT,
                    "firmware descriptor '%s' cannot be read, or is too large",
                    (const char *)path);
        return TRUE;
    }
    if (!svirt_firmware_read(text, (size_t)size, search->wish,
                             &search->found, search->choice, &cause)) {
        svirt_raise(&search->error, SVIRT_ERROR_INVALID, cause, HIDE_HINT,
                    "firmware descriptor '%s' is wrong", (const char *)path);
        return TRUE;
    }
    return search->found &&
           (check_choice(path, search->choice, &search->error) || TRUE);
}

/* Of an emulator that was not asked, the family that the alias stands for. */
static const char *
full_machine(const SvirtDomain *domain, const char *machine)
{
    if (machine == NULL) {
        machine = domain->os.machine != NULL ? domain->os.machine : "pc";
    }
    if (strcmp(machine, "q35") == 0) {
        return "pc-q35-7.2";
    }
    return strcmp(machine, "pc") == 0 ? "pc-i440fx-7.2" : machine;
}

static bool
choose(const SvirtConnection *connection, const SvirtDomain *domain,
       const char *machine, SvirtFirmwareChoice *ret, GError **error)
{
    const SvirtOs *os = &domain->os;
    const SvirtFirmwareWish wish = {
        .arch = os->arch != NULL ? os->arch : "x86_64",
        .machine = full_machine(domain, machine),
        .executable = os->loader,
        .secure_boot = os->secure_boot,
        .enrolled_keys = os->enrolled_keys,
        .smm = domain->features.smm,
        .secure_loader = os->loader_secure,
        .stateless = os->loader_stateless,
    };
    Search search = { .wish = &wish, .choice = ret };
    g_autoptr(GTree) all = list_descriptors(connection);

    g_tree_foreach(all, try_descriptor, &search);
    if (search.error != NULL) {
        g_propagate_error(error, search.error);
        return false;
    }
    if (!search.found && os->loader != NULL) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "remove <loader>: one that fits is chosen; or "
                           "remove <firmware>",
                           "line %u: none of %d firmware descriptors says "
                           "that '%s' has what <firmware> asks for",
                           os->loader_line, g_tree_nnodes(all), os->loader);
    }
    return search.found ||
           svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "install the package ovmf, ask for less, or name a "
                       "<loader>",
                       "line %u: none of %d firmware descriptors fits "
                       "firmware='efi' of machine '%s'",
                       os->firmware_line, g_tree_nnodes(all), wish.machine);
}

static void
write_choice(SvirtDomain *domain, SvirtXmlNode *os,
             const SvirtFirmwareChoice *choice)
{
    SvirtXmlDocument *document = domain->document;
    SvirtXmlNode *node = svirt_xml_ensure(document, os, "loader");

    svirt_xml_set(document, node, "readonly", "yes");
    svirt_xml_set(document, node, "type", "pflash");
    if (choice->secure) {
        svirt_xml_set(document, node, "secure", "yes");
    }
    node->text = svirt_arena_text(document->arena, choice->executable,
                                  strlen(choice->executable));
    if (choice->variables != NULL && domain->os.nvram_template == NULL) {
        node = svirt_xml_ensure(document, os, "nvram");
        svirt_xml_set(document, node, "template", "%s", choice->variables);
    }
}

/*
 * Of a <loader> that is named nothing is chosen, but what <feature> asks for
 * must be true of it: define itself names the one it chose, and the features
 * may be edited later.
 */
bool
svirt_firmware_complete(const SvirtConnection *connection,
                        SvirtDomain *domain, const char *machine,
                        GError **error)
{
    g_auto(SvirtFirmwareChoice) choice = { 0 };
    SvirtXmlNode *os = svirt_xml_find(domain->document->root, "os");
    const SvirtXmlNode *loader = svirt_xml_find(os, "loader");
    /* One that cannot be used is in the tree alone, and stays there. */
    bool named = loader != NULL && loader->text != NULL;
    bool asked = domain->os.secure_boot != SVIRT_SWITCH_UNSET ||
                 domain->os.enrolled_keys != SVIRT_SWITCH_UNSET;

    if (domain->os.firmware == SVIRT_FIRMWARE_EFI &&
        (!named || (asked && domain->os.loader != NULL))) {
        if (!choose(connection, domain, machine, &choice, error)) {
            return false;
        }
        if (!named) {
            write_choice(domain, os, &choice);
        }
    }
    svirt_nvram_complete(connection, domain);
    return true;
}
