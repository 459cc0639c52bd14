/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/qemu.h"

#include <string.h>

#include "base/error.h"
#include "hypervisor/qemu-private.h"

#define LOADER_NODE "loader"

void
svirt_qemu_add(SvirtQemuBuilder *builder, const char *option,
               const char *value)
{
    g_ptr_array_add(builder->argv, g_strdup(option));
    if (value != NULL) {
        g_ptr_array_add(builder->argv, g_strdup(value));
    }
}

void
svirt_qemu_addf(SvirtQemuBuilder *builder, const char *option,
                const char *format, ...)
{
    va_list args;

    g_ptr_array_add(builder->argv, g_strdup(option));
    va_start(args, format);
    g_ptr_array_add(builder->argv, g_strdup_vprintf(format, args));
    va_end(args);
}

void
svirt_qemu_add_json(SvirtQemuBuilder *builder, const char *option,
                    json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    g_assert(text != NULL);
    svirt_qemu_add(builder, option, text);
    free(text);
    json_decref(object);
}

const char *
svirt_qemu_emulator(const SvirtDomain *domain)
{
    if (domain->emulator != NULL) {
        return domain->emulator;
    }
    return domain->os.arch != NULL && strcmp(domain->os.arch, "i686") == 0
               ? "/usr/bin/qemu-system-i386"
               : "/usr/bin/qemu-system-x86_64";
}

char *
svirt_qemu_double_commas(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);

    return g_strjoinv(",,", parts);
}

static void
add_firmware(SvirtQemuBuilder *builder)
{
    const SvirtQemuInput *input = builder->input;
    const SvirtOs *os = &input->domain->os;
    g_autofree char *file = NULL;

    if (os->loader == NULL) {
        return;
    }
    if (!os->loader_flash) {
        svirt_qemu_addf(builder, "-bios", "/proc/self/fd/%d",
                        input->loader_fd);
        return;
    }
    file = g_strdup_printf("/dev/fdset/%u", input->loader_set);
    svirt_qemu_add_json(builder, "-blockdev",
                        json_pack("{s:s,s:s,s:s,s:s,s:b}", "driver", "file",
                                  "filename", file, "node-name",
                                  LOADER_NODE "-file", "locking", "off",
                                  "read-only", 1));
    svirt_qemu_add_json(builder, "-blockdev",
                        json_pack("{s:s,s:s,s:s,s:b}", "driver", "raw",
                                  "file", LOADER_NODE "-file", "node-name",
                                  LOADER_NODE, "read-only", 1));
    if (os->nvram_node != NULL) {
        svirt_qemu_add_nodes(builder, input->domain->disk_count);
    }
    if (os->loader_secure == SVIRT_SWITCH_ON) {
        svirt_qemu_add(builder, "-global",
                       "driver=cfi.pflash01,property=secure,value=on");
    }
}

static void
append_flash(const SvirtDomain *domain, GString *text)
{
    if (domain->os.loader_flash) {
        g_string_append(text, ",pflash0=" LOADER_NODE);
    }
    if (domain->os.nvram_node != NULL) {
        g_string_append_printf(text, ",pflash1=disk%zu-format0",
                               domain->disk_count);
    }
}

static void
add_machine(SvirtQemuBuilder *builder)
{
    const SvirtDomain *domain = builder->input->domain;
    const char *machine = domain->os.machine;
    bool dirty_ring =
        domain->features.kvm_dirty_ring != 0 && builder->input->kvm;
    g_autofree char *safe = svirt_qemu_double_commas(machine != NULL ? machine : "pc");
    g_autoptr(GString) text = g_string_new(safe);

    /* What of the guest's memory a crash leaves behind is nobody's to read. */
    g_string_append(text, ",usb=off,dump-guest-core=off");
    if (!dirty_ring) {
        g_string_append_printf(text, ",accel=%s",
                               builder->input->kvm ? "kvm" : "tcg");
    }
    if (domain->features.vmport != SVIRT_SWITCH_UNSET) {
        g_string_append_printf(text, ",vmport=%s",
                               svirt_qemu_switch(domain->features.vmport));
    }
    if (domain->os.loader_secure == SVIRT_SWITCH_ON) {
        g_string_append(text, ",smm=on");
    } else if (domain->features.smm != SVIRT_SWITCH_UNSET) {
        g_string_append_printf(text, ",smm=%s",
                               svirt_qemu_switch(domain->features.smm));
    }
    for (size_t i = 0; i < domain->timer_count; i++) {
        if (domain->timers[i].name == SVIRT_TIMER_HPET &&
            domain->timers[i].present != SVIRT_SWITCH_UNSET) {
            g_string_append_printf(
                text, ",hpet=%s",
                svirt_qemu_switch(domain->timers[i].present));
        }
    }
    if (domain->features.kernel_ioapic != SVIRT_SWITCH_UNSET &&
        builder->input->kvm) {
        g_string_append_printf(
            text, ",kernel_irqchip=%s",
            domain->features.kernel_ioapic == SVIRT_SWITCH_ON ? "on" : "split");
    }
    if (domain->memory.no_merging) {
        g_string_append(text, ",mem-merge=off");
    }
    if (svirt_qemu_memory_backend(domain) != NULL) {
        g_string_append_printf(text, ",memory-backend=%s",
                               svirt_qemu_memory_backend(domain));
    }
    append_flash(domain, text);
    svirt_qemu_add(builder, "-machine", text->str);
    if (dirty_ring) {
        svirt_qemu_addf(builder, "-accel", "kvm,dirty-ring-size=%u",
                        domain->features.kvm_dirty_ring);
    }
    if (domain->features.acpi != SVIRT_SWITCH_ON) {
        svirt_qemu_add(builder, "-no-acpi", NULL);
    }
}

