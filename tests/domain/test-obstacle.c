/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"
#include "domain/obstacle.h"
#include "grow.h"
#include "template.h"

/*
 * Every row is put into a definition with everything its shape names, and must
 * be an obstacle: the definition is right, what the shape lists is listed, and
 * nothing starts. With anything else in it, it is wrong.
 */
static bool
is_element(const SvirtObstacleRow *row)
{
    return row->shape != NULL &&
           (strchr(row->path, '@') == NULL || strchr(row->path, '=') != NULL);
}

static SvirtDomain *
expect_obstacle(const SvirtObstacleRow *row, const char *text)
{
    SvirtDomain *domain = NULL;
    GError *error = NULL;
    bool found = false;

    svirt_domain_parse(text, strlen(text), "x.xml", &domain, &error);
    if (error != NULL) {
        g_error("%s:\n%s", error->message, text);
    }
    for (size_t i = 0; i < domain->obstacle_count; i++) {
        const SvirtObstacle *obstacle = &domain->obstacles[i];

        g_assert_true(g_str_has_prefix(obstacle->text, "x.xml:"));
        g_assert_cmpuint(obstacle->line, >, 0);
        found = found || (obstacle->hint == row->hint &&
                          obstacle->code == svirt_rules_code(row->verdict) &&
                          strstr(obstacle->text,
                                 svirt_rules_words(row->verdict)) != NULL);
    }
    g_assert_true(found);
    g_assert_false(svirt_domain_is_startable(domain, &error));
    g_assert_cmpint(error->code, ==, (int)domain->obstacles[0].code);
    g_assert_nonnull(svirt_error_hint(error));
    g_error_free(error);
    return domain;
}

static void
expect_invalid(const char *text)
{
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    if (svirt_domain_parse(text, strlen(text), "x.xml", &domain, &error)) {
        g_error("accepted:\n%s", text);
    }
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

static void
test_row(gconstpointer data)
{
    const SvirtObstacleRow *row = data;
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtDomain) again = NULL;
    g_autofree char *text = NULL;
    g_autofree char *printed = NULL;
    g_autofree char *with_attribute = NULL;
    g_autofree char *with_element = NULL;
    size_t listed = 0;

    if (is_element(row)) {
        text = grow_obstacle(row, NULL, &listed);
    } else {
        g_autofree char *path = template_path(row->path);
        g_autofree char *full = NULL;

        if (row->shape != NULL) {
            g_auto(GStrv) words = g_strsplit_set(row->shape, "|>", -1);

            full = g_strconcat(path, "=", grow_sample(words[0]), NULL);
            listed = strchr(row->shape, '>') != NULL;
        }
        text = template_build(full != NULL ? full : path);
    }
    domain = expect_obstacle(row, text);
    if (row->list == NULL) {
        g_assert_cmpuint(domain->withheld_resource_count, ==, listed);
    }
    printed = svirt_domain_print(domain);
    again = expect_obstacle(row, printed);
    g_assert_cmpuint(again->obstacle_count, ==, domain->obstacle_count);
    if (is_element(row)) {
        with_attribute = grow_obstacle(row, "@bogus", &listed);
        expect_invalid(with_attribute);
        with_element = grow_obstacle(row, "bogus", &listed);
        expect_invalid(with_element);
    }
}

#define HEAD                                                                   \
    "<domain type='qemu'><name>t</name><memory>65536</memory>"                 \
    "<os><type machine='q35'>hvm</type></os><devices>"

