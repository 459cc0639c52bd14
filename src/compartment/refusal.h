/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"
#include "base/object.h"
#include "domain/resource.h"
#include "host/config.h"
#include "host/connection.h"
#include "state/definitions.h"

/*
 * What svirt does not open for a VM, whoever wrote the definition. The
 * author's own rights are another matter: the object was opened with them.
 * The words are also the layer names of waivers.
 */
typedef enum SvirtRefusalRule {
    SVIRT_REFUSAL_STATE,          /* svirt's own; nothing waives it */
    SVIRT_REFUSAL_PSEUDO_FS,      /* proc, sysfs, cgroup2, ... */
    SVIRT_REFUSAL_MOUNTED_DEVICE, /* or swap, or part of one, or a file that
                                     a mounted loop device stands on */
    SVIRT_REFUSAL_SWAP_FILE,
    SVIRT_REFUSAL_SYSTEM_DIR,
    SVIRT_REFUSAL_DEVICE,    /* a character device that gives no entropy */
    SVIRT_REFUSAL_SET_ID,    /* setuid or setgid */
    SVIRT_REFUSAL_HARD_LINK, /* an exclusive file of several names */
    SVIRT_REFUSAL_OTHER_AUTHOR, /* claimed by another author's VM */
    SVIRT_REFUSAL_MAX
} SvirtRefusalRule;

SVIRT_ENUM_DECLARE(SvirtRefusalRule, svirt_refusal_rule)

/* Only `state` cannot be waived. */
bool svirt_refusal_rule_can_be_waived(SvirtRefusalRule rule);

/* What the VM is to do with it. */
typedef enum SvirtRefusalUse {
    SVIRT_REFUSAL_USE_IMAGE_READ_ONLY,
    SVIRT_REFUSAL_USE_IMAGE_SHARED,
    SVIRT_REFUSAL_USE_IMAGE_EXCLUSIVE,
    SVIRT_REFUSAL_USE_BOOT,     /* kernel, initrd */
    SVIRT_REFUSAL_USE_EMULATOR, /* a program to run */
    SVIRT_REFUSAL_USE_OUTPUT,   /* written by svirt: chardev file, log; the
                                   file, or the directory it is made in */
    SVIRT_REFUSAL_USE_SOCKET,   /* one to connect to, or the directory one is
                                   made in */
    SVIRT_REFUSAL_USE_DEVICE,   /* a character device: rng */
    SVIRT_REFUSAL_USE_MAX
} SvirtRefusalUse;

SVIRT_ENUM_DECLARE(SvirtRefusalUse, svirt_refusal_use)

/* DISK, CDROM, BACKING, DATA_FILE by access; kinds without a path (NETWORK,
 * PTY) are our bug. */
SvirtRefusalUse svirt_refusal_use_for(SvirtResourceKind kind,
                                      SvirtAccess access);

/*
 * The host's facts that do not change between the objects of one command:
 * svirt's own directories (by place in their file system, so that no bind
 * mount helps; for what has several names by inode), mounts, swap files,
 * loop devices, the image roots of the configuration. Owned by the caller.
 * SYSTEM: a table of the kernel cannot be read (fail closed).
 */
typedef struct SvirtRefusalFacts SvirtRefusalFacts;
bool svirt_refusal_facts_new(const SvirtConnection *connection,
                             const SvirtConfig *config,
                             SvirtRefusalFacts **ret, GError **error);
void svirt_refusal_facts_free(SvirtRefusalFacts *facts);

typedef struct SvirtRefusalRequest {
    SvirtRefusalUse use;
    const char *path;   /* as the definition or the chain names it */
    const char *target; /* "vda"; NULL: none */
    const SvirtDefinition *definition; /* whose; its xml may be NULL */
    int64_t now_s;                     /* for the waivers' expiry */
    bool *can_be_waived; /* set when the refusal's rule can be; NULL */
} SvirtRefusalRequest;

/*
 * May `object` be used so? REFUSED names the rule, the path and why; the hint
 * is the `svirt waiver add` command where a waiver may lift the rule. A waiver
 * counts when its layer is the rule's word, its resource the request's path
 * (or, in a definition by root, the target), it was granted by root or the
 * caller, and has not expired. Each one made use of is appended to
 * ret_waivers (of SvirtWaiver *, NULL: not wanted), to be listed. `state`
 * NULL: nothing is claimed and nothing is waived.
 */
bool svirt_refusal_check(const SvirtRefusalFacts *facts, SvirtState *state,
                         const SvirtObject *object,
                         const SvirtRefusalRequest *request,
                         GPtrArray *ret_waivers, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtRefusalFacts, svirt_refusal_facts_free)