static bool
add_smp(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;
    const SvirtCpu *cpu = &domain->cpu;
    g_autoptr(GString) text = g_string_new(NULL);

    if (cpu->clusters > 1) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use dies= or cores= instead",
                           "line %u: a PC's CPUs have no clusters",
                           cpu->line);
    }
    g_string_append_printf(text, "%u", domain->vcpus);
    if (domain->vcpus != domain->vcpus_max) {
        g_string_append_printf(text, ",maxcpus=%u", domain->vcpus_max);
    }
    if (cpu->sockets != 0) {
        g_string_append_printf(text, ",sockets=%u", cpu->sockets);
        if (cpu->dies > 1) {
            g_string_append_printf(text, ",dies=%u", cpu->dies);
        }
        g_string_append_printf(text, ",cores=%u,threads=%u", cpu->cores,
                               cpu->threads);
    }
    svirt_qemu_add(builder, "-smp", text->str);
    return true;
}

static void
add_sleep(SvirtQemuBuilder *builder)
{
    const SvirtDomain *domain = builder->input->domain;
    const char *bridge = builder->pcie ? "ICH9-LPC" : "PIIX4_PM";

    if (domain->suspend_to_mem != SVIRT_SWITCH_UNSET) {
        svirt_qemu_addf(builder, "-global", "%s.disable_s3=%d", bridge,
                        domain->suspend_to_mem == SVIRT_SWITCH_OFF);
    }
    if (domain->suspend_to_disk != SVIRT_SWITCH_UNSET) {
        svirt_qemu_addf(builder, "-global", "%s.disable_s4=%d", bridge,
                        domain->suspend_to_disk == SVIRT_SWITCH_OFF);
    }
    if (domain->features.vmcoreinfo == SVIRT_SWITCH_ON) {
        svirt_qemu_add(builder, "-device", "vmcoreinfo");
    }
}

static bool
refuse_action(const char *element, const char *word, const char *hint,
              GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL, hint,
                       "<%s>%s</%s> is not built", element, word, element);
}

/*
 * Who acts when the guest powers off, reboots or crashes. Without a panic
 * device QEMU never learns of a crash, so on_crash means nothing.
 */
static bool
add_lifecycle(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    if (domain->on_poweroff == SVIRT_ACTION_RESTART) {
        return refuse_action("on_poweroff", "restart",
                             "use destroy or preserve", error);
    }
    if (domain->on_reboot == SVIRT_ACTION_PRESERVE) {
        return refuse_action("on_reboot", "preserve",
                             "use restart or destroy", error);
    }
    if (domain->on_crash == SVIRT_ACTION_RESTART && domain->panic_count > 0) {
        return refuse_action("on_crash", "restart",
                             "use destroy or preserve, or no <panic>", error);
    }
    svirt_qemu_addf(
        builder, "-action", "reboot=%s,shutdown=%s,panic=%s",
        domain->on_reboot == SVIRT_ACTION_DESTROY ? "shutdown" : "reset",
        domain->on_poweroff == SVIRT_ACTION_PRESERVE ? "pause" : "poweroff",
        domain->on_crash == SVIRT_ACTION_PRESERVE ? "pause" : "shutdown");
    return true;
}

static void
add_boot(SvirtQemuBuilder *builder)
{
    const SvirtQemuInput *input = builder->input;
    const SvirtOs *os = &input->domain->os;

    if (os->boot_menu == SVIRT_SWITCH_ON) {
        svirt_qemu_addf(builder, "-boot", "menu=on,strict=on,splash-time=%u",
                        os->boot_menu_timeout_ms);
    } else {
        svirt_qemu_add(builder, "-boot", "strict=on");
    }
    if (input->kernel_fd >= 0) {
        svirt_qemu_addf(builder, "-kernel", "/proc/self/fd/%d",
                        input->kernel_fd);
    }
    if (input->initrd_fd >= 0) {
        svirt_qemu_addf(builder, "-initrd", "/proc/self/fd/%d",
                        input->initrd_fd);
    }
    if (os->cmdline != NULL) {
        svirt_qemu_add(builder, "-append", os->cmdline);
    }
}

