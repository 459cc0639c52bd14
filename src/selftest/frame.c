/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/frame.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define ETHERNET 14
#define IP 20
#define TCP 20
#define UDP 8
#define TYPE_IP 0x0800
#define TYPE_ARP 0x0806
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

static const uint8_t guest_mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

static void
put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static unsigned
get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* The Internet checksum of RFC 1071 over `sum` and `size` bytes. */
static uint32_t
sum_bytes(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i += 2) {
        sum += get16(bytes + i);
    }
    if (size % 2) {
        sum += (uint32_t)bytes[size - 1] << 8;
    }
    return sum;
}

static unsigned
sum_fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum & 0xffff;
}

static void
ethernet_put(uint8_t *frame, unsigned type)
{
    memset(frame, 0xff, 6);
    memcpy(frame + 6, guest_mac, sizeof(guest_mac));
    put16(frame + 12, type);
}

static void
address_put(uint8_t *at, const char *text)
{
    struct in_addr address = { 0 };

    (void)inet_pton(AF_INET, text, &address);
    memcpy(at, &address, 4);
}

size_t
svirt_frame_arp(uint8_t *frame)
{
    uint8_t *arp = frame + ETHERNET;

    memset(frame, 0, 60);
    ethernet_put(frame, TYPE_ARP);
    put16(arp, 1);
    put16(arp + 2, TYPE_IP);
    arp[4] = 6;
    arp[5] = 4;
    put16(arp + 6, 1);
    memcpy(arp + 8, guest_mac, sizeof(guest_mac));
    address_put(arp + 14, SVIRT_FRAME_GUEST);
    address_put(arp + 24, SVIRT_FRAME_GATEWAY);
    return 60;
}

/* Headers before `size` bytes of TCP or UDP, and its checksum at `sum_at`. */
static size_t
ip_put(uint8_t *frame, const char *to, uint8_t protocol, size_t size,
       size_t sum_at)
{
    uint8_t *ip = frame + ETHERNET;
    uint8_t *payload = ip + IP;
    uint32_t sum;

    ethernet_put(frame, TYPE_IP);
    memset(ip, 0, IP);
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(IP + size));
    ip[8] = 64;
    ip[9] = protocol;
    address_put(ip + 12, SVIRT_FRAME_GUEST);
    address_put(ip + 16, to);
    put16(ip + 10, sum_fold(sum_bytes(0, ip, IP)));
    sum = sum_bytes(protocol + (uint32_t)size, ip + 12, 8);
    put16(payload + sum_at, sum_fold(sum_bytes(sum, payload, size)));
    return ETHERNET + IP + size;
}

size_t
svirt_frame_tcp_syn(uint8_t *frame, const char *to, uint16_t from_port,
                    uint16_t to_port)
{
    uint8_t *tcp = frame + ETHERNET + IP;

    memset(tcp, 0, TCP);
    put16(tcp, from_port);
    put16(tcp + 2, to_port);
    put16(tcp + 6, 1000);
    tcp[12] = (TCP / 4) << 4;
    tcp[13] = TCP_SYN;
    put16(tcp + 14, 0xffff);
    return ip_put(frame, to, IPPROTO_TCP, TCP, 16);
}

size_t
svirt_frame_udp(uint8_t *frame, const char *to, uint16_t from_port,
                uint16_t to_port)
{
    static const char text[] = "svirt-selftest";
    uint8_t *udp = frame + ETHERNET + IP;

    memset(udp, 0, UDP);
    put16(udp, from_port);
    put16(udp + 2, to_port);
    put16(udp + 4, UDP + sizeof(text));
    memcpy(udp + UDP, text, sizeof(text));
    return ip_put(frame, to, IPPROTO_UDP, UDP + sizeof(text), 6);
}

SvirtFrameKind
svirt_frame_classify(const uint8_t *frame, size_t size, uint16_t from_port)
{
    const uint8_t *ip;
    const uint8_t *payload;
    size_t header;

    if (size < ETHERNET + IP) {
        return SVIRT_FRAME_OTHER;
    }
    ip = frame + ETHERNET;
    if (get16(frame + 12) == TYPE_ARP) {
        return get16(ip + 6) == 2 ? SVIRT_FRAME_ARP_REPLY : SVIRT_FRAME_OTHER;
    }
    header = (size_t)(ip[0] & 0x0f) * 4;
    if (get16(frame + 12) != TYPE_IP || ip[0] >> 4 != 4 || header < IP ||
        size < ETHERNET + header + TCP) {
        /* A datagram with less than twelve bytes is none of ours. */
        return SVIRT_FRAME_OTHER;
    }
    payload = ip + header;
    if (get16(payload + 2) != from_port) {
        return SVIRT_FRAME_OTHER;
    }
    if (ip[9] == IPPROTO_UDP) {
        return SVIRT_FRAME_UDP;
    }
    if (ip[9] != IPPROTO_TCP) {
        return SVIRT_FRAME_OTHER;
    }
    if (payload[13] & TCP_RST) {
        return SVIRT_FRAME_TCP_REFUSED;
    }
    return (payload[13] & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)
               ? SVIRT_FRAME_TCP_ACCEPTED
               : SVIRT_FRAME_OTHER;
}
