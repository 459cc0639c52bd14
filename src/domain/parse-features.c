/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <string.h>

#define HYPERV_VENDOR_BYTES_MAX 12u
#define SPINLOCK_RETRIES_MIN 4095u
#define DIRTY_RING_MIN 1024u
#define DIRTY_RING_MAX 65536u
#define TSEG_BYTES_MAX (UINT64_C(0xffff) << 20)

static SvirtSwitch
read_feature(SvirtReader *reader, SvirtXmlNode *parent, const char *name)
{
    SvirtXmlNode *node = svirt_reader_child(reader, parent, name);

    if (node == NULL) {
        return SVIRT_SWITCH_UNSET;
    }
    return svirt_reader_on_off(reader, node, "state", true) ? SVIRT_SWITCH_ON
                                                            : SVIRT_SWITCH_OFF;
}

/* A child of one of its features. */
static bool
is_on(SvirtReader *reader, SvirtXmlNode *hyperv, const char *feature,
      const char *name)
{
    SvirtXmlNode *node = svirt_reader_child(reader, hyperv, feature);

    return read_feature(reader, node, name) == SVIRT_SWITCH_ON;
}

static bool
is_vendor(const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;

    for (size_t i = 0; i < length; i++) {
        if (!g_ascii_isprint(text[i]) || text[i] == ',') {
            return false;
        }
    }
    return length <= HYPERV_VENDOR_BYTES_MAX;
}

static void
parse_hyperv(SvirtReader *reader, SvirtXmlNode *node, SvirtFeatures *features)
{
    const char *mode = svirt_reader_attribute(reader, node, "mode");
    SvirtXmlNode *vendor = svirt_reader_child(reader, node, "vendor_id");
    SvirtXmlNode *spinlocks = svirt_reader_child(reader, node, "spinlocks");

    features->hyperv_passthrough = g_strcmp0(mode, "passthrough") == 0;
    if (mode != NULL && !features->hyperv_passthrough &&
        strcmp(mode, "custom") != 0) {
        svirt_reader_bad_word(reader, node, "mode", mode);
    }
    for (int i = 0; i < SVIRT_HYPERV_MAX; i++) {
        SvirtSwitch state = read_feature(
            reader, node, svirt_hyperv_to_string((SvirtHyperv)i));

        features->hyperv_on |= state == SVIRT_SWITCH_ON ? 1u << i : 0;
        features->hyperv_off |= state == SVIRT_SWITCH_OFF ? 1u << i : 0;
    }
    features->hyperv_direct_timers = is_on(reader, node, "stimer", "direct");
    features->hyperv_direct_flush = is_on(reader, node, "tlbflush", "direct");
    features->hyperv_extended_flush =
        is_on(reader, node, "tlbflush", "extended");
    if (spinlocks != NULL) {
        features->hyperv_spinlocks = (unsigned)svirt_reader_number(
            reader, spinlocks, "retries", SPINLOCK_RETRIES_MIN, UINT32_MAX,
            SPINLOCK_RETRIES_MIN);
    }
    if (vendor != NULL &&
        read_feature(reader, node, "vendor_id") == SVIRT_SWITCH_ON) {
        (void)svirt_reader_required(reader, vendor, "value"); /* kept */
        features->hyperv_vendor =
            svirt_reader_attribute(reader, vendor, "value");
        if (!is_vendor(features->hyperv_vendor)) {
            svirt_reader_fail(reader, vendor->line, SVIRT_ERROR_INVALID, NULL,
                              "<vendor_id> is longer than %u letters, or has "
                              "a comma",
                              HYPERV_VENDOR_BYTES_MAX);
        }
    }
}

