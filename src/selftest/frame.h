/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Ethernet frames as a guest would send them, made by hand: ARP (RFC 826),
 * IPv4 (RFC 791) with a TCP SYN (RFC 9293) or a UDP datagram (RFC 768).
 */
#define SVIRT_FRAME_MAX 2048

/* The addresses of the guest's small network; passt takes them as they come. */
#define SVIRT_FRAME_GUEST "192.0.2.2"
#define SVIRT_FRAME_GATEWAY "192.0.2.1"
#define SVIRT_FRAME_METADATA "169.254.169.254"

typedef enum SvirtFrameKind {
    SVIRT_FRAME_ARP_REPLY,
    SVIRT_FRAME_TCP_ACCEPTED, /* SYN and ACK */
    SVIRT_FRAME_TCP_REFUSED,  /* RST */
    SVIRT_FRAME_UDP,
    SVIRT_FRAME_OTHER,
} SvirtFrameKind;

/* Their length; `frame` has room for SVIRT_FRAME_MAX. */
size_t svirt_frame_arp(uint8_t *frame);
size_t svirt_frame_tcp_syn(uint8_t *frame, const char *to, uint16_t from_port,
                           uint16_t to_port);
size_t svirt_frame_udp(uint8_t *frame, const char *to, uint16_t from_port,
                       uint16_t to_port);

/*
 * What a received frame is to one who sent from `from_port`: answers to other
 * ports are OTHER. Any bytes may come in.
 */
SvirtFrameKind svirt_frame_classify(const uint8_t *frame, size_t size,
                                    uint16_t from_port);
