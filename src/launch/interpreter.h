/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#define SVIRT_INTERPRETER_MAX 256

/*
 * The program interpreter (ld.so) an ELF program of this machine names,
 * absolute path; "" for a static one. False with errno, ENOEXEC: no ELF
 * program (a script, say), or headers out of bounds. elf(5).
 */
bool svirt_interpreter_read(int fd, char ret[SVIRT_INTERPRETER_MAX]);