/* What is listed: "kind path-or-name", one a line. */
static const struct {
    const char *xml;
    const char *listed;
} lists[] = {
    { "<disk type='network'><source protocol='nbd' name='a b'>"
      "<host name='::1' port='1'/><host name='h'/></source>"
      "<target dev='vda'/></disk>",
      "network-disk exclusive nbd://[::1]:1,h/a b\n" },
    { "<disk type='network' device='cdrom'><source protocol='https' "
      "name='/a.iso' query='x=y'><host name='h' port='443'/></source>"
      "<target dev='sda'/></disk>",
      "network-disk read-only https://h:443/a.iso?x=y\n" },
    { "<disk type='network'><source protocol='nbd'>"
      "<host transport='unix' socket='/s'/></source>"
      "<target dev='vda'/></disk>",
      "socket-connect shared /s\nnetwork-disk exclusive nbd://\n" },
    { "<disk type='network'><source protocol='rbd' name='p/i'>"
      "<config file='/c'/><snapshot name='s'/></source><auth username='u'>"
      "<secret type='ceph' usage='k'/></auth><target dev='vda'/></disk>",
      "host-file read-only /c\nnetwork-disk exclusive rbd:///p/i\n"
      "secret read-only k\n" },
    { "<disk type='file'><driver type='qcow2'/><source file='/top'/>"
      "<backingStore type='network'><format type='qcow2'/>"
      "<source protocol='nfs' name='/e/i'><host name='h'/></source>"
      "<backingStore type='block'><format type='raw'/>"
      "<source dev='/dev/d'/><backingStore/></backingStore></backingStore>"
      "<target dev='vda'/><readonly/></disk>",
      "disk read-only /top\nnetwork-disk read-only nfs://h/e/i\n"
      "backing read-only /dev/d\n" },
    { "<tpm model='tpm-crb'><backend type='emulator' version='2.0'>"
      "<encryption secret='00000000-0000-0000-0000-000000000001'/></backend>"
      "</tpm>",
      "" },
    { "<tpm model='tpm-tis'><backend type='passthrough'>"
      "<device path='/dev/tpm0'/></backend></tpm>",
      "host-device exclusive /dev/tpm0\n" },
    { "<shmem name='s'><model type='ivshmem-doorbell'/>"
      "<server path='/s'/><msi vectors='4'/></shmem>",
      "socket-connect shared /s\n" },
    { "<disk type='volume'><source pool='p' volume='v'/>"
      "<target dev='vda'/><shareable/></disk>",
      "volume shared p/v\n" },
    { "<disk type='nvme'><source type='pci' managed='yes' namespace='1'>"
      "<address domain='0x1' bus='0x2' slot='3' function='4'/></source>"
      "<target dev='vda'/></disk>",
      "pci-device exclusive 0001:02:03.4 namespace 1\n" },
    { "<disk type='vhostuser'><source type='unix' path='/s'/>"
      "<target dev='vda'/></disk>",
      "socket-connect shared /s\n" },
    { "<hostdev mode='subsystem' type='usb'><source><vendor id='0x12'/>"
      "<product id='0xbeef'/></source></hostdev>",
      "usb-device exclusive 0012:beef\n" },
    { "<hostdev mode='subsystem' type='usb'><source>"
      "<address bus='14' device='6'/></source></hostdev>",
      "usb-device exclusive 14.6\n" },
    { "<hostdev mode='subsystem' type='scsi'><source>"
      "<adapter name='scsi_host0'/><address bus='0' target='1' unit='2'/>"
      "</source><readonly/></hostdev>",
      "scsi-device read-only scsi_host0:0:1:2\n" },
    { "<hostdev mode='subsystem' type='scsi'><source protocol='iscsi' "
      "name='iqn.x/1'><host name='h' port='3260'/></source></hostdev>",
      "network-disk exclusive iscsi://h:3260/iqn.x/1\n" },
    { "<interface type='hostdev'><source><address type='pci' bus='3' "
      "slot='1' function='0'/></source></interface>",
      "pci-device exclusive 0000:03:01.0\n" },
    { "<interface type='mcast'><source address='230.0.0.1' port='5'/>"
      "</interface>",
      "network exclusive mcast 230.0.0.1:5\n" },
    { "<interface type='vhostuser'><source type='unix' path='/s' "
      "mode='server'/><model type='virtio'/></interface>",
      "socket-listen exclusive /s\n" },
    { "<interface type='ethernet'><script path='/etc/up'/></interface>",
      "script read-only /etc/up\n" },
    { "<serial type='udp'><source mode='bind' host='127.0.0.1' "
      "service='1'/><source mode='connect' host='h' service='2'/></serial>",
      "udp exclusive bind 127.0.0.1:1\nudp shared connect h:2\n" },
    { "<serial type='dev'><source path='/dev/ttyS0'/></serial>"
      "<console type='dev'><source path='/dev/ttyS0'/>"
      "<target type='serial'/></console>",
      "host-device exclusive /dev/ttyS0\n" },
    { "<redirdev bus='usb' type='tcp'><source mode='connect' host='h' "
      "service='4'/></redirdev>",
      "tcp-connect shared h:4\n" },
    { "<shmem name='s'/><shmem name='t'><server path='/s'/></shmem>",
      "shared-memory shared s\nsocket-connect shared /s\n" },
    { "<filesystem type='mount'><driver type='virtiofs'/>"
      "<source dir='/tree'/><target dir='t'/></filesystem>",
      "directory shared /tree\n" },
};