static void
parse_kvm(SvirtReader *reader, SvirtXmlNode *features_node,
          SvirtFeatures *features)
{
    static const char *const words[] = { "hint-dedicated", "poll-control",
                                         "pv-ipi" };
    SvirtXmlNode *node = svirt_reader_child(reader, features_node, "kvm");
    SvirtXmlNode *apic = svirt_reader_child(reader, features_node, "apic");
    SvirtXmlNode *ring = svirt_reader_child(reader, node, "dirty-ring");

    features->kvm_hidden = read_feature(reader, node, "hidden");
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        features->kvm[i] = read_feature(reader, node, words[i]);
    }
    if (apic != NULL && svirt_reader_attribute(reader, apic, "eoi") != NULL) {
        features->kvm[SVIRT_KVM_FEATURE_PV_EOI] =
            svirt_reader_on_off(reader, apic, "eoi", true) ? SVIRT_SWITCH_ON
                                                           : SVIRT_SWITCH_OFF;
    }
    features->kvm[SVIRT_KVM_FEATURE_PV_UNHALT] =
        read_feature(reader, features_node, "pvspinlock");
    if (ring != NULL &&
        read_feature(reader, node, "dirty-ring") == SVIRT_SWITCH_ON) {
        (void)svirt_reader_required(reader, ring, "size"); /* kept */
        features->kvm_dirty_ring = (unsigned)svirt_reader_number(
            reader, ring, "size", DIRTY_RING_MIN, DIRTY_RING_MAX, 0);
        if ((features->kvm_dirty_ring & (features->kvm_dirty_ring - 1)) != 0) {
            svirt_reader_fail(reader, ring->line, SVIRT_ERROR_INVALID, NULL,
                              "size='%u' is no power of two",
                              features->kvm_dirty_ring);
        }
    }
}

static void
parse_ioapic(SvirtReader *reader, SvirtXmlNode *features_node,
             SvirtFeatures *features)
{
    SvirtXmlNode *node = svirt_reader_child(reader, features_node, "ioapic");
    const char *driver;

    if (node == NULL) {
        return;
    }
    driver = svirt_reader_required(reader, node, "driver");
    if (strcmp(driver, "kvm") == 0) {
        features->kernel_ioapic = SVIRT_SWITCH_ON;
    } else if (strcmp(driver, "qemu") == 0) {
        features->kernel_ioapic = SVIRT_SWITCH_OFF;
    } else {
        svirt_reader_bad_word(reader, node, "driver", driver);
    }
}

static void
parse_tseg(SvirtReader *reader, SvirtXmlNode *features_node,
           SvirtFeatures *features)
{
    SvirtXmlNode *smm = svirt_reader_child(reader, features_node, "smm");
    SvirtXmlNode *tseg = svirt_reader_child(reader, smm, "tseg");
    uint64_t bytes;

    if (tseg == NULL) {
        return;
    }
    bytes = svirt_reader_attribute(reader, tseg, "unit") != NULL
                ? svirt_reader_size(reader, tseg, TSEG_BYTES_MAX)
                : svirt_reader_text_number(reader, tseg, 1,
                                           TSEG_BYTES_MAX >> 20)
                      << 20;
    features->tseg_mib = (unsigned)(bytes >> 20);
    if (reader->error == NULL && (bytes & ((1u << 20) - 1)) != 0) {
        svirt_reader_fail(reader, tseg->line, SVIRT_ERROR_INVALID,
                          "give whole MiB",
                          "<tseg> is no whole number of MiB");
    }
}

void
svirt_parse_features(SvirtReader *reader, SvirtXmlNode *root,
                     SvirtDomain *domain)
{
    SvirtFeatures *features = &domain->features;
    SvirtXmlNode *node = svirt_reader_child(reader, root, "features");
    SvirtXmlNode *hyperv = svirt_reader_child(reader, node, "hyperv");

    features->acpi = read_feature(reader, node, "acpi");
    features->apic = read_feature(reader, node, "apic");
    features->pae = read_feature(reader, node, "pae");
    features->hap = read_feature(reader, node, "hap");
    features->vmport = read_feature(reader, node, "vmport");
    features->pmu = read_feature(reader, node, "pmu");
    features->smm = read_feature(reader, node, "smm");
    features->vmcoreinfo = read_feature(reader, node, "vmcoreinfo");
    (void)svirt_reader_part(reader);
    parse_kvm(reader, node, features);
    (void)svirt_reader_part(reader);
    parse_ioapic(reader, node, features);
    (void)svirt_reader_part(reader);
    parse_tseg(reader, node, features);
    (void)svirt_reader_part(reader);
    if (hyperv != NULL) {
        parse_hyperv(reader, hyperv, features);
        if (domain->type == SVIRT_DOMAIN_TYPE_QEMU) {
            svirt_reader_warn(reader, hyperv->line,
                              "<hyperv> is ignored: software emulation has "
                              "none");
        }
    }
}