static bool
add_base(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtQemuInput *input = builder->input;
    const SvirtDomain *domain = input->domain;
    g_autofree char *name = svirt_qemu_double_commas(domain->name);
    char uuid[SVIRT_UUID_TEXT];

    svirt_qemu_addf(builder, "-name", "guest=%s,debug-threads=on", name);
    svirt_qemu_add(builder, "-S", NULL);
    add_machine(builder);
    if (!svirt_qemu_add_cpu(builder, error)) {
        return false;
    }
    svirt_qemu_add_memory(builder);
    if (!add_smp(builder, error)) {
        return false;
    }
    svirt_uuid_format(&domain->uuid, uuid);
    svirt_qemu_add(builder, "-uuid", uuid);
    svirt_qemu_add(builder, "-no-user-config", NULL);
    svirt_qemu_add(builder, "-nodefaults", NULL);
    svirt_qemu_add(builder, "-sandbox",
                   "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                   "resourcecontrol=deny");
    svirt_qemu_add(builder, "-display", "none");
    svirt_qemu_addf(builder, "-chardev", "socket,id=qmp,fd=%d",
                    input->qmp_fd);
    svirt_qemu_add(builder, "-mon", "chardev=qmp,mode=control");
    if (!svirt_qemu_add_clock(builder, error) ||
        !add_lifecycle(builder, error)) {
        return false;
    }
    add_sleep(builder);
    if (domain->features.tseg_mib != 0 && !builder->pcie) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "use the machine q35, or remove <tseg>",
                           "this machine has no <tseg>");
    }
    if (domain->features.tseg_mib != 0) {
        svirt_qemu_addf(builder, "-global", "mch.extended-tseg-mbytes=%u",
                        domain->features.tseg_mib);
    }
    add_boot(builder);
    svirt_qemu_add_sysinfo(builder);
    svirt_qemu_add_graphics(builder);
    for (unsigned i = 0; i < input->add_fd_count; i++) {
        svirt_qemu_addf(builder, "-add-fd", "fd=%d,set=%u",
                        input->add_fds[i].fd, input->add_fds[i].fdset);
    }
    add_firmware(builder);
    svirt_qemu_add(builder, "-msg", "timestamp=on");
    return true;
}

bool
svirt_qemu_argv(const SvirtQemuInput *input, char ***ret_argv, GError **error)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    SvirtQemuBuilder builder = {
        .input = input,
        .argv = argv,
        .pcie = svirt_hardware_is_pcie(input->domain),
    };

    g_ptr_array_add(argv, g_strdup(svirt_qemu_emulator(input->domain)));
    if (!add_base(&builder, error) ||
        !svirt_qemu_add_iothreads(&builder, error) ||
        !svirt_qemu_add_throttle_groups(&builder, error) ||
        !svirt_qemu_add_iommu(&builder, error) ||
        !svirt_qemu_add_controllers(&builder, error) ||
        !svirt_qemu_add_hubs(&builder, error) ||
        !svirt_qemu_add_disks(&builder, error) ||
        !svirt_qemu_add_chardevs(&builder, error) ||
        !svirt_qemu_add_small_devices(&builder, error) ||
        !svirt_qemu_add_media(&builder, error)) {
        return false;
    }
    for (size_t i = 0; i < input->domain->extra_arg_count; i++) {
        svirt_qemu_add(&builder, input->domain->extra_args[i], NULL);
    }
    g_ptr_array_add(argv, NULL);
    *ret_argv = (char **)g_ptr_array_steal(argv, NULL);
    return true;
}

bool
svirt_qemu_validate(const SvirtDomain *domain, GError **error)
{
    g_autofree SvirtQemuDrive *drives =
        g_new0(SvirtQemuDrive, domain->disk_count + 1);
    g_autofree int *numbers =
        g_new0(int, domain->chardev_count + domain->interface_count +
                        domain->graphics_count + 1);
    SvirtQemuInput input = {
        .domain = domain,
        .drives = drives,
        .kernel_fd = -1,
        .initrd_fd = -1,
        .chardev_fds = numbers,
        .net_fds = numbers,
        .password_fds = numbers,
        .kvm = domain->type == SVIRT_DOMAIN_TYPE_KVM,
    };
    g_auto(GStrv) argv = NULL;

    return svirt_qemu_check_interfaces(domain, error) &&
           svirt_qemu_argv(&input, &argv, error);
}
