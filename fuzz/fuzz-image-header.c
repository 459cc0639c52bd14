/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/header.h"

/*
 * An input is a sparse file: a byte for the declared format, one for the size
 * in units of 256 KiB, then pieces: block of 4 KiB (16 bits, little endian),
 * length (the same), bytes. So small inputs reach what lies megabytes apart.
 */
#define SIZE_UNIT (256u * 1024u)
#define BLOCK 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
write_pieces(int fd, const uint8_t *data, size_t size)
{
    while (size >= 4) {
        off_t offset = (off_t)(data[0] | data[1] << 8) * BLOCK;
        size_t length = (size_t)(data[2] | data[3] << 8);

        data += 4;
        size -= 4;
        length = MIN(length, size);
        if (pwrite(fd, data, length, offset) != (ssize_t)length) {
            return false;
        }
        data += length;
        size -= length;
    }
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(SvirtImageHeader) header = NULL;
    g_autoptr(SvirtImageHeader) second = NULL;
    g_autoptr(GError) error = NULL;
    SVIRT_AUTO_FD fd = -1;
    SvirtImageFormat format;

    if (size < 2) {
        return 0;
    }
    format = (SvirtImageFormat)(data[0] % SVIRT_IMAGE_FORMAT_MAX);
    fd = memfd_create("image", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)data[1] * SIZE_UNIT) != 0 ||
        !write_pieces(fd, data + 2, size - 2)) {
        abort();
    }
    if (!svirt_image_header_read(fd, format, "fuzz", &header, &error)) {
        if (error == NULL || header != NULL) {
            abort();
        }
        return 0;
    }
    /* The same file says the same thing twice. */
    if (error != NULL ||
        !svirt_image_header_read(fd, format, "fuzz", &second, &error) ||
        !svirt_image_header_equal(header, second)) {
        abort();
    }
    return 0;
}
