/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/chain.h"

#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "image/chain-private.h"
#include "image/json-depth.h"

/* What src/state stores; a member of the usual kind has 300 bytes. */
#define TEXT_MAX (1024 * 1024)
/* root, members, member, header, extents, extent */
#define DEPTH_MAX 6
#define WARNING_MAX 16384

/*
 * Reads the keys of one object. Each reader counts what it took, so that at
 * the end an unknown key shows as a difference in number.
 */
typedef struct Reader {
    json_t *object; /* borrowed */
    size_t taken;
    bool ok;
} Reader;

static json_t *
reader_get(Reader *reader, const char *key)
{
    json_t *value = json_object_get(reader->object, key);

    if (value != NULL) {
        reader->taken++;
    }
    return value;
}

/* NULL when absent. Wrong type, empty or over `max` bytes: not ok. */
static const char *
reader_string(Reader *reader, const char *key, size_t max)
{
    json_t *value = reader_get(reader, key);

    if (value == NULL) {
        return NULL;
    }
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > max) {
        reader->ok = false;
        return NULL;
    }
    return json_string_value(value);
}

static uint64_t
reader_number(Reader *reader, const char *key, uint64_t max)
{
    const char *text = reader_string(reader, key, 20);
    guint64 value = 0;

    if (text != NULL && (*text == '0' || !g_ascii_string_to_unsigned(
                                             text, 10, 1, max, &value, NULL))) {
        reader->ok = false;
    }
    return value;
}

static bool
reader_flag(Reader *reader, const char *key)
{
    json_t *value = reader_get(reader, key);

    if (value != NULL && !json_is_true(value)) {
        reader->ok = false;
    }
    return value != NULL;
}

static bool
reader_done(const Reader *reader)
{
    return reader->ok && json_is_object(reader->object) &&
           reader->taken == json_object_size(reader->object);
}

#define READER(value)                                                          \
    {                                                                          \
        .object = (value), .ok = true                                          \
    }

static bool
extents_unpack(json_t *list, SvirtImageHeader *header)
{
    size_t count = json_array_size(list);

    if (count == 0 || count > SVIRT_IMAGE_EXTENTS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        Reader reader = READER(json_array_get(list, i));
        const char *kind_word = reader_string(&reader, "kind", 16);
        const char *name = reader_string(&reader, "name", SVIRT_IMAGE_NAME_MAX);
        SvirtImageExtentKind kind;

        if (!reader_done(&reader) || name == NULL ||
            !svirt_image_extent_kind_from_string(kind_word, &kind)) {
            return false;
        }
        svirt_image_header_add_extent(header, kind, g_strdup(name));
    }
    return true;
}

static bool
header_words_unpack(Reader *reader, SvirtImageHeader *header)
{
    const char *format = reader_string(reader, "backing_format", 16);
    const char *encryption = reader_string(reader, "encryption", 16);

    if (format != NULL) {
        header->backing_format_known = true;
        if (header->backing_name == NULL ||
            !svirt_image_format_from_string(format, &header->backing_format)) {
            return false;
        }
    }
    return encryption == NULL ||
           svirt_image_encryption_from_string(encryption, &header->encryption);
}

static bool
header_unpack(json_t *object, SvirtImageHeader *header)
{
    Reader reader = READER(object);
    json_t *extents = reader_get(&reader, "extents");

    header->version = (uint32_t)reader_number(&reader, "version", UINT32_MAX);
    header->virtual_size_bytes = reader_number(&reader, "size", UINT64_MAX);
    header->backing_name =
        g_strdup(reader_string(&reader, "backing", SVIRT_IMAGE_NAME_MAX));
    header->data_file = reader_flag(&reader, "data_file");
    header->data_file_name =
        g_strdup(reader_string(&reader, "data_name", SVIRT_IMAGE_NAME_MAX));
    header->data_file_raw = reader_flag(&reader, "data_raw");
    header->incompatible_features =
        reader_number(&reader, "incompatible", UINT64_MAX);
    header->compatible_features =
        reader_number(&reader, "compatible", UINT64_MAX);
    header->autoclear_features =
        reader_number(&reader, "autoclear", UINT64_MAX);
    header->dirty = reader_flag(&reader, "dirty");
    header->corrupt = reader_flag(&reader, "corrupt");
    return header_words_unpack(&reader, header) && reader_done(&reader) &&
           (extents == NULL || extents_unpack(extents, header));
}

