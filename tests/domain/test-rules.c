/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"
#include "domain/rules.h"

/*
 * Every row of the table is put into a definition that holds each container
 * the table speaks of; what the parser then says must be the row's verdict. So
 * no row is hidden behind another one or behind a reader.
 */
static const char template_xml[] =
    "<domain type='qemu'>\n"
    "<name>t</name>\n"
    "<memory>65536</memory>\n"
    "<vcpu>1</vcpu>\n"
    "<iothreadids><iothread id='1'/></iothreadids>\n"
    "<sysinfo type='fwcfg'><entry name='opt/a.b/c'>d</entry></sysinfo>\n"
    "<os firmware='efi'><type>hvm</type><smbios/>"
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
    "<target dev='vda' bus='virtio'/>\n"
    "<boot order='1'/>\n"
    "<blockio/>\n"
    "<address type='pci' slot='3'/>\n"
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

/* A concrete path for a pattern: what '*' stands for in each rule. */
static char *
make_concrete(const char *pattern)
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
        { "devices/*@model", "devices/rng@model" },
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

/* The template with the thing of `path` in it, as text. */
static char *
build(const char *path)
{
    g_autoptr(SvirtXmlDocument) document = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) value = g_strsplit(path, "=", 2);
    g_auto(GStrv) attribute = g_strsplit(value[0], "@", 2);
    g_auto(GStrv) elements = g_strsplit(attribute[0], "/", -1);
    SvirtXmlNode *node;

    svirt_xml_parse(template_xml, strlen(template_xml), "template", &document,
                    &error);
    g_assert_no_error(error);
    node = document->root;
    for (size_t i = 0; elements[i] != NULL && elements[i][0] != '\0'; i++) {
        node = find_or_add(document, node, elements[i]);
    }
    if (attribute[1] != NULL) {
        set_attribute(document, node, attribute[1],
                      value[1] != NULL ? value[1] : "x");
    } else if (value[1] != NULL) {
        node->text = value[1];
    }
    return svirt_xml_print(document);
}

static void
expect_error(const char *text, SvirtErrorCode code)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    if (svirt_domain_parse(text, strlen(text), "x.xml", &domain, &error)) {
        g_error("accepted:\n%s", text);
    }
    g_assert_error(error, SVIRT_ERROR, (int)code);
    g_assert_true(g_str_has_prefix(error->message, "x.xml:"));
    g_assert_nonnull(svirt_error_hint(error));
}

static void
expect_warnings(const char *text, size_t count)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    svirt_domain_parse(text, strlen(text), "x.xml", &domain, &error);
    if (error != NULL) {
        g_error("%s:\n%s", error->message, text);
    }
    g_assert_cmpuint(domain->warning_count, ==, count);
}

static void
test_row(gconstpointer data)
{
    const SvirtRule *rule = data;
    g_autofree char *path = make_concrete(rule->path);
    g_autofree char *text = build(path);

    switch (rule->verdict) {
    case SVIRT_VERDICT_RESOURCE:
    case SVIRT_VERDICT_PROTECT:
    case SVIRT_VERDICT_LIMIT:
        expect_error(text, SVIRT_ERROR_REFUSED);
        break;
    case SVIRT_VERDICT_UNBUILT:
        expect_error(text, SVIRT_ERROR_UNSUPPORTED);
        break;
    case SVIRT_VERDICT_IGNORE:
        expect_warnings(text, 1);
        break;
    case SVIRT_VERDICT_ACCEPT:
    case SVIRT_VERDICT_INSIDE:
        expect_warnings(text, 0);
        break;
    case SVIRT_VERDICT_MAX:
        g_assert_not_reached();
    }
}

/* Names libvirt's manual gives: errors, whatever a row says. */
static const char *const refused_paths[] = {
    "cputune/vcpusched",
    "cputune/cachetune",
    "keywrap",
    "launchSecurity",
    "memoryBacking/locked",
    "memtune/min_guarantee",
    "resource",
    "bootloader",
    "perf",
    "throttlegroups",
    "defaultiothread",
    "os/acpi",
    "os/dtb",
    "devices/filesystem",
    "devices/hostdev",
    "devices/lease",
    "devices/nvram",
    "devices/shmem",
    "devices/tpm",
    "devices/memory@model=nvdimm",
    "devices/memory@model=sgx-epc",
    "devices/crypto",
    "devices/disk/auth",
    "devices/disk/encryption",
    "devices/disk/mirror",
    "devices/disk/backenddomain",
    "devices/disk/source/reservations",
    "devices/disk/source/slices",
    "devices/disk/source/encryption",
    "devices/disk@type=network",
    "devices/disk@type=volume",
    "devices/disk@type=dir",
    "devices/disk@type=nvme",
    "devices/disk@type=vhostuser",
    "devices/disk@device=lun",
    "devices/interface/bandwidth",
    "devices/interface/filterref",
    "devices/interface/portForward",
    "devices/interface/script",
    "devices/interface/virtualport",
    "devices/interface/vlan",
    "devices/interface/source",
    "devices/interface/rom@file",
    "devices/interface@type=hostdev",
    "devices/interface@type=vhostuser",
    "devices/rng/backend@model=egd",
    "devices/serial@type=dev",
};

static void
test_refused(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refused_paths); i++) {
        g_autofree char *text = build(refused_paths[i]);

        expect_error(text, SVIRT_ERROR_REFUSED);
    }
}

static void
test_template(void)
{
    expect_warnings(template_xml, 0);
}

static bool
has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *p = strstr(text, word); p != NULL;
         p = strstr(p + 1, word)) {
        bool begins = p == text ||
                      (!g_ascii_isalnum(p[-1]) && p[-1] != '-' && p[-1] != '_');
        char next = p[length];

        if (begins && !g_ascii_isalnum(next) && next != '-' && next != '_') {
            return true;
        }
    }
    return false;
}

/* docs/domain-xml.md names the last part of every row. */
static void
test_documented(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "..", "docs", "domain-xml.md", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    for (const SvirtRule *rule = svirt_rules_table(); rule->path != NULL;
         rule++) {
        g_auto(GStrv) parts = g_strsplit_set(rule->path, "/@=", -1);
        guint last = g_strv_length(parts) - 1;

        if (rule->verdict == SVIRT_VERDICT_INSIDE) {
            continue;
        }
        if (strcmp(parts[last], "yes") == 0) {
            last--;
        }
        if (!has_word(text, parts[last])) {
            g_error("%s is not in %s", rule->path, path);
        }
    }
}

static void
test_rows_unique(void)
{
    g_autoptr(GHashTable) paths = g_hash_table_new(g_str_hash, g_str_equal);

    for (const SvirtRule *rule = svirt_rules_table(); rule->path != NULL;
         rule++) {
        g_assert_true(g_hash_table_add(paths, (gpointer)rule->path));
    }
}

int
main(int argc, char **argv)
{
    unsigned number = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/rules/template-says-nothing", test_template);
    g_test_add_func("/domain/rules/refuses-by-name", test_refused);
    g_test_add_func("/domain/rules/are-documented", test_documented);
    g_test_add_func("/domain/rules/rows-are-unique", test_rows_unique);
    for (const SvirtRule *rule = svirt_rules_table(); rule->path != NULL;
         rule++) {
        g_autofree char *slashless =
            g_strdelimit(g_strdup(rule->path), "/", '.');
        g_autofree char *name =
            g_strdup_printf("/domain/rules/%03u-%s", ++number, slashless);

        g_test_add_data_func(name, rule, test_row);
    }
    return g_test_run();
}
