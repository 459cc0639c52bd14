/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"

#define HEAD                                                                   \
    "<domain type='kvm'><name>a</name><memory>1024</memory>"                   \
    "<os><type>hvm</type></os>\n"

static const struct {
    const char *text;
    const char *cpus; /* NULL: refused */
} lists[] = {
    { "0", "0" },
    { "0-3", "0 1 2 3" },
    { " 1-3,^2 ", "1 3" },
    { "7, 8", "7 8" },
    { "8-9,0", "0 8 9" },
    { "16383", "16383" },
    { "16384", NULL },
    { "99999999999999999999", NULL },
    { "", NULL },
    { "a", NULL },
    { "1-", NULL },
    { "-1", NULL },
    { "3-1", NULL },
    { "1,,2", NULL },
    { "1,", NULL },
    { "1 2", NULL },
    { "^1", NULL },
    { "1,^1", NULL },
    { "0-3,^1-2", NULL },
    { "0x1", NULL },
};

static void
test_lists(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GString) found = g_string_new(NULL);
        SvirtCpus cpus;

        if (!svirt_cpus_parse(lists[i].text, &cpus)) {
            g_assert_null(lists[i].cpus);
            continue;
        }
        for (unsigned cpu = 0; cpu < SVIRT_CPUS_MAX; cpu++) {
            if ((cpus.bits[cpu / 8] & 1u << cpu % 8) != 0) {
                g_string_append_printf(found, "%s%u", found->len ? " " : "",
                                       cpu);
            }
        }
        g_assert_cmpstr(found->str, ==, lists[i].cpus);
    }
}

static SvirtDomain *
parse(const char *body)
{
    g_autofree char *xml = g_strconcat(HEAD, body, "</domain>", NULL);
    g_autoptr(GError) error = NULL;
    SvirtDomain *domain = NULL;

    if (!svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error)) {
        g_error("%s", error->message);
    }
    return domain;
}

static void
test_pins(void)
{
    g_autoptr(SvirtDomain) domain =
        parse("<vcpu cpuset='0-5'>2</vcpu><cputune>"
              "<vcpupin vcpu='1' cpuset='3'/><vcpupin vcpu='9' cpuset='1'/>"
              "<emulatorpin cpuset='4'/></cputune>");
    const SvirtTune *tune = &domain->tune;

    g_assert_cmpstr(tune->cpus, ==, "0-5");
    g_assert_cmpstr(tune->emulator_cpus, ==, "4");
    g_assert_cmpuint(tune->pin_count, ==, 1);
    g_assert_cmpuint(tune->pins[0].vcpu, ==, 1);
    g_assert_cmpstr(tune->pins[0].cpus, ==, "3");
    g_assert_cmpuint(domain->warning_count, ==, 1);
}

static void
test_quota_of_threads_is_that_of_all(void)
{
    g_autoptr(SvirtDomain) domain =
        parse("<vcpu>4</vcpu><cputune><shares>2048</shares>"
              "<period>50000</period><quota>25000</quota>"
              "<emulator_quota>10000</emulator_quota></cputune>");

    g_assert_cmpuint(domain->tune.cpu_weight, ==, 2048);
    g_assert_cmpuint(domain->tune.cpu_period_us, ==, 50000);
    g_assert_cmpuint(domain->tune.cpu_quota_us, ==, 4 * 25000 + 10000 / 2);
}

static void
test_global_quota_comes_first(void)
{
    g_autoptr(SvirtDomain) domain =
        parse("<cputune><shares>0</shares><quota>-1</quota>"
              "<global_quota>5000</global_quota></cputune>");

    g_assert_cmpuint(domain->tune.cpu_weight, ==, 1);
    g_assert_cmpuint(domain->tune.cpu_period_us, ==, 100000);
    g_assert_cmpuint(domain->tune.cpu_quota_us, ==, 5000);
}

