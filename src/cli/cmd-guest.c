/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/key-codes.h"
#include "cli/size.h"
#include "hypervisor/life.h"
#include "hypervisor/model-labels.h"

/* What is done to the guest's machine: keys, memory, a look at its screen. */

#define KEYS_MAX 16u
#define SCREEN_BYTES_MAX (256u * 1024 * 1024)

static bool
ask(const SvirtCli *cli, const char *execute, json_t *arguments,
    const char *done, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;

    if (!svirt_cli_domain(cli, &definition, error)) {
        json_decref(arguments);
        return false;
    }
    if (!svirt_life_call(cli->manager, definition, execute, arguments, -1,
                         NULL, error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "Domain '%s' %s", definition->name,
                   done);
    return true;
}

bool
svirt_cmd_reset(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return ask(cli, "system_reset", NULL, "was reset", error);
}

bool
svirt_cmd_inject_nmi(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return ask(cli, "inject-nmi", NULL, "got an NMI", error);
}

bool
svirt_cmd_dompmwakeup(const SvirtCli *cli, int *ret_exit, GError **error)
{
    (void)ret_exit;
    return ask(cli, "system_wakeup", NULL, "successfully woken up", error);
}

bool
svirt_cmd_send_key(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *codeset = svirt_arguments_text(cli->args, "codeset");
    const char *held = svirt_arguments_text(cli->args, "holdtime");
    char **words = svirt_arguments_rest(cli->args);
    json_t *keys = json_array();
    json_t *arguments = json_pack("{s:o}", "keys", keys);
    guint64 hold_ms = 0;

    (void)ret_exit;
    if (held != NULL && !g_ascii_string_to_unsigned(held, 10, 1, 60000,
                                                    &hold_ms, NULL)) {
        json_decref(arguments);
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "give 1 to 60000 ms",
                           "--holdtime '%s' is no time", held);
    }
    if (g_strv_length(words) == 0 || g_strv_length(words) > KEYS_MAX) {
        json_decref(arguments);
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "svirt send-key DOMAIN KEY_LEFTCTRL KEY_LEFTALT "
                           "KEY_DELETE",
                           "give 1 to %u keys", KEYS_MAX);
    }
    for (char **word = words; *word != NULL; word++) {
        json_t *key = svirt_key_code(codeset != NULL ? codeset : "linux",
                                     *word, error);

        if (key == NULL) {
            json_decref(arguments);
            return false;
        }
        json_array_append_new(keys, key);
    }
    if (held != NULL) {
        json_object_set_new(arguments, "hold-time",
                            json_integer((json_int_t)hold_ms));
    }
    return ask(cli, "send-key", arguments, "got the keys", error);
}

bool
svirt_cmd_setmem(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    uint64_t bytes = 0;

    (void)ret_exit;
    if (!svirt_cli_size(svirt_arguments_text(cli->args, "size"), &bytes, error) ||
        !svirt_cli_domain(cli, &definition, error) ||
        !svirt_manager_parse(definition, &domain, error)) {
        return false;
    }
    if (bytes > domain->memory_bytes) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give less, or change <memory> and start it anew",
                           "domain '%s' has no more than %" G_GUINT64_FORMAT
                           " KiB",
                           definition->name, domain->memory_bytes / 1024);
    }
    if (!svirt_life_call(cli->manager, definition, "balloon",
                         json_pack("{s:I}", "value", (json_int_t)bytes), -1,
                         NULL, error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name,
                   "The balloon of domain '%s' leaves the guest %"
                   G_GUINT64_FORMAT " KiB",
                   definition->name, bytes / 1024);
    return true;
}

/* What QEMU says it is: nothing else is written into the user's file. */
static bool
is_picture(int fd, bool png)
{
    static const char png_start[] = "\x89PNG\r\n\x1a\n";
    char start[8] = "";

    return pread(fd, start, sizeof(start), 0) == sizeof(start) &&
           memcmp(start, png ? png_start : "P6\n", png ? 8 : 3) == 0;
}

/*
 * Nor does it change any more once it was looked at: the VMM may have kept the
 * descriptor. The picture is the guest's, so that no name that svirt makes up
 * is followed or replaced.
 */
