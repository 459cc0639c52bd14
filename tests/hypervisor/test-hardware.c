/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/hardware.h"

#include <string.h>

#include "base/error.h"

/*
 * tests/data/hardware/NAME.xml leaves its hardware open; NAME.libvirt is what
 * libvirt 9.0's QEMU driver made of it, one line for a device. Where svirt
 * must refuse, NAME.error is the message instead.
 */

static char *
data_path(const char *name)
{
    return g_test_build_filename(G_TEST_DIST, "data", "hardware", name, NULL);
}

static SvirtDomain *
parse(const char *text)
{
    const SvirtUuid uuid = { .bytes = { 1, 2, 3, 4, 5, 6, 7, 8 } };
    SvirtDomain *domain = NULL;
    GError *error = NULL;

    svirt_domain_parse(text, strlen(text), "test", &domain, &error);
    g_assert_no_error(error);
    if (!domain->uuid_given) {
        svirt_domain_set_uuid(domain, &uuid);
    }
    return domain;
}

static void
append_address(GString *out, const SvirtAddress *address)
{
    switch (address->type) {
    case SVIRT_ADDRESS_PCI:
        g_string_append_printf(out, " pci %02x:%02x.%x%s", address->bus,
                               address->slot, address->function,
                               address->multifunction ? " multi" : "");
        break;
    case SVIRT_ADDRESS_DRIVE:
        g_string_append_printf(out, " drive %u:%u:%u:%u", address->controller,
                               address->bus, address->target, address->unit);
        break;
    case SVIRT_ADDRESS_USB:
        g_string_append_printf(out, " usb %u:%s", address->bus,
                               address->usb_port);
        break;
    case SVIRT_ADDRESS_VIRTIO_SERIAL:
        g_string_append_printf(out, " port %u:%u", address->controller,
                               address->port);
        break;
    default:
        break;
    }
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
add_line(GPtrArray *lines, const SvirtDeviceInfo *info, const char *format,
         ...) G_GNUC_PRINTF(3, 4);

static void
add_line(GPtrArray *lines, const SvirtDeviceInfo *info, const char *format,
         ...)
{
    GString *line = g_string_new(NULL);
    const SvirtXmlNode *target = svirt_xml_find(info->node, "target");
    static const char *const numbers[] = { "chassis", "chassisNr", "port" };
    va_list args;

    va_start(args, format);
    g_string_append_vprintf(line, format, args);
    va_end(args);
    append_address(line, &info->address);
    for (size_t i = 0; strcmp(info->node->name, "controller") == 0 &&
                       i < G_N_ELEMENTS(numbers);
         i++) {
        if (target != NULL && svirt_xml_get(target, numbers[i]) != NULL) {
            g_string_append_printf(line, " %s=%s", numbers[i],
                                   svirt_xml_get(target, numbers[i]));
        }
    }
    g_string_append_c(line, '\n');
    g_ptr_array_add(lines, g_string_free(line, FALSE));
}

/* Lines sorted; devices are named by what they are called by. */
static char *
describe(const SvirtDomain *domain)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    unsigned consoles = 0;

    for (size_t i = 0; i < domain->controller_count; i++) {
        const SvirtController *each = &domain->controllers[i];

        add_line(lines, &each->info, "controller %s %d %s",
                 svirt_controller_type_to_string(each->type), each->index,
                 each->model != 0
                     ? svirt_controller_model_to_string(each->model)
                     : "-");
    }
    for (size_t i = 0; i < domain->disk_count; i++) {
        add_line(lines, &domain->disks[i].info, "disk %s",
                 domain->disks[i].target);
    }
    for (size_t i = 0; i < domain->hub_count; i++) {
        add_line(lines, &domain->hubs[i].info, "hub %zu", i);
    }
    for (size_t i = 0; i < domain->interface_count; i++) {
        add_line(lines, &domain->interfaces[i].info, "interface %zu", i);
    }
    for (size_t i = 0; i < domain->video_count; i++) {
        add_line(lines, &domain->videos[i].info, "video %s",
                 svirt_video_model_to_string(domain->videos[i].model));
    }
    for (size_t i = 0; i < domain->input_count; i++) {
        if (svirt_hardware_input_bus(&domain->inputs[i]) !=
            SVIRT_INPUT_BUS_PS2) {
            add_line(lines, &domain->inputs[i].info, "input %zu", i);
        }
    }
    for (size_t i = 0; i < domain->rng_count; i++) {
        add_line(lines, &domain->rngs[i].info, "rng %zu", i);
    }
    for (size_t i = 0; i < domain->chardev_count; i++) {
        const SvirtChardev *each = &domain->chardevs[i];

        if (each->role == SVIRT_CHARDEV_CHANNEL) {
            add_line(lines, &each->info, "channel %s", each->target_name);
        } else if (each->role == SVIRT_CHARDEV_CONSOLE &&
                   each->target == SVIRT_CHARDEV_TARGET_VIRTIO) {
            add_line(lines, &each->info, "console %u", consoles++);
        } else if (each->role == SVIRT_CHARDEV_SERIAL) {
            add_line(lines, &each->info, "serial %d", each->target_port);
        }
    }
    if (domain->vsock.info.line != 0) {
        add_line(lines, &domain->vsock.info, "vsock");
    }
    if (domain->balloon.model == SVIRT_BALLOON_VIRTIO) {
        add_line(lines, &domain->balloon.info, "memballoon");
    }
    g_ptr_array_sort(lines, compare_lines);
    g_ptr_array_add(lines, NULL);
    return g_strjoinv(NULL, (char **)lines->pdata);
}