static void
test_lists(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autofree char *xml =
            g_strconcat(HEAD, lists[i].xml, "</devices></domain>", NULL);
        g_autoptr(SvirtResourceList) list = NULL;
        g_autoptr(SvirtDomain) domain = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GError) error = NULL;

        g_test_message("%s", lists[i].xml);
        svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error);
        g_assert_no_error(error);
        svirt_resource_list_from_domain(domain, &list, &error);
        g_assert_no_error(error);
        for (size_t j = 0; j < list->withheld_count; j++) {
            const SvirtResource *resource = &list->withheld[j];

            g_assert_cmpuint(resource->line, ==, 1);
            g_assert_true(g_str_has_prefix(resource->origin, "devices/"));
            g_string_append_printf(
                text, "%s %s %s\n",
                svirt_resource_kind_to_string(resource->kind),
                svirt_access_to_string(resource->access),
                resource->path != NULL ? resource->path : resource->name);
        }
        g_assert_cmpstr(text->str, ==, lists[i].listed);
    }
}

/* Right by itself, and no two of them. */
static const char *const wrong[] = {
    "<hostdev mode='subsystem' type='usb'><source><address bus='1' "
    "device='2'/></source></hostdev><hostdev mode='subsystem' type='usb'>"
    "<source><address bus='1' device='2'/></source></hostdev>",
    "<hostdev mode='subsystem' type='usb'><source><vendor id='1'/></source>"
    "</hostdev>",
    "<hostdev mode='subsystem' type='pci'><source><address bus='256' "
    "slot='0' function='0'/></source></hostdev>",
    "<hostdev mode='subsystem' type='mdev' model='vfio-pci' display='on'>"
    "<source><address uuid='c7a5fdbd-edaf-9455-926a-d65c16db1809'/></source>"
    "</hostdev>",
    "<hostdev mode='subsystem' type='warp'/>",
    "<disk type='network'><source protocol='gopher' name='x'/>"
    "<target dev='vda'/></disk>",
    "<disk type='network'><source protocol='iscsi'/><target dev='vda'/>"
    "</disk>",
    "<disk type='network'><source protocol='iscsi' name='x'/>"
    "<auth username='u'><secret type='ceph' usage='k'/></auth>"
    "<target dev='vda'/></disk>",
    "<graphics type='sdl'/><graphics type='egl-headless'/>",
    "<filesystem><driver type='virtiofs'/><source dir='/a'/>"
    "<target dir='t'/><readonly/></filesystem>",
    "<disk type='file'><driver type='vmdk'/><source file='/a'><encryption "
    "format='luks'><secret type='passphrase' usage='u'/></encryption>"
    "</source><target dev='vda'/></disk>",
    "<disk type='file'><source file='/a'/><target dev='vda'/>"
    "<vendor>V</vendor></disk>",
    "<interface type='hostdev'><source><address type='pci' bus='3' slot='1' "
    "function='0'/></source><filterref filter='f'/></interface>",
    "<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' "
    "wwpn='naa.1'/><boot order='1'/></hostdev>",
    "<interface type='bridge'><source bridge='b'/><driver "
    "rx_queue_size='300'/></interface>",
    "<controller type='pci' index='2' model='dmi-to-pci-bridge'>"
    "<address type='pci' bus='1'/></controller>",
    "<interface type='vhostuser'><source type='unix' path='/s' "
    "mode='server'/><model type='e1000'/></interface>",
    "<interface type='null'><mac address='52:54:00:00:00:0g'/></interface>",
    "<filesystem type='mount'><source dir='relative'/><target dir='t'/>"
    "</filesystem>",
    "<serial type='dev'/>",
    "<graphics type='spice' connected='x'/>",
    "<interface type='user'><alias name='a'/></interface>"
    "<serial type='vc'><alias name='a'/></serial>",
};

static void
test_wrong(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *xml =
            g_strconcat(HEAD, wrong[i], "</devices></domain>", NULL);
        g_autoptr(SvirtDomain) domain = NULL;
        g_autoptr(GError) error = NULL;

        if (svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error)) {
            g_error("accepted:\n%s", xml);
        }
        g_assert_true(g_str_has_prefix(error->message, "x.xml:1: "));
    }
}

