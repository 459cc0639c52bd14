/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* SipHash-2-4 (Aumasson and Bernstein, 2012) of exactly 16 bytes. */
uint64_t svirt_siphash_16(const uint8_t key[16], const uint8_t data[16]);