static bool
identity_unpack(const char *text, GBytes **ret)
{
    guchar *bytes;
    gsize size;
    g_autofree char *again = NULL;

    if (text == NULL) {
        return true;
    }
    bytes = g_base64_decode(text, &size);
    again = g_base64_encode(bytes, size);
    *ret = g_bytes_new_take(bytes, size);
    /* GLib passes over characters outside the alphabet; svirt writes none. */
    return size > 0 && g_str_equal(again, text);
}

/* Member 0 is the active image, and it alone; parents come before. */
static bool
place_fits(const SvirtChain *chain, const SvirtChainMember *member)
{
    unsigned index = chain->members->len;

    if (index == 0 || member->role == SVIRT_CHAIN_ACTIVE) {
        return index == 0 && member->role == SVIRT_CHAIN_ACTIVE &&
               member->parent == -1;
    }
    return member->parent >= 0 && (unsigned)member->parent < index;
}

static int
parent_unpack(Reader *reader)
{
    json_t *value = reader_get(reader, "parent");

    if (value == NULL) {
        return -1;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) >= SVIRT_CHAIN_MEMBERS_MAX) {
        reader->ok = false;
        return -1;
    }
    return (int)json_integer_value(value);
}

static bool
member_unpack(json_t *object, SvirtChain *chain)
{
    g_autoptr(SvirtChainMember) member = g_new0(SvirtChainMember, 1);
    Reader reader = READER(object);
    const char *path = reader_string(&reader, "path", SVIRT_CHAIN_PATH_MAX - 1);
    const char *format = reader_string(&reader, "format", 16);
    const char *role = reader_string(&reader, "role", 16);
    const char *extent = reader_string(&reader, "extent", 16);
    const char *identity =
        reader_string(&reader, "identity", SVIRT_CHAIN_IDENTITY_MAX * 2);
    json_t *header = reader_get(&reader, "header");

    member->path = g_strdup(path);
    member->parent = parent_unpack(&reader);
    if (!reader_done(&reader) || path == NULL || *path != '/' ||
        !svirt_image_format_from_string(format, &member->format) ||
        !svirt_chain_role_from_string(role, &member->role) ||
        !identity_unpack(identity, &member->identity) ||
        !place_fits(chain, member)) {
        return false;
    }
    if ((extent != NULL) != (member->role == SVIRT_CHAIN_EXTENT) ||
        (extent != NULL &&
         !svirt_image_extent_kind_from_string(extent, &member->extent_kind))) {
        return false;
    }
    member->header = svirt_image_header_new(member->format);
    if (!header_unpack(header, member->header)) {
        return false;
    }
    g_ptr_array_add(chain->members, g_steal_pointer(&member));
    return true;
}

static bool
warnings_unpack(json_t *list, SvirtChain *chain)
{
    if (json_array_size(list) == 0 ||
        json_array_size(list) > SVIRT_CHAIN_MEMBERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);

        if (!json_is_string(item) || json_string_length(item) > WARNING_MAX) {
            return false;
        }
        g_ptr_array_add(chain->warnings, g_strdup(json_string_value(item)));
    }
    return true;
}

static bool
chain_unpack(json_t *root, SvirtChain *chain)
{
    Reader reader = READER(root);
    json_t *members = reader_get(&reader, "members");
    json_t *warnings = reader_get(&reader, "warnings");
    size_t count = json_array_size(members);

    if (!reader_done(&reader) || count == 0 ||
        count > SVIRT_CHAIN_MEMBERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!member_unpack(json_array_get(members, i), chain)) {
            return false;
        }
    }
    return warnings == NULL || warnings_unpack(warnings, chain);
}

bool
svirt_chain_from_json(const char *text, SvirtChain **ret, GError **error)
{
    g_autoptr(SvirtChain) chain = svirt_chain_new();
    json_t *root = NULL;
    bool ok = false;

    if (strnlen(text, TEXT_MAX + 1) <= TEXT_MAX &&
        svirt_json_depth_fits(text, DEPTH_MAX)) {
        root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        ok = root != NULL && chain_unpack(root, chain);
        json_decref(root);
    }
    if (!ok) {
        return svirt_raise(error, SVIRT_ERROR_CORRUPT, NULL,
                           "svirt chain accept, after a look at the images",
                           "recorded image chain is damaged");
    }
    *ret = g_steal_pointer(&chain);
    return true;
}