static void
test_as_libvirt(gconstpointer data)
{
    const char *name = data;
    g_autofree char *xml = data_path(name);
    g_autofree char *base = g_strndup(xml, strlen(xml) - 4);
    g_autofree char *libvirt = g_strconcat(base, ".libvirt", NULL);
    g_autofree char *refusal = g_strconcat(base, ".error", NULL);
    g_autofree char *text = NULL;
    g_autofree char *expected = NULL;
    g_autofree char *got = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_get_contents(xml, &text, NULL, NULL));
    domain = parse(text);
    if (!svirt_hardware_assign(&domain, NULL, &error)) {
        got = svirt_error_render(error);
        (void)g_file_get_contents(refusal, &expected, NULL, NULL);
    } else {
        got = describe(domain);
        (void)g_file_get_contents(libvirt, &expected, NULL, NULL);
    }
    if (g_strcmp0(got, expected) != 0) {
        g_test_message("svirt:\n%slibvirt:\n%s", got, expected);
        g_test_fail();
    }
}

/* What is complete stays as it is, to the letter. */
static void
test_complete(gconstpointer data)
{
    g_autofree char *xml = data_path(data);
    g_autofree char *text = NULL;
    g_autofree char *once = NULL;
    g_autofree char *twice = NULL;
    g_autoptr(SvirtDomain) domain = NULL;

    g_assert_true(g_file_get_contents(xml, &text, NULL, NULL));
    domain = parse(text);
    if (!svirt_hardware_assign(&domain, NULL, NULL)) {
        return;
    }
    once = svirt_domain_print(domain);
    g_assert_true(svirt_hardware_assign(&domain, NULL, NULL));
    twice = svirt_domain_print(domain);
    g_assert_cmpstr(twice, ==, once);
}

/* Without the device on `line`; the rest in the order it had. */
static char *
without(const char *lines, const char *device)
{
    g_auto(GStrv) all = g_strsplit(lines, "\n", -1);
    GString *out = g_string_new(NULL);

    for (char **line = all; *line != NULL && **line != '\0'; line++) {
        if (!g_str_has_prefix(*line, device)) {
            g_string_append_printf(out, "%s\n", *line);
        }
    }
    return g_string_free(out, FALSE);
}

/* '@' is a letter, '#' a number. */
static const char *const pieces[] = {
    "<disk type='file'><source file='/a@'/><target dev='vd@'"
    " bus='virtio'/></disk>",
    "<disk type='file'><source file='/b@'/><target dev='sd@'"
    " bus='scsi'/></disk>",
    "<disk type='file'><source file='/c@'/><target dev='sd@'"
    " bus='sata'/></disk>",
    "<disk type='file'><source file='/d@'/><target dev='sd@'"
    " bus='usb'/></disk>",
    "<channel type='unix'><target type='virtio' name='c@'/></channel>",
    "<interface type='user'><mac address='52:54:00:00:00:#'/>"
    "<model type='virtio'/></interface>",
    "<rng model='virtio'><backend model='builtin'/></rng>",
    "<input type='tablet' bus='usb'/>",
};

