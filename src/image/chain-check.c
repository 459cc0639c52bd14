/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/chain.h"

#include "base/error.h"
#include "image/chain-private.h"

static bool
refuse(const char *domain_name, GError *cause, const char *difference,
       GError **error)
{
    g_autofree char *hint = g_strdup_printf(
        "if you changed it yourself: svirt chain accept %s", domain_name);

    return svirt_raise(error, SVIRT_ERROR_REFUSED, cause, hint,
                       "image chain of domain '%s' is not the one recorded: "
                       "%s",
                       domain_name, difference);
}

static bool
member_check(SvirtChainMember *member, unsigned index,
             const char *domain_name, SvirtChainOpener opener, void *cookie,
             GError **error)
{
    g_auto(SvirtChainOpened) opened = SVIRT_CHAIN_OPENED_UNSET;
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autofree char *difference = NULL;
    GError *cause = NULL;
    SvirtChainMember found;

    if (!opener(cookie, member->path, member->role, index, &opened, error)) {
        return false;
    }
    if (!svirt_chain_member_read(member, opened.fd, &header, &cause)) {
        if (g_error_matches(cause, SVIRT_ERROR, SVIRT_ERROR_SYSTEM)) {
            g_propagate_error(error, cause);
            return false;
        }
        return refuse(domain_name, cause, "a header is no longer valid", error);
    }
    found = *member;
    found.header = header;
    found.identity = opened.identity;
    difference = svirt_chain_member_describe_difference(member, &found);
    if (difference != NULL) {
        return refuse(domain_name, NULL, difference, error);
    }
    member->size_now_bytes = header->virtual_size_bytes;
    return true;
}

bool
svirt_chain_check(SvirtChain *recorded, const char *domain_name,
                  SvirtChainOpener opener, void *cookie, GError **error)
{
    for (unsigned i = 0; i < recorded->members->len; i++) {
        if (!member_check(svirt_chain_member_at(recorded, i), i, domain_name,
                          opener, cookie, error)) {
            return false;
        }
    }
    return true;
}
