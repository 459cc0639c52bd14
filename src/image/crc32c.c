/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/crc32c.h"

#define POLYNOMIAL 0x82f63b78U

uint32_t
svirt_crc32c_skip(const uint8_t *bytes, size_t size, size_t skip)
{
    uint32_t table[256];
    uint32_t crc = UINT32_MAX;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;

        for (int bit = 0; bit < 8; bit++) {
            value = (value >> 1) ^ ((value & 1) != 0 ? POLYNOMIAL : 0);
        }
        table[i] = value;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = i >= skip && i < skip + 4 ? 0 : bytes[i];

        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xff];
    }
    return ~crc;
}
