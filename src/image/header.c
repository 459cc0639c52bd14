/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/header.h"

#include <string.h>

#include "base/error.h"
#include "image/quote.h"
#include "image/readers.h"

SVIRT_ENUM_TABLE(
    SvirtImageEncryption, svirt_image_encryption,
    SVIRT_IMAGE_ENCRYPTION_MAX, [SVIRT_IMAGE_ENCRYPTION_NONE] = "none",
    [SVIRT_IMAGE_ENCRYPTION_AES] = "aes",
    [SVIRT_IMAGE_ENCRYPTION_LUKS] = "luks")

SVIRT_ENUM_TABLE(
    SvirtImageExtentKind, svirt_image_extent_kind,
    SVIRT_IMAGE_EXTENT_MAX, [SVIRT_IMAGE_EXTENT_FLAT] = "FLAT",
    [SVIRT_IMAGE_EXTENT_VMFS] = "VMFS", [SVIRT_IMAGE_EXTENT_SPARSE] = "SPARSE",
    [SVIRT_IMAGE_EXTENT_VMFS_SPARSE] = "VMFSSPARSE")

static void
extent_free(gpointer data)
{
    SvirtImageExtent *extent = data;

    g_free(extent->name);
    g_free(extent);
}

SvirtImageHeader *
svirt_image_header_new(SvirtImageFormat format)
{
    SvirtImageHeader *header = g_new0(SvirtImageHeader, 1);

    header->format = format;
    return header;
}

void
svirt_image_header_free(SvirtImageHeader *header)
{
    if (header == NULL) {
        return;
    }
    g_free(header->backing_name);
    g_free(header->data_file_name);
    g_clear_pointer(&header->extents, g_ptr_array_unref);
    g_free(header);
}

void
svirt_image_header_add_extent(SvirtImageHeader *header,
                              SvirtImageExtentKind kind, char *name)
{
    SvirtImageExtent *extent = g_new0(SvirtImageExtent, 1);

    if (header->extents == NULL) {
        header->extents = g_ptr_array_new_with_free_func(extent_free);
    }
    extent->kind = kind;
    extent->name = name;
    g_ptr_array_add(header->extents, extent);
}

bool
svirt_image_name_take(const uint8_t *bytes, size_t size, const char *what,
                      const char *shown_path, char **ret, GError **error)
{
    g_autofree char *name = NULL;

    if (size == 0 || size > SVIRT_IMAGE_NAME_MAX) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "%s name in '%s' has %zu bytes, not 1 to %d", what,
                           shown_path, size, SVIRT_IMAGE_NAME_MAX);
    }
    if (memchr(bytes, '\0', size) != NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "%s name in '%s' has a NUL inside", what,
                           shown_path);
    }
    if (!g_utf8_validate((const char *)bytes, (gssize)size, NULL)) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "rename the file and rewrite the header",
                           "%s name in '%s' is not UTF-8", what, shown_path);
    }
    name = g_strndup((const char *)bytes, size);
    if (!svirt_image_text_is_plain(name)) {
        /* It would reach a terminal in messages about that file. */
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "rename the file and rewrite the header",
                           "%s name in '%s' has control characters", what,
                           shown_path);
    }
    *ret = g_steal_pointer(&name);
    return true;
}

static bool
format_read(const SvirtImageWindow *window, SvirtImageHeader *header,
            GError **error)
{
    switch (header->format) {
    case SVIRT_IMAGE_FORMAT_RAW:
        /* Never looked into: whatever it holds is the guest's data. */
        header->virtual_size_bytes = window->size_bytes;
        return true;
    case SVIRT_IMAGE_FORMAT_QCOW:
        return svirt_image_qcow_read(window, header, error);
    case SVIRT_IMAGE_FORMAT_QCOW2:
        return svirt_image_qcow2_read(window, header, error);
    case SVIRT_IMAGE_FORMAT_QED:
        return svirt_image_qed_read(window, header, error);
    case SVIRT_IMAGE_FORMAT_VMDK:
        return svirt_image_vmdk_read(window, header, error);
    case SVIRT_IMAGE_FORMAT_VHDX:
        return svirt_image_vhdx_read(window, header, error);
    case SVIRT_IMAGE_FORMAT_VPC:
        return svirt_image_vpc_read(window, header, error);
    case SVIRT_IMAGE_FORMAT_VDI:
    case SVIRT_IMAGE_FORMAT_LUKS:
    case SVIRT_IMAGE_FORMAT_DMG:
    case SVIRT_IMAGE_FORMAT_BOCHS:
    case SVIRT_IMAGE_FORMAT_CLOOP:
    case SVIRT_IMAGE_FORMAT_PARALLELS:
        return svirt_image_leaf_read(window, header, error);
    case SVIRT_IMAGE_FORMAT_MAX:
        break;
    }
    g_assert_not_reached();
}

