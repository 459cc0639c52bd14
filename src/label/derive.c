/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/derive.h"

#include <stdio.h>
#include <string.h>

#include "base/hmac-sha256.h"
#include "label/siphash.h"

typedef unsigned __int128 Wide;

/*
 * C(n, k) >= 2^64 has a solution from n = 68 on; just past 2^64 it stays
 * below 2^64 * 1024, so every number here fits into 128 bits.
 */
#define TWO_64 ((Wide)1 << 64)

struct SvirtDeriver {
    SvirtDeriveMode mode;
    unsigned first; /* the category that stands for 0 */
    unsigned n;     /* categories in the range */
    unsigned k;     /* categories in a set */
    Wide count;     /* C(n, k) */
    Wide *binomial; /* owned; C(c, i) at [i * (n + 1) + c], i <= k, c <= n */
    uint8_t key[16];
};

bool
svirt_category_range_check(const SvirtCategoryRange *range, GError **error)
{
    if (range->last >= SVIRT_CATEGORY_MAX || range->first > range->last ||
        range->last - range->first + 1 < SVIRT_CATEGORY_RANGE_MIN) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give at least 8 categories between c0 and c1023",
                           "category range c%u.c%u cannot label VMs",
                           range->first, range->last);
    }
    return true;
}

/* The smallest k with C(n, k) >= 2^64, or n / 2 where C is largest. */
static unsigned
choose_size(unsigned n, Wide *ret_count)
{
    Wide count = 1;
    unsigned k = 0;

    while (count < TWO_64 && k < n / 2) {
        k++;
        /* Exact: the product of k consecutive numbers divides by k!. */
        count = count * (n - k + 1) / k;
    }
    *ret_count = count;
    return k;
}

SvirtDeriveMode
svirt_category_range_mode(const SvirtCategoryRange *range)
{
    Wide count;

    (void)choose_size(range->last - range->first + 1, &count);
    return count >= TWO_64 ? SVIRT_DERIVE_DERIVED : SVIRT_DERIVE_CLAIMED;
}

/* Pascal's triangle up to row n, columns 0 to k. k <= n / 2, so no entry
 * exceeds C(n, k). */
static Wide *
make_binomials(unsigned n, unsigned k)
{
    Wide *table = g_new0(Wide, (size_t)(k + 1) * (n + 1));

    for (unsigned c = 0; c <= n; c++) {
        table[c] = 1;
    }
    for (unsigned i = 1; i <= k; i++) {
        const Wide *left = table + (size_t)(i - 1) * (n + 1);
        Wide *row = table + (size_t)i * (n + 1);

        for (unsigned c = 1; c <= n; c++) {
            row[c] = row[c - 1] + left[c - 1];
        }
    }
    return table;
}

/* A key for this purpose alone: the range and the size of a set are part of
 * it, so labels of different ranges have nothing in common. */
static void
derive_key(const uint8_t key[SVIRT_DOI_KEY_BYTES],
           const SvirtCategoryRange *range, unsigned k, uint8_t ret[16])
{
    uint8_t digest[SVIRT_SHA256_BYTES];
    char purpose[96];
    int size = snprintf(purpose, sizeof(purpose),
                        "svirt category sets, version 1: c%u.c%u by %u",
                        range->first, range->last, k);

    g_assert(size > 0 && (size_t)size < sizeof(purpose));
    svirt_hmac_sha256(key, SVIRT_DOI_KEY_BYTES, purpose, (size_t)size,
                      digest);
    memcpy(ret, digest, 16);
    explicit_bzero(digest, sizeof(digest));
}

