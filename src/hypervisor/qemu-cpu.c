/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "hypervisor/qemu-private.h"

const char *
svirt_qemu_switch(SvirtSwitch value)
{
    return value == SVIRT_SWITCH_ON ? "on" : "off";
}

static const char *
cpu_model(const SvirtQemuBuilder *builder)
{
    const SvirtCpu *cpu = &builder->input->domain->cpu;

    switch (cpu->mode) {
    case SVIRT_CPU_MODE_CUSTOM:
        return cpu->model;
    case SVIRT_CPU_MODE_HOST_MODEL:
    case SVIRT_CPU_MODE_HOST_PASSTHROUGH:
        /* Software emulation has no host CPU to pass: its best instead. */
        return builder->input->kvm ? "host" : "max";
    case SVIRT_CPU_MODE_MAXIMUM:
        return "max";
    case SVIRT_CPU_MODE_UNSET:
        return "qemu64";
    case SVIRT_CPU_MODE_MAX:
        break;
    }
    g_assert_not_reached();
}

static bool
need_kvm(const SvirtQemuBuilder *builder, unsigned line, const char *what,
         GError **error)
{
    /* A domain that does not start may say so. */
    return builder->input->kvm || builder->input->domain->obstacle_count > 0 ||
           svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                       "remove it, or use <domain type='kvm'>",
                       "line %u: %s exists with KVM only", line, what);
}

/* Clocks and devices that a hypervisor shows as features of its CPUs. */
static bool
add_paravirtual(SvirtQemuBuilder *builder, GString *text, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    for (size_t i = 0; i < domain->panic_count; i++) {
        if (domain->panics[i].model != SVIRT_PANIC_HYPERV) {
            continue;
        }
        if (!need_kvm(builder, domain->panics[i].info.line,
                      "<panic model='hyperv'>", error)) {
            return false;
        }
        g_string_append(text, ",hv-crash=on");
    }
    for (size_t i = 0; i < domain->timer_count; i++) {
        const SvirtTimer *timer = &domain->timers[i];
        bool hyperv = timer->name == SVIRT_TIMER_HYPERVCLOCK;

        if (timer->frequency_hz != 0) {
            g_string_append_printf(text, ",tsc-frequency=%" G_GUINT64_FORMAT,
                                   timer->frequency_hz);
        }
        if ((!hyperv && timer->name != SVIRT_TIMER_KVMCLOCK) ||
            timer->present == SVIRT_SWITCH_UNSET) {
            continue;
        }
        /* A guest that finds no kvmclock takes another clock. */
        if (hyperv && timer->present == SVIRT_SWITCH_ON &&
            !need_kvm(builder, timer->line, "timer 'hypervclock'", error)) {
            return false;
        }
        if (builder->input->kvm) {
            g_string_append_printf(text, ",%s=%s",
                                   hyperv ? "hv-time" : "kvmclock",
                                   svirt_qemu_switch(timer->present));
        }
    }
    return true;
}

/* What Hyper-V would show a guest; only KVM can. */
static void
add_hyperv(const SvirtFeatures *features, GString *text)
{
    if (features->hyperv_passthrough) {
        g_string_append(text, ",hv-passthrough=on");
    }
    for (int i = 0; i < SVIRT_HYPERV_MAX; i++) {
        g_autofree char *name =
            g_strdelimit(g_strdup(svirt_hyperv_to_string((SvirtHyperv)i)), "_",
                         '-');
        bool on = (features->hyperv_on & 1u << i) != 0;

        if (!on && (features->hyperv_off & 1u << i) == 0) {
            continue;
        }
        if (i == SVIRT_HYPERV_SPINLOCKS && on) {
            g_string_append_printf(text, ",hv-spinlocks=0x%x",
                                   features->hyperv_spinlocks);
        } else if (i != SVIRT_HYPERV_SPINLOCKS) {
            g_string_append_printf(text, ",hv-%s=%s", name, on ? "on" : "off");
        }
    }
    if (features->hyperv_direct_timers) {
        g_string_append(text, ",hv-stimer-direct=on");
    }
    if (features->hyperv_direct_flush) {
        g_string_append(text, ",hv-tlbflush-direct=on");
    }
    if (features->hyperv_extended_flush) {
        g_string_append(text, ",hv-tlbflush-ext=on");
    }
    if (features->hyperv_vendor != NULL) {
        g_string_append_printf(text, ",hv-vendor-id=%s",
                               features->hyperv_vendor);
    }
}

static void
add_kvm_features(const SvirtFeatures *features, GString *text)
{
    for (int i = 0; i < SVIRT_KVM_FEATURE_MAX; i++) {
        if (features->kvm[i] != SVIRT_SWITCH_UNSET) {
            g_string_append_printf(
                text, ",%s=%s", svirt_kvm_feature_to_string((SvirtKvmFeature)i),
                svirt_qemu_switch(features->kvm[i]));
        }
    }
}

