/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/frame.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define PORT 40001
#define ETHERNET 14
#define IP 20

/* RFC 1071: over data with its checksum in place the sum is all ones. */
static unsigned
sum(unsigned start, const uint8_t *bytes, size_t size)
{
    unsigned total = start;

    for (size_t i = 0; i < size; i++) {
        total += i % 2 ? bytes[i] : (unsigned)bytes[i] << 8;
    }
    while (total >> 16) {
        total = (total & 0xffff) + (total >> 16);
    }
    return total;
}

static void
test_checksums(void)
{
    uint8_t frame[SVIRT_FRAME_MAX];
    size_t sizes[2];

    for (unsigned udp = 0; udp < 2; udp++) {
        const uint8_t *ip = frame + ETHERNET;
        size_t payload;

        sizes[udp] = udp ? svirt_frame_udp(frame, "127.0.0.1", PORT, 80)
                         : svirt_frame_tcp_syn(frame, "127.0.0.1", PORT, 80);
        payload = sizes[udp] - ETHERNET - IP;
        g_assert_cmpuint((unsigned)ip[2] << 8 | ip[3], ==, IP + payload);
        g_assert_cmphex(sum(0, ip, IP), ==, 0xffff);
        /* The pseudo header: both addresses, protocol, length. */
        g_assert_cmphex(sum(sum((udp ? 17u : 6u) + (unsigned)payload, ip + 12,
                                8),
                            ip + IP, payload),
                        ==, 0xffff);
        g_assert_cmpmem(ip + 16, 4, "\177\0\0\1", 4);
    }
    g_assert_cmpuint(sizes[0], ==, 54);
}

/* A frame sent back with source and destination port exchanged. */
static size_t
answer(uint8_t *frame, bool udp, uint8_t flags)
{
    uint8_t *ports = frame + ETHERNET + IP;
    size_t size = udp ? svirt_frame_udp(frame, "10.0.0.1", 80, PORT)
                      : svirt_frame_tcp_syn(frame, "10.0.0.1", 80, PORT);

    if (!udp) {
        ports[13] = flags;
    }
    return size;
}

static void
test_classifies(void)
{
    static const struct {
        const char *name;
        bool udp;
        uint8_t flags;
        uint16_t port;
        SvirtFrameKind kind;
    } cases[] = {
        { "accepted", false, 0x12, PORT, SVIRT_FRAME_TCP_ACCEPTED },
        { "refused", false, 0x14, PORT, SVIRT_FRAME_TCP_REFUSED },
        { "refused without ACK", false, 0x04, PORT, SVIRT_FRAME_TCP_REFUSED },
        { "our own SYN", false, 0x02, PORT, SVIRT_FRAME_OTHER },
        { "data", false, 0x10, PORT, SVIRT_FRAME_OTHER },
        { "accepted elsewhere", false, 0x12, PORT + 1, SVIRT_FRAME_OTHER },
        { "datagram", true, 0, PORT, SVIRT_FRAME_UDP },
        { "datagram elsewhere", true, 0, PORT + 1, SVIRT_FRAME_OTHER },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t frame[SVIRT_FRAME_MAX];
        size_t size = answer(frame, cases[i].udp, cases[i].flags);

        g_test_message("%s", cases[i].name);
        g_assert_cmpint(svirt_frame_classify(frame, size, cases[i].port), ==,
                        cases[i].kind);
    }
}

static void
test_arp(void)
{
    uint8_t frame[SVIRT_FRAME_MAX];
    size_t size = svirt_frame_arp(frame);

    g_assert_cmpint(svirt_frame_classify(frame, size, 0), ==,
                    SVIRT_FRAME_OTHER);
    frame[ETHERNET + 7] = 2;
    g_assert_cmpint(svirt_frame_classify(frame, size, 0), ==,
                    SVIRT_FRAME_ARP_REPLY);
}

/* Each length in memory of its own, where a sanitizer sees reads beyond. */
static void
test_reads_no_further_than_it_may(void)
{
    uint8_t frame[SVIRT_FRAME_MAX];
    size_t full = answer(frame, false, 0x12);

    for (size_t size = 0; size <= full; size++) {
        g_autofree uint8_t *copy = g_memdup2(frame, size);
        SvirtFrameKind kind = svirt_frame_classify(copy, size, PORT);

        g_assert_cmpint(kind, ==,
                        size == full ? SVIRT_FRAME_TCP_ACCEPTED
                                     : SVIRT_FRAME_OTHER);
    }
    /* A header length beyond the frame. */
    frame[ETHERNET] = 0x4f;
    g_assert_cmpint(svirt_frame_classify(frame, full, PORT), ==,
                    SVIRT_FRAME_OTHER);
    frame[ETHERNET] = 0x41;
    g_assert_cmpint(svirt_frame_classify(frame, full, PORT), ==,
                    SVIRT_FRAME_OTHER);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/selftest/frame/checksums", test_checksums);
    g_test_add_func("/selftest/frame/classifies", test_classifies);
    g_test_add_func("/selftest/frame/arp", test_arp);
    g_test_add_func("/selftest/frame/reads-no-further-than-it-may",
                    test_reads_no_further_than_it_may);
    return g_test_run();
}
