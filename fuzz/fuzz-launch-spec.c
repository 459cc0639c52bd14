/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "launch/spec.h"

/*
 * An input changes a valid spec: pieces of offset (24 bits, little endian),
 * length (8 bits), bytes. What the reader accepts is then read whole.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static SvirtLaunchSpec *
make_valid(void)
{
    const SvirtUuid uuid = { { 1, 2, 3, 4, 5, 6, 7, 8 } };
    const SvirtSpecFd fd = { .source = 16, .to = SVIRT_TO_VMM, .vmm = 3,
                             .monitor = -1, .passt = -1,
                             .role = SVIRT_FD_IMAGE };
    SvirtLaunchSpec *spec = svirt_spec_new(&uuid, "fuzz");

    if (spec == NULL ||
        !svirt_spec_add_arg(&spec, SVIRT_PROCESS_VMM, "/usr/bin/qemu") ||
        !svirt_spec_add_arg(&spec, SVIRT_PROCESS_VMM, "-nodefaults") ||
        !svirt_spec_add_file(&spec, "/usr", SVIRT_FILE_TREE) ||
        !svirt_spec_add_fd(&spec, &fd)) {
        abort();
    }
    return spec;
}

static void
change(SvirtLaunchSpec *spec, const uint8_t *data, size_t size)
{
    size_t end = spec->size_bytes;

    while (size >= 4) {
        size_t offset =
            (size_t)(data[0] | data[1] << 8 | data[2] << 16) % end;
        size_t length = data[3];

        data += 4;
        size -= 4;
        length = length < size ? length : size;
        length = length < end - offset ? length : end - offset;
        memcpy((uint8_t *)spec + offset, data, length);
        data += length;
        size -= length;
    }
}

/* Every number and text the keeper takes from it. */
static size_t
read_whole(const SvirtLaunchSpec *spec)
{
    size_t sum = strnlen(spec->name, sizeof(spec->name));

    for (size_t i = 0; i < SVIRT_PROCESS_MAX; i++) {
        for (size_t k = 0; k < spec->argv[i].count; k++) {
            uint32_t arg = spec->args[spec->argv[i].first + k];

            sum += strlen(svirt_spec_string(spec, arg));
        }
    }
    for (size_t i = 0; i < spec->n_files; i++) {
        const char *path = svirt_spec_string(spec, spec->files[i].path);

        if (path[0] != '/') {
            abort();
        }
        sum += strlen(path);
    }
    for (size_t i = 0; i < spec->n_fds; i++) {
        if (svirt_fd_role_to_string((SvirtFdRole)spec->fds[i].role) == NULL) {
            abort();
        }
    }
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SvirtLaunchSpec *spec = make_valid();
    const SvirtLaunchSpec *mapped;
    const char *why = NULL;
    const uint32_t size_bytes = spec->size_bytes;
    SVIRT_AUTO_FD fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    change(spec, data, size);
    /* Not by svirt_spec_seal: the size inside may be a lie by now. */
    if (fd < 0 || !svirt_write_full(fd, spec, size_bytes)) {
        abort();
    }
    svirt_spec_free(spec);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
                                   F_SEAL_WRITE) != 0) {
        abort();
    }
    mapped = svirt_spec_map(fd, &why);
    if (mapped != NULL) {
        /* A sum no spec can have: the reads must not be optimised away. */
        if (read_whole(mapped) == SIZE_MAX) {
            abort();
        }
        svirt_spec_unmap(mapped);
    } else if (why == NULL) {
        abort();
    }
    return 0;
}