static bool
copy_picture(int from, off_t size, const char *path, bool made_up,
             GError **error)
{
    SVIRT_AUTO_FD to =
        open(path,
             O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
                 (made_up ? O_EXCL : O_TRUNC),
             0600);
    off_t offset = 0;

    if (to < 0) {
        return svirt_raise_errno(error, errno,
                                 "name a file that is no symbolic link",
                                 "cannot write '%s'", path);
    }
    while (offset < size) {
        ssize_t put = sendfile(to, from, &offset, (size_t)(size - offset));

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return svirt_raise_errno(error, errno, "free space",
                                     "cannot write '%s'", path);
        }
    }
    return true;
}

/*
 * QEMU writes into a file in memory, which it has by descriptor: it opens no
 * path of the host, and what it wrote is looked at before it is kept. QEMU
 * 7.2 wants the set's access mode to be exactly O_WRONLY.
 */
static bool
shoot(const SvirtCli *cli, const SvirtDefinition *definition, bool png,
      int picture, GError **error)
{
    const char *screen = svirt_arguments_text(cli->args, "screen");
    g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", picture);
    g_autofree char *name = NULL;
    SVIRT_AUTO_FD write_only = open(self, O_WRONLY | O_CLOEXEC);
    json_t *set = NULL, *arguments;
    guint64 head = 0;
    bool ok;

    if (screen != NULL &&
        !g_ascii_string_to_unsigned(screen, 10, 0, 15, &head, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, "the first is 0",
                           "there is no screen '%s'", screen);
    }
    if (write_only < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a file");
    }
    if (!svirt_life_call(cli->manager, definition, "add-fd", NULL, write_only,
                         &set, error)) {
        return false;
    }
    name = g_strdup_printf(
        "/dev/fdset/%lld",
        (long long)json_integer_value(json_object_get(set, "fdset-id")));
    arguments = json_pack("{s:s,s:s}", "filename", name, "format",
                          png ? "png" : "ppm");
    if (head > 0) {
        json_object_set_new(arguments, "device", json_string("video0"));
        json_object_set_new(arguments, "head",
                            json_integer((json_int_t)head));
    }
    ok = svirt_life_call(cli->manager, definition, "screendump", arguments,
                         -1, NULL, error);
    (void)svirt_life_call(
        cli->manager, definition, "remove-fd",
        json_pack("{s:O}", "fdset-id", json_object_get(set, "fdset-id")), -1,
        NULL, NULL);
    json_decref(set);
    return ok;
}

bool
svirt_cmd_screenshot(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *format = svirt_arguments_text(cli->args, "type");
    const char *file = svirt_arguments_text(cli->args, "file");
    bool png = format != NULL ? strcmp(format, "png") == 0
                              : file != NULL && g_str_has_suffix(file, ".png");
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autofree char *made_up = NULL;
    SVIRT_AUTO_FD picture = memfd_create("screenshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat st;

    (void)ret_exit;
    if (format != NULL && !png && strcmp(format, "ppm") != 0) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL, "use ppm or png",
                           "'%s' is no format of a picture", format);
    }
    if (picture < 0) {
        return svirt_raise_errno(error, errno, NULL, "cannot make a file");
    }
    if (!svirt_cli_domain(cli, &definition, error) ||
        !svirt_model_labels_give(cli->manager, definition, picture,
                                 "a picture", error) ||
        !shoot(cli, definition, png, picture, error)) {
        return false;
    }
    if (fcntl(picture, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0 ||
        fstat(picture, &st) < 0 || st.st_size > SCREEN_BYTES_MAX ||
        !is_picture(picture, png)) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL, NULL,
                           "what domain '%s' gave is no picture",
                           definition->name);
    }
    if (file == NULL) {
        made_up = g_strdup_printf("%s.%s", definition->name,
                                  png ? "png" : "ppm");
        file = made_up;
    }
    if (!copy_picture(picture, st.st_size, file, made_up != NULL, error)) {
        return false;
    }
    svirt_cli_done(cli, definition->name, "Screenshot of domain '%s' is in "
                                          "'%s'",
                   definition->name, file);
    return true;
}