static void
add_caches(const SvirtCpu *cpu, GString *text)
{
    if (cpu->cache != SVIRT_CPU_CACHE_UNSET) {
        g_string_append_printf(
            text, ",l3-cache=%s",
            cpu->cache == SVIRT_CPU_CACHE_EMULATE ? "on" : "off");
        /* Only those that may show the host's have a switch for it. */
        if (cpu->mode == SVIRT_CPU_MODE_HOST_PASSTHROUGH ||
            cpu->mode == SVIRT_CPU_MODE_MAXIMUM) {
            g_string_append_printf(
                text, ",host-cache-info=%s",
                cpu->cache == SVIRT_CPU_CACHE_PASSTHROUGH ? "on" : "off");
        }
    }
    if (cpu->physical_bits != 0) {
        g_string_append_printf(text, ",phys-bits=%u", cpu->physical_bits);
    }
    if (cpu->host_physical_bits) {
        g_string_append(text, ",host-phys-bits=on");
    }
    if (cpu->physical_bits_limit != 0) {
        g_string_append_printf(text, ",host-phys-bits-limit=%u",
                               cpu->physical_bits_limit);
    }
    if (cpu->vendor_id != NULL) {
        g_string_append_printf(text, ",vendor=%s", cpu->vendor_id);
    }
}

static bool
is_feature_on(SvirtCpuPolicy policy)
{
    return policy != SVIRT_CPU_POLICY_DISABLE &&
           policy != SVIRT_CPU_POLICY_FORBID;
}

bool
svirt_qemu_add_cpu(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;
    const SvirtCpu *cpu = &domain->cpu;
    g_autoptr(GString) text = g_string_new(cpu_model(builder));

    for (size_t i = 0; i < cpu->feature_count; i++) {
        g_string_append_printf(
            text, ",%s=%s", cpu->features[i].name,
            is_feature_on(cpu->features[i].policy) ? "on" : "off");
    }
    if (!add_paravirtual(builder, text, error)) {
        return false;
    }
    add_caches(cpu, text);
    if (builder->input->kvm) {
        add_hyperv(&domain->features, text);
        add_kvm_features(&domain->features, text);
    }
    if (domain->features.kvm_hidden == SVIRT_SWITCH_ON) {
        g_string_append(text, ",kvm=off");
    }
    if (domain->features.pmu != SVIRT_SWITCH_UNSET) {
        g_string_append_printf(text, ",pmu=%s",
                               svirt_qemu_switch(domain->features.pmu));
    }
    svirt_qemu_add(builder, "-cpu", text->str);
    return true;
}

/*
 * Seconds from UTC. The emulator's root has no host's local time, so that what
 * its clock shows is reckoned here.
 */
static bool
zone_offset(const char *name, int64_t now_s, int64_t *ret, GError **error)
{
    g_autoptr(GTimeZone) zone = name != NULL
                                    ? g_time_zone_new_identifier(name)
                                    : g_time_zone_new_local();
    int interval;

    if (zone == NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "write it as Europe/Paris",
                           "this host knows no time zone '%s'", name);
    }
    interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, now_s);
    *ret = g_time_zone_get_offset(zone, interval);
    return true;
}

/* "utc", or what the guest's clock shows when it starts. */
static bool
clock_base(const SvirtQemuBuilder *builder, char **ret, GError **error)
{
    const SvirtClock *clock = &builder->input->domain->clock;
    int64_t now_s = builder->input->now_s;
    g_autoptr(GDateTime) time = NULL;
    int64_t offset_s = 0;
    bool local = clock->offset == SVIRT_CLOCK_LOCALTIME ||
                 clock->offset == SVIRT_CLOCK_TIMEZONE || clock->local_basis;

    if (clock->offset == SVIRT_CLOCK_UTC) {
        *ret = g_strdup("utc");
        return true;
    }
    if (local &&
        !zone_offset(clock->timezone, now_s, &offset_s, error)) {
        return false;
    }
    if (clock->offset == SVIRT_CLOCK_ABSOLUTE) {
        now_s = clock->start_s;
    }
    time = g_date_time_new_from_unix_utc(now_s + offset_s +
                                         clock->adjustment_s);
    if (time == NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, "correct <clock>",
                           "the guest's clock would show no date");
    }
    *ret = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
    return true;
}

bool
svirt_qemu_add_clock(SvirtQemuBuilder *builder, GError **error)
{
    g_autofree char *base = NULL;
    const char *follows = "";
    const SvirtDomain *domain = builder->input->domain;
    bool drift = false;

    for (size_t i = 0; i < domain->timer_count; i++) {
        const SvirtTimer *timer = &domain->timers[i];

        if (timer->name == SVIRT_TIMER_RTC &&
            timer->tick_policy == SVIRT_TICK_POLICY_CATCHUP) {
            drift = true;
        }
        if (timer->track != SVIRT_TIMER_TRACK_UNSET) {
            follows = timer->track == SVIRT_TIMER_TRACK_GUEST ? ",clock=vm"
                                                              : ",clock=host";
        }
        if (timer->name == SVIRT_TIMER_PIT && builder->input->kvm &&
            (timer->tick_policy == SVIRT_TICK_POLICY_DELAY ||
             timer->tick_policy == SVIRT_TICK_POLICY_DISCARD)) {
            svirt_qemu_addf(builder, "-global", "kvm-pit.lost_tick_policy=%s",
                            svirt_tick_policy_to_string(timer->tick_policy));
        }
    }
    if (!clock_base(builder, &base, error)) {
        return false;
    }
    svirt_qemu_addf(builder, "-rtc", "base=%s%s%s", base, follows,
                    drift ? ",driftfix=slew" : "");
    return true;
}
