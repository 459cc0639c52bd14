/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "template.h"

#include <string.h>

#include "domain/xml.h"

const char template_text[] =
    "<domain type='qemu'>\n"
    "<name>t</name>\n"
    "<memory>65536</memory>\n"
    "<vcpu>1</vcpu>\n"
    "<numatune><memory nodeset='0'/><memnode cellid='0' nodeset='0'/>"
    "</numatune>\n"
    "<iothreadids><iothread id='1'/></iothreadids>\n"
    "<sysinfo type='fwcfg'><entry name='opt/a.b/c'>d</entry></sysinfo>\n"
    "<os firmware='efi'><type machine='q35'>hvm</type><smbios/>"
    "<firmware><feature enabled='yes' name='secure-boot'/></firmware>"
    "<loader readonly='yes' type='pflash'>/l</loader><nvram>/n</nvram></os>\n"
    "<features><acpi/><apic/><smm/><kvm><hidden/></kvm></features>\n"
    "<cpu><model>qemu64</model><feature name='aes'/>"
    "<numa><cell memory='1024'/></numa></cpu>\n"
    "<clock offset='utc'><timer name='rtc'/></clock>\n"
    "<on_reboot>restart</on_reboot>\n"
    "<devices>\n"
    "<disk>\n"
    "<driver type='qcow2'/>\n"
    "<source file='/a'>\n"
    "<seclabel relabel='no'/>\n"
    "<dataStore><format type='raw'/><source file='/b'/></dataStore>\n"
    "</source>\n"
    "<backingStore>\n"
    "<format type='qcow2'/>\n"
    "<source file='/c'>\n"
    "<seclabel relabel='no'/>\n"
    "<dataStore><format type='raw'/><source file='/d'/></dataStore>\n"
    "</source>\n"
    "</backingStore>\n"
    "<target dev='sda' bus='scsi'/>\n"
    "<boot order='1'/>\n"
    "<blockio/>\n"
    "<address type='drive' unit='3'/>\n"
    "</disk>\n"
    "<controller type='pci' model='pcie-root-port'>\n"
    "<driver/><target/></controller>\n"
    "<interface type='user'>\n"
    "<mac address='52:54:00:00:00:01'/><backend/><driver/><rom/>\n"
    "</interface>\n"
    "<serial><source/><target/></serial>\n"
    "<console><source/><target/></console>\n"
    "<channel><source/><target type='virtio' name='c'/></channel>\n"
    "<audio/>\n"
    "<graphics type='spice'>\n"
    "<listen type='address'/><channel name='main' mode='any'/><gl/>\n"
    "</graphics>\n"
    "<sound model='ich6'/><watchdog model='ib700'/>\n"
    "<redirdev type='spicevmc'/>\n"
    "<smartcard mode='passthrough' type='spicevmc'/>\n"
    "<input type='mouse'><driver/></input>\n"
    "<video><driver/><model type='vga'><acceleration/></model></video>\n"
    "<rng model='virtio'>\n"
    "<driver/><backend model='random'/></rng>\n"
    "<memballoon model='virtio'><driver/></memballoon>\n"
    "<panic/>\n"
    "</devices>\n"
    "</domain>\n";

char *
template_path(const char *pattern)
{
    static const struct {
        const char *prefix;
        const char *concrete;
    } choices[] = {
        { "*=", "on_reboot=" },
        { "*/*/", "devices/disk/" },
        { "devices/*/rom", "devices/interface/rom" },
        { "devices/*/driver", "devices/input/driver" },
        { "devices/*/boot", "devices/disk/boot" },
        { "devices/*/address", "devices/disk/address" },
        { "devices/*/acpi", "devices/disk/acpi" },
        { "devices/*@model", "devices/panic@model" },
        { "devices/*", "devices/serial" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(choices); i++) {
        if (g_str_has_prefix(pattern, choices[i].prefix)) {
            return g_strconcat(choices[i].concrete,
                               pattern + strlen(choices[i].prefix), NULL);
        }
    }
    return g_strdup(pattern);
}

static SvirtXmlNode *
find_or_add(SvirtXmlDocument *document, SvirtXmlNode *parent, const char *name)
{
    for (SvirtXmlNode *node = parent->first_child; node != NULL;
         node = node->next) {
        if (strcmp(node->name, name) == 0) {
            return node;
        }
    }
    return svirt_xml_insert(document, parent, parent->last_child, name, NULL);
}

static void
set_attribute(SvirtXmlDocument *document, SvirtXmlNode *node, const char *name,
              const char *value)
{
    SvirtXmlAttribute *all = svirt_arena_array(
        document->arena, node->attribute_count + 1, sizeof(*all));
    unsigned count = 0;

    for (unsigned i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) != 0) {
            all[count++] = node->attributes[i];
        }
    }
    all[count++] = (SvirtXmlAttribute){ .name = name, .value = value };
    node->attributes = all;
    node->attribute_count = count;
}

char *
template_build(const char *path)
{
    g_autoptr(SvirtXmlDocument) document = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) value = g_strsplit(path, "=", 2);
    g_auto(GStrv) attribute = g_strsplit(value[0], "@", 2);
    g_auto(GStrv) elements = g_strsplit(attribute[0], "/", -1);
    SvirtXmlNode *node;

    svirt_xml_parse(template_text, strlen(template_text), "template", &document,
                    &error);
    g_assert_no_error(error);
    node = document->root;
    for (size_t i = 0; elements[i] != NULL && elements[i][0] != '\0'; i++) {
        node = find_or_add(document, node, elements[i]);
    }
    if (attribute[1] != NULL) {
        set_attribute(document, node, attribute[1],
                      value[1] != NULL ? value[1]
                      /* A number, which is ignored when it is right. */
                      : strstr(attribute[1], "queue") != NULL ? "64"
                                                              : "x");
    } else if (value[1] != NULL) {
        node->text = value[1];
    }
    return svirt_xml_print(document);
}
