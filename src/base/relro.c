/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/relro.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* The linker's: where the program's first page is. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

bool
svirt_relro_protect(void)
{
    const char *base = (const char *)&__ehdr_start;
    const ElfW(Phdr) *headers =
        (const ElfW(Phdr) *)(base + __ehdr_start.e_phoff);
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    for (unsigned i = 0; i < __ehdr_start.e_phnum; i++) {
        uintptr_t first = (uintptr_t)base + headers[i].p_vaddr;
        uintptr_t end = first + headers[i].p_memsz;

        if (headers[i].p_type == PT_GNU_RELRO && (end & -page) > first &&
            mprotect((void *)(first & -page),
                     (end & -page) - (first & -page), PROT_READ) < 0) {
            return false;
        }
    }
    return true;
}
