/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/qemu.h"

#include <string.h>

#include "base/error.h"
#include "hypervisor/hardware.h"

/*
 * Golden command lines: every accepted definition of tests/data/domain and
 * tests/data/hypervisor. SVIRT_GOLDEN=rewrite writes them anew.
 */

static char *
data_path(const char *area, const char *name)
{
    return g_test_build_filename(G_TEST_DIST, "data", area, name, NULL);
}

static SvirtDomain *
load(const char *path)
{
    g_autofree char *text = NULL;
    SvirtDomain *domain = NULL;
    gsize length;

    g_assert_true(g_file_get_contents(path, &text, &length, NULL));
    if (svirt_domain_parse(text, length, "test", &domain, NULL) &&
        !domain->uuid_given) {
        SvirtUuid uuid = { .bytes = { 1, 2, 3, 4, 5, 6, 7, 8 } };

        svirt_domain_set_uuid(domain, &uuid);
    }
    return domain;
}

/* Each image of the XML as one node, numbered as a start would. */
static SvirtQemuDrive *
make_drives(const SvirtDomain *domain, GPtrArray *owned)
{
    SvirtQemuDrive *drives = g_new0(SvirtQemuDrive, domain->disk_count + 1);
    unsigned set = 1;

    for (size_t i = 0; i < domain->disk_count; i++) {
        const SvirtDisk *disk = &domain->disks[i];
        SvirtQemuNode *nodes = g_new0(SvirtQemuNode, disk->image_count);

        g_ptr_array_add(owned, nodes);
        for (size_t j = 0;
             disk->images[0].path != NULL && j < disk->image_count; j++) {
            SvirtImageFormat format = SVIRT_IMAGE_FORMAT_RAW;

            (void)svirt_image_format_from_string(
                svirt_disk_format_to_string(disk->images[j].format), &format);
            nodes[j] = (SvirtQemuNode){
                .fdset = set++,
                .read_only = j > 0 || disk->read_only,
                .block = disk->images[j].block,
                .format = format,
                .backing = j + 1 < disk->image_count ? (int)j + 1 : -1,
                .data_file = -1,
            };
            drives[i].node_count++;
        }
        drives[i].nodes = nodes;
    }
    return drives;
}

static bool
build(SvirtDomain **given, char ***ret, GError **error)
{
    bool assigned = svirt_hardware_assign(given, NULL, error);
    const SvirtDomain *domain = *given;
    g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
    g_autofree SvirtQemuDrive *drives = make_drives(domain, owned);
    g_autofree int *chardevs = g_new0(int, domain->chardev_count + 1);
    g_autofree int *nets = g_new0(int, domain->interface_count + 1);
    g_autofree SvirtQemuTap *taps =
        g_new0(SvirtQemuTap, domain->interface_count + 1);
    const int passwords[] = { 50, 51 };
    SvirtQemuAddFd add[2] = { { 1, 40 }, { 1, 41 } };
    SvirtQemuInput input = {
        .domain = domain,
        .drives = drives,
        .add_fds = add,
        .add_fd_count = domain->disk_count > 0 ? 2 : 0,
        .kernel_fd = domain->os.kernel != NULL ? 20 : -1,
        .initrd_fd = domain->os.initrd != NULL ? 21 : -1,
        .qmp_fd = 10,
        .chardev_fds = chardevs,
        .net_fds = nets,
        .taps = taps,
        .password_fds = passwords,
        .kvm = domain->type == SVIRT_DOMAIN_TYPE_KVM,
        .now_s = 1000000000, /* 2001-09-09T01:46:40 */
    };

    for (size_t i = 0; i < domain->chardev_count; i++) {
        chardevs[i] = domain->chardevs[i].type == SVIRT_CHARDEV_NULL
                          ? -1
                          : 11 + (int)i;
    }
    for (size_t i = 0; i < domain->interface_count; i++) {
        nets[i] = 30 + (int)i;
        if (domain->interfaces[i].type != SVIRT_INTERFACE_USER) {
            taps[i] = (SvirtQemuTap){ domain->interfaces[i].queues,
                                      60 + 10 * (int)i, -1 };
        }
    }
    return assigned && svirt_qemu_argv(&input, ret, error);
}

typedef struct Golden {
    char *xml;      /* owned path */
    char *expected; /* owned path */
} Golden;

static void
golden_free(gpointer data)
{
    Golden *golden = data;

    g_free(golden->xml);
    g_free(golden->expected);
    g_free(golden);
}

