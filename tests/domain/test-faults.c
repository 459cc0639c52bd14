/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"

#define HEAD                                                                   \
    "<domain type='kvm'><name>a</name><memory>1024</memory>\n"                 \
    "<os><type>hvm</type></os>\n"

static void
free_fault(gpointer fault)
{
    svirt_domain_fault_free(fault);
}

/* The faults of a definition; *ret_code is that of the error returned. */
static GPtrArray *
faults_of(const char *xml, int *ret_code)
{
    GPtrArray *faults = g_ptr_array_new_with_free_func(free_fault);
    g_autoptr(SvirtDomain) domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(svirt_domain_parse_all(xml, strlen(xml), "x.xml", &domain,
                                          faults, &error));
    g_assert_null(domain);
    g_assert_nonnull(error);
    *ret_code = error->code;
    return faults;
}

static const struct {
    const char *name;
    const char *xml;
    SvirtErrorCode code; /* of the first one read */
    /* "LINE: a part of the message" each, in their order. */
    const char *faults[8];
} rows[] = {
    { "every-device-is-judged",
      HEAD "<devices>\n"
           "<graphics type='desktop'/>\n"
           "<disk type='file' device='lun'><target dev='sda'/></disk>\n"
           "<sound model='virtio'/>\n"
           "<interface type='network'><source network='default'/>"
           "<mac address='x'/></interface>\n"
           "<tpm model='tpm-crb'/>\n"
           "</devices></domain>",
      SVIRT_ERROR_REFUSED,
      { "4: type='desktop'", "5: device='lun'", "6: model='virtio'",
        "7: 'x' is no MAC", "8: <tpm>" } },
    { "every-member-of-a-disk-is-judged",
      HEAD "<devices><disk type='file' device='disk'>\n"
           "<driver cache='fast' warp='on'/>\n"
           "<source file='relative'/>\n"
           "<target dev='vda' bus='warp'/>\n"
           "<serial>***</serial>\n"
           "<blockio logical_block_size='513'/>\n"
           "</disk></devices></domain>",
      SVIRT_ERROR_INVALID,
      { "4: cache='fast'", "4: attribute 'warp'",
        "5: path 'relative'", "6: bus='warp'", "7: <serial>",
        "8: logical_block_size='513'" } },
    { "every-part-of-the-top-is-judged",
      "<domain type='kvm'><name>/</name><memory unit='furlong'>1</memory>\n"
      "<vcpu>0</vcpu>\n"
      "<os><type>hvm</type><boot dev='tape'/><boot dev='hd'/>"
      "<boot dev='hd'/></os>\n"
      "<cpu><topology sockets='9' cores='9' threads='9'/></cpu>\n"
      "<on_crash>sing</on_crash>\n"
      "<bootloader/>\n"
      "</domain>",
      SVIRT_ERROR_INVALID,
      { "1: domain name", "1: unit='furlong'", "2: '0' in <vcpu>",
        "3: dev='tape'", "3: second <boot dev='hd'>", "5: 'sing'",
        "6: <bootloader>" } },
    { "the-whole-is-looked-at-when-its-parts-are-right",
      HEAD "<devices>\n"
           "<disk type='file'><source file='/a'/><target dev='vda'/></disk>\n"
           "<disk type='file'><source file='/b'/><target dev='vda'/></disk>\n"
           "<video><model type='vga' primary='yes'/></video>\n"
           "<video><model type='vga' primary='yes'/></video>\n"
           "</devices></domain>",
      SVIRT_ERROR_INVALID, { "5: ", "7: second primary" } },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    int code;
    g_autoptr(GPtrArray) faults = faults_of(rows[row].xml, &code);

    g_assert_cmpint(code, ==, (int)rows[row].code);
    for (guint i = 0; i < faults->len; i++) {
        const SvirtDomainFault *fault = faults->pdata[i];
        g_autofree char *line = g_strdup_printf("x.xml:%u: ", fault->line);

        g_test_message("%s", fault->error->message);
        g_assert_true(g_str_has_prefix(fault->error->message, line));
        g_assert_nonnull(svirt_error_hint(fault->error));
        g_assert_nonnull(rows[row].faults[i]);
        g_assert_true(g_str_has_prefix(fault->error->message +
                                           strlen("x.xml:"),
                                       rows[row].faults[i]));
    }
    g_assert_null(rows[row].faults[faults->len]);
}

static void
test_the_list_is_bounded(void)
{
    g_autoptr(GString) xml = g_string_new(HEAD "<devices>\n");
    g_autoptr(GPtrArray) faults = NULL;
    int code;

    for (unsigned i = 0; i < 10000; i++) {
        g_string_append(xml, "<sound model='virtio'/>\n");
    }
    g_string_append(xml, "</devices></domain>");
    faults = faults_of(xml->str, &code);
    g_assert_cmpuint(faults->len, ==, SVIRT_DOMAIN_FAULTS_MAX);
}

static void
test_no_xml_has_no_list(void)
{
    int code;
    g_autoptr(GPtrArray) faults = faults_of("<domain", &code);

    g_assert_cmpuint(faults->len, ==, 0);
    g_assert_cmpint(code, ==, SVIRT_ERROR_INVALID);
}

static void
test_hints_list_the_words(void)
{
    int code;
    g_autoptr(GPtrArray) faults =
        faults_of(HEAD "<on_poweroff>sing</on_poweroff><clock offset='x'/>"
                       "</domain>", &code);

    g_assert_cmpuint(faults->len, ==, 2);
    for (guint i = 0; i < 2; i++) {
        const SvirtDomainFault *fault = faults->pdata[i];
        const char *hint = svirt_error_hint(fault->error);

        g_test_message("%s", hint);
        g_assert_true(g_str_has_prefix(hint, "use one of: "));
        g_assert_null(strstr(hint, ", ,"));
        g_assert_true(strstr(hint, "destroy, restart") != NULL ||
                      strstr(hint, "utc, localtime") != NULL);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name =
            g_strdup_printf("/domain/faults/%s", rows[i].name);

        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_row);
    }
    g_test_add_func("/domain/faults/the-list-is-bounded",
                    test_the_list_is_bounded);
    g_test_add_func("/domain/faults/no-xml-has-no-list",
                    test_no_xml_has_no_list);
    g_test_add_func("/domain/faults/hints-list-the-words",
                    test_hints_list_the_words);
    return g_test_run();
}
