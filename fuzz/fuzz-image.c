/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first byte says what the rest is: below SVIRT_IMAGE_FORMAT_MAX a file
 * of that format, above it one of the modes below.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/chain.h"
#include "image/crc32c.h"
#include "image/name.h"
#include "image/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MODE_VHDX = SVIRT_IMAGE_FORMAT_MAX, /* regions put where vhdx has them */
    MODE_EXTENT,                        /* a sparse vmdk extent */
    MODE_NAME,                          /* a name in a header */
    MODE_RECORD,                        /* a stored chain */
    MODE_CHAIN,                         /* an overlay and what lies below */
    MODE_MAX,
};

static int
file_make(const uint8_t *data, size_t size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    g_assert(fd >= 0);
    g_assert(pwrite(fd, data, size, 0) == (ssize_t)size);
    return fd;
}

static void
name_check(const char *name)
{
    g_auto(SvirtImageName) parsed = { 0 };

    g_assert(g_utf8_validate(name, -1, NULL));
    g_assert(*name != '\0' && strlen(name) <= SVIRT_IMAGE_NAME_MAX);
    if (svirt_image_name_parse(name, &parsed, NULL)) {
        g_autofree char *path =
            svirt_image_name_resolve("/images/top", parsed.path);

        g_assert(*path == '/');
        g_assert(svirt_image_text_is_plain(path));
        g_assert(!g_str_has_prefix(path, "/dev/fdset/"));
    }
}

/* Does QEMU's way of reading a descriptor find the same names? */
static void
descriptor_check(const char *text, const SvirtImageHeader *header)
{
    static const char key[] = "parentFileNameHint";
    const char *found = strstr(text, key);
    unsigned extents = 0;

    if (header->backing_name == NULL) {
        g_assert(found == NULL);
    } else {
        size_t length = strlen(header->backing_name);

        g_assert(strncmp(found + strlen(key) + 2, header->backing_name,
                         length) == 0);
        g_assert(found[strlen(key) + 2 + length] == '"');
    }
    while (*text != '\0') {
        char access[11], type[11], name[512];
        long long sectors, offset;

        if (sscanf(text, "%10s %lld %10s \"%511[^\n\r\"]\" %lld", access,
                   &sectors, type, name, &offset) >= 4 &&
            g_str_equal(access, "RW")) {
            const SvirtImageExtent *extent;

            g_assert(header->extents != NULL);
            g_assert(extents < header->extents->len);
            extent = header->extents->pdata[extents++];
            g_assert(g_str_equal(extent->name, name));
        }
        text += strcspn(text, "\n");
        text += *text == '\n' ? 1 : 0;
    }
    g_assert(header->extents == NULL || extents == header->extents->len);
}

static void
header_check(const SvirtImageHeader *header, const uint8_t *data, size_t size)
{
    g_assert(svirt_image_header_equal(header, header));
    if (header->backing_name != NULL) {
        name_check(header->backing_name);
    }
    if (header->data_file_name != NULL) {
        g_assert(header->data_file);
        name_check(header->data_file_name);
    }
    for (unsigned i = 0; header->extents != NULL && i < header->extents->len;
         i++) {
        name_check(((SvirtImageExtent *)header->extents->pdata[i])->name);
    }
    if (header->format == SVIRT_IMAGE_FORMAT_VMDK && size > 0 &&
        data[0] == '#') {
        g_autofree char *text = g_strndup((const char *)data, size);

        descriptor_check(text, header);
    }
}

static void
header_fuzz(SvirtImageFormat format, const uint8_t *data, size_t size)
{
    SVIRT_AUTO_FD fd = file_make(data, size);
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(GError) error = NULL;
    SvirtImageFormat looks;

    g_assert(svirt_image_raw_looks_like(fd, "x", &looks, NULL));
    if (svirt_image_header_read(fd, format, "x", &header, &error)) {
        g_assert(error == NULL);
        header_check(header, data, size);
    } else {
        g_assert(error != NULL && header == NULL);
    }
}

/* Take up to `count` bytes of the input to an offset, and seal them. */
static void
region_put(uint8_t *file, size_t offset, const uint8_t **data, size_t *size,
           size_t count, size_t sealed)
{
    size_t taken = MIN(count, *size);
    uint32_t sum;

    memcpy(file + offset, *data, taken);
    *data += taken;
    *size -= taken;
    if (sealed > 0) {
        sum = GUINT32_TO_LE(svirt_crc32c_skip(file + offset, sealed, 4));
        memcpy(file + offset + 4, &sum, sizeof(sum));
    }
}

