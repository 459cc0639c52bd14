/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "label/context.h"
#include "label/derive.h"
#include "model/label-set.h"
#include "model/selinux-kernel.h"

/*
 * Which contexts VMs have under the loaded policy: those of svirt's own module
 * where it is loaded (policy/selinux/svirt.cil), else those the policy names
 * for libvirt in contexts/virtual_domain_context and virtual_image_context.
 */
typedef struct SvirtSelinuxTypes {
    bool own;                /* svirt's module */
    bool mls;                /* contexts have a range */
    SvirtContext *vmm;       /* owned, as all below */
    SvirtContext *emulated;  /* the VMM's when it makes code: needs execmem */
    SvirtContext *monitor;   /* NULL: the policy has no domain for it */
    SvirtContext *helper;    /* NULL */
    SvirtContext *image;
    SvirtContext *content;
} SvirtSelinuxTypes;

#define SVIRT_SELINUX_NAME_BYTES 128

/* SELINUXTYPE of /etc/selinux/config: the name of the policy's directory
 * there, "" when unset. INVALID. */
bool svirt_selinux_policy_name(const SvirtSelinux *selinux,
                               char ret[SVIRT_SELINUX_NAME_BYTES],
                               GError **error);

/*
 * UNSUPPORTED: neither the module nor the files are there (hint: install the
 * module). INVALID: a file of the policy says no context, or one that the
 * loaded policy refuses. SYSTEM. Owned by the caller.
 */
bool svirt_selinux_types_read(const SvirtSelinux *selinux,
                              SvirtSelinuxTypes **ret, GError **error);
void svirt_selinux_types_free(SvirtSelinuxTypes *types);

/*
 * Pure: the contexts of one VM. Its level: the sensitivity of the domain's
 * own, the seed's categories. Of seed->base only the type is taken, as libvirt
 * does; a seed->given is the process' own and its range the images'. INVALID.
 */
bool svirt_selinux_derive(const SvirtSelinuxTypes *types,
                          const SvirtLabelSeed *seed, SvirtLabelSet *ret,
                          GError **error);

/*
 * The categories that a VM's context may have under the loaded policy, which is
 * what its SELinux user may: the longest run of them. All when contexts have no
 * range. SYSTEM; UNSUPPORTED: not one.
 */
bool svirt_selinux_category_range(const SvirtSelinux *selinux,
                                  const SvirtSelinuxTypes *types,
                                  SvirtCategoryRange *ret, GError **error);

/*
 * May a process of `label` be started, by svirt's keeper where the module is
 * loaded, else by what svirt itself runs as (`own`)? It has no_new_privs by
 * then, and a root that is mounted nosuid: the policy must let the transition
 * happen all the same. The exec would say no more than EPERM. SYSTEM.
 */
bool svirt_selinux_may_start(const SvirtSelinux *selinux,
                             const SvirtSelinuxTypes *types, const char *own,
                             const char *label, bool *ret_may,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtSelinuxTypes, svirt_selinux_types_free)
