/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/format.h"

#include <string.h>

#include "image/magic.h"
#include "image/window.h"

SVIRT_ENUM_TABLE(
    SvirtImageFormat, svirt_image_format, SVIRT_IMAGE_FORMAT_MAX,
    [SVIRT_IMAGE_FORMAT_RAW] = "raw", [SVIRT_IMAGE_FORMAT_QCOW] = "qcow",
    [SVIRT_IMAGE_FORMAT_QCOW2] = "qcow2", [SVIRT_IMAGE_FORMAT_QED] = "qed",
    [SVIRT_IMAGE_FORMAT_VMDK] = "vmdk", [SVIRT_IMAGE_FORMAT_VHDX] = "vhdx",
    [SVIRT_IMAGE_FORMAT_VPC] = "vpc", [SVIRT_IMAGE_FORMAT_VDI] = "vdi",
    [SVIRT_IMAGE_FORMAT_LUKS] = "luks", [SVIRT_IMAGE_FORMAT_DMG] = "dmg",
    [SVIRT_IMAGE_FORMAT_BOCHS] = "bochs", [SVIRT_IMAGE_FORMAT_CLOOP] = "cloop",
    [SVIRT_IMAGE_FORMAT_PARALLELS] = "parallels")

bool
svirt_image_format_from_libvirt(const char *text, SvirtImageFormat *ret)
{
    if (g_strcmp0(text, "iso") == 0) {
        *ret = SVIRT_IMAGE_FORMAT_RAW;
        return true;
    }
    return svirt_image_format_from_string(text, ret);
}

#define ROW(format_, offset_, bytes_)                                          \
    {                                                                          \
        .format = (format_), .offset = (offset_), .bytes = (bytes_),           \
        .size = sizeof(bytes_) - 1                                             \
    }

/* Offsets from the start; negative ones from the end. */
static const struct {
    SvirtImageFormat format;
    int offset;
    const char *bytes;
    size_t size;
} magics[] = {
    ROW(SVIRT_IMAGE_FORMAT_QCOW, 0, "QFI\xfb\0\0\0\1"),
    ROW(SVIRT_IMAGE_FORMAT_QCOW2, 0, "QFI\xfb"),
    ROW(SVIRT_IMAGE_FORMAT_QED, 0, "QED\0"),
    ROW(SVIRT_IMAGE_FORMAT_VMDK, 0, "KDMV"),
    ROW(SVIRT_IMAGE_FORMAT_VMDK, 0, "COWD"),
    ROW(SVIRT_IMAGE_FORMAT_VMDK, 0, "# Disk DescriptorFile"),
    ROW(SVIRT_IMAGE_FORMAT_VHDX, 0, "vhdxfile"),
    ROW(SVIRT_IMAGE_FORMAT_VPC, 0, "conectix"),
    ROW(SVIRT_IMAGE_FORMAT_VPC, -512, "conectix"),
    ROW(SVIRT_IMAGE_FORMAT_VDI, 64, "\x7f\x10\xda\xbe"),
    ROW(SVIRT_IMAGE_FORMAT_LUKS, 0, "LUKS\xba\xbe"),
    ROW(SVIRT_IMAGE_FORMAT_DMG, -512, "koly"),
    ROW(SVIRT_IMAGE_FORMAT_BOCHS, 0, "Bochs Virtual HD Image\0"),
    ROW(SVIRT_IMAGE_FORMAT_CLOOP, 0, "#!/bin/sh\n#V2.0 Format\n"),
    ROW(SVIRT_IMAGE_FORMAT_PARALLELS, 0, "WithoutFreeSpace"),
    ROW(SVIRT_IMAGE_FORMAT_PARALLELS, 0, "WithouFreSpacExt"),
};

static bool
row_matches(const SvirtImageWindow *window, size_t row)
{
    char found[32];
    uint64_t offset = (uint64_t)magics[row].offset;

    g_assert(magics[row].size <= sizeof(found));
    if (magics[row].offset < 0) {
        if (window->size_bytes < (uint64_t)-magics[row].offset) {
            return false;
        }
        offset += window->size_bytes;
    }
    return svirt_image_window_read(window, offset, found, magics[row].size,
                                   NULL) &&
           memcmp(found, magics[row].bytes, magics[row].size) == 0;
}

bool
svirt_image_magic_present(const SvirtImageWindow *window,
                          SvirtImageFormat format)
{
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++) {
        if (magics[i].format == format && row_matches(window, i)) {
            return true;
        }
    }
    return false;
}

bool
svirt_image_raw_looks_like(int fd, const char *shown_path,
                           SvirtImageFormat *ret, GError **error)
{
    SvirtImageWindow window;

    if (!svirt_image_window_open(fd, shown_path, &window, error)) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++) {
        if (row_matches(&window, i)) {
            *ret = magics[i].format;
            return true;
        }
    }
    *ret = SVIRT_IMAGE_FORMAT_RAW;
    return true;
}
