/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/chain.h"
#include "image/header.h"

/* A private directory of images for one test. Failing setup ends the test. */
typedef struct Lab {
    char *dir; /* owned, absolute; removed with everything in it */
} Lab;

void lab_init(Lab *lab);
void lab_clear(Lab *lab);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lab, lab_clear)

/* dir/name, the caller's. */
char *lab_path(const Lab *lab, const char *name);
/* Write a whole file; the same at an offset of one that is there. */
void lab_write(const Lab *lab, const char *name, const void *bytes,
               size_t size);
void lab_patch(const Lab *lab, const char *name, int64_t offset,
               const void *bytes, size_t size);

/* True, and the test is marked skipped, where qemu-img is not installed. */
bool lab_skips_without_qemu_img(void);
/* Run "qemu-img ARGS" in lab->dir through its own argv split; must succeed. */
void lab_qemu_img(const Lab *lab, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The same, for its standard output, the caller's. */
char *lab_qemu_img_output(const Lab *lab, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

bool lab_read(const Lab *lab, const char *name, SvirtImageFormat format,
              SvirtImageHeader **ret, GError **error);

/*
 * A chain opener on plain open(2); cookie is a LabOpens, or NULL. The
 * identity is "DEVICE:INODE".
 */
typedef struct LabOpens {
    GPtrArray *paths; /* owned, of strings: every path asked for */
} LabOpens;

void lab_opens_init(LabOpens *opens);
void lab_opens_clear(LabOpens *opens);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LabOpens, lab_opens_clear)

bool lab_opener(void *cookie, const char *path, SvirtChainRole role,
                unsigned index, SvirtChainOpened *ret, GError **error);
