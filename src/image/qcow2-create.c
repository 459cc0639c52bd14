/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/qcow2-create.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"

#define CLUSTER_BITS 16u
#define CLUSTER ((uint64_t)1 << CLUSTER_BITS)
/* One table of 8-byte entries fills a cluster. */
#define CLUSTERS_PER_TABLE (CLUSTER / 8)
#define MAX_SIZE ((uint64_t)64 << 40)

/* Clusters of the new image: header, refcount table and block, then L1. */
enum { REFCOUNT_TABLE = 1, REFCOUNT_BLOCK = 2, L1_TABLE = 3 };

static void
put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void
put64(uint8_t *at, uint64_t value)
{
    put32(at, (uint32_t)(value >> 32));
    put32(at + 4, (uint32_t)value);
}

static void
fill_header(uint8_t *header, uint64_t size, uint32_t l1_entries)
{
    put32(header, 0x514649fbu); /* "QFI\xfb" */
    put32(header + 4, 3);
    put32(header + 20, CLUSTER_BITS);
    put64(header + 24, size);
    put32(header + 36, l1_entries);
    put64(header + 40, L1_TABLE * CLUSTER);
    put64(header + 48, REFCOUNT_TABLE * CLUSTER);
    put32(header + 56, 1); /* clusters of the refcount table */
    put32(header + 96, 4); /* 16-bit refcounts */
    put32(header + 100, 104);
}

bool
svirt_qcow2_create(int fd, uint64_t virtual_size_bytes, GError **error)
{
    uint64_t per_l1 = CLUSTER * CLUSTERS_PER_TABLE;
    uint64_t l1_entries = (virtual_size_bytes + per_l1 - 1) / per_l1;
    uint64_t l1_clusters =
        (l1_entries * 8 + CLUSTER - 1) >> CLUSTER_BITS;
    g_autofree uint8_t *head = g_malloc0(L1_TABLE * CLUSTER);

    if (virtual_size_bytes == 0 || virtual_size_bytes > MAX_SIZE) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "a disk has 1 byte to 64 TiB",
                           "no image of %" G_GUINT64_FORMAT
                           " bytes can be made",
                           virtual_size_bytes);
    }
    fill_header(head, virtual_size_bytes, (uint32_t)l1_entries);
    put64(head + REFCOUNT_TABLE * CLUSTER, REFCOUNT_BLOCK * CLUSTER);
    for (uint64_t i = 0; i < L1_TABLE + l1_clusters; i++) {
        head[REFCOUNT_BLOCK * CLUSTER + i * 2 + 1] = 1;
    }
    if (pwrite(fd, head, L1_TABLE * CLUSTER, 0) !=
            (ssize_t)(L1_TABLE * CLUSTER) ||
        ftruncate(fd, (off_t)((L1_TABLE + l1_clusters) * CLUSTER)) < 0) {
        return svirt_raise_errno(error, errno, "free some space",
                                 "cannot write an empty qcow2 image");
    }
    return true;
}
