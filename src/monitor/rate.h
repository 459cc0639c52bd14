/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * A token bucket. Times are nanoseconds of CLOCK_MONOTONIC and come in as
 * arguments. A bucket may go into debt by one taking: what was read was read.
 */
typedef struct SvirtRate {
    uint64_t per_s; /* tokens a second */
    int64_t burst;  /* most that is saved up */
    int64_t tokens;
    int64_t at_ns;  /* when tokens was right */
} SvirtRate;

#define SVIRT_NEVER INT64_MAX

void svirt_rate_init(SvirtRate *rate, uint64_t per_s, uint64_t burst,
                     int64_t now_ns);
/* What may be taken now, 0 when in debt. */
uint64_t svirt_rate_available(SvirtRate *rate, int64_t now_ns);
void svirt_rate_take(SvirtRate *rate, uint64_t amount);
/* When at least a tenth of the burst is there again. */
int64_t svirt_rate_ready_ns(const SvirtRate *rate);
