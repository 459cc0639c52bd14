/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/chain.h"

#include "base/fd.h"
#include "image/chain-private.h"
#include "image/quote.h"

SVIRT_ENUM_TABLE(SvirtChainRole, svirt_chain_role,
                 SVIRT_CHAIN_ROLE_MAX, [SVIRT_CHAIN_ACTIVE] = "active",
                 [SVIRT_CHAIN_BACKING] = "backing", [SVIRT_CHAIN_DATA] = "data",
                 [SVIRT_CHAIN_EXTENT] = "extent")

void
svirt_chain_member_free(SvirtChainMember *member)
{
    if (member == NULL) {
        return;
    }
    g_free(member->path);
    svirt_image_header_free(member->header);
    g_clear_pointer(&member->identity, g_bytes_unref);
    g_free(member);
}

static void
member_destroy(gpointer data)
{
    svirt_chain_member_free(data);
}

SvirtChain *
svirt_chain_new(void)
{
    SvirtChain *chain = g_new0(SvirtChain, 1);

    chain->members = g_ptr_array_new_with_free_func(member_destroy);
    chain->warnings = g_ptr_array_new_with_free_func(g_free);
    return chain;
}

void
svirt_chain_free(SvirtChain *chain)
{
    if (chain == NULL) {
        return;
    }
    g_ptr_array_unref(chain->members);
    g_ptr_array_unref(chain->warnings);
    g_free(chain);
}

void
svirt_chain_opened_clear(SvirtChainOpened *opened)
{
    svirt_fd_close(&opened->fd);
    g_clear_pointer(&opened->identity, g_bytes_unref);
}

bool
svirt_chain_member_read(const SvirtChainMember *member, int fd,
                        SvirtImageHeader **ret, GError **error)
{
    if (member->role == SVIRT_CHAIN_EXTENT) {
        return svirt_image_header_read_extent(fd, member->extent_kind,
                                              member->path, ret, error);
    }
    return svirt_image_header_read(fd, member->format, member->path, ret,
                                   error);
}

static bool
identity_equal(const GBytes *a, const GBytes *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return g_bytes_equal(a, b);
}

char *
svirt_chain_member_describe_difference(const SvirtChainMember *recorded,
                                       const SvirtChainMember *found)
{
    g_autofree char *shown = svirt_image_quote(recorded->path);
    g_autofree char *header = NULL;

    if (!g_str_equal(recorded->path, found->path)) {
        g_autofree char *now = svirt_image_quote(found->path);

        return g_strdup_printf("%s file was %s, is now %s",
                               svirt_chain_role_to_string(recorded->role),
                               shown, now);
    }
    if (recorded->role != found->role || recorded->parent != found->parent ||
        recorded->format != found->format ||
        recorded->extent_kind != found->extent_kind) {
        return g_strdup_printf("%s was a %s file of format %s, is now a %s "
                               "file of format %s",
                               shown,
                               svirt_chain_role_to_string(recorded->role),
                               svirt_image_format_to_string(recorded->format),
                               svirt_chain_role_to_string(found->role),
                               svirt_image_format_to_string(found->format));
    }
    header =
        svirt_image_header_describe_difference(recorded->header, found->header);
    if (header != NULL) {
        return g_strdup_printf("%s: %s", shown, header);
    }
    if (recorded->role != SVIRT_CHAIN_ACTIVE &&
        !identity_equal(recorded->identity, found->identity)) {
        return g_strdup_printf("%s is another file than the one recorded",
                               shown);
    }
    return NULL;
}

bool
svirt_chain_equal(const SvirtChain *recorded, const SvirtChain *found,
                  char **ret_difference)
{
    unsigned common = MIN(recorded->members->len, found->members->len);
    g_autofree char *difference = NULL;

    for (unsigned i = 0; i < common && difference == NULL; i++) {
        difference = svirt_chain_member_describe_difference(
            svirt_chain_member_at(recorded, i),
            svirt_chain_member_at(found, i));
    }
    if (difference == NULL && recorded->members->len != found->members->len) {
        difference =
            g_strdup_printf("chain had %u members, has now %u",
                            recorded->members->len, found->members->len);
    }
    if (difference == NULL) {
        return true;
    }
    if (ret_difference != NULL) {
        *ret_difference = g_steal_pointer(&difference);
    }
    return false;
}
