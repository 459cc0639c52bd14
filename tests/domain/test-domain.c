/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"
#include "domain/resource.h"

/* A definition with `top` beside its first elements and `devices` inside. */
static char *
build(const char *top, const char *devices)
{
    return g_strdup_printf("<domain type='qemu'><name>t</name>"
                           "<memory>65536</memory><vcpu>4</vcpu>"
                           "<os><type>hvm</type></os>\n%s"
                           "<devices>\n%s</devices></domain>",
                           top, devices);
}

static SvirtDomain *
parse(const char *top, const char *devices)
{
    g_autofree char *text = build(top, devices);
    g_autoptr(GError) error = NULL;
    SvirtDomain *domain = NULL;

    svirt_domain_parse(text, strlen(text), "x.xml", &domain, &error);
    g_assert_no_error(error);
    return domain;
}

#define HVM "<os><type>hvm</type></os>"

static void
test_sizes(void)
{
    static const struct {
        const char *xml;
        uint64_t bytes;
    } sizes[] = {
        { "<memory>1024</memory>", 1048576 },
        { "<memory unit='b'>1025</memory>", 2048 },
        { "<memory unit='bytes'>1</memory>", 1024 },
        { "<memory unit='KB'>1000</memory>", 1000448 },
        { "<memory unit='k'>1</memory>", 1024 },
        { "<memory unit='KiB'>3</memory>", 3072 },
        { "<memory unit='MB'>1</memory>", 1000448 },
        { "<memory unit='M'>2</memory>", 2097152 },
        { "<memory unit='mib'>2</memory>", 2097152 },
        { "<memory unit='GB'>1</memory>", 1000000512 },
        { "<memory unit='G'>4</memory>", UINT64_C(4294967296) },
        { "<memory unit='TiB'>1</memory>", UINT64_C(1099511627776) },
        { "<memory unit='P'>1</memory>", UINT64_C(1) << 50 },
        { "<memory unit='KiB'>\n 3 \n</memory>", 3072 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *text = g_strdup_printf(
            "<domain type='kvm'><name>t</name>%s" HVM "</domain>",
            sizes[i].xml);
        g_autoptr(SvirtDomain) domain = NULL;
        g_autoptr(GError) error = NULL;

        svirt_domain_parse(text, strlen(text), "x.xml", &domain, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(domain->memory_bytes, ==, sizes[i].bytes);
    }
}

static void
test_current_memory(void)
{
    g_autoptr(SvirtDomain) less =
        parse("<currentMemory>1024</currentMemory>", "");
    g_autoptr(SvirtDomain) more =
        parse("<currentMemory unit='GiB'>9</currentMemory>", "");

    g_assert_cmpuint(less->current_memory_bytes, ==, 1048576);
    g_assert_cmpuint(less->warning_count, ==, 0);
    g_assert_cmpuint(more->current_memory_bytes, ==, more->memory_bytes);
    g_assert_cmpuint(more->warning_count, ==, 1);
    g_assert_cmpstr(more->warnings[0].text, ==,
                    "x.xml:2: <currentMemory> is more than <memory>, which is "
                    "taken");
}

static void
test_defaults(void)
{
    g_autoptr(SvirtDomain) domain = parse("", "");

    g_assert_cmpint(domain->type, ==, SVIRT_DOMAIN_TYPE_QEMU);
    g_assert_false(domain->uuid_given);
    g_assert_cmpuint(domain->vcpus, ==, 4);
    g_assert_cmpint(domain->on_poweroff, ==, SVIRT_ACTION_DESTROY);
    g_assert_cmpint(domain->on_reboot, ==, SVIRT_ACTION_RESTART);
    g_assert_cmpint(domain->on_crash, ==, SVIRT_ACTION_DESTROY);
    g_assert_cmpint(domain->cpu.mode, ==, SVIRT_CPU_MODE_UNSET);
    g_assert_cmpint(domain->features.acpi, ==, SVIRT_SWITCH_UNSET);
    g_assert_cmpuint(domain->seclabels->len, ==, 0);
    g_assert_null(domain->emulator);
    g_assert_null(domain->os.machine);
    g_assert_cmpint(domain->balloon.model, ==, SVIRT_BALLOON_UNSET);
}

static void
test_set_uuid(void)
{
    g_autoptr(SvirtDomain) domain = parse("", "");
    g_autoptr(SvirtDomain) again = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    SvirtUuid uuid;

    g_assert_true(
        svirt_uuid_parse("8f2b5c1e-3a47-4d0c-9a55-6e1f0b7d2c31", &uuid));
    svirt_domain_set_uuid(domain, &uuid);
    g_assert_true(domain->uuid_given);
    text = svirt_domain_print(domain);
    svirt_domain_parse(text, strlen(text), "x.xml", &again, &error);
    g_assert_no_error(error);
    g_assert_true(again->uuid_given);
    g_assert_true(svirt_uuid_equal(&again->uuid, &uuid));
}

static void
test_disk(void)
{
    g_autoptr(SvirtDomain) domain = parse(
        "", "<disk type='block'><driver name='qemu' type='qcow2' "
            "cache='none' io='io_uring' discard='unmap' detect_zeroes='on' "
            "error_policy='enospace' rerror_policy='report'/>"
            "<source dev='/dev/a'/><backingStore><format type='raw'/>"
            "<source file='/b'/><backingStore/></backingStore>"
            "<target dev='sdb' bus='scsi'/><serial>A 1</serial>"
            "<boot order='2'/><address type='drive' controller='1' bus='0' "
            "target='2' unit='3'/></disk>"
            "<disk device='cdrom'><target dev='hda'/></disk>"
            "<disk><source file='/c'/><target dev='sdc'/></disk>");
    const SvirtDisk *disk = &domain->disks[0];

    g_assert_cmpuint(domain->disk_count, ==, 3);
    g_assert_cmpint(disk->device, ==, SVIRT_DISK_DEVICE_DISK);
    g_assert_cmpint(disk->bus, ==, SVIRT_DISK_BUS_SCSI);
    g_assert_cmpstr(disk->target, ==, "sdb");
    g_assert_cmpuint(disk->image_count, ==, 2);
    g_assert_true(disk->chain_complete);
    g_assert_true(disk->images[0].block);
    g_assert_cmpint(disk->images[0].format, ==, SVIRT_DISK_FORMAT_QCOW2);
    g_assert_cmpstr(disk->images[1].path, ==, "/b");
    g_assert_false(disk->images[1].block);
    g_assert_cmpint(disk->cache, ==, SVIRT_DISK_CACHE_NONE);
    g_assert_cmpint(disk->io, ==, SVIRT_DISK_IO_IO_URING);
    g_assert_cmpint(disk->discard, ==, SVIRT_DISK_DISCARD_UNMAP);
    g_assert_cmpint(disk->detect_zeroes, ==, SVIRT_DISK_DETECT_ZEROES_ON);
    g_assert_cmpint(disk->error_policy, ==, SVIRT_DISK_ERROR_POLICY_ENOSPACE);
    g_assert_cmpint(disk->read_error_policy, ==,
                    SVIRT_DISK_ERROR_POLICY_REPORT);
    g_assert_cmpstr(disk->serial, ==, "A 1");
    g_assert_cmpuint(disk->info.boot_order, ==, 2);
    g_assert_cmpint(disk->info.address.type, ==, SVIRT_ADDRESS_DRIVE);
    g_assert_cmpuint(disk->info.address.controller, ==, 1);
    g_assert_cmpuint(disk->info.address.target, ==, 2);
    g_assert_cmpuint(disk->info.address.unit, ==, 3);
    g_assert_null(domain->disks[1].images[0].path);
    g_assert_true(domain->disks[1].read_only);
    g_assert_cmpint(domain->disks[1].bus, ==, SVIRT_DISK_BUS_IDE);
    g_assert_false(domain->disks[2].chain_complete);
    g_assert_cmpint(domain->disks[2].images[0].format, ==,
                    SVIRT_DISK_FORMAT_UNSET);
}

static void
test_chardevs(void)
{
    g_autoptr(SvirtDomain) domain = parse(
        "", "<channel type='unix'><source mode='bind'/>"
            "<target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
            "<console><target type='serial' port='0'/></console>"
            "<console type='null'><target type='virtio'/></console>"
            "<serial type='pty'><source path='/dev/pts/3'/>"
            "<target type='isa-serial' port='0'/></serial>"
            "<serial type='unix'><source path='/s'/></serial>");
    const SvirtChardev *all = domain->chardevs;

    g_assert_cmpuint(domain->chardev_count, ==, 5);
    g_assert_cmpint(all[0].role, ==, SVIRT_CHARDEV_SERIAL);
    g_assert_null(all[0].path); /* a pty of svirt's own */
    g_assert_cmpint(all[0].target_port, ==, 0);
    g_assert_true(all[1].connect);
    g_assert_cmpint(all[1].target_port, ==, -1);
    g_assert_true(all[2].repeats_serial);
    g_assert_false(all[3].repeats_serial);
    g_assert_cmpint(all[3].target, ==, SVIRT_CHARDEV_TARGET_VIRTIO);
    g_assert_cmpint(all[4].role, ==, SVIRT_CHARDEV_CHANNEL);
    g_assert_null(all[4].path);
    g_assert_cmpuint(domain->warning_count, ==, 1); /* /dev/pts/3 */
}

static void
test_small_devices(void)
{
    g_autoptr(SvirtDomain) domain = parse(
        "", "<interface type='user'><mac address='52:54:00:aB:cD:01'/>"
            "<model type='virtio'/><link state='down'/><mtu size='1400'/>"
            "</interface>"
            "<controller type='virtio-serial' ports='31' vectors='0'/>"
            "<controller type='usb' model='none'/>"
            "<rng model='virtio'><rate bytes='5'/>"
            "<backend model='random'/></rng>"
            "<panic model='pvpanic'/>"
            "<video><model type='qxl' ram='1' vram='2' vgamem='3'/></video>"
            "<input type='keyboard' bus='virtio'/>"
            "<memballoon model='none'/>");
    static const uint8_t mac[] = { 0x52, 0x54, 0, 0xab, 0xcd, 1 };

    g_assert_true(domain->interfaces[0].mac_given);
    g_assert_cmpmem(domain->interfaces[0].mac, 6, mac, 6);
    g_assert_true(domain->interfaces[0].link_down);
    g_assert_cmpuint(domain->interfaces[0].mtu, ==, 1400);
    g_assert_cmpint(domain->controllers[0].index, ==, -1);
    g_assert_cmpuint(domain->controllers[0].ports, ==, 31);
    g_assert_cmpint(domain->controllers[0].vectors, ==, 0);
    g_assert_cmpint(domain->controllers[1].model, ==,
                    SVIRT_CONTROLLER_MODEL_USB_NONE);
    g_assert_cmpstr(domain->rngs[0].path, ==, "/dev/random");
    g_assert_cmpuint(domain->rngs[0].rate_bytes, ==, 5);
    g_assert_cmpuint(domain->rngs[0].rate_period_ms, ==, 1000);
    g_assert_cmpint(domain->panics[0].model, ==, SVIRT_PANIC_PVPANIC);
    g_assert_cmpuint(domain->videos[0].vgamem_kib, ==, 3);
    g_assert_cmpint(domain->inputs[0].bus, ==, SVIRT_INPUT_BUS_VIRTIO);
    g_assert_cmpint(domain->balloon.model, ==, SVIRT_BALLOON_NONE);
}

static void
test_warnings_bounded(void)
{
    g_autoptr(GString) xml = g_string_new(NULL);
    g_autoptr(SvirtDomain) domain = NULL;

    for (unsigned i = 0; i < 10000; i++) {
        g_string_append(xml, "<genid/>");
    }
    domain = parse(xml->str, "");
    g_assert_cmpuint(domain->warning_count, ==, 257);
    g_assert_cmpstr(domain->warnings[256].text, ==,
                    "x.xml:2: more is ignored, not listed");
}

static void
test_names(void)
{
    g_autofree char *longest = g_strnfill(SVIRT_DOMAIN_NAME_MAX, 'a');
    g_autofree char *longer = g_strnfill(SVIRT_DOMAIN_NAME_MAX + 1, 'a');
    const char *const good[] = { "web",         "a b", "1",   "-x",
                                 "caf\xc3\xa9", "a.b", "...", longest };
    const char *const bad[] = { "",      " ",       "   ",      ".",
                                "..",    "a/b",     "/",        "a\nb",
                                "a\x7f", "a\x1b[m", "\xff\xfe", "a\xc2\x85",
                                longer };

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_true(svirt_domain_validate_name(good[i], &error));
        g_assert_no_error(error);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(svirt_domain_validate_name(bad[i], &error));
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
    }
}

static void
test_hundred_devices(void)
{
    g_autoptr(GString) xml = g_string_new(NULL);
    g_autofree char *text = NULL;
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtResourceList) list = NULL;

    for (unsigned i = 0; i < 100; i++) {
        g_string_append_printf(
            xml,
            "<disk type='file' device='disk'><driver name='qemu' "
            "type='qcow2' cache='none'/><source file='/srv/%u.qcow2'/>"
            "<target dev='vd%c%c' bus='virtio'/><serial>S%u</serial>"
            "<address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' "
            "function='0x0'/></disk>\n",
            i, 'a' + (int)(i / 26), 'a' + (int)(i % 26), i, i + 1);
    }
    text = build("", xml->str);
    g_assert_true(
        svirt_domain_parse(text, strlen(text), "x.xml", &domain, NULL));
    g_assert_true(svirt_resource_list_from_domain(domain, &list, NULL));
    g_assert_cmpuint(list->count, ==, 100);
}

