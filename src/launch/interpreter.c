/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/interpreter.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>

#include "base/fd.h"

/* Real programs have about a dozen program headers. */
#define MAX_HEADERS 64

bool
svirt_interpreter_read(int fd, char ret[SVIRT_INTERPRETER_MAX])
{
    ElfW(Ehdr) header;
    ElfW(Phdr) program[MAX_HEADERS];
    char path[SVIRT_INTERPRETER_MAX] = "";
    ssize_t size;

    errno = ENOEXEC;
    if (svirt_pread_full(fd, &header, sizeof(header), 0) !=
            (ssize_t)sizeof(header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64
                                                         : ELFCLASS32) ||
        (header.e_type != ET_EXEC && header.e_type != ET_DYN) ||
        header.e_phentsize != sizeof(program[0]) || header.e_phnum == 0 ||
        header.e_phnum > MAX_HEADERS || header.e_phoff > INT32_MAX) {
        return false;
    }
    size = (ssize_t)(header.e_phnum * sizeof(program[0]));
    if (svirt_pread_full(fd, program, (size_t)size,
                         (off_t)header.e_phoff) != size) {
        return false;
    }
    for (unsigned i = 0; i < header.e_phnum; i++) {
        size_t length = program[i].p_filesz;

        if (program[i].p_type != PT_INTERP) {
            continue;
        }
        if (length < 2 || length > sizeof(path) ||
            program[i].p_offset > INT32_MAX ||
            svirt_pread_full(fd, path, length,
                             (off_t)program[i].p_offset) != (ssize_t)length ||
            path[length - 1] != '\0' || path[0] != '/') {
            errno = ENOEXEC;
            return false;
        }
        break;
    }
    memcpy(ret, path, sizeof(path));
    return true;
}