bool
svirt_image_header_read(int fd, SvirtImageFormat declared,
                        const char *shown_path, SvirtImageHeader **ret,
                        GError **error)
{
    g_autoptr(SvirtImageHeader) header = svirt_image_header_new(declared);
    SvirtImageWindow window;

    if (!svirt_image_window_open(fd, shown_path, &window, error) ||
        !format_read(&window, header, error)) {
        return false;
    }
    *ret = g_steal_pointer(&header);
    return true;
}

static bool
extent_is_raw(SvirtImageExtentKind kind)
{
    return kind == SVIRT_IMAGE_EXTENT_FLAT || kind == SVIRT_IMAGE_EXTENT_VMFS;
}

bool
svirt_image_header_read_extent(int fd, SvirtImageExtentKind kind,
                               const char *shown_path, SvirtImageHeader **ret,
                               GError **error)
{
    g_autoptr(SvirtImageHeader) header = NULL;
    SvirtImageWindow window;

    if (extent_is_raw(kind)) {
        return svirt_image_header_read(fd, SVIRT_IMAGE_FORMAT_RAW, shown_path,
                                       ret, error);
    }
    header = svirt_image_header_new(SVIRT_IMAGE_FORMAT_VMDK);
    if (!svirt_image_window_open(fd, shown_path, &window, error) ||
        !svirt_image_vmdk_read_extent(&window, header, error)) {
        return false;
    }
    *ret = g_steal_pointer(&header);
    return true;
}

static void
difference_add(GString *text, const char *what, const char *was,
               const char *now)
{
    if (g_strcmp0(was, now) == 0) {
        return;
    }
    if (text->len > 0) {
        g_string_append(text, "; ");
    }
    g_string_append_printf(text, "%s was ", what);
    svirt_image_quote_append(text, was);
    g_string_append(text, ", is now ");
    svirt_image_quote_append(text, now);
}

static const char *
backing_format_word(const SvirtImageHeader *header)
{
    if (header->backing_name == NULL || !header->backing_format_known) {
        return NULL;
    }
    return svirt_image_format_to_string(header->backing_format);
}

static const char *
data_file_word(const SvirtImageHeader *header)
{
    if (!header->data_file) {
        return NULL;
    }
    return header->data_file_raw ? "raw" : "of its own layout";
}

static void
extents_compare(GString *text, const GPtrArray *recorded,
                const GPtrArray *found)
{
    unsigned n_recorded = recorded != NULL ? recorded->len : 0;
    unsigned n_found = found != NULL ? found->len : 0;

    for (unsigned i = 0; i < MAX(n_recorded, n_found); i++) {
        const SvirtImageExtent *was =
            i < n_recorded ? recorded->pdata[i] : NULL;
        const SvirtImageExtent *now = i < n_found ? found->pdata[i] : NULL;
        g_autofree char *what = g_strdup_printf("extent %u", i);
        g_autofree char *kind = g_strdup_printf("kind of extent %u", i);

        difference_add(text, what, was != NULL ? was->name : NULL,
                       now != NULL ? now->name : NULL);
        if (was != NULL && now != NULL) {
            difference_add(text, kind,
                           svirt_image_extent_kind_to_string(was->kind),
                           svirt_image_extent_kind_to_string(now->kind));
        }
        if (text->len > 0) {
            /* The first changed extent tells enough: there may be 256. */
            return;
        }
    }
}

char *
svirt_image_header_describe_difference(const SvirtImageHeader *recorded,
                                       const SvirtImageHeader *found)
{
    GString *text = g_string_new(NULL);

    difference_add(text, "format",
                   svirt_image_format_to_string(recorded->format),
                   svirt_image_format_to_string(found->format));
    difference_add(text, "backing file", recorded->backing_name,
                   found->backing_name);
    difference_add(text, "backing format", backing_format_word(recorded),
                   backing_format_word(found));
    difference_add(text, "data file", recorded->data_file_name,
                   found->data_file_name);
    difference_add(text, "data file layout", data_file_word(recorded),
                   data_file_word(found));
    difference_add(text, "encryption",
                   svirt_image_encryption_to_string(recorded->encryption),
                   svirt_image_encryption_to_string(found->encryption));
    extents_compare(text, recorded->extents, found->extents);
    if (text->len == 0) {
        g_string_free(text, TRUE);
        return NULL;
    }
    return g_string_free(text, FALSE);
}

bool
svirt_image_header_equal(const SvirtImageHeader *a, const SvirtImageHeader *b)
{
    g_autofree char *difference = svirt_image_header_describe_difference(a, b);

    return difference == NULL;
}