/* Each enum's words lead back to the value; words of one enum differ. */
#define CHECK_ENUM(Type, name, max)                                            \
    do {                                                                       \
        for (int value = 0; value < (max); value++) {                          \
            Type back = (Type)(max);                                           \
                                                                               \
            g_assert_true(                                                     \
                name##_from_string(name##_to_string((Type)value), &back));     \
            g_assert_cmpint((int)back, ==, value);                             \
        }                                                                      \
    } while (0)

static void
test_enums(void)
{
    CHECK_ENUM(SvirtAddressType, svirt_address_type, SVIRT_ADDRESS_MAX);
    CHECK_ENUM(SvirtDiskDevice, svirt_disk_device, SVIRT_DISK_DEVICE_MAX);
    CHECK_ENUM(SvirtDiskBus, svirt_disk_bus, SVIRT_DISK_BUS_MAX);
    CHECK_ENUM(SvirtDiskFormat, svirt_disk_format, SVIRT_DISK_FORMAT_MAX);
    CHECK_ENUM(SvirtDiskCache, svirt_disk_cache, SVIRT_DISK_CACHE_MAX);
    CHECK_ENUM(SvirtDiskIo, svirt_disk_io, SVIRT_DISK_IO_MAX);
    CHECK_ENUM(SvirtDiskDiscard, svirt_disk_discard, SVIRT_DISK_DISCARD_MAX);
    CHECK_ENUM(SvirtDiskDetectZeroes, svirt_disk_detect_zeroes,
               SVIRT_DISK_DETECT_ZEROES_MAX);
    CHECK_ENUM(SvirtDiskErrorPolicy, svirt_disk_error_policy,
               SVIRT_DISK_ERROR_POLICY_MAX);
    CHECK_ENUM(SvirtStartupPolicy, svirt_startup_policy,
               SVIRT_STARTUP_POLICY_MAX);
    CHECK_ENUM(SvirtControllerType, svirt_controller_type,
               SVIRT_CONTROLLER_TYPE_MAX);
    CHECK_ENUM(SvirtControllerModel, svirt_controller_model,
               SVIRT_CONTROLLER_MODEL_MAX);
    CHECK_ENUM(SvirtChardevRole, svirt_chardev_role, SVIRT_CHARDEV_ROLE_MAX);
    CHECK_ENUM(SvirtChardevType, svirt_chardev_type, SVIRT_CHARDEV_TYPE_MAX);
    CHECK_ENUM(SvirtChardevTarget, svirt_chardev_target,
               SVIRT_CHARDEV_TARGET_MAX);
    CHECK_ENUM(SvirtInputType, svirt_input_type, SVIRT_INPUT_TYPE_MAX);
    CHECK_ENUM(SvirtInputBus, svirt_input_bus, SVIRT_INPUT_BUS_MAX);
    CHECK_ENUM(SvirtVideoModel, svirt_video_model, SVIRT_VIDEO_MODEL_MAX);
    CHECK_ENUM(SvirtRngBackend, svirt_rng_backend, SVIRT_RNG_BACKEND_MAX);
    CHECK_ENUM(SvirtBalloonModel, svirt_balloon_model, SVIRT_BALLOON_MODEL_MAX);
    CHECK_ENUM(SvirtPanicModel, svirt_panic_model, SVIRT_PANIC_MODEL_MAX);
    CHECK_ENUM(SvirtDomainType, svirt_domain_type, SVIRT_DOMAIN_TYPE_MAX);
    CHECK_ENUM(SvirtBootDevice, svirt_boot_device, SVIRT_BOOT_DEVICE_MAX);
    CHECK_ENUM(SvirtSwitch, svirt_switch, SVIRT_SWITCH_MAX);
    CHECK_ENUM(SvirtCpuMode, svirt_cpu_mode, SVIRT_CPU_MODE_MAX);
    CHECK_ENUM(SvirtCpuCheck, svirt_cpu_check, SVIRT_CPU_CHECK_MAX);
    CHECK_ENUM(SvirtCpuPolicy, svirt_cpu_policy, SVIRT_CPU_POLICY_MAX);
    CHECK_ENUM(SvirtClockOffset, svirt_clock_offset, SVIRT_CLOCK_OFFSET_MAX);
    CHECK_ENUM(SvirtNumaMode, svirt_numa_mode, SVIRT_NUMA_MODE_MAX);
    CHECK_ENUM(SvirtHyperv, svirt_hyperv, SVIRT_HYPERV_MAX);
    CHECK_ENUM(SvirtKvmFeature, svirt_kvm_feature, SVIRT_KVM_FEATURE_MAX);
    CHECK_ENUM(SvirtCpuCache, svirt_cpu_cache, SVIRT_CPU_CACHE_MAX);
    CHECK_ENUM(SvirtTimerTrack, svirt_timer_track, SVIRT_TIMER_TRACK_MAX);
    CHECK_ENUM(SvirtTimerName, svirt_timer_name, SVIRT_TIMER_NAME_MAX);
    CHECK_ENUM(SvirtTickPolicy, svirt_tick_policy, SVIRT_TICK_POLICY_MAX);
    CHECK_ENUM(SvirtLifecycleAction, svirt_lifecycle_action, SVIRT_ACTION_MAX);
    CHECK_ENUM(SvirtResourceKind, svirt_resource_kind, SVIRT_RESOURCE_MAX);
    CHECK_ENUM(SvirtAccess, svirt_access, SVIRT_ACCESS_MAX);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/domain/reads-sizes", test_sizes);
    g_test_add_func("/domain/domain/current-memory-is-at-most-memory",
                    test_current_memory);
    g_test_add_func("/domain/domain/has-libvirts-defaults", test_defaults);
    g_test_add_func("/domain/domain/set-uuid-is-printed", test_set_uuid);
    g_test_add_func("/domain/domain/reads-disks", test_disk);
    g_test_add_func("/domain/domain/reads-chardevs", test_chardevs);
    g_test_add_func("/domain/domain/reads-small-devices", test_small_devices);
    g_test_add_func("/domain/domain/warnings-are-bounded",
                    test_warnings_bounded);
    g_test_add_func("/domain/domain/validates-names", test_names);
    g_test_add_func("/domain/domain/hundred-devices",
                    test_hundred_devices);
    g_test_add_func("/domain/domain/enum-words-lead-back", test_enums);
    return g_test_run();
}
