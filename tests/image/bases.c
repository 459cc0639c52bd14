/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bases.h"

#include <string.h>

#include "image/crc32c.h"

static const char *const names[BASE_MAX] = {
    [BASE_QCOW2_V3] = "qcow2-v3",
    [BASE_QCOW2_V2] = "qcow2-v2",
    [BASE_QCOW2_DATA] = "qcow2-data",
    [BASE_QCOW2_LUKS] = "qcow2-luks",
    [BASE_QCOW] = "qcow",
    [BASE_QED] = "qed",
    [BASE_VMDK_SPARSE] = "vmdk-sparse",
    [BASE_VPC_DYNAMIC] = "vpc-dynamic",
    [BASE_VPC_FIXED] = "vpc-fixed",
    [BASE_VHDX] = "vhdx",
    [BASE_VDI] = "vdi",
    [BASE_LUKS] = "luks",
    [BASE_PARALLELS] = "parallels",
    [BASE_DMG] = "dmg",
    [BASE_BOCHS] = "bochs",
    [BASE_CLOOP] = "cloop",
};

const char *
base_name(Base base)
{
    return names[base];
}

static void
grow(GByteArray *bytes, size_t size)
{
    size_t old = bytes->len;

    if (size > old) {
        g_byte_array_set_size(bytes, (guint)size);
        memset(bytes->data + old, 0, size - old);
    }
}

void
put_bytes(GByteArray *bytes, size_t offset, const void *from, size_t size)
{
    grow(bytes, offset + size);
    memcpy(bytes->data + offset, from, size);
}

