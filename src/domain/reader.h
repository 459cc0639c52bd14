/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

#include "domain/xml.h"

/*
 * Typed reading of a tree, part by part: an element, or some members of it,
 * that say nothing about each other. Of a part the first failure is kept and
 * the rest is read as if absent, so that a device's reader is one straight
 * list of its members; svirt_reader_part ends it, and the next one is read as
 * if nothing had failed. Everything asked for is marked as seen; what nobody
 * asked for is judged afterwards (rules.h).
 */
typedef struct SvirtReader {
    SvirtXmlDocument *document; /* borrowed */
    SvirtArena *arena;          /* the document's */
    GPtrArray *seclabel_lists;  /* borrowed: takes what is allocated */
    GArray *warnings;           /* borrowed: of SvirtDomainWarning */
    GPtrArray *faults;          /* borrowed: of SvirtDomainFault, as found */
    GArray *obstacles;          /* borrowed: of SvirtObstacle */
    GArray *withheld;           /* borrowed: of SvirtDeviceInfo */
    GArray *resources;          /* borrowed: of SvirtResource, withheld */
    GError *error;              /* owned, the first failure of this part */
    unsigned error_line;
} SvirtReader;

/* Keeps the first failure: "FILE:LINE: what". */
void svirt_reader_fail(SvirtReader *reader, unsigned line, SvirtErrorCode code,
                       const char *hint, const char *format, ...)
    G_GNUC_PRINTF(5, 6);
/* Takes an error of another part and puts FILE:LINE before it. */
void svirt_reader_take(SvirtReader *reader, unsigned line, GError *cause);
/*
 * The end of a part: its failure goes to the faults, once. False: it had one.
 */
bool svirt_reader_part(SvirtReader *reader);
/* More would not be listed: whoever goes through many parts stops. */
bool svirt_reader_is_full(const SvirtReader *reader);
/* "FILE:LINE: what", bounded in number. */
void svirt_reader_warn(SvirtReader *reader, unsigned line, const char *format,
                       ...) G_GNUC_PRINTF(3, 4);

/* The child of that name outside any namespace; a second one is an error. */
SvirtXmlNode *svirt_reader_child(SvirtReader *reader, SvirtXmlNode *node,
                                 const char *name);
/* The next child of that name behind `previous` (NULL: the first). */
SvirtXmlNode *svirt_reader_next(SvirtReader *reader, SvirtXmlNode *node,
                                SvirtXmlNode *previous, const char *name);
size_t svirt_reader_count(const SvirtXmlNode *node, const char *name);

/* NULL when absent; empty counts as wrong. */
const char *svirt_reader_attribute(SvirtReader *reader, SvirtXmlNode *node,
                                   const char *name);
/* The same, where absence is an error; "" is returned then. */
const char *svirt_reader_required(SvirtReader *reader, SvirtXmlNode *node,
                                  const char *name);
/* The text without blanks at both ends; empty is an error, "" returned. */
const char *svirt_reader_text(SvirtReader *reader, SvirtXmlNode *node);
/* The text as it stands, "" when there is none. */
const char *svirt_reader_raw_text(SvirtReader *reader, SvirtXmlNode *node);

/* Letters, digits, '-', '_', '.', '+': goes into QEMU arguments unquoted. */
const char *svirt_reader_word(SvirtReader *reader, SvirtXmlNode *node,
                              const char *name);
bool svirt_reader_is_word(const char *text);
/*
 * An absolute path without control characters, shorter than PATH_MAX, in an
 * attribute, or in the element's text when `name` is NULL.
 */
const char *svirt_reader_path(SvirtReader *reader, SvirtXmlNode *node,
                              const char *name);

/*
 * An IPv4 or IPv6 address in numbers, or "localhost", which is 127.0.0.1; NULL
 * when absent.
 */
const char *svirt_reader_ip(SvirtReader *reader, SvirtXmlNode *node,
                            const char *name);

/* Decimal, or hexadecimal behind 0x; `fallback` when absent. */
uint64_t svirt_reader_number(SvirtReader *reader, SvirtXmlNode *node,
                             const char *name, uint64_t min, uint64_t max,
                             uint64_t fallback);
/* The text of the element. */
uint64_t svirt_reader_text_number(SvirtReader *reader, SvirtXmlNode *node,
                                  uint64_t min, uint64_t max);
/*
 * A size with its unit attribute (bytes, KB, KiB ... EiB as libvirt; KiB when
 * absent), rounded up to whole KiB.
 */
uint64_t svirt_reader_size(SvirtReader *reader, SvirtXmlNode *node,
                           uint64_t max_bytes);
/* The same of a text and a unit (NULL: KiB) that stand elsewhere. */
uint64_t svirt_reader_size_of(SvirtReader *reader, SvirtXmlNode *node,
                              const char *text, const char *unit,
                              uint64_t max_bytes);
/* on|off, yes|no; `fallback` when absent. */
bool svirt_reader_on_off(SvirtReader *reader, SvirtXmlNode *node,
                         const char *name, bool fallback);
bool svirt_reader_yes_no(SvirtReader *reader, SvirtXmlNode *node,
                         const char *name, bool fallback);

/*
 * The value is none of the words known here: refused by name, or wrong. The
 * hint lists the `count` words of `table` (NULL: none) that there are. What a
 * `type` decides is not judged when that is the wrong word.
 */
void svirt_reader_bad_word_of(SvirtReader *reader, SvirtXmlNode *node,
                              const char *name, const char *word,
                              const char *const *table, size_t count);
void svirt_reader_bad_word(SvirtReader *reader, SvirtXmlNode *node,
                           const char *name, const char *word);

/*
 * An enum with a table (base/enum-table.h), by the name its functions begin
 * with; *ret stays when the attribute is absent. The word of _UNSET is empty
 * and so never accepted.
 */
#define SVIRT_READ_ENUM(reader, node, name, prefix, ret)                       \
    do {                                                                       \
        const char *word_ = svirt_reader_attribute(reader, node, name);        \
        if (word_ != NULL && !prefix##_from_string(word_, ret)) {              \
            size_t count_;                                                     \
            const char *const *table_ = prefix##_words(&count_);               \
            svirt_reader_bad_word_of(reader, node, name, word_, table_,        \
                                     count_);                                  \
        }                                                                      \
    } while (0)

#define SVIRT_READ_ENUM_TEXT(reader, node, prefix, ret)                        \
    do {                                                                       \
        const char *word_ = svirt_reader_text(reader, node);                   \
        if ((reader)->error == NULL && !prefix##_from_string(word_, ret)) {    \
            size_t count_;                                                     \
            const char *const *table_ = prefix##_words(&count_);               \
            svirt_reader_bad_word_of(reader, node, NULL, word_, table_,        \
                                     count_);                                  \
        }                                                                      \
    } while (0)
