/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "base/error.h"
#include "hypervisor/prepare.h"

/* What the first look at a chain left open; who looks again knows it. */
static void
warn_of_first_look(SvirtPrepared *prepared, const SvirtDiskImages *images)
{
    const GPtrArray *warnings = images->chain->warnings;

    for (unsigned i = 0; !images->recorded && i < warnings->len; i++) {
        GError *warning = NULL;

        svirt_raise(&warning, SVIRT_ERROR_INVALID, NULL, NULL, "disk '%s': %s",
                    images->disk->target, (const char *)warnings->pdata[i]);
        g_ptr_array_add(prepared->warnings, warning);
    }
}

/*
 * A header is the guest's text: one that claims to have grown must not raise
 * what the VM may write. What a raw file holds is its size, which no guest
 * raises over its limit.
 */
static void
warn_of_growth(SvirtPrepared *prepared, const SvirtDiskImages *images)
{
    for (unsigned i = 0; i < images->images->len; i++) {
        const SvirtImage *image = images->images->pdata[i];
        const SvirtChainMember *member = images->chain->members->pdata[i];
        uint64_t recorded = member->header->virtual_size_bytes;
        bool written = image->access != SVIRT_ACCESS_READ_ONLY ||
                       (images->disk->transient &&
                        image->role == SVIRT_CHAIN_ACTIVE);
        g_autofree char *hint =
            g_strdup_printf("if you resized it: svirt chain accept %s",
                            prepared->definition->name);
        GError *warning = NULL;

        if (!written || member->format == SVIRT_IMAGE_FORMAT_RAW ||
            member->size_now_bytes <= recorded) {
            continue;
        }
        svirt_raise(&warning, SVIRT_ERROR_REFUSED, NULL, hint,
                    "disk '%s': image '%s' says it has grown from %" PRIu64
                    " to %" PRIu64 " bytes, which is not believed: it is "
                    "held to the size recorded",
                    images->disk->target, member->path, recorded,
                    member->size_now_bytes);
        g_ptr_array_add(prepared->warnings, warning);
    }
}

void
svirt_prepared_warn_of_images(SvirtPrepared *prepared,
                              const SvirtDiskImages *images)
{
    warn_of_first_look(prepared, images);
    warn_of_growth(prepared, images);
}
