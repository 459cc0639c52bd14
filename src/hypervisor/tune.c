/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hypervisor/tune.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"

static void G_GNUC_PRINTF(4, 5)
    wish(GArray *wishes, uint32_t controller, const char *file,
         const char *format, ...)
{
    SvirtCgroupWish item = { .controller = controller, .file = file };
    va_list args;

    va_start(args, format);
    (void)g_vsnprintf(item.text, sizeof(item.text), format, args);
    va_end(args);
    g_array_append_val(wishes, item);
}

static void
append_limit(GString *text, const char *name, uint64_t value)
{
    if (value != 0) {
        g_string_append_printf(text, " %s=%" PRIu64, name, value);
    }
}

static bool
wish_device(GArray *wishes, const SvirtBlockTune *device, GError **error)
{
    g_autoptr(GString) limits = g_string_new(NULL);
    unsigned major_number, minor_number;
    struct stat info;

    if (stat(device->path, &info) < 0) {
        return svirt_raise_errno(error, errno, "name a disk of this host",
                                 "cannot look at '%s' in line %u",
                                 device->path, device->line);
    }
    if (!S_ISBLK(info.st_mode)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "name a disk of this host",
                           "'%s' in line %u is no block device", device->path,
                           device->line);
    }
    major_number = major(info.st_rdev);
    minor_number = minor(info.st_rdev);
    append_limit(limits, "rbps", device->read_bytes);
    append_limit(limits, "wbps", device->write_bytes);
    append_limit(limits, "riops", device->read_operations);
    append_limit(limits, "wiops", device->write_operations);
    if (limits->len > 0) {
        wish(wishes, SVIRT_CONTROLLER_IO, "io.max", "%u:%u%s", major_number,
             minor_number, limits->str);
    }
    if (device->weight != 0) {
        wish(wishes, SVIRT_CONTROLLER_IO, "io.weight", "%u:%u %" PRIu64,
             major_number, minor_number, device->weight);
    }
    return true;
}

bool
svirt_tune_wishes(const SvirtTune *tune, GArray **ret, GError **error)
{
    g_autoptr(GArray) wishes =
        g_array_new(FALSE, FALSE, sizeof(SvirtCgroupWish));
    const struct {
        uint32_t controller;
        const char *file;
        uint64_t value;
        bool wanted;
    } numbers[] = {
        { SVIRT_CONTROLLER_CPU, "cpu.weight", tune->cpu_weight, false },
        { SVIRT_CONTROLLER_MEMORY, "memory.max", tune->memory_max_bytes,
          false },
        { SVIRT_CONTROLLER_MEMORY, "memory.high", tune->memory_high_bytes,
          false },
        { SVIRT_CONTROLLER_MEMORY, "memory.swap.max", tune->swap_max_bytes,
          tune->swap_limited },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (numbers[i].value != 0 || numbers[i].wanted) {
            wish(wishes, numbers[i].controller, numbers[i].file, "%" PRIu64,
                 numbers[i].value);
        }
    }
    if (tune->cpu_quota_us != 0) {
        wish(wishes, SVIRT_CONTROLLER_CPU, "cpu.max", "%" PRIu64 " %" PRIu64,
             tune->cpu_quota_us, tune->cpu_period_us);
    }
    if (tune->io_weight != 0) {
        wish(wishes, SVIRT_CONTROLLER_IO, "io.weight", "default %" PRIu64,
             tune->io_weight);
    }
    for (size_t i = 0; i < tune->device_count; i++) {
        if (!wish_device(wishes, &tune->devices[i], error)) {
            return false;
        }
    }
    *ret = g_steal_pointer(&wishes);
    return true;
}

static bool
pin(pid_t tid, const char *list, unsigned line, GError **error)
{
    SvirtCpus cpus;

    G_STATIC_ASSERT(sizeof(cpus.bits) % sizeof(unsigned long) == 0);
    g_assert(svirt_cpus_parse(list, &cpus)); /* the parser has tried it */
    if (sched_setaffinity(tid, sizeof(cpus.bits),
                          (const cpu_set_t *)(const void *)cpus.bits) == 0 ||
        errno == ESRCH) {
        return true;
    }
    return errno == EINVAL
               ? svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                             "give CPUs that this host has",
                             "none of the CPUs '%s' in line %u can be used",
                             list, line)
               : svirt_raise_errno(error, errno, NULL,
                                   "cannot use the CPUs '%s' in line %u", list,
                                   line);
}

/*
 * The number behind `prefix` in a name that ends with `end`: QEMU names its
 * threads "CPU 3/KVM" and, by their id, "IO iothread2". -1: another one.
 */
static int64_t
number_of(const char *name, const char *prefix, char end)
{
    guint64 number;
    char *rest;

    if (name == NULL || !g_str_has_prefix(name, prefix) ||
        !g_ascii_isdigit(name[strlen(prefix)])) {
        return -1;
    }
    number = g_ascii_strtoull(name + strlen(prefix), &rest, 10);
    return *rest == end && number <= UINT32_MAX ? (int64_t)number : -1;
}

static const SvirtPin *
find_pin(const SvirtPin *pins, size_t count, int64_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (pins[i].vcpu == number) {
            return &pins[i];
        }
    }
    return NULL;
}

static bool
pin_thread(pid_t vmm, const char *tid, const SvirtTune *tune, GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%s/comm", vmm, tid);
    const char *cpus = tune->cpus;
    unsigned line = tune->cpus_line;
    g_autofree char *name = NULL;
    const SvirtPin *own;
    int64_t vcpu, iothread;

    (void)g_file_get_contents(path, &name, NULL, NULL);
    vcpu = number_of(name, "CPU ", '/');
    iothread = number_of(name, "IO iothread", '\n');
    if (vcpu < 0 && iothread < 0 && tune->emulator_cpus != NULL) {
        cpus = tune->emulator_cpus;
        line = tune->emulator_line;
    }
    own = vcpu >= 0 ? find_pin(tune->pins, tune->pin_count, vcpu)
                    : find_pin(tune->iothread_pins, tune->iothread_pin_count,
                               iothread);
    if (own != NULL) {
        cpus = own->cpus;
        line = own->line;
    }
    return cpus == NULL || pin((pid_t)atoi(tid), cpus, line, error);
}

bool
svirt_tune_pin(pid_t vmm, const SvirtTune *tune, GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task", vmm);
    g_autoptr(GDir) tasks = NULL;
    const char *tid;

    if (tune->cpus == NULL && tune->emulator_cpus == NULL &&
        tune->pin_count == 0 && tune->iothread_pin_count == 0) {
        return true;
    }
    tasks = g_dir_open(path, 0, NULL);
    if (tasks == NULL) {
        return svirt_raise(error, SVIRT_ERROR_STATE, NULL, NULL,
                           "the emulator has ended");
    }
    while ((tid = g_dir_read_name(tasks)) != NULL) {
        if (!pin_thread(vmm, tid, tune, error)) {
            return false;
        }
    }
    return true;
}
