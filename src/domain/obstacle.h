/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "domain/reader.h"
#include "domain/resource.h"
#include "domain/rules.h"

/*
 * What is right in libvirt's XML, and svirt understands, and does not give: it
 * is read in full, what it names of the host is listed, and the domain does
 * not start. What is wrong or unknown in it is an error as anywhere.
 *
 * `path` is one as in rules.h:
 *   "devices/hostdev"            the element; `shape` says what is in it
 *   "devices/disk@type=network"  with a shape: the element that says so
 *   "devices/disk@device=lun"    without one: that value alone
 *   "devices/rom@file"           the attribute; `shape` is its type
 *
 * A shape is a list of
 *   @NAME  @NAME=TYPE  @NAME!=TYPE   an attribute; '!': it must be there
 *   $=TYPE                           the text
 *   NAME { SHAPE }                   at most one such element; NAME!: exactly
 *                                    one, NAME*: any number, NAME+: some
 *   &NAME                            what the fragment of that name says
 * A TYPE is '/' a path, '#' a number, '#255' one up to that, '%' a word,
 * 'UUID', 'MAC', 'SET' numbers as 0-3,^2, '?' what is not empty, '*' anything,
 * or words: on|off. '>KIND' behind it makes a resource of that kind: its path,
 * or else its name; '>KIND,ro' and '>KIND,sh' when it is only read, or shared.
 *
 * What the shape does not name the rules judge: something ignored is so here
 * too, and an obstacle within an obstacle is listed as well.
 */
typedef struct SvirtObstacleRow {
    const char *path;
    SvirtVerdict verdict; /* RESOURCE, PROTECT, LIMIT or UNBUILT */
    const char *hint;     /* never NULL */
    const char *shape;    /* NULL: a value alone */
    /* Checks and lists what a shape cannot say; NULL: nothing. */
    void (*list)(SvirtReader *reader, SvirtXmlNode *node);
} SvirtObstacleRow;

typedef struct SvirtShapeFragment {
    const char *name;
    const char *shape;
} SvirtShapeFragment;

/* Tables, ended by a NULL; the rows are looked through in their order. */
const SvirtObstacleRow *svirt_obstacle_table(void);
const SvirtObstacleRow *svirt_obstacle_device_table(void);
const SvirtShapeFragment *svirt_shape_fragments(void);

/*
 * Whether a row has the whole element; if so it is read, an obstacle is kept,
 * and a device counts as withheld. The caller leaves it out.
 */
bool svirt_obstacle_take(SvirtReader *reader, SvirtXmlNode *node);
/* The same of one value, which its reader did not know. */
bool svirt_obstacle_value(SvirtReader *reader, SvirtXmlNode *node,
                          const char *attribute, const char *value);
/* The same of an attribute that nobody has read. */
bool svirt_obstacle_attribute(SvirtReader *reader, SvirtXmlNode *node,
                              SvirtXmlAttribute *attribute);

/* Keep one that a reader found by itself. */
void svirt_obstacle_add(SvirtReader *reader, unsigned line,
                        SvirtVerdict verdict, const char *hint,
                        const char *format, ...) G_GNUC_PRINTF(5, 6);

/*
 * A resource that is listed and not given; `text` is its path where it begins
 * with '/', else its name; in the arena or in the tree.
 */
void svirt_obstacle_list(SvirtReader *reader, const SvirtXmlNode *node,
                         SvirtResourceKind kind, SvirtAccess access,
                         const char *text);

/* Read an element as a shape says. */
void svirt_shape_read(SvirtReader *reader, SvirtXmlNode *node,
                      const char *shape);
/* Read an attribute (NULL: the text) as a type says. */
void svirt_shape_read_value(SvirtReader *reader, SvirtXmlNode *node,
                            const char *attribute, const char *type);

/* obstacle-list.c: what shapes cannot say. One of the host's that is not
 * named ("alsa", "sdl") has its type as its name. */
void svirt_list_disk(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_chardev(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_interface(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_hostdev(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_audio(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_display(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_smartcards(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_enclave(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_shmem(SvirtReader *reader, SvirtXmlNode *node);

/* obstacle-check.c: what contradicts itself */
void svirt_list_sched(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_encryption(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_restrictive(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_iommu(SvirtReader *reader, SvirtXmlNode *node);
void svirt_list_filesystem(SvirtReader *reader, SvirtXmlNode *node);
