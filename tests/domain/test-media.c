/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/domain.h"

/* Displays, sound, what SPICE brings, and the far ends of channels. */

#define HEAD                                                                 \
    "<domain type='qemu'><name>t</name><memory>65536</memory>"               \
    "<vcpu>1</vcpu><os><type>hvm</type></os>\n<devices>\n"
#define TAIL "\n</devices></domain>"

static SvirtDomain *
parse(const char *devices, GError **error)
{
    g_autofree char *text = g_strconcat(HEAD, devices, TAIL, NULL);
    SvirtDomain *domain = NULL;

    return svirt_domain_parse(text, strlen(text), "x.xml", &domain, error)
               ? domain
               : NULL;
}

static const struct {
    const char *name;
    const char *devices; /* from line 3 on */
    int code;
    const char *message; /* behind "x.xml:" */
} rows[] = {
    { "channel-connects-nowhere",
      "<channel type='unix'><source mode='connect'/>"
      "<target type='virtio' name='a'/></channel>",
      SVIRT_ERROR_INVALID, "3: <source> has no attribute 'path'" },
    { "tcp-name",
      "<serial type='tcp'><source host='example.com' service='1'/></serial>",
      SVIRT_ERROR_INVALID, "3: host='example.com' of <source> is no IP address" },
    { "tcp-no-port",
      "<serial type='tcp'><source host='127.0.0.1'/></serial>",
      SVIRT_ERROR_INVALID, "3: <source> has no attribute 'service'" },
    { "spicevmc-without-spice",
      "<channel type='spicevmc'><target type='virtio'/></channel>",
      SVIRT_ERROR_INVALID, "3: <channel type='spicevmc'> has no SPICE to go to" },
    { "spicevmc-serial", "<serial type='spicevmc'/>", SVIRT_ERROR_INVALID,
      "3: <serial> cannot be of type='spicevmc'" },
    { "redirdev-without-spice",
      "<redirdev bus='usb' type='spicevmc'/>", SVIRT_ERROR_INVALID,
      "3: <redirdev> has no SPICE to come from" },
    { "audio-without-spice", "<audio id='1' type='spice'/>", SVIRT_ERROR_INVALID,
      "3: <audio type='spice'> has no SPICE to go to" },
    { "graphics-address",
      "<graphics type='vnc' listen='example.com'/>", SVIRT_ERROR_INVALID,
      "3: listen='example.com' of <graphics> is no IP address" },
    { "graphics-port", "<graphics type='vnc' port='65536'/>", SVIRT_ERROR_INVALID,
      "3: port='65536' of <graphics> is not a number from 0 to 65535" },
    { "vnc-password", "<graphics type='vnc' passwd='123456789'/>",
      SVIRT_ERROR_INVALID, "3: the password of <graphics type='vnc'> is longer than 8 bytes" },
    { "two-vnc", "<graphics type='vnc'/>\n<graphics type='vnc'/>",
      SVIRT_ERROR_INVALID, "4: the <graphics type='vnc'> is already taken in line 3" },
    { "graphics-tls", "<graphics type='spice' tlsPort='x'/>", SVIRT_ERROR_INVALID,
      "3: tlsPort='x' of <graphics> is not a number from 0 to 65535" },
    { "spice-option",
      "<graphics type='spice'><image compression='x,y=z'/></graphics>", SVIRT_ERROR_INVALID,
      "3: compression='x,y=z' of <image> is unknown" },
    { "sound-codec",
      "<sound model='ac97'><codec type='duplex'/></sound>", SVIRT_ERROR_INVALID,
      "3: <codec> fits ich6 and ich9 alone, at most 8" },
    { "watchdog-actions",
      "<watchdog model='ib700' action='reset'/>\n"
      "<watchdog model='i6300esb' action='none'/>",
      SVIRT_ERROR_UNSUPPORTED, "4: QEMU has one action for all <watchdog>" },
};

static void
test_row(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(GError) error = NULL;

    g_assert_null(parse(rows[row].devices, &error));
    g_assert_error(error, SVIRT_ERROR, rows[row].code);
    g_assert_cmpstr(error->message + strlen("x.xml:"), ==,
                    rows[row].message);
    g_assert_nonnull(svirt_error_hint(error));
}

static void
test_graphics_defaults(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SvirtDomain) domain =
        parse("<graphics type='vnc' port='-1'/>"
              "<graphics type='spice' port='5901' autoport='yes'>"
              "<listen type='socket' socket='/s'/></graphics>",
              &error);

    g_assert_no_error(error);
    g_assert_cmpuint(domain->graphics_count, ==, 2);
    g_assert_cmpstr(domain->graphics[0].address, ==, "127.0.0.1");
    g_assert_cmpuint(domain->graphics[0].port, ==, 0);
    g_assert_null(domain->graphics[0].password);
    g_assert_cmpint(domain->graphics[1].listen, ==,
                    SVIRT_GRAPHICS_LISTEN_SOCKET);
    g_assert_cmpstr(domain->graphics[1].path, ==, "/s");
    g_assert_cmpuint(domain->graphics[1].port, ==, 0);
    g_assert_true(domain->audio_spice);
}

/* libvirt's own socket of a running domain is not to be bound again. */
static void
test_channel_path_of_libvirt(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SvirtDomain) domain = parse(
        "<channel type='unix'><source mode='bind' path='/var/lib/libvirt/"
        "qemu/channel/target/domain-1-t/org.qemu.guest_agent.0'/>"
        "<target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
        "<channel type='unix'><source mode='bind' path='/mine'/>"
        "<target type='virtio' name='b'/></channel>",
        &error);

    g_assert_no_error(error);
    g_assert_null(domain->chardevs[0].path);
    g_assert_cmpstr(domain->chardevs[1].path, ==, "/mine");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/domain/media/graphics-defaults",
                    test_graphics_defaults);
    g_test_add_func("/domain/media/channel-path-of-libvirt",
                    test_channel_path_of_libvirt);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name =
            g_strdup_printf("/domain/media/rejects-%s", rows[i].name);

        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_row);
    }
    return g_test_run();
}
