/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/chain.h"

/* Internal to this folder. */
SvirtChain *svirt_chain_new(void);
void svirt_chain_member_free(SvirtChainMember *member);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtChainMember, svirt_chain_member_free)

static inline SvirtChainMember *
svirt_chain_member_at(const SvirtChain *chain, unsigned index)
{
    return g_ptr_array_index(chain->members, index);
}

/* fd -1 and no identity is legal, and what it leaves. */
void svirt_chain_opened_clear(SvirtChainOpened *opened);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtChainOpened, svirt_chain_opened_clear)
#define SVIRT_CHAIN_OPENED_UNSET                                               \
    {                                                                          \
        .fd = -1                                                               \
    }

/* The header of a member from its descriptor, by its role and format. */
bool svirt_chain_member_read(const SvirtChainMember *member, int fd,
                             SvirtImageHeader **ret, GError **error);

/*
 * What changed from one member to the other, NULL nothing. The identity of
 * the active image may differ: it may be restored from a copy.
 */
char *svirt_chain_member_describe_difference(const SvirtChainMember *recorded,
                                             const SvirtChainMember *found);

/* The image below one, as definition and header agree on it. */
typedef struct SvirtChainBacking {
    char *path; /* owned; NULL: there is none */
    SvirtImageFormat format;
    bool format_guessed; /* nobody gave it: raw */
} SvirtChainBacking;

void svirt_chain_backing_clear(SvirtChainBacking *backing);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SvirtChainBacking, svirt_chain_backing_clear)

/*
 * What lies below `image`, which has `depth` images above it. Opens nothing.
 * INVALID where definition and header contradict each other, the errors of
 * svirt_image_name_parse() for the header's name.
 */
bool svirt_chain_backing_find(const SvirtChainRequest *request,
                              const SvirtChainMember *image, unsigned depth,
                              SvirtChainBacking *ret, GError **error);
