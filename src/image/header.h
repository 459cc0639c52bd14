/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/enum-table.h"
#include "image/format.h"

/*
 * What an image says of itself and of other files. All of it is text its
 * guest may have written: a header is recorded and compared, never obeyed.
 */

/* Longest name of another file a header may hold, in bytes: QEMU's bound. */
#define SVIRT_IMAGE_NAME_MAX 1023
/* Extent files of one vmdk descriptor: 512 GiB in pieces of 2 GiB. */
#define SVIRT_IMAGE_EXTENTS_MAX 256

typedef enum SvirtImageEncryption {
    SVIRT_IMAGE_ENCRYPTION_NONE,
    SVIRT_IMAGE_ENCRYPTION_AES, /* QEMU opens these in qemu-img alone */
    SVIRT_IMAGE_ENCRYPTION_LUKS,
    SVIRT_IMAGE_ENCRYPTION_MAX,
} SvirtImageEncryption;

SVIRT_ENUM_DECLARE(SvirtImageEncryption, svirt_image_encryption)

/* How QEMU reads a vmdk extent file; the words are vmdk's own. */
typedef enum SvirtImageExtentKind {
    SVIRT_IMAGE_EXTENT_FLAT,        /* raw, from an offset on */
    SVIRT_IMAGE_EXTENT_VMFS,        /* raw */
    SVIRT_IMAGE_EXTENT_SPARSE,      /* has a vmdk header of its own */
    SVIRT_IMAGE_EXTENT_VMFS_SPARSE, /* the same */
    SVIRT_IMAGE_EXTENT_MAX,
} SvirtImageExtentKind;

SVIRT_ENUM_DECLARE(SvirtImageExtentKind, svirt_image_extent_kind)

typedef struct SvirtImageExtent {
    SvirtImageExtentKind kind;
    char *name; /* owned, UTF-8 */
} SvirtImageExtent;

typedef struct SvirtImageHeader {
    SvirtImageFormat format;
    uint32_t version;                /* of the format; 0 where it has none */
    uint64_t virtual_size_bytes;     /* 0 where svirt does not read it */
    char *backing_name;              /* owned, UTF-8, as written; NULL none */
    SvirtImageFormat backing_format; /* only if backing_format_known */
    bool backing_format_known;
    bool data_file;       /* guest data lie in another file */
    char *data_file_name; /* owned, UTF-8; NULL none, or not named */
    bool data_file_raw;   /* that file alone is a valid raw image */
    SvirtImageEncryption encryption;
    GPtrArray *extents;             /* owned, of SvirtImageExtent; NULL none */
    uint64_t incompatible_features; /* qcow2, qed: as on disk */
    uint64_t compatible_features;
    uint64_t autoclear_features;
    bool dirty;   /* was not closed, or has a log to replay */
    bool corrupt; /* marked so by QEMU */
} SvirtImageHeader;

/* An empty header: what a raw image has. Free with the function below. */
SvirtImageHeader *svirt_image_header_new(SvirtImageFormat format);
void svirt_image_header_free(SvirtImageHeader *header);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtImageHeader, svirt_image_header_free)

/* Takes `name` over; creates header->extents with the first one. */
void svirt_image_header_add_extent(SvirtImageHeader *header,
                                   SvirtImageExtentKind kind, char *name);

/*
 * Read the header of an image of the format its definition declares, from a
 * descriptor open for reading (its offset is not used), following no name.
 * Reads a few small regions whatever the size of the image.
 *
 * *ret is the caller's. INVALID: not an image of that format, or a header
 * QEMU would refuse or could understand in two ways. UNSUPPORTED: a format
 * version or feature svirt or QEMU does not know (named), or a parent that
 * QEMU does not read (vhdx, vpc). REFUSED: not a file or block device.
 *
 * Sources: QEMU docs/interop/{qcow2,qed_spec,parallels}.txt, VMware Virtual
 * Disk Format 5.0, [MS-VHDX], VHD Specification 1.0, LUKS1 On-Disk Format,
 * and the behaviour of QEMU 7.2.
 */
bool svirt_image_header_read(int fd, SvirtImageFormat declared,
                             const char *shown_path, SvirtImageHeader **ret,
                             GError **error);

/*
 * The header of an extent file a vmdk descriptor names. A flat one is raw; a
 * sparse one must hold its own grains and nothing that names a file. The same
 * outputs and errors as above; the header has no names.
 */
bool svirt_image_header_read_extent(int fd, SvirtImageExtentKind kind,
                                    const char *shown_path,
                                    SvirtImageHeader **ret, GError **error);

/*
 * Equal in everything that decides which other files are opened and how
 * image and files are read: format, names, their formats, data file,
 * encryption, extents. Sizes, versions, dirty marks and features that a guest
 * or an honest qemu-img changes in its course do not count.
 */
bool svirt_image_header_equal(const SvirtImageHeader *a,
                              const SvirtImageHeader *b);

/*
 * "backing file was 'base.qcow2', is now '/etc/shadow'", the changes joined
 * with "; ", one line, the caller's. NULL when the two are equal.
 */
char *svirt_image_header_describe_difference(const SvirtImageHeader *recorded,
                                             const SvirtImageHeader *found);