void
put_be(GByteArray *bytes, size_t offset, unsigned width, uint64_t value)
{
    grow(bytes, offset + width);
    for (unsigned i = 0; i < width; i++) {
        bytes->data[offset + i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
}

void
put_le(GByteArray *bytes, size_t offset, unsigned width, uint64_t value)
{
    grow(bytes, offset + width);
    for (unsigned i = 0; i < width; i++) {
        bytes->data[offset + i] = (uint8_t)(value >> (8 * i));
    }
}

static void
put_text(GByteArray *bytes, size_t offset, const char *text)
{
    put_bytes(bytes, offset, text, strlen(text));
}

static void
qcow2_fill(GByteArray *bytes, uint32_t version)
{
    size_t extensions = version == 3 ? QCOW2_EXTENSIONS : 72;

    put_be(bytes, 0, 4, 0x514649fb);
    put_be(bytes, 4, 4, version);
    put_be(bytes, 8, 8, QCOW2_NAME);
    put_be(bytes, 16, 4, strlen("base.raw"));
    put_be(bytes, 20, 4, 16);
    put_be(bytes, 24, 8, 5 << 20);
    if (version == 3) {
        put_be(bytes, 96, 4, 4);
        put_be(bytes, 100, 4, QCOW2_EXTENSIONS);
    }
    put_be(bytes, extensions, 4, 0xe2792aca);
    put_be(bytes, extensions + 4, 4, 3);
    put_text(bytes, extensions + 8, "raw");
    put_text(bytes, QCOW2_NAME, "base.raw");
    grow(bytes, 0x10000);
}

static void
qcow2_without_backing(GByteArray *bytes)
{
    qcow2_fill(bytes, 3);
    put_be(bytes, 8, 8, 0);
    put_be(bytes, 16, 4, 0);
}

static void
qcow2_data_fill(GByteArray *bytes)
{
    qcow2_without_backing(bytes);
    put_be(bytes, 72, 8, 1 << 2);
    put_be(bytes, QCOW2_EXTENSIONS, 4, 0x44415441);
    put_be(bytes, QCOW2_EXTENSIONS + 4, 4, 5);
    put_text(bytes, QCOW2_EXTENSIONS + 8, "d.raw");
}

static void
qcow2_luks_fill(GByteArray *bytes)
{
    qcow2_without_backing(bytes);
    put_be(bytes, 32, 4, 2);
    put_be(bytes, QCOW2_EXTENSIONS, 4, 0x0537be77);
    put_be(bytes, QCOW2_EXTENSIONS + 4, 4, 16);
    put_be(bytes, QCOW2_EXTENSIONS + 8, 8, 0x40000);
    put_be(bytes, QCOW2_EXTENSIONS + 16, 8, 0x1f9000);
}

static void
qcow_fill(GByteArray *bytes)
{
    put_be(bytes, 0, 4, 0x514649fb);
    put_be(bytes, 4, 4, 1);
    put_be(bytes, 8, 8, 48);
    put_be(bytes, 16, 4, strlen("base.raw"));
    put_be(bytes, 24, 8, 5 << 20);
    put_be(bytes, 32, 1, 12);
    put_be(bytes, 33, 1, 9);
    put_be(bytes, 40, 8, 56);
    put_text(bytes, 48, "base.raw");
    grow(bytes, 4096);
}

static void
qed_fill(GByteArray *bytes)
{
    put_bytes(bytes, 0, "QED", 4);
    put_le(bytes, 4, 4, 0x10000);
    put_le(bytes, 8, 4, 4);
    put_le(bytes, 12, 4, 1);
    put_le(bytes, 16, 8, 5); /* a backing file, and it is raw */
    put_le(bytes, 40, 8, 0x10000);
    put_le(bytes, 48, 8, 5 << 20);
    put_le(bytes, 56, 4, 64);
    put_le(bytes, 60, 4, strlen("base.raw"));
    put_text(bytes, 64, "base.raw");
    grow(bytes, 0x10000);
}

static void
vmdk_fill(GByteArray *bytes)
{
    put_text(bytes, 0, "KDMV");
    put_le(bytes, 4, 4, 1);
    put_le(bytes, 8, 4, 3);
    put_le(bytes, 12, 8, 10240);
    put_le(bytes, 20, 8, 128);
    put_le(bytes, 28, 8, 1);
    put_le(bytes, 36, 8, 20);
    put_le(bytes, 44, 4, 512);
    put_le(bytes, 64, 8, 128);
    put_text(bytes, 512,
             "# Disk DescriptorFile\nversion=1\nCID=1\n"
             "parentCID=ffffffff\ncreateType=\"monolithicSparse\"\n"
             "RW 10240 SPARSE \"x.vmdk\"\n");
    grow(bytes, 0x10000);
}

static void
vpc_footer_fill(GByteArray *bytes, size_t offset, uint32_t type)
{
    put_text(bytes, offset, "conectix");
    put_be(bytes, offset + 8, 4, 2);
    put_be(bytes, offset + 12, 4, 0x10000);
    put_be(bytes, offset + 16, 8, type == 2 ? UINT64_MAX : 512);
    put_text(bytes, offset + 28, "qem2");
    put_be(bytes, offset + 48, 8, 5 << 20);
    put_be(bytes, offset + 60, 4, type);
    grow(bytes, offset + 512);
}

static void
vpc_dynamic_fill(GByteArray *bytes)
{
    static const char parent[] = "p\0a\0r\0.\0v\0h\0d";

    vpc_footer_fill(bytes, 0, 3);
    put_text(bytes, 512, "cxsparse");
    put_be(bytes, 512 + 32, 4, 0x200000);
    put_bytes(bytes, 512 + 65, parent, sizeof(parent));
    grow(bytes, 2560);
}

static void
vhdx_head_fill(GByteArray *bytes, size_t offset, uint64_t sequence)
{
    put_text(bytes, offset, "head");
    put_le(bytes, offset + 8, 8, sequence);
    put_le(bytes, offset + 66, 2, 1);
    grow(bytes, offset + 4096);
}

static void
vhdx_item_fill(GByteArray *bytes, unsigned index, const char *guid,
               uint32_t offset, uint32_t size)
{
    size_t entry = VHDX_METADATA + 32 + index * 32;

    put_bytes(bytes, entry, guid, 16);
    put_le(bytes, entry + 16, 4, 64 * 1024 + offset);
    put_le(bytes, entry + 20, 4, size);
    put_le(bytes, entry + 24, 4, 4);
    put_le(bytes, VHDX_METADATA + 10, 2, index + 1);
}

static void
vhdx_fill(GByteArray *bytes)
{
    grow(bytes, VHDX_ITEMS + 65536);
    put_text(bytes, 0, "vhdxfile");
    vhdx_head_fill(bytes, 64 << 10, 7);
    vhdx_head_fill(bytes, 128 << 10, 8);
    put_text(bytes, 192 << 10, "regi");
    put_le(bytes, (192 << 10) + 8, 4, 1);
    put_bytes(bytes, (192 << 10) + 16,
              "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b"
              "\xb8\xfe\x57\x5f\x05\x0f\x88\x6e",
              16);
    put_le(bytes, (192 << 10) + 32, 8, VHDX_METADATA);
    put_le(bytes, (192 << 10) + 40, 4, 128 << 10);
    put_le(bytes, (192 << 10) + 44, 4, 1);
    put_text(bytes, VHDX_METADATA, "metadata");
    vhdx_item_fill(bytes, 0,
                   "\x37\x67\xa1\xca\x36\xfa\x43\x4d"
                   "\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b",
                   0, 8);
    vhdx_item_fill(bytes, 1,
                   "\x24\x42\xa5\x2f\x1b\xcd\x76\x48"
                   "\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8",
                   8, 8);
    put_le(bytes, VHDX_ITEMS, 4, 8 << 20);
    put_le(bytes, VHDX_ITEMS + 8, 8, 5 << 20);
    /* A parent locator, which counts only with the has-parent bit. */
    vhdx_item_fill(bytes, 2,
                   "\x2d\x5f\xd3\xa8\x0b\xb3\x4d\x45"
                   "\xab\xf7\xd3\xd8\x48\x34\xab\x0c",
                   64, 128);
    put_le(bytes, VHDX_ITEMS + 64 + 18, 2, 1);
    put_le(bytes, VHDX_ITEMS + 64 + 20, 4, 32);
    put_le(bytes, VHDX_ITEMS + 64 + 24, 4, 64);
    put_le(bytes, VHDX_ITEMS + 64 + 28, 2, 26);
    put_le(bytes, VHDX_ITEMS + 64 + 30, 2, 18);
    put_bytes(bytes, VHDX_ITEMS + 64 + 32,
              "r\0e\0l\0a\0t\0i\0v\0e\0_\0p\0a\0t\0h", 26);
    put_bytes(bytes, VHDX_ITEMS + 64 + 64, "p\0a\0r\0.\0v\0h\0d\0x\0\0", 18);
    put_le(bytes, VHDX_ITEMS + 64 + 30, 2, 16);
}

static void
vdi_fill(GByteArray *bytes)
{
    put_text(bytes, 0, "<<< QEMU VM Virtual Disk Image >>>\n");
    put_le(bytes, 64, 4, 0xbeda107f);
    put_le(bytes, 68, 4, 0x10001);
    put_le(bytes, 76, 4, 1);
    put_le(bytes, 368, 8, 5 << 20);
    grow(bytes, 1024);
}

static void
luks_fill(GByteArray *bytes)
{
    put_bytes(bytes, 0, "LUKS\xba\xbe", 6);
    put_be(bytes, 6, 2, 1);
    put_be(bytes, 104, 4, 4);
    grow(bytes, 4096);
}

static void
parallels_fill(GByteArray *bytes)
{
    put_text(bytes, 0, "WithouFreSpacExt");
    put_le(bytes, 16, 4, 2);
    put_le(bytes, 36, 8, 10240);
    grow(bytes, 1024);
}

GByteArray *
base_make(Base base)
{
    static void (*const fill[BASE_MAX])(GByteArray *) = {
        [BASE_QCOW2_DATA] = qcow2_data_fill,
        [BASE_QCOW2_LUKS] = qcow2_luks_fill,
        [BASE_QCOW] = qcow_fill,
        [BASE_QED] = qed_fill,
        [BASE_VMDK_SPARSE] = vmdk_fill,
        [BASE_VPC_DYNAMIC] = vpc_dynamic_fill,
        [BASE_VHDX] = vhdx_fill,
        [BASE_VDI] = vdi_fill,
        [BASE_LUKS] = luks_fill,
        [BASE_PARALLELS] = parallels_fill,
    };
    GByteArray *bytes = g_byte_array_new();

    if (fill[base] != NULL) {
        fill[base](bytes);
    } else if (base == BASE_QCOW2_V3 || base == BASE_QCOW2_V2) {
        qcow2_fill(bytes, base == BASE_QCOW2_V3 ? 3 : 2);
    } else if (base == BASE_VPC_FIXED) {
        vpc_footer_fill(bytes, 5 << 20, 2);
    } else if (base == BASE_DMG) {
        grow(bytes, 1024);
        put_text(bytes, 512, "koly");
    } else if (base == BASE_BOCHS) {
        put_text(bytes, 0, "Bochs Virtual HD Image");
        grow(bytes, 512);
    } else {
        put_text(bytes, 0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop");
        grow(bytes, 512);
    }
    base_seal(bytes, base);
    return bytes;
}

static void
vpc_seal(GByteArray *bytes, size_t offset)
{
    uint32_t sum = 0;

    if (bytes->len < offset + 512) {
        return;
    }
    put_be(bytes, offset + 64, 4, 0);
    for (size_t i = 0; i < 512; i++) {
        sum += bytes->data[offset + i];
    }
    put_be(bytes, offset + 64, 4, ~sum);
}

static void
vhdx_seal(GByteArray *bytes, size_t offset, size_t size)
{
    if (bytes->len >= offset + size) {
        put_le(bytes, offset + 4, 4,
               svirt_crc32c_skip(bytes->data + offset, size, 4));
    }
}

void
base_seal(GByteArray *bytes, Base base)
{
    if (base == BASE_VPC_DYNAMIC) {
        vpc_seal(bytes, 0);
    } else if (base == BASE_VPC_FIXED && bytes->len >= 512) {
        vpc_seal(bytes, bytes->len - 512);
    } else if (base == BASE_VHDX) {
        vhdx_seal(bytes, 64 << 10, 4096);
        vhdx_seal(bytes, 128 << 10, 4096);
        vhdx_seal(bytes, 192 << 10, 64 << 10);
    }
}