/* Those that readers find by themselves. */
static const struct {
    const char *xml;
    const char *words;
} others[] = {
    { "<serial type='file'><source path='/a'/><log file='/b'/></serial>",
      "<log> of a <serial type='file'>" },
    { "<disk type='file'><source file='/a' startupPolicy='optional'/>"
      "<target dev='vda'/></disk>",
      "startupPolicy='optional' of what is no cdrom" },
    { "<panic model='hyperv'/>", "<panic model='hyperv'> without KVM" },
    { "<graphics type='spice' tlsPort='1'/>",
      "attribute 'tlsPort' of <graphics>" },
};

static void
test_others(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *xml =
            g_strconcat(HEAD, others[i].xml, "</devices></domain>", NULL);
        g_autoptr(SvirtDomain) domain = NULL;
        g_autoptr(GError) error = NULL;

        svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(domain->obstacle_count, ==, 1);
        g_assert_nonnull(strstr(domain->obstacles[0].text, others[i].words));
        g_assert_false(svirt_domain_is_startable(domain, NULL));
    }
}

/* Each has its own line, and the start tells of the others. */
static void
test_all_are_listed(void)
{
    static const char xml[] =
        HEAD "\n<graphics type='sdl'/>\n<graphics type='spice' "
             "defaultMode='secure'/>\n<serial type='stdio'/>\n"
             "</devices></domain>";
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(domain->obstacle_count, ==, 3);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(domain->obstacles[i].line, ==, i + 2);
    }
    g_assert_false(svirt_domain_is_startable(domain, &error));
    g_assert_nonnull(strstr(error->message, "x.xml:2: type='sdl'"));
    g_assert_true(g_str_has_suffix(error->message, ", and 2 more"));
    g_assert_cmpuint(domain->graphics_count, ==, 1);
    g_assert_cmpuint(domain->chardev_count, ==, 0);
    g_assert_cmpuint(domain->withheld_count, ==, 2);
}

static void
test_their_number_is_bounded(void)
{
    g_autoptr(GString) xml = g_string_new(HEAD);
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < 5000; i++) {
        g_string_append(xml, "<serial type='vc'/>\n");
    }
    g_string_append(xml, "</devices></domain>");
    svirt_domain_parse(xml->str, xml->len, "x.xml", &domain, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(domain->obstacle_count, ==, SVIRT_DOMAIN_OBSTACLES_MAX);
}

/* docs/domain-xml.md names the last part of every row. */
static void
test_documented(const SvirtObstacleRow *row)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "..", "docs", "domain-xml.md", NULL);
    g_autofree char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    for (; row->path != NULL; row++) {
        g_auto(GStrv) parts = g_strsplit_set(row->path, "/@=", -1);
        const char *last = parts[g_strv_length(parts) - 1];

        if (strstr(text, last) == NULL) {
            g_error("%s is not in %s", row->path, path);
        }
    }
}

static void
test_all_documented(void)
{
    test_documented(svirt_obstacle_table());
    test_documented(svirt_obstacle_device_table());
}

static void
add_rows(const SvirtObstacleRow *row, unsigned *number)
{
    for (; row->path != NULL; row++) {
        g_autofree char *slashless =
            g_strdelimit(g_strdup(row->path), "/", '.');
        g_autofree char *name =
            g_strdup_printf("/domain/obstacle/%03u-%s", ++*number, slashless);

        g_test_add_data_func(name, row, test_row);
    }
}

int
main(int argc, char **argv)
{
    unsigned number = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/obstacle/lists-what-it-names", test_lists);
    g_test_add_func("/domain/obstacle/rejects-what-is-wrong", test_wrong);
    g_test_add_func("/domain/obstacle/all-are-listed", test_all_are_listed);
    g_test_add_func("/domain/obstacle/readers-find-some", test_others);
    g_test_add_func("/domain/obstacle/their-number-is-bounded",
                    test_their_number_is_bounded);
    g_test_add_func("/domain/obstacle/are-documented", test_all_documented);
    add_rows(svirt_obstacle_table(), &number);
    add_rows(svirt_obstacle_device_table(), &number);
    return g_test_run();
}
