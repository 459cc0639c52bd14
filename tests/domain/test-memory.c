/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"

/* What it becomes is in the golden command lines (numa.xml, huge-pages.xml). */
#define HEAD                                                                   \
    "<domain type='kvm'><name>a</name><os><type>hvm</type></os>"               \
    "<vcpu>4</vcpu>"
#define CELLS(inside)                                                          \
    "<memory unit='MiB'>4</memory><cpu><numa>" inside "</numa></cpu>"
#define TWO                                                                    \
    "<cell cpus='0-1' memory='2' unit='MiB'/>"                                 \
    "<cell cpus='2-3' memory='2' unit='MiB'/>"

static SvirtDomain *
parse(const char *body, GError **error)
{
    g_autofree char *xml = g_strconcat(HEAD, body, "</domain>", NULL);
    SvirtDomain *domain = NULL;

    (void)svirt_domain_parse(xml, strlen(xml), "x.xml", &domain, error);
    return domain;
}

static void
test_cells_are_the_memory(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SvirtDomain) domain =
        parse("<currentMemory>9000000</currentMemory><cpu><numa>"
              "<cell id='1' cpus='2' memory='1025'/>"
              "<cell id='0' cpus='0-1,3' memory='1' unit='MiB' "
              "memAccess='shared'/></numa></cpu>",
              &error);

    g_assert_no_error(error);
    g_assert_cmpuint(domain->memory_bytes, ==, 3u << 20);
    g_assert_cmpuint(domain->current_memory_bytes, ==, 3u << 20);
    g_assert_cmpuint(domain->memory.cell_count, ==, 2);
    g_assert_cmpstr(domain->memory.cells[1].cpus, ==, "2");
    g_assert_cmpuint(domain->memory.cells[1].memory_bytes, ==, 2u << 20);
    g_assert_true(domain->memory.cells[0].shared);
}

static const struct {
    const char *body;
    const char *words;
} wrong[] = {
    { CELLS(""), "<numa> has not 1 to 128 cells" },
    { CELLS("<cell cpus='0'/>"), "<cell> has no attribute 'memory'" },
    { CELLS("<cell cpus='4' memory='1'/>"), "no list of numbers below 4" },
    { CELLS("<cell id='1' memory='1'/>"), "id='1' of <cell>" },
    { CELLS("<cell cpus='0' memory='1'/><cell cpus='0-1' memory='1'/>"),
      "cell 1 has a vCPU of another cell" },
    { CELLS("<cell id='0' memory='1'/><cell id='0' memory='1'/>"),
      "second cell 0" },
    { CELLS("<cell memory='1' memAccess='some'/>"), "memAccess='some'" },
    { CELLS("<cell memory='1'><distances><sibling id='0' value='9'/>"
            "</distances></cell>"),
      "value='9' of <sibling>" },
    { CELLS(TWO) "<numatune><memory mode='strict'/></numatune>",
      "has no nodeset" },
    { CELLS(TWO) "<numatune><memnode cellid='2' nodeset='0'/></numatune>",
      "<memnode> of cell 2" },
    { CELLS(TWO) "<numatune><memory placement='auto'/><memnode cellid='0' "
                 "nodeset='0'/></numatune>",
      "<memnode> stands beside placement='auto'" },
    { CELLS(TWO) "<numatune><memory mode='possessive' nodeset='0'/>"
                 "</numatune>",
      "mode='possessive'" },
    { CELLS(TWO) "<maxMemory slots='2'>1</maxMemory>",
      "<maxMemory> is less than <memory>" },
    { "<memory>1024</memory><maxMemory slots='2'>9999</maxMemory>",
      "<maxMemory> without a NUMA cell" },
    { CELLS(TWO) "<devices><memory model='dimm'><target><size>2048</size>"
                 "</target></memory></devices>",
      "<memory> has no room in <maxMemory>" },
    { CELLS(TWO) "<maxMemory slots='1' unit='GiB'>1</maxMemory><devices>"
                 "<memory model='dimm'><target><size>2048</size><node>2</node>"
                 "</target></memory></devices>",
      "'2' in <node>" },
    { CELLS(TWO) "<maxMemory slots='1' unit='GiB'>1</maxMemory><devices>"
                 "<memory model='dimm'/></devices>",
      "<memory model='dimm'> has no size" },
    { "<memory>1024</memory><devices><iommu model='intel'><driver eim='on'/>"
      "</iommu></devices>",
      "eim='on' needs intremap='on'" },
    { "<memory>1024</memory><memoryBacking><locked x='1'/></memoryBacking>",
      "attribute 'x' of <locked>" },
    { "<memory>1024</memory><memoryBacking><source type='tape'/>"
      "</memoryBacking>",
      "type='tape' of <source>" },
    { "<memory>1024</memory><memoryBacking><hugepages><page size='3'/>"
      "</hugepages></memoryBacking>",
      "the size of a <page> is no power of two" },
    { "<memory>1024</memory><memoryBacking><hugepages><page size='4' "
      "nodeset='1'/></hugepages></memoryBacking>",
      "nodeset='1' of <page>" },
    { "<memory>1024</memory><memoryBacking><hugepages><page size='4'/>"
      "<page size='8' nodeset='0'/></hugepages></memoryBacking>",
      "several sizes of pages" },
};

static void
test_wrong(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(SvirtDomain) domain = parse(wrong[i].body, &error);

        g_assert_null(domain);
        g_assert_nonnull(svirt_error_hint(error));
        if (strstr(error->message, wrong[i].words) == NULL) {
            g_error("%s: %s", wrong[i].body, error->message);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/memory/cells-are-the-memory",
                    test_cells_are_the_memory);
    g_test_add_func("/domain/memory/rejects", test_wrong);
    return g_test_run();
}