/* Of which a guest has one. */
static const char *const singles[] = {
    ("<disk type='file' device='floppy'><source file='/f'/>"
     "<target dev='fda'/></disk>"),
    "<vsock model='virtio'><cid auto='yes'/></vsock>",
    "<watchdog model='i6300esb'/>",
    "<panic model='pvpanic'/>",
};

static char *
piece(size_t which, size_t number)
{
    const char letter[] = { (char)('c' + number), '\0' };
    g_autofree char *digits = g_strdup_printf("%02zu", number);
    g_auto(GStrv) parts = g_strsplit(pieces[which], "@", -1);
    g_autofree char *some = g_strjoinv(letter, parts);
    g_auto(GStrv) rest = g_strsplit(some, "#", -1);

    return g_strjoinv(digits, rest);
}

static SvirtXmlNode *
nth_device(const SvirtDomain *domain, unsigned number)
{
    SvirtXmlNode *devices =
        svirt_xml_find(domain->document->root, "devices");
    SvirtXmlNode *node = devices->first_child;

    while (number-- > 0 && node != NULL) {
        node = node->next;
    }
    return node;
}

/* The definition with `extra` as its first device. */
static SvirtDomain *
with(const SvirtDomain *domain, const char *extra)
{
    g_autofree char *text = svirt_domain_print(domain);
    char *devices = strstr(text, "<devices>") + strlen("<devices>");
    g_autofree char *all = NULL;

    all = g_strdup_printf("%.*s%s%s", (int)(devices - text), text, extra,
                          devices);
    return parse(all);
}

static bool
contains_all(const char *lines, const char *expected)
{
    g_auto(GStrv) wanted = g_strsplit(expected, "\n", -1);

    for (char **line = wanted; *line != NULL; line++) {
        if (strstr(lines, *line) == NULL) {
            g_test_message("moved: %s", *line);
            return false;
        }
    }
    return true;
}

/* Names that count devices change with one more or less of them. */
static char *
uncounted(const SvirtDomain *domain)
{
    g_autofree char *all = describe(domain);
    g_autofree char *some = without(all, "rng");
    g_autofree char *fewer = without(some, "interface");

    return without(fewer, "input");
}

static SvirtDomain *
with_everything(const char *machine)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_printf(text,
                    "<domain type='qemu'><name>v</name><memory>65536</memory>"
                    "<os><type machine='%s'>hvm</type></os><devices>"
                    "<controller type='usb' index='0' model='qemu-xhci' "
                    "ports='15'/>",
                    machine);
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(pieces); i++) {
        g_autofree char *one = piece(i % G_N_ELEMENTS(pieces),
                                     i / G_N_ELEMENTS(pieces) +
                                         2 * (i % G_N_ELEMENTS(pieces)));

        g_string_append(text, one);
    }
    g_string_append(text, "</devices></domain>");
    return parse(text->str);
}

static void
test_moves_no_other(gconstpointer data)
{
    g_autoptr(SvirtDomain) domain = with_everything(data);
    g_autofree char *before = NULL;
    g_autoptr(GError) error = NULL;

    svirt_hardware_assign(&domain, NULL, &error);
    g_assert_no_error(error);
    before = uncounted(domain);

    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autofree char *extra = piece(i, 18);
        g_autoptr(SvirtDomain) more = with(domain, extra);
        g_autofree char *after = NULL;

        svirt_hardware_assign(&more, NULL, &error);
        g_assert_no_error(error);
        after = uncounted(more);
        g_assert_true(contains_all(after, before));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(singles); i++) {
        g_autoptr(SvirtDomain) more = with(domain, singles[i]);
        g_autofree char *after = NULL;

        svirt_hardware_assign(&more, NULL, &error);
        g_assert_no_error(error);
        after = uncounted(more);
        g_assert_true(contains_all(after, before));
    }
    for (unsigned i = 0; nth_device(domain, i) != NULL; i++) {
        g_autoptr(SvirtDomain) less = with(domain, "");
        SvirtXmlNode *gone = nth_device(less, i);
        SvirtXmlNode *devices = gone->parent;
        bool balloon = strcmp(gone->name, "memballoon") == 0;
        g_autofree char *after = NULL;

        if (strcmp(gone->name, "controller") == 0) {
            continue; /* devices sit on them */
        }
        if (i == 0) {
            devices->first_child = gone->next;
        } else {
            nth_device(less, i - 1)->next = gone->next;
        }
        if (devices->last_child == gone) {
            devices->last_child = nth_device(less, i - 1);
        }
        svirt_hardware_assign(&less, NULL, &error);
        g_assert_no_error(error);
        after = uncounted(less);
        /* All that is left was there, in that place; the balloon, which
           every guest has, may find another. */
        g_assert_true(balloon || contains_all(before, after));
    }
}

