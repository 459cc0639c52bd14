/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/enum-table.h"

/*
 * The words are the names of QEMU's block drivers. The format of an image
 * always comes from a definition, a record or the header of the image above
 * it, never from a look at the image itself (CVE-2010-2238).
 */
typedef enum SvirtImageFormat {
    SVIRT_IMAGE_FORMAT_RAW,
    SVIRT_IMAGE_FORMAT_QCOW, /* version 1 */
    SVIRT_IMAGE_FORMAT_QCOW2,
    SVIRT_IMAGE_FORMAT_QED,
    SVIRT_IMAGE_FORMAT_VMDK,
    SVIRT_IMAGE_FORMAT_VHDX,
    SVIRT_IMAGE_FORMAT_VPC,
    SVIRT_IMAGE_FORMAT_VDI,
    SVIRT_IMAGE_FORMAT_LUKS,
    SVIRT_IMAGE_FORMAT_DMG,
    SVIRT_IMAGE_FORMAT_BOCHS,
    SVIRT_IMAGE_FORMAT_CLOOP,
    SVIRT_IMAGE_FORMAT_PARALLELS,
    SVIRT_IMAGE_FORMAT_MAX,
} SvirtImageFormat;

SVIRT_ENUM_DECLARE(SvirtImageFormat, svirt_image_format)

/*
 * The word of a <driver type=''> or <format type=''> element: the table above
 * and libvirt's 'iso', which is raw. False, *ret untouched, for any other.
 */
bool svirt_image_format_from_libvirt(const char *text, SvirtImageFormat *ret);

/*
 * The format whose magic the image carries, SVIRT_IMAGE_FORMAT_RAW when it
 * carries none. For diagnostics and refusals alone: the answer is the guest's
 * text and must never decide how an image is opened. False when `fd` cannot
 * be read, or is neither a regular file nor a block device.
 */
bool svirt_image_raw_looks_like(int fd, const char *shown_path,
                                SvirtImageFormat *ret, GError **error);
