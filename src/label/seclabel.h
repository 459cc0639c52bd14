/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "label/model-kind.h"

/* <seclabel type=...> */
typedef enum SvirtSeclabelType {
    SVIRT_SECLABEL_DYNAMIC,
    SVIRT_SECLABEL_STATIC,
    SVIRT_SECLABEL_NONE,
    SVIRT_SECLABEL_MAX
} SvirtSeclabelType;

SVIRT_ENUM_DECLARE(SvirtSeclabelType, svirt_seclabel_type)

/* relabel='yes|no' as written; UNSET takes the type's default. */
typedef enum SvirtSeclabelRelabel {
    SVIRT_SECLABEL_RELABEL_UNSET,
    SVIRT_SECLABEL_RELABEL_YES,
    SVIRT_SECLABEL_RELABEL_NO,
} SvirtSeclabelRelabel;

/* The texts are bounded by libvirt's buffers, the NUL included. */
#define SVIRT_SECLABEL_LABEL_BYTES 4096
#define SVIRT_SECLABEL_MODEL_BYTES 256

typedef struct SvirtSeclabel {
    SvirtSeclabelType type; /* a per-device override has none: DYNAMIC */
    bool has_model;
    SvirtModelKind model; /* valid when has_model */
    SvirtSeclabelRelabel relabel;
    bool require_enforcing; /* no start where the model only warns */
    char *label;      /* owned, NULL: not given */
    char *baselabel;  /* owned, NULL: not given */
    char *imagelabel; /* owned, NULL: not given; output only */
} SvirtSeclabel;

SvirtSeclabel *svirt_seclabel_new(void);
SvirtSeclabel *svirt_seclabel_copy(const SvirtSeclabel *seclabel);
void svirt_seclabel_free(SvirtSeclabel *seclabel);

/*
 * libvirt's rules for one <seclabel> of a domain, with the type's default
 * relabel filled in: static needs a label, dynamic needs relabel='yes' and
 * takes no label as input (one read back from a live XML is dropped, with
 * imagelabel), only dynamic takes a baselabel, none takes no label and no
 * relabel='yes'. A label must parse for the model where the model is known:
 * context for selinux and flask, user:group for dac, Smack's alphabet.
 * INVALID otherwise.
 */
bool svirt_seclabel_check(SvirtSeclabel *seclabel, GError **error);
/* The same for <source><seclabel/>: label or relabel='no', not both. With
 * neither, as in a live XML with labelskip='yes', it overrides nothing. */
bool svirt_seclabel_check_device(SvirtSeclabel *seclabel, GError **error);
/*
 * `seclabels` (of SvirtSeclabel *), each already checked: one per model; only
 * a single one without any label may leave the model to the host. INVALID
 * otherwise.
 */
bool svirt_seclabel_check_list(const GPtrArray *seclabels, GError **error);
/* Whether resources are relabelled, after a check. */
bool svirt_seclabel_relabels(const SvirtSeclabel *seclabel);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtSeclabel, svirt_seclabel_free)