static void
test_golden(gconstpointer data)
{
    const Golden *golden = data;
    g_autoptr(SvirtDomain) domain = load(golden->xml);
    g_autoptr(GError) error = NULL;
    g_autofree char *expected = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) argv = NULL;

    g_assert_nonnull(domain);
    if (build(&domain, &argv, &error)) {
        g_autofree char *joined = g_strjoinv("\n", argv);

        text = g_strconcat(joined, "\n", NULL);
    } else {
        text = svirt_error_render(error);
    }
    if (g_strcmp0(g_getenv("SVIRT_GOLDEN"), "rewrite") == 0) {
        g_assert_true(
            g_file_set_contents(golden->expected, text, -1, NULL));
        return;
    }
    g_assert_true(
        g_file_get_contents(golden->expected, &expected, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

/* Names of the host's paths must never reach QEMU but for its own. */
static void
test_no_host_path(gconstpointer data)
{
    const Golden *golden = data;
    g_autoptr(SvirtDomain) domain = load(golden->xml);
    g_auto(GStrv) argv = NULL;

    if (!build(&domain, &argv, NULL)) {
        return;
    }
    for (size_t i = 0; i < domain->disk_count; i++) {
        for (size_t j = 0; j < domain->disks[i].image_count; j++) {
            const char *path = domain->disks[i].images[j].path;

            for (char **arg = argv; path != NULL && *arg != NULL; arg++) {
                g_assert_null(strstr(*arg, path));
            }
        }
    }
}

static void
add_area(const char *area)
{
    g_autofree char *path = data_path(area, "");
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *base = NULL;
        g_autofree char *expected = NULL;
        g_autofree char *test = NULL;
        g_autofree char *xml = data_path(area, name);
        g_autoptr(SvirtDomain) domain = NULL;
        Golden *golden;

        if (!g_str_has_suffix(name, ".xml") ||
            (domain = load(xml)) == NULL) {
            continue;
        }
        base = g_strndup(name, strlen(name) - 4);
        expected = g_strdup_printf("%s.argv", base);
        golden = g_new0(Golden, 1);
        golden->xml = g_steal_pointer(&xml);
        golden->expected = data_path("hypervisor", expected);
        test = g_strdup_printf("/hypervisor/qemu/golden/%s", base);
        g_test_add_data_func(test, golden, test_golden);
        g_free(test);
        test = g_strdup_printf("/hypervisor/qemu/no-host-path/%s", base);
        g_test_add_data_func_full(test, golden, test_no_host_path,
                                  golden_free);
    }
    g_dir_close(dir);
}

#define FOUR_INTERFACES                                                        \
    "<interface type='user'/><interface type='user'/>"                         \
    "<interface type='user'/><interface type='user'/>"

static const struct {
    const char *name;
    const char *xml; /* inside <domain>, behind <devices>'s siblings */
    const char *message; /* part of the error */
} refused[] = {
    { "poweroff-restart", "<on_poweroff>restart</on_poweroff>",
      "<on_poweroff>restart" },
    { "reboot-preserve", "<on_reboot>preserve</on_reboot>",
      "<on_reboot>preserve" },
    { "crash-restart-with-panic",
      "<on_crash>restart</on_crash><devices><panic model='isa'/></devices>",
      "<on_crash>restart" },
    { "pci-slot-out-of-range",
      "<devices><disk type='file' device='disk'><source file='/a'/>"
      "<target dev='vda' bus='virtio'/><address type='pci' domain='0x0001' "
      "bus='0x00' slot='0x05' function='0x0'/></disk></devices>",
      "PCI address" },
    { "fifth-ide-disk",
      "<devices><disk type='file' device='disk'><source file='/a'/>"
      "<target dev='hde' bus='ide'/></disk></devices>",
      "more than four disks" },
    { "two-disks-in-one-place",
      "<devices><disk type='file' device='disk'><source file='/a'/>"
      "<target dev='sda' bus='scsi'/></disk>"
      "<disk type='file' device='disk'><source file='/b'/>"
      "<target dev='sdb' bus='scsi'/><address type='drive' controller='0' "
      "bus='0' target='0' unit='0'/></disk></devices>",
      "place of another disk" },
    { "narrow-scsi-target",
      "<devices><controller type='scsi' index='0' model='lsilogic'/>"
      "<disk type='file' device='disk'><source file='/a'/>"
      "<target dev='sda' bus='scsi'/><address type='drive' controller='0' "
      "bus='0' target='0' unit='7'/></disk></devices>",
      "no place 0:7" },
    { "read-only-ata",
      "<devices><disk type='file' device='disk'><source file='/a'/>"
      "<target dev='hda' bus='ide'/><readonly/></disk></devices>",
      "is read-only" },
    { "blocks-of-4096-on-ata",
      "<devices><disk type='file' device='disk'><source file='/a'/>"
      "<target dev='sda' bus='sata'/>"
      "<blockio logical_block_size='4096'/></disk></devices>",
      "blocks of 4096 bytes" },
    { "native-with-page-cache",
      "<devices><disk type='file' device='disk'>"
      "<driver name='qemu' type='raw' io='native'/><source file='/a'/>"
      "<target dev='vda' bus='virtio'/></disk></devices>",
      "io='native'" },
    { "writable-cloop",
      "<devices><disk type='file' device='disk'>"
      "<driver name='qemu' type='cloop'/><source file='/a'/>"
      "<target dev='vda' bus='virtio'/></disk></devices>",
      "only reads" },
    { "pci-buses-in-a-circle",
      "<devices><controller type='pci' index='1' model='pci-bridge'>"
      "<address type='pci' bus='0x02' slot='0x01'/></controller>"
      "<controller type='pci' index='2' model='pci-bridge'>"
      "<address type='pci' bus='0x01' slot='0x01'/></controller></devices>",
      "in a circle" },
    { "usb-device-without-usb",
      "<devices><controller type='usb' model='none'/>"
      "<input type='tablet' bus='usb'/></devices>",
      "no USB port" },
    { "ports-of-ehci",
      "<devices><controller type='usb' model='ehci' ports='4'/></devices>",
      "fixed number of ports" },
    { "usb-controller-of-another-machine",
      "<devices><controller type='usb' model='vt82c686b-uhci'/></devices>",
      "no vt82c686b-uhci" },
    { "unknown-interface-model",
      "<devices><interface type='user'><model type='spapr-vlan'/>"
      "</interface></devices>",
      "no interface model" },
    { "mtu-without-virtio",
      "<devices><interface type='user'><model type='e1000'/>"
      "<mtu size='1400'/></interface></devices>",
      "<mtu>" },
    { "ninth-interface",
      "<devices>" FOUR_INTERFACES FOUR_INTERFACES
      "<interface type='user'/></devices>",
      "at most 8 interfaces" },
    { "fifth-isa-serial",
      "<devices><serial type='null'/><serial type='null'/>"
      "<serial type='null'/><serial type='null'/><serial type='null'/>"
      "</devices>",
      "at most 4 ISA" },
    { "clusters",
      "<vcpu>4</vcpu><cpu><topology sockets='1' clusters='2' cores='2' "
      "threads='1'/></cpu>",
      "no clusters" },
    { "hyperv-clock-without-kvm",
      "<clock offset='utc'><timer name='hypervclock' present='yes'/></clock>",
      "with KVM only" },
};

static void
test_refused(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autofree char *text = g_strdup_printf(
        "<domain type='qemu'><name>x</name><memory>65536</memory>"
        "<os><type machine='pc'>hvm</type></os>%s</domain>",
        refused[row].xml);
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(
        svirt_domain_parse(text, strlen(text), "x", &domain, &error));
    g_assert_no_error(error);
    g_assert_false(svirt_hardware_assign(&domain, NULL, &error) &&
                   svirt_qemu_validate(domain, &error));
    g_assert_nonnull(strstr(error->message, refused[row].message));
    g_assert_nonnull(svirt_error_hint(error));
}

/* On q35 nothing says which bridge a slot other than 0 would be behind. */
static void
test_bus_without_controller(void)
{
    static const char text[] =
        "<domain type='qemu'><name>x</name><memory>65536</memory>"
        "<os><type machine='q35'>hvm</type></os><devices>"
        "<disk type='file' device='disk'><source file='/a'/>"
        "<target dev='vda' bus='virtio'/><address type='pci' bus='0x07' "
        "slot='0x05' function='0x0'/></disk></devices></domain>";
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(
        svirt_domain_parse(text, strlen(text), "x", &domain, &error));
    g_assert_false(svirt_hardware_assign(&domain, NULL, &error) &&
                   svirt_qemu_validate(domain, &error));
    g_assert_nonnull(strstr(error->message, "0000:07:05.0"));
    g_assert_nonnull(svirt_error_hint(error));
}

int
main(int argc, char **argv)
{
    (void)g_setenv("TZ", "UTC", TRUE); /* <clock offset='localtime'> */
    g_test_init(&argc, &argv, NULL);
    add_area("domain");
    add_area("hypervisor");
    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path =
            g_strdup_printf("/hypervisor/qemu/refused/%s", refused[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_refused);
    }
    g_test_add_func("/hypervisor/qemu/refused/pci-bus-without-controller",
                    test_bus_without_controller);
    return g_test_run();
}
