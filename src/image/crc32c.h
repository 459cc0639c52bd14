/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78) of `bytes`, the four
 * bytes at `skip` taken as zero: vhdx keeps its checksum inside what it sums.
 */
uint32_t svirt_crc32c_skip(const uint8_t *bytes, size_t size, size_t skip);
