/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/enum-table.h"
#include "image/format.h"
#include "image/header.h"

/*
 * The chain of a disk: the image the guest writes, the images below it, the
 * data files and extents beside them. It is resolved once, when a definition
 * comes in (headers' names are followed then, with the author's credentials),
 * and recorded. A start opens what the record names and compares: nothing is
 * opened because a header names it.
 */

/* Images one below the other; and all members with data files and extents. */
#define SVIRT_CHAIN_DEPTH_MAX 200
#define SVIRT_CHAIN_MEMBERS_MAX 1024
/* Bytes of a path, with its NUL. */
#define SVIRT_CHAIN_PATH_MAX 4096
#define SVIRT_CHAIN_IDENTITY_MAX 1024

typedef enum SvirtChainRole {
    SVIRT_CHAIN_ACTIVE,  /* the definition's own source */
    SVIRT_CHAIN_BACKING, /* read where the image above has nothing */
    SVIRT_CHAIN_DATA,    /* guest data of a qcow2 image */
    SVIRT_CHAIN_EXTENT,  /* a piece of a vmdk image */
    SVIRT_CHAIN_ROLE_MAX,
} SvirtChainRole;

SVIRT_ENUM_DECLARE(SvirtChainRole, svirt_chain_role)

typedef struct SvirtChainMember {
    char *path; /* owned */
    SvirtImageFormat format;
    SvirtChainRole role;
    int parent; /* index of the image that needs it; -1 for the active one */
    SvirtImageExtentKind extent_kind; /* of an extent only */
    SvirtImageHeader *header;         /* owned */
    uint64_t size_now_bytes; /* virtual size, as last read; not recorded */
    GBytes *identity; /* owned; what the opener said, NULL: nothing */
} SvirtChainMember;

typedef struct SvirtChain {
    GPtrArray *members;  /* owned, of SvirtChainMember; [0] is the active */
    GPtrArray *warnings; /* owned, of strings: one line each */
} SvirtChain;

void svirt_chain_free(SvirtChain *chain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtChain, svirt_chain_free)

/* What an opener gives; see below. */
typedef struct SvirtChainOpened {
    int fd; /* readable; the chain code closes it: dup(2) what you keep */
    GBytes *identity; /* may be NULL; the chain code drops its reference */
    uint64_t device;  /* st_dev and st_ino: equal ones are a loop */
    uint64_t inode;
} SvirtChainOpened;

/*
 * Open `path` read-only with the credentials of the definition's author,
 * under the rules of what root may open. `index` is the member's place in the
 * chain, for a caller that keeps descriptors. Fills *ret only on success.
 */
typedef bool (*SvirtChainOpener)(void *cookie, const char *path,
                                 SvirtChainRole role, unsigned index,
                                 SvirtChainOpened *ret, GError **error);

/* One <backingStore> of a definition. */
typedef struct SvirtChainLink {
    const char *path; /* borrowed, absolute */
    bool format_known;
    SvirtImageFormat format;
} SvirtChainLink;

typedef struct SvirtChainRequest {
    const char *path; /* borrowed, absolute */
    SvirtImageFormat format;
    const SvirtChainLink *backing; /* borrowed, outermost first */
    unsigned n_backing;
    /* An empty <backingStore/> ends the list: the last has nothing below. */
    bool backing_ends;
} SvirtChainRequest;

/*
 * Follow the chain from the definition's image down. The XML's list decides
 * where it says something; headers must agree with it. A backing file whose
 * format nobody gives is raw and a warning; if it then begins like an image of
 * another format, REFUSED with the hint to write the format down.
 *
 * INVALID: a header as svirt_image_header_read(), a contradiction between XML
 * and header, a file twice in the chain, a chain too deep or too wide.
 * UNSUPPORTED: a name svirt does not open. The opener's errors as they are,
 * below one that names the image that asked for the file.
 */
bool svirt_chain_resolve(const SvirtChainRequest *request,
                         SvirtChainOpener opener, void *cookie,
                         SvirtChain **ret, GError **error);

/*
 * Before a start: open exactly the recorded members in the recorded order,
 * read each header and compare. Identities must be those recorded too, but
 * for the active image's. REFUSED on the first change, which is shown; the
 * hint is "svirt chain accept DOMAIN". A header that can no longer be read
 * counts as a change. The opener's errors as they are.
 *
 * A virtual size is no change, or an honest resize would stop a start; nor is
 * it believed, for a guest can write it: the record's stays, what is read is
 * in size_now_bytes.
 */
bool svirt_chain_check(SvirtChain *recorded, const char *domain_name,
                       SvirtChainOpener opener, void *cookie, GError **error);

/*
 * Are two chains the same members with equal headers and identities (the
 * active image's identity aside)? If not and ret_difference is not NULL, one
 * line that says what changed, the caller's.
 */
bool svirt_chain_equal(const SvirtChain *recorded, const SvirtChain *found,
                       char **ret_difference);

/* Compact JSON on one line for the state database; the caller's. */
char *svirt_chain_to_json(const SvirtChain *chain);

/*
 * The other way. Bounded and strict: CORRUPT for anything svirt_chain_to_json
 * does not write, *ret untouched.
 */
bool svirt_chain_from_json(const char *text, SvirtChain **ret, GError **error);
