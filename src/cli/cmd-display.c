/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "hypervisor/live.h"

/* Where a running VM can be looked at. */

typedef struct Display {
    const SvirtGraphics *graphics;
    char *address; /* owned; a path for a socket */
    unsigned port; /* 0: a socket */
} Display;

/* False without an error: nobody can connect to this one. */
static bool
get_display(const SvirtGraphics *graphics, char *const *lines, Display *ret)
{
    const char *value =
        svirt_live_find(lines, "graphics", graphics->info.ordinal);
    const char *port = value != NULL ? strrchr(value, ' ') : NULL;

    if (value == NULL) {
        return false;
    }
    ret->graphics = graphics;
    ret->port = port != NULL ? (unsigned)g_ascii_strtoull(port, NULL, 10) : 0;
    ret->address = port != NULL ? g_strndup(value, (gsize)(port - value))
                                : g_strdup(value);
    return true;
}

static bool
open_domain(const SvirtCli *cli, SvirtDefinition **definition,
            SvirtDomain **domain, char ***lines, GError **error)
{
    SvirtRunStatus run;

    if (!svirt_cli_domain(cli, definition, error) ||
        !svirt_manager_run_status(cli->manager, &(*definition)->uuid, &run,
                                  error)) {
        return false;
    }
    if (!svirt_run_status_is_active(&run)) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL,
                           "start it with svirt start",
                           "domain '%s' is not running",
                           (*definition)->name);
    }
    *lines = svirt_live_read(cli->manager, &(*definition)->uuid);
    return svirt_manager_parse(*definition, domain, error);
}

static bool
no_display(const SvirtDefinition *definition, const char *what,
           GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "add <graphics type='vnc'/> to its definition",
                       "domain '%s' has no %s that one can connect to",
                       definition->name, what);
}

/* virsh's form: the number of the display, which is its port less 5900. */
bool
svirt_cmd_vncdisplay(const SvirtCli *cli, int *ret_exit, GError **error)
{
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_auto(GStrv) lines = NULL;

    (void)ret_exit;
    if (!open_domain(cli, &definition, &domain, &lines, error)) {
        return false;
    }
    for (size_t i = 0; i < domain->graphics_count; i++) {
        g_autofree char *address = NULL;
        Display display = { 0 };

        if (domain->graphics[i].type != SVIRT_GRAPHICS_VNC ||
            !get_display(&domain->graphics[i], lines, &display)) {
            continue;
        }
        address = display.address;
        if (display.port == 0) {
            (void)printf("%s\n", address);
        } else {
            bool any = strcmp(address, "0.0.0.0") == 0 ||
                       strcmp(address, "::") == 0;

            (void)printf(strchr(address, ':') != NULL && !any ? "[%s]:%d\n"
                                                              : "%s:%d\n",
                         any ? "" : address, (int)display.port - 5900);
        }
        return true;
    }
    return no_display(definition, "VNC display", error);
}

/* RFC 7869 (vnc), and what remote-viewer(1) opens: the port, not a number of
 * a display. */
static void
print_uri(const Display *display, bool password)
{
    const char *type = svirt_graphics_type_to_string(display->graphics->type);
    bool any = strcmp(display->address, "0.0.0.0") == 0 ||
               strcmp(display->address, "::") == 0;
    const char *secret = password ? display->graphics->password : NULL;
    g_autofree char *escaped =
        secret != NULL ? g_uri_escape_string(secret, NULL, false) : NULL;

    if (display->port == 0) {
        (void)printf("%s+unix://%s", type, display->address);
    } else {
        (void)printf(strchr(display->address, ':') != NULL && !any
                         ? "%s://[%s]:%u"
                         : "%s://%s:%u",
                     type, any ? "localhost" : display->address,
                     display->port);
    }
    if (escaped != NULL) {
        (void)printf("?password=%s", escaped);
    }
    (void)putchar('\n');
}

bool
svirt_cmd_domdisplay(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *type = svirt_arguments_text(cli->args, "type");
    bool all = svirt_arguments_flag(cli->args, "all");
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned found = 0;

    (void)ret_exit;
    if (!open_domain(cli, &definition, &domain, &lines, error)) {
        return false;
    }
    for (size_t i = 0; i < domain->graphics_count && (all || found == 0);
         i++) {
        const SvirtGraphics *graphics = &domain->graphics[i];
        Display display = { 0 };

        if ((type == NULL ||
             strcmp(type, svirt_graphics_type_to_string(graphics->type)) ==
                 0) &&
            get_display(graphics, lines, &display)) {
            print_uri(&display, svirt_arguments_flag(cli->args,
                                                     "include-password"));
            g_free(display.address);
            found++;
        }
    }
    return found > 0 || no_display(definition, "display", error);
}

bool
svirt_cmd_ttyconsole(const SvirtCli *cli, int *ret_exit, GError **error)
{
    const char *device = svirt_arguments_text(cli->args, "devname");
    g_autoptr(SvirtDefinition) definition = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_auto(GStrv) lines = NULL;
    const char *path = NULL;
    guint64 number = 0;

    (void)ret_exit;
    if (device != NULL &&
        (!g_str_has_prefix(device, "serial") ||
         !g_ascii_string_to_unsigned(device + strlen("serial"), 10, 0, 255,
                                     &number, NULL))) {
        return svirt_raise(error, SVIRT_ERROR_USAGE, NULL,
                           "use serial0, serial1, ...",
                           "console device '%s' is unknown", device);
    }
    if (!open_domain(cli, &definition, &domain, &lines, error)) {
        return false;
    }
    path = svirt_live_find(lines, "serial", (unsigned)number + 1);
    if (path == NULL && device == NULL) {
        path = svirt_live_find(lines, "console", 1);
    }
    if (path == NULL || !g_str_has_prefix(path, "/dev/")) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "use <serial type='pty'>",
                           "domain '%s' has no terminal for serial%u",
                           definition->name, (unsigned)number);
    }
    (void)printf("%s\n", path);
    return true;
}
