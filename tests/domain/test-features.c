/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"

/* Values of <features>, <cpu> and <clock>; what they become is in the golden
 * command lines (tests/data/hypervisor/clock-and-cpu.xml). */
#define HEAD                                                                   \
    "<domain type='kvm'><name>a</name><memory>1024</memory>"                   \
    "<os><type>hvm</type></os>\n"

static const struct {
    const char *body;
    const char *words;
} wrong[] = {
    { "<clock offset='timezone' timezone='../../etc/shadow'/>",
      "'../../etc/shadow' is no time zone" },
    { "<clock offset='variable' adjustment='soon'/>",
      "adjustment='soon' of <clock> is no number" },
    { "<clock offset='absolute'/>",
      "<clock> has no attribute 'start'" },
    { "<features><ioapic driver='none'/></features>",
      "driver='none' of <ioapic> is unknown" },
    { "<features><smm state='on'><tseg unit='KiB'>12</tseg></smm></features>",
      "<tseg> is no whole number of MiB" },
    { "<features><kvm><dirty-ring state='on' size='5000'/></kvm></features>",
      "size='5000' is no power of two" },
    { "<features><hyperv><vendor_id state='on' value='a,b'/></hyperv>"
      "</features>",
      "<vendor_id> is longer than 12 letters, or has a comma" },
    { "<features><hyperv><magic state='on'/></hyperv></features>",
      "<magic> in <hyperv> is unknown" },
    { "<cpu mode='maximum'><cache mode='emulate' level='2'/></cpu>",
      "<cache mode='emulate'> has not level='3'" },
    { "<cpu><model>qemu64</model><cache mode='passthrough'/></cpu>",
      "<cache mode='passthrough'> is not possible here" },
    { "<cpu mode='maximum'><maxphysaddr mode='emulate'/></cpu>",
      "<maxphysaddr mode='emulate'> has bits or limit that do not fit" },
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
        g_assert_true(svirt_error_hint(error) != NULL);
        if (strstr(error->message, wrong[i].words) == NULL) {
            g_error("%s: %s", wrong[i].body, error->message);
        }
    }
}

/* Templates leave these empty; libvirt takes that for absent. */
static void
test_empty_elements(void)
{
    static const char xml[] =
        "<domain type='kvm'><name>a</name><uuid/><memory>1024</memory>"
        "<os><type>hvm</type><kernel/><initrd/><cmdline/></os>"
        "<devices><disk type='file' device='cdrom'><source file=''/>"
        "<target dev='sda' bus='sata'/></disk></devices></domain>";
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(SvirtDomain) again = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    SvirtUuid uuid;

    svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, &error);
    g_assert_no_error(error);
    g_assert_false(domain->uuid_given);
    svirt_uuid_generate(&uuid);
    svirt_domain_set_uuid(domain, &uuid);
    text = svirt_domain_print(domain);
    svirt_domain_parse(text, strlen(text), "x.xml", &again, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(&again->uuid, sizeof(uuid), &uuid, sizeof(uuid));
    g_assert_null(domain->os.kernel);
    g_assert_null(domain->os.initrd);
    g_assert_null(domain->os.cmdline);
    g_assert_null(domain->disks[0].images[0].path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/features/rejects", test_wrong);
    g_test_add_func("/domain/features/empty-elements-are-absent",
                    test_empty_elements);
    return g_test_run();
}