bool
svirt_deriver_new(const uint8_t key[SVIRT_DOI_KEY_BYTES],
                  const SvirtCategoryRange *range, SvirtDeriveMode allow,
                  SvirtDeriver **ret, GError **error)
{
    SvirtDeriver *deriver;
    SvirtDeriveMode mode;

    if (!svirt_category_range_check(range, error)) {
        return false;
    }
    mode = svirt_category_range_mode(range);
    if (mode == SVIRT_DERIVE_CLAIMED && allow == SVIRT_DERIVE_DERIVED) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "allow at least 68 categories, or claim the sets "
                           "in the registry",
                           "category range c%u.c%u has too few sets to "
                           "derive them from UUIDs",
                           range->first, range->last);
    }
    deriver = g_new0(SvirtDeriver, 1);
    deriver->mode = mode;
    deriver->first = range->first;
    deriver->n = range->last - range->first + 1;
    deriver->k = choose_size(deriver->n, &deriver->count);
    deriver->binomial = make_binomials(deriver->n, deriver->k);
    derive_key(key, range, deriver->k, deriver->key);
    *ret = deriver;
    return true;
}

void
svirt_deriver_free(SvirtDeriver *deriver)
{
    if (deriver == NULL) {
        return;
    }
    g_free(deriver->binomial);
    explicit_bzero(deriver->key, sizeof(deriver->key));
    g_free(deriver);
}

SvirtDeriveMode
svirt_deriver_mode(const SvirtDeriver *deriver)
{
    return deriver->mode;
}

unsigned
svirt_deriver_set_size(const SvirtDeriver *deriver)
{
    return deriver->k;
}

uint64_t
svirt_deriver_set_count(const SvirtDeriver *deriver)
{
    return deriver->count >= TWO_64 ? UINT64_MAX : (uint64_t)deriver->count;
}

/*
 * floor(digest * count / 2^64): for count >= 2^64 neighbouring digests are at
 * least 1 apart, so no two share an index. The product may exceed 128 bits;
 * the high half of count contributes whole numbers.
 */
static Wide
spread(uint64_t digest, Wide count)
{
    uint64_t high = (uint64_t)(count >> 64);
    uint64_t low = (uint64_t)count;

    return (Wide)digest * high + ((Wide)digest * low >> 64);
}

/* The index-th k-subset: index = sum of C(c_i, i), c_k > ... > c_1 >= 0. */
static void
unrank(const SvirtDeriver *deriver, Wide index, SvirtCategorySet *ret)
{
    unsigned above = deriver->n; /* c_i is less than the one before */

    svirt_category_set_clear(ret);
    for (unsigned i = deriver->k; i > 0; i--) {
        const Wide *row =
            deriver->binomial + (size_t)i * (deriver->n + 1);
        unsigned low = i - 1; /* C(i - 1, i) = 0 <= index always */
        unsigned size = above - low;

        /* The largest c in [low, above) with C(c, i) <= index. */
        while (size > 1) {
            unsigned half = size / 2;

            low += row[low + half] <= index ? half : 0;
            size -= half;
        }
        index -= row[low];
        above = low;
        ret->words[(deriver->first + low) / 64] |=
            UINT64_C(1) << ((deriver->first + low) % 64);
    }
}

void
svirt_deriver_candidate(const SvirtDeriver *deriver, const SvirtUuid *uuid,
                        uint64_t attempt, SvirtCategorySet *ret)
{
    uint64_t digest = svirt_siphash_16(deriver->key, uuid->bytes);
    Wide index = spread(digest, deriver->count);

    if (attempt > 0) {
        index = (index + attempt) % deriver->count;
    }
    unrank(deriver, index, ret);
}

void
svirt_deriver_categories(const SvirtDeriver *deriver, const SvirtUuid *uuid,
                         SvirtCategorySet *ret)
{
    svirt_deriver_candidate(deriver, uuid, 0, ret);
}

void
svirt_derive_name(const SvirtUuid *uuid, char ret[SVIRT_DERIVED_NAME_BYTES])
{
    memcpy(ret, "svirt-", 6);
    svirt_uuid_format(uuid, ret + 6);
}

bool
svirt_smack_label_is_valid(const char *text)
{
    size_t size = strnlen(text, 256);

    if (size == 0 || size > 255 || text[0] == '-') {
        return false;
    }
    if (size == 1 && strchr("_^*?@", text[0]) != NULL) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isgraph(*p) || strchr("/\"'\\", *p) != NULL) {
            return false;
        }
    }
    return true;
}
