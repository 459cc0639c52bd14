/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * Small valid headers made by hand from the formats' documents: what the
 * tests of bad headers break one field at a time.
 */
typedef enum Base {
    BASE_QCOW2_V3, /* names base.raw as raw, 64 KiB clusters */
    BASE_QCOW2_V2, /* the same */
    BASE_QCOW2_DATA,
    BASE_QCOW2_LUKS,
    BASE_QCOW,
    BASE_QED,
    BASE_VMDK_SPARSE,
    BASE_VPC_DYNAMIC,
    BASE_VPC_FIXED,
    BASE_VHDX,
    BASE_VDI,
    BASE_LUKS,
    BASE_PARALLELS,
    BASE_DMG,
    BASE_BOCHS,
    BASE_CLOOP,
    BASE_MAX,
} Base;

/* Where the bases keep what the tests break. */
#define QCOW2_EXTENSIONS 112
#define QCOW2_NAME 0x200
#define VHDX_METADATA (1024 * 1024)
#define VHDX_ITEMS (VHDX_METADATA + 64 * 1024)

const char *base_name(Base base);
/* A new array of the caller's. */
GByteArray *base_make(Base base);

void put_be(GByteArray *bytes, size_t offset, unsigned width, uint64_t value);
void put_le(GByteArray *bytes, size_t offset, unsigned width, uint64_t value);
/* Grows the array where needed. */
void put_bytes(GByteArray *bytes, size_t offset, const void *from, size_t size);

/* Make checksums right again after a change: vpc, vhdx; else nothing. */
void base_seal(GByteArray *bytes, Base base);
