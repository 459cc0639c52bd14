/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "domain/arena.h"

/* What one document may hold; more is INVALID. */
#define SVIRT_XML_TEXT_MAX (4u * 1024u * 1024u)
#define SVIRT_XML_DEPTH_MAX 64u
#define SVIRT_XML_ELEMENTS_MAX 20000u
#define SVIRT_XML_ATTRIBUTES_MAX 64u
#define SVIRT_XML_VALUE_MAX (64u * 1024u)
#define SVIRT_XML_NAMESPACES_MAX 64u /* declarations in force at one place */

/* The namespace of xmlns attributes themselves. */
#define SVIRT_XML_XMLNS_URI "http://www.w3.org/2000/xmlns/"

typedef struct SvirtXmlAttribute {
    const char *name;          /* as written, prefix included */
    const char *value;         /* entities resolved, never NULL */
    const char *namespace_uri; /* NULL: none, as most have */
    bool seen;                 /* a reader used it */
} SvirtXmlAttribute;

/*
 * One element. Text is kept as in a mixed-content tree: `text` stands before
 * the first child, `tail` behind this element's end tag. White space alone is
 * dropped where it stands between elements.
 */
typedef struct SvirtXmlNode SvirtXmlNode;
struct SvirtXmlNode {
    const char *name;          /* as written, prefix included */
    const char *local_name;    /* behind the prefix */
    const char *namespace_uri; /* NULL: none */
    SvirtXmlAttribute *attributes;
    unsigned attribute_count;
    unsigned line;
    unsigned column;
    bool seen;        /* a reader understood this element */
    bool text_seen;   /* and its text */
    bool opaque;      /* everything below it is kept, nothing is read */
    bool unread;      /* after a fault: what is not seen in it means nothing */
    const char *text; /* NULL: none */
    const char *tail; /* NULL: none */
    SvirtXmlNode *parent;
    SvirtXmlNode *first_child;
    SvirtXmlNode *last_child;
    SvirtXmlNode *next;
};

typedef struct SvirtXmlDocument {
    SvirtArena *arena; /* owned; holds the tree and what readers add */
    const char *file;  /* name shown in messages, in the arena */
    SvirtXmlNode *root;
} SvirtXmlDocument;

/*
 * Parse `length` bytes of `text`. `file` is the name shown in messages. The
 * document is owned by the caller. A document type, an entity declaration, a
 * processing instruction, an undeclared prefix or an exceeded bound is an
 * error. Errors: INVALID, "FILE:LINE: what".
 */
bool svirt_xml_parse(const char *text, size_t length, const char *file,
                     SvirtXmlDocument **ret_document, GError **error);
void svirt_xml_document_free(SvirtXmlDocument *document);
/* As if nobody had read it yet. */
void svirt_xml_forget_readers(SvirtXmlDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtXmlDocument, svirt_xml_document_free)

/*
 * UTF-8 on one line: a control character, which XML may hide in a reference,
 * becomes '?'. Owned by the caller.
 */
char *svirt_xml_clean(const char *text);

/* svirt_raise with "FILE:LINE: " before the cleaned message; always false. */
bool svirt_xml_raise(const SvirtXmlDocument *document, unsigned line,
                     GError **error, SvirtErrorCode code, const char *hint,
                     const char *format, ...) G_GNUC_PRINTF(6, 7);

/*
 * The tree as text: UTF-8, two spaces per level, attributes in single quotes
 * as virsh prints them, a newline at the end. Parsing the result gives an
 * equal tree. Owned by the caller.
 */
char *svirt_xml_print(const SvirtXmlDocument *document);

/* Names, attributes, text and children equal; lines do not count. */
bool svirt_xml_equal(const SvirtXmlNode *a, const SvirtXmlNode *b);

/*
 * Put a new element `name` with `text` (may be NULL) under `parent`, behind
 * `after` (NULL: first). Both texts are copied. The element counts as seen.
 */
SvirtXmlNode *svirt_xml_insert(SvirtXmlDocument *document, SvirtXmlNode *parent,
                               SvirtXmlNode *after, const char *name,
                               const char *text);

/* The first child of that name outside any namespace; NULL none. */
SvirtXmlNode *svirt_xml_find(const SvirtXmlNode *parent, const char *name);
/* The same; one that is missing is put at the end. */
SvirtXmlNode *svirt_xml_ensure(SvirtXmlDocument *document, SvirtXmlNode *parent,
                               const char *name);
/* The value of an attribute; NULL none. */
const char *svirt_xml_get(const SvirtXmlNode *node, const char *name);
/* Give a node an attribute, or one that it has another value. */
void svirt_xml_set(SvirtXmlDocument *document, SvirtXmlNode *node,
                   const char *name, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
