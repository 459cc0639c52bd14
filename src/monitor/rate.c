/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/rate.h"

#define SECOND_NS 1000000000LL

void
svirt_rate_init(SvirtRate *rate, uint64_t per_s, uint64_t burst,
                int64_t now_ns)
{
    const uint64_t most = (uint64_t)1 << 40;

    *rate = (SvirtRate){
        .per_s = per_s == 0 ? 1 : per_s > most ? most : per_s,
        .burst = (int64_t)(burst == 0 ? 1 : burst > most ? most : burst),
        .at_ns = now_ns,
    };
    rate->tokens = rate->burst;
}

uint64_t
svirt_rate_available(SvirtRate *rate, int64_t now_ns)
{
    int64_t past_ns = now_ns - rate->at_ns;
    int64_t earned;

    if (past_ns >= SECOND_NS * 10) {
        past_ns = SECOND_NS * 10;
        rate->at_ns = now_ns - past_ns;
    }
    if (past_ns > 0) {
        earned = (int64_t)((unsigned __int128)past_ns * rate->per_s /
                           SECOND_NS);
        /* Time that earned nothing yet is kept, or slow rates never earn. */
        if (earned > 0) {
            rate->at_ns = now_ns;
            rate->tokens += earned;
        }
        if (rate->tokens > rate->burst) {
            rate->tokens = rate->burst;
        }
    }
    return rate->tokens > 0 ? (uint64_t)rate->tokens : 0;
}

void
svirt_rate_take(SvirtRate *rate, uint64_t amount)
{
    int64_t floor = -rate->burst - ((int64_t)1 << 40);

    rate->tokens -= (int64_t)amount;
    if (rate->tokens < floor) {
        rate->tokens = floor;
    }
}

int64_t
svirt_rate_ready_ns(const SvirtRate *rate)
{
    int64_t wanted = rate->burst / 10 + 1 - rate->tokens;

    if (wanted <= 0) {
        return rate->at_ns;
    }
    return rate->at_ns + 1 +
           (int64_t)((unsigned __int128)wanted * SECOND_NS / rate->per_s);
}
