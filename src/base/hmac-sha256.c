/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/hmac-sha256.h"

#include <string.h>

#define BLOCK 64

typedef struct Sha256 {
    uint32_t state[8];
    uint64_t size;
    size_t filled;
    uint8_t block[BLOCK];
    uint32_t schedule[64];
} Sha256;

/* FIPS 180-4, 4.2.2: cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t
rotate(uint32_t x, unsigned by)
{
    return x >> by | x << (32 - by);
}

static void
expand_schedule(Sha256 *sha)
{
    uint32_t *w = sha->schedule;

    for (unsigned i = 0; i < 16; i++) {
        w[i] = (uint32_t)sha->block[4 * i] << 24 |
               (uint32_t)sha->block[4 * i + 1] << 16 |
               (uint32_t)sha->block[4 * i + 2] << 8 | sha->block[4 * i + 3];
    }
    for (unsigned i = 16; i < 64; i++) {
        uint32_t a = w[i - 15];
        uint32_t b = w[i - 2];

        w[i] = w[i - 16] + w[i - 7] +
               (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
               (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

static void
compress(Sha256 *sha)
{
    uint32_t v[8];

    expand_schedule(sha);
    memcpy(v, sha->state, sizeof(v));
    for (unsigned i = 0; i < 64; i++) {
        uint32_t e = v[4];
        uint32_t a = v[0];
        uint32_t t1 = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + constants[i] +
                      sha->schedule[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++) {
        sha->state[i] += v[i];
    }
    explicit_bzero(v, sizeof(v));
    sha->filled = 0;
}

static void
start(Sha256 *sha)
{
    /* FIPS 180-4, 5.3.3. */
    static const uint32_t initial[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };

    memcpy(sha->state, initial, sizeof(initial));
    sha->size = 0;
    sha->filled = 0;
}

static void
update(Sha256 *sha, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    sha->size += size;
    while (size > 0) {
        size_t take = BLOCK - sha->filled < size ? BLOCK - sha->filled : size;

        memcpy(sha->block + sha->filled, bytes, take);
        sha->filled += take;
        bytes += take;
        size -= take;
        if (sha->filled == BLOCK) {
            compress(sha);
        }
    }
}

static void
finish(Sha256 *sha, uint8_t ret[SVIRT_SHA256_BYTES])
{
    uint64_t bits = sha->size * 8;

    sha->block[sha->filled++] = 0x80;
    if (sha->filled > BLOCK - 8) {
        memset(sha->block + sha->filled, 0, BLOCK - sha->filled);
        compress(sha);
    }
    memset(sha->block + sha->filled, 0, BLOCK - 8 - sha->filled);
    for (unsigned i = 0; i < 8; i++) {
        sha->block[BLOCK - 1 - i] = (uint8_t)(bits >> 8 * i);
    }
    compress(sha);
    for (unsigned i = 0; i < 32; i++) {
        ret[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void
svirt_hmac_sha256(const void *key, size_t key_size, const void *text,
                  size_t text_size, uint8_t ret[SVIRT_SHA256_BYTES])
{
    Sha256 sha;
    uint8_t pad[BLOCK] = { 0 };
    uint8_t inner[SVIRT_SHA256_BYTES];

    if (key_size > BLOCK) {
        start(&sha);
        update(&sha, key, key_size);
        finish(&sha, pad);
    } else {
        memcpy(pad, key, key_size);
    }
    for (unsigned i = 0; i < BLOCK; i++) {
        pad[i] ^= 0x36;
    }
    start(&sha);
    update(&sha, pad, BLOCK);
    update(&sha, text, text_size);
    finish(&sha, inner);
    for (unsigned i = 0; i < BLOCK; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    start(&sha);
    update(&sha, pad, BLOCK);
    update(&sha, inner, sizeof(inner));
    finish(&sha, ret);
    explicit_bzero(&sha, sizeof(sha));
    explicit_bzero(pad, sizeof(pad));
    explicit_bzero(inner, sizeof(inner));
}