static void
test_machine(void)
{
    g_autoptr(SvirtDomain) domain =
        parse("<domain type='qemu'><name>v</name><memory>65536</memory>"
              "<os><type machine='q35'>hvm</type></os></domain>");
    g_autoptr(GError) error = NULL;

    svirt_hardware_assign(&domain, "pc-q35-7.2", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(domain->os.machine, ==, "pc-q35-7.2");
}

/* No bus at all, and no <devices> to put one into. */
static void
test_isapc(void)
{
    g_autoptr(SvirtDomain) domain =
        parse("<domain type='qemu'><name>v</name><memory>65536</memory>"
              "<os><type machine='isapc'>hvm</type></os></domain>");
    g_autoptr(GError) error = NULL;

    g_assert_true(svirt_hardware_is_assigned(domain));
    svirt_hardware_assign(&domain, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(domain->controller_count, ==, 0);
}

static void
test_is_assigned(void)
{
    static const char *const rows[] = {
        "", "<disk type='file'><source file='/a'/><target dev='hda'/></disk>",
        "<controller type='pci' index='0' model='pci-root'/><disk type='file'>"
        "<source file='/a'/><target dev='vda' bus='virtio'/></disk>",
        "<controller type='pci' index='0' model='pci-root'/>"
        "<interface type='user'/>",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "<domain type='qemu'><name>v</name><memory>65536</memory><os>"
            "<type machine='pc'>hvm</type></os><devices>%s</devices></domain>",
            rows[i]);
        g_autoptr(SvirtDomain) domain = parse(text);
        g_autoptr(GError) error = NULL;

        g_assert_false(svirt_hardware_is_assigned(domain));
        svirt_hardware_assign(&domain, NULL, &error);
        g_assert_no_error(error);
        g_assert_true(svirt_hardware_is_assigned(domain));
    }
}

static void
test_macs(void)
{
    g_autoptr(SvirtDomain) domain =
        parse("<domain type='qemu'><name>v</name><memory>65536</memory>"
              "<os><type>hvm</type></os><devices><interface type='user'/>"
              "<interface type='user'/></devices></domain>");
    g_autoptr(GError) error = NULL;

    svirt_hardware_assign(&domain, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(domain->interfaces[0].mac_given);
    g_assert_cmpint(domain->interfaces[0].mac[0], ==, 0x52);
    g_assert_cmpint(memcmp(domain->interfaces[0].mac,
                           domain->interfaces[1].mac, 6), !=, 0);
}

int
main(int argc, char **argv)
{
    g_autofree char *path = NULL;
    GDir *dir;
    const char *name;

    g_test_init(&argc, &argv, NULL);
    path = data_path("");
    dir = g_dir_open(path, 0, NULL);
    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        if (g_str_has_suffix(name, ".xml")) {
            g_autofree char *test =
                g_strdup_printf("/hypervisor/hardware/as-libvirt/%s", name);

            g_test_add_data_func_full(test, g_strdup(name), test_as_libvirt,
                                      g_free);
            g_free(test);
            test = g_strdup_printf("/hypervisor/hardware/complete/%s", name);
            g_test_add_data_func_full(test, g_strdup(name), test_complete,
                                      g_free);
        }
    }
    g_dir_close(dir);
    g_test_add_data_func("/hypervisor/hardware/moves-no-other/pc", "pc",
                         test_moves_no_other);
    g_test_add_data_func("/hypervisor/hardware/moves-no-other/q35", "q35",
                         test_moves_no_other);
    g_test_add_func("/hypervisor/hardware/machine", test_machine);
    g_test_add_func("/hypervisor/hardware/isapc", test_isapc);
    g_test_add_func("/hypervisor/hardware/is-assigned", test_is_assigned);
    g_test_add_func("/hypervisor/hardware/macs", test_macs);
    return g_test_run();
}
