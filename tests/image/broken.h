/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "bases.h"
#include "lab.h"

/* One field of a valid header broken at a time. */
typedef struct Patch {
    size_t offset;
    unsigned width; /* 0: no more patches */
    uint64_t value; /* in the byte order of the format */
} Patch;

typedef struct BrokenRow {
    const char *name;
    Base base;
    SvirtErrorCode code;
    const char *message; /* a part of it */
    size_t length;       /* of the file; 0 as it is */
    Patch patches[4];
} BrokenRow;

#define ROW(name_, base_, code_, message_, length_, ...)                       \
    {                                                                          \
        (name_), BASE_##base_, SVIRT_ERROR_##code_, (message_), (length_),     \
            { __VA_ARGS__ },                                                   \
    }
/* In place of patches: the length alone is wrong. */
#define NO_CHANGE                                                              \
    {                                                                          \
        0, 0, 0                                                                \
    }

/* The format that reads this base. */
SvirtImageFormat base_format(Base base);

/* Read the bytes as an image of the base's format; as lab_read(). */
bool base_read(const GByteArray *bytes, Base base, SvirtImageHeader **ret,
               GError **error);

/* A test /image/BASE/refuses/NAME for each row; the rows outlive the run. */
void broken_add(const BrokenRow *rows, size_t count);
/* The controls: /image/BASE/accepts-the-base from `first` to `last`. */
void accepted_add(Base first, Base last);
