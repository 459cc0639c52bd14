/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

#include "domain/obstacle.h"

const char *
svirt_withheld_bus(const SvirtDeviceInfo *info)
{
    const SvirtXmlNode *target = svirt_xml_find(info->node, "target");
    const char *bus =
        target != NULL ? svirt_xml_get(target, "bus") : NULL;

    if (strcmp(info->node->name, "hostdev") == 0) {
        return "scsi";
    }
    return bus != NULL ? bus : "";
}

static bool
has(const SvirtDeviceInfo *info, const char *name, const char *value)
{
    return g_strcmp0(svirt_xml_get(info->node, name), value) == 0;
}

static bool
is_graphics(const SvirtDeviceInfo *info, const char *type)
{
    return strcmp(info->node->name, "graphics") == 0 &&
           has(info, "type", type);
}

static bool
is_hostdev(const SvirtDeviceInfo *info, const char *type)
{
    return strcmp(info->node->name, "hostdev") == 0 && has(info, "type", type);
}

/* An EGL display is beside one that is seen elsewhere, and has the GL. */
static void
check_headless(SvirtReader *reader, const SvirtDomain *domain,
               const SvirtDeviceInfo *headless)
{
    bool other = false;

    for (size_t i = 0; i < domain->withheld_count; i++) {
        other = other || is_graphics(&domain->withheld[i], "sdl");
    }
    for (size_t i = 0; i < domain->graphics_count; i++) {
        const SvirtXmlNode *gl =
            svirt_xml_find(domain->graphics[i].info.node, "gl");

        other = other || (gl != NULL && g_strcmp0(svirt_xml_get(gl, "enable"),
                                                  "yes") == 0);
    }
    if (other) {
        svirt_reader_fail(reader, headless->line, SVIRT_ERROR_INVALID,
                          "keep one of the two",
                          "<graphics type='egl-headless'> stands beside "
                          "another that has a GL");
    }
}

/* A display needs somebody who looks at it, and one of them is the first. */
static void
check_mediated(SvirtReader *reader, const SvirtDomain *domain,
               const SvirtDeviceInfo *mediated, unsigned *ramfbs)
{
    bool seen = domain->graphics_count > 0;

    for (size_t i = 0; i < domain->withheld_count; i++) {
        seen = seen ||
               strcmp(domain->withheld[i].node->name, "graphics") == 0;
    }
    if (has(mediated, "display", "on") && !seen) {
        svirt_reader_fail(reader, mediated->line, SVIRT_ERROR_INVALID,
                          "add <graphics>, or use display='off'",
                          "<hostdev> has a display and there is no "
                          "<graphics>");
    }
    *ramfbs += has(mediated, "ramfb", "on");
    if (*ramfbs > 1) {
        svirt_reader_fail(reader, mediated->line, SVIRT_ERROR_INVALID,
                          "keep one of the two",
                          "second <hostdev> with ramfb='on'");
    }
}

/* Hyper-V's way to tell of a panic is KVM's. */
static void
check_panics(SvirtReader *reader, const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->panic_count; i++) {
        if (domain->panics[i].model == SVIRT_PANIC_HYPERV &&
            domain->type == SVIRT_DOMAIN_TYPE_QEMU) {
            svirt_obstacle_add(reader, domain->panics[i].info.line,
                               SVIRT_VERDICT_UNBUILT,
                               "remove it, or use <domain type='kvm'>",
                               "<panic model='hyperv'> without KVM");
        }
    }
}

/* What goes there is not seen by who writes logs. */
static void
check_logs(SvirtReader *reader, const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *chardev = &domain->chardevs[i];
        bool elsewhere =
            chardev->type == SVIRT_CHARDEV_FILE ||
            (chardev->type == SVIRT_CHARDEV_UNIX && chardev->path != NULL) ||
            chardev->type == SVIRT_CHARDEV_TCP;

        if (chardev->log_path != NULL && elsewhere &&
            !chardev->repeats_serial) {
            svirt_obstacle_add(reader, chardev->log_line,
                               SVIRT_VERDICT_UNBUILT,
                               "use type='pty' with <log>",
                               "<log> of a <%s type='%s'>",
                               svirt_chardev_role_to_string(chardev->role),
                               svirt_chardev_type_to_string(chardev->type));
        }
    }
}

void
svirt_check_withheld(SvirtReader *reader, const SvirtDomain *domain)
{
    unsigned ramfbs = 0;

    check_panics(reader, domain);
    check_logs(reader, domain);

    for (size_t i = 0; i < domain->withheld_count; i++) {
        const SvirtDeviceInfo *info = &domain->withheld[i];

        if (is_graphics(info, "egl-headless")) {
            check_headless(reader, domain, info);
        } else if (is_hostdev(info, "mdev")) {
            check_mediated(reader, domain, info, &ramfbs);
        }
        (void)svirt_reader_part(reader);
    }
}
