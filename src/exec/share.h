/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/enum-table.h"
#include "compartment/compartment.h"
#include "compartment/relabel-plan.h"
#include "hypervisor/refusals.h"
#include "launch/spec.h"

/* How a file that belongs to somebody else is made the program's. */
typedef enum SvirtShareWay {
    SVIRT_SHARE_AS_IS, /* everybody may do that with it */
    SVIRT_SHARE_IDMAP, /* a mount of that file shows it as the program's */
    SVIRT_SHARE_ACL,   /* an entry in its access control list, given back */
    SVIRT_SHARE_CHOWN, /* its owner, given back */
    SVIRT_SHARE_NODE,  /* a block device: a node of the program's own */
    SVIRT_SHARE_FD,    /* opened by svirt */
    SVIRT_SHARE_MAX
} SvirtShareWay;
/* "as it is", "idmapped mount", "acl", "chown", "own node", "descriptor" */
SVIRT_ENUM_DECLARE(SvirtShareWay, svirt_share_way)

/* A file that the program is given by name, or by number. */
typedef struct SvirtShare {
    char *path;          /* owned; absolute: its name inside */
    SvirtObject *object; /* owned */
    bool write;
    bool execute;        /* the program itself */
    int number;          /* its descriptor, -1: by name */
    SvirtShareWay way;
    int mount;           /* fd: detached; -1: none */
    int fd;              /* fd: opened, for `number`; -1 */
    int lock;            /* fd: holds QEMU's image lock; -1 */
    GPtrArray *seclabels; /* owned; what ACL or CHOWN writes; NULL */
} SvirtShare;

void svirt_share_free(SvirtShare *share);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtShare, svirt_share_free)

typedef struct SvirtShareRequest {
    const SvirtRefusals *refusals;      /* borrowed, as all */
    const SvirtCredentials *author;     /* NULL: root */
    const SvirtCompartment *compartment;
    bool own_ids; /* the program runs as this process's user */
    bool locks; /* the program locks its files itself */
} SvirtShareRequest;

/*
 * Opens `path` with the author's rights, judges it, locks it as QEMU would,
 * and finds the first way this kernel and its file system have, by trying;
 * nothing that lasts is changed. REFUSED, NOT_FOUND, BUSY, UNSUPPORTED: its
 * file system has no way, INVALID.
 */
bool svirt_share_open(const SvirtShareRequest *request, const char *path,
                      bool write, bool execute, int number, SvirtShare **ret,
                      GError **error);
/* For the plan of labels; borrows from the share. */
SvirtRelabelItem svirt_share_item(const SvirtShare *share);
/* Into the spec; a share by number goes there by svirt_spec_add_fd. */
bool svirt_share_add(const SvirtShare *share, SvirtLaunchSpec **spec);
