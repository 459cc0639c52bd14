/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "domain/reader.h"

/*
 * What libvirt knows and svirt does not act on, by name. A name that is in no
 * row is unknown and an error: it could be a host resource, a protection or a
 * limit of a later libvirt.
 */
typedef enum SvirtVerdict {
    SVIRT_VERDICT_RESOURCE, /* gives the VM something of the host */
    SVIRT_VERDICT_PROTECT,  /* asks for a protection svirt would not give */
    SVIRT_VERDICT_LIMIT,    /* asks for a limit svirt would not set */
    SVIRT_VERDICT_UNBUILT,  /* changes the guest, not built */
    SVIRT_VERDICT_IGNORE,   /* does no harm: a warning */
    SVIRT_VERDICT_ACCEPT,   /* says what holds anyway: silent */
    SVIRT_VERDICT_INSIDE,   /* nothing by itself: judge what it contains */
    SVIRT_VERDICT_MAX
} SvirtVerdict;

/*
 * `path` starts below <domain>: "devices/disk/iotune" an element,
 * "devices/disk/driver@queues" an attribute, "devices/disk@type=network" a
 * value. A segment '*' stands for any one element; nested backingStore
 * elements count as one.
 */
typedef struct SvirtRule {
    const char *path;
    SvirtVerdict verdict;
    const char *why; /* behind "is ignored: ", else the hint; may be NULL */
} SvirtRule;

/* The table, ended by a NULL path. */
const SvirtRule *svirt_rules_table(void);

/*
 * The row for an element (both NULL), its attribute, the attribute's value, or
 * its text ("on_crash=coredump-restart": a value without an attribute); NULL
 * when there is none.
 */
const SvirtRule *svirt_rules_find(const SvirtXmlNode *node,
                                  const char *attribute, const char *value);

/*
 * "devices/disk@type=network": the path of an element, its attribute or a
 * value; either may be NULL. Owned by the caller.
 */
char *svirt_rules_path(const SvirtXmlNode *node, const char *attribute,
                       const char *value);
/* Whether a row's path means that one. */
bool svirt_rules_match(const char *pattern, const char *path);
/* How a message names the thing. Owned by the caller. */
char *svirt_rules_show(const SvirtXmlNode *node, const char *attribute,
                       const char *value);
/* What a message says of it: RESOURCE, PROTECT, LIMIT, UNBUILT. */
const char *svirt_rules_words(SvirtVerdict verdict);
/* How svirt would exit; of the same. */
SvirtErrorCode svirt_rules_code(SvirtVerdict verdict);

/* Keeps an error for a row that is not IGNORE. */
void svirt_rules_apply(SvirtReader *reader, const SvirtXmlNode *node,
                       const SvirtRule *rule, const char *attribute,
                       const char *value);

/* Judge everything in the tree that nobody read. */
void svirt_rules_check(SvirtReader *reader, SvirtXmlNode *root);
