/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "selftest/probe.h"

#define TABLE(name)                                                          \
    {                                                                        \
        #name, svirt_probe_##name, &svirt_probe_##name##_count               \
    }

static const SvirtProbeTable tables[] = {
    TABLE(files),   TABLE(descriptors), TABLE(sockets), TABLE(inherited),
    TABLE(network), TABLE(signals),     TABLE(process), TABLE(ipc),
    TABLE(locks),
    TABLE(kernel),  TABLE(privileges),  TABLE(mounts),  TABLE(devices),
    TABLE(machine), TABLE(limits),
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

const SvirtProbeAttempt *
svirt_probe_attempt(size_t index, const char **ret_group)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (index < *tables[i].count) {
            if (ret_group) {
                *ret_group = tables[i].group;
            }
            return &tables[i].rows[index];
        }
        index -= *tables[i].count;
    }
    return NULL;
}

size_t
svirt_probe_attempt_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < TABLES; i++) {
        count += *tables[i].count;
    }
    return count;
}