static void
vhdx_fuzz(const uint8_t *data, size_t size)
{
    const size_t length = 1152 << 10;
    g_autofree uint8_t *file = g_malloc0(length);

    memcpy(file, "vhdxfile", 8);
    region_put(file, 64 << 10, &data, &size, 128, 4096);
    region_put(file, 128 << 10, &data, &size, 128, 4096);
    region_put(file, 192 << 10, &data, &size, 256, 64 << 10);
    region_put(file, 1024 << 10, &data, &size, 512, 0);
    region_put(file, 1088 << 10, &data, &size, 64 << 10, 0);
    header_fuzz(SVIRT_IMAGE_FORMAT_VHDX, file, length);
}

static void
extent_fuzz(const uint8_t *data, size_t size)
{
    SVIRT_AUTO_FD fd = file_make(data, size);
    g_autoptr(SvirtImageHeader) header = NULL;

    if (svirt_image_header_read_extent(fd, SVIRT_IMAGE_EXTENT_SPARSE, "x",
                                       &header, NULL)) {
        g_assert(header->backing_name == NULL && header->extents == NULL);
    }
}

static void
name_fuzz(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    if (*text != '\0' && strlen(text) <= SVIRT_IMAGE_NAME_MAX &&
        g_utf8_validate(text, -1, NULL)) {
        name_check(text);
    }
}

/* What is read is written again in the same words. */
static void
record_fuzz(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(SvirtChain) chain = NULL;
    g_autoptr(SvirtChain) again = NULL;
    g_autofree char *written = NULL;
    g_autofree char *rewritten = NULL;

    if (!svirt_chain_from_json(text, &chain, NULL)) {
        return;
    }
    written = svirt_chain_to_json(chain);
    g_assert(svirt_chain_from_json(written, &again, NULL));
    g_assert(svirt_chain_equal(chain, again, NULL));
    rewritten = svirt_chain_to_json(again);
    g_assert(g_str_equal(written, rewritten));
}

typedef struct Below {
    const uint8_t *data;
    size_t size;
    uint64_t opened;
} Below;

/* Every name leads to a new file with the second part of the input. */
static bool
below_open(void *cookie, const char *path, SvirtChainRole role, unsigned index,
           SvirtChainOpened *ret, GError **error)
{
    Below *below = cookie;

    g_assert(*path == '/');
    *ret = (SvirtChainOpened){
        .fd = file_make(below->data, below->size),
        .identity = g_bytes_new("id", 2),
        .inode = ++below->opened,
    };
    return true;
}

static bool
chain_open(void *cookie, const char *path, SvirtChainRole role, unsigned index,
           SvirtChainOpened *ret, GError **error)
{
    Below *parts = cookie;

    return below_open(index == 0 ? &parts[0] : &parts[1], path, role, index,
                      ret, error);
}

static void
chain_fuzz(const uint8_t *data, size_t size)
{
    SvirtChainRequest request = { .path = "/images/top" };
    size_t first = size >= 3 ? (size_t)data[1] << 8 | data[2] : size;
    g_autoptr(SvirtChain) chain = NULL;
    Below parts[2];

    if (size < 3 || first > size - 3) {
        return;
    }
    request.format = (SvirtImageFormat)(data[0] % SVIRT_IMAGE_FORMAT_MAX);
    parts[0] = (Below){ .data = data + 3, .size = first };
    parts[1] = (Below){
        .data = data + 3 + first,
        .size = size - 3 - first,
        .opened = 1,
    };
    if (svirt_chain_resolve(&request, chain_open, parts, &chain, NULL)) {
        g_autofree char *text = svirt_chain_to_json(chain);

        g_assert(svirt_chain_check(chain, "x", chain_open, parts, NULL));
        record_fuzz((const uint8_t *)text, strlen(text));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 512 * 1024) {
        return 0;
    }
    if (data[0] < SVIRT_IMAGE_FORMAT_MAX) {
        header_fuzz((SvirtImageFormat)data[0], data + 1, size - 1);
    } else if (data[0] == MODE_VHDX) {
        vhdx_fuzz(data + 1, size - 1);
    } else if (data[0] == MODE_EXTENT) {
        extent_fuzz(data + 1, size - 1);
    } else if (data[0] == MODE_NAME) {
        name_fuzz(data + 1, size - 1);
    } else if (data[0] == MODE_RECORD) {
        record_fuzz(data + 1, size - 1);
    } else if (data[0] == MODE_CHAIN) {
        chain_fuzz(data + 1, size - 1);
    }
    return 0;
}