static void
test_memory_and_swap(void)
{
    g_autoptr(SvirtDomain) domain =
        parse("<memtune><hard_limit unit='MiB'>100</hard_limit>"
              "<soft_limit unit='MiB'>90</soft_limit>"
              "<swap_hard_limit unit='MiB'>100</swap_hard_limit></memtune>");
    g_autoptr(SvirtDomain) unlimited = parse(
        "<memtune><hard_limit>9007199254740991</hard_limit></memtune>");

    g_assert_cmpuint(domain->tune.memory_max_bytes, ==, 100u << 20);
    g_assert_cmpuint(domain->tune.memory_high_bytes, ==, 90u << 20);
    g_assert_true(domain->tune.swap_limited);
    g_assert_cmpuint(domain->tune.swap_max_bytes, ==, 0);
    g_assert_cmpuint(unlimited->tune.memory_max_bytes, ==, 0);
}

static void
test_disks(void)
{
    g_autoptr(SvirtDomain) domain =
        parse("<blkiotune><weight>500</weight><device><path>/dev/sda</path>"
              "<weight>300</weight><read_bytes_sec>5</read_bytes_sec>"
              "<write_bytes_sec>6</write_bytes_sec>"
              "<read_iops_sec>7</read_iops_sec>"
              "<write_iops_sec>8</write_iops_sec></device></blkiotune>");
    const SvirtBlockTune *device = domain->tune.devices;

    g_assert_cmpuint(domain->tune.io_weight, ==, 500);
    g_assert_cmpuint(domain->tune.device_count, ==, 1);
    g_assert_cmpstr(device->path, ==, "/dev/sda");
    g_assert_cmpuint(device->weight, ==, 300);
    g_assert_cmpuint(device->read_bytes, ==, 5);
    g_assert_cmpuint(device->write_bytes, ==, 6);
    g_assert_cmpuint(device->read_operations, ==, 7);
    g_assert_cmpuint(device->write_operations, ==, 8);
}

static const struct {
    const char *body;
    const char *words;
} wrong[] = {
    { "<cputune><vcpupin vcpu='0'/></cputune>", "'cpuset'" },
    { "<cputune><vcpupin cpuset='0'/></cputune>", "'vcpu'" },
    { "<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='0' "
      "cpuset='1'/></cputune>",
      "vCPU 0 is pinned twice" },
    { "<cputune><emulatorpin cpuset='x'/></cputune>", "no list of CPUs" },
    { "<cputune><period>999</period></cputune>", "'999' in <period>" },
    { "<cputune><emulator_quota>5000</emulator_quota></cputune>",
      "without a <quota>" },
    { "<cputune><vcpusched vcpus='0' scheduler='best'/></cputune>",
      "scheduler='best' of <vcpusched> is unknown" },
    { "<memtune><swap_hard_limit>5</swap_hard_limit></memtune>",
      "<swap_hard_limit> is memory and swap" },
    { "<memtune><min_guarantee>x</min_guarantee></memtune>",
      "'x' in <min_guarantee>" },
    { "<blkiotune><weight>0</weight></blkiotune>", "'0' in <weight>" },
    { "<blkiotune><device/></blkiotune>", "<device> has no <path>" },
    { "<blkiotune><device><path>sda</path></device></blkiotune>",
      "is not absolute" },
};

static void
test_wrong(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *xml =
            g_strconcat(HEAD, wrong[i].body, "</domain>", NULL);
        g_autoptr(SvirtDomain) domain = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_false(
            svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error));
        if (strstr(error->message, wrong[i].words) == NULL) {
            g_error("%s: %s", wrong[i].body, error->message);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/tune/lists-of-cpus", test_lists);
    g_test_add_func("/domain/tune/pins", test_pins);
    g_test_add_func("/domain/tune/quotas-add-up",
                    test_quota_of_threads_is_that_of_all);
    g_test_add_func("/domain/tune/global-quota-comes-first",
                    test_global_quota_comes_first);
    g_test_add_func("/domain/tune/memory-and-swap", test_memory_and_swap);
    g_test_add_func("/domain/tune/disks", test_disks);
    g_test_add_func("/domain/tune/rejects", test_wrong);
    return g_test_run();
}
