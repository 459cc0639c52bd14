/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/chain.h"

#include <jansson.h>
#include <stdlib.h>

#include "image/chain-private.h"

/*
 * Short keys and no key for what is absent: a start reads one record per
 * disk. Every string is UTF-8: names are checked when a header is read, paths
 * come from XML or from names.
 */
static void
set_string(json_t *object, const char *key, const char *value)
{
    if (value != NULL) {
        json_object_set_new(object, key, json_string(value));
    }
}

static void
set_number(json_t *object, const char *key, uint64_t value)
{
    /* As text: JSON integers end at 2^63 - 1, feature words do not. */
    g_autofree char *text = NULL;

    if (value != 0) {
        text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
        json_object_set_new(object, key, json_string(text));
    }
}

static void
set_flag(json_t *object, const char *key, bool value)
{
    if (value) {
        json_object_set_new(object, key, json_true());
    }
}

static json_t *
extents_pack(const GPtrArray *extents)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < extents->len; i++) {
        const SvirtImageExtent *extent = extents->pdata[i];
        json_t *item = json_object();

        set_string(item, "kind",
                   svirt_image_extent_kind_to_string(extent->kind));
        set_string(item, "name", extent->name);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *
header_pack(const SvirtImageHeader *header)
{
    json_t *object = json_object();

    set_number(object, "version", header->version);
    set_number(object, "size", header->virtual_size_bytes);
    set_string(object, "backing", header->backing_name);
    if (header->backing_format_known) {
        set_string(object, "backing_format",
                   svirt_image_format_to_string(header->backing_format));
    }
    set_flag(object, "data_file", header->data_file);
    set_string(object, "data_name", header->data_file_name);
    set_flag(object, "data_raw", header->data_file_raw);
    if (header->encryption != SVIRT_IMAGE_ENCRYPTION_NONE) {
        set_string(object, "encryption",
                   svirt_image_encryption_to_string(header->encryption));
    }
    if (header->extents != NULL) {
        json_object_set_new(object, "extents", extents_pack(header->extents));
    }
    set_number(object, "incompatible", header->incompatible_features);
    set_number(object, "compatible", header->compatible_features);
    set_number(object, "autoclear", header->autoclear_features);
    set_flag(object, "dirty", header->dirty);
    set_flag(object, "corrupt", header->corrupt);
    return object;
}

static json_t *
member_pack(const SvirtChainMember *member)
{
    json_t *object = json_object();

    set_string(object, "path", member->path);
    set_string(object, "format", svirt_image_format_to_string(member->format));
    set_string(object, "role", svirt_chain_role_to_string(member->role));
    if (member->parent >= 0) {
        json_object_set_new(object, "parent", json_integer(member->parent));
    }
    if (member->role == SVIRT_CHAIN_EXTENT) {
        set_string(object, "extent",
                   svirt_image_extent_kind_to_string(member->extent_kind));
    }
    if (member->identity != NULL) {
        gsize size;
        const void *bytes = g_bytes_get_data(member->identity, &size);
        g_autofree char *text = g_base64_encode(bytes, size);

        set_string(object, "identity", text);
    }
    json_object_set_new(object, "header", header_pack(member->header));
    return object;
}

char *
svirt_chain_to_json(const SvirtChain *chain)
{
    json_t *root = json_object();
    json_t *members = json_array();
    char *dumped;
    char *text;

    for (unsigned i = 0; i < chain->members->len; i++) {
        json_array_append_new(members,
                              member_pack(svirt_chain_member_at(chain, i)));
    }
    json_object_set_new(root, "members", members);
    if (chain->warnings->len > 0) {
        json_t *warnings = json_array();

        for (unsigned i = 0; i < chain->warnings->len; i++) {
            json_array_append_new(
                warnings, json_string(g_ptr_array_index(chain->warnings, i)));
        }
        json_object_set_new(root, "warnings", warnings);
    }
    dumped = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    text = g_strdup(dumped);
    free(dumped);
    return text;
}
