/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "label/derive.h"

/* bench-derive: category sets derived from UUIDs per second, on one core. */
#define COUNT 1000000u

static double
now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
main(void)
{
    static const uint8_t key[SVIRT_DOI_KEY_BYTES] = { 1 };
    g_autoptr(SvirtDeriver) deriver = NULL;
    g_autoptr(GError) error = NULL;
    SvirtUuid uuid = { { 0 } };
    unsigned sum = 0;
    double began;

    if (!svirt_deriver_new(key, &(SvirtCategoryRange){ 0, 1023 },
                           SVIRT_DERIVE_DERIVED, &deriver, &error)) {
        (void)fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    began = now_s();
    for (uint32_t i = 0; i < COUNT; i++) {
        SvirtCategorySet set;

        memcpy(uuid.bytes, &i, sizeof(i));
        svirt_deriver_categories(deriver, &uuid, &set);
        sum += svirt_category_set_has(&set, 7);
    }
    (void)printf("%.0f\n", COUNT / (now_s() - began));
    return sum > COUNT; /* keeps the loop from being optimised away */
}
