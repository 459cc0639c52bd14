/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/readers.h"

#include <string.h>

#include "base/error.h"
#include "image/quote.h"

/*
 * QEMU searches a descriptor for words wherever they stand (in a comment, in
 * the value of another key) and scans extent lines with sscanf(), which runs
 * over line ends. So this parser accepts only lines of a known shape, and
 * each of QEMU's words at most once and only as the key of its line: then both
 * read the same text in the same way.
 */
#define PARENT_KEY "parentFileNameHint"
#define TYPE_KEY "createType"

/* What QEMU's scan of an extent's name holds; it cuts longer ones. */
#define EXTENT_NAME_MAX 511
#define SECTORS_MAX (UINT64_C(1) << 54)

typedef struct VmdkParser {
    const char *shown_path; /* borrowed */
    SvirtImageHeader *header;
    bool embedded;
    bool after_blank; /* the line before was empty */
    bool type_seen;
    uint64_t sectors; /* of all extents */
} VmdkParser;

static bool
invalid_line(const VmdkParser *parser, const char *line, const char *what,
             GError **error)
{
    g_autofree char *shown = svirt_image_quote(line);

    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                       "%s in descriptor of vmdk image '%s': %s", what,
                       parser->shown_path, shown);
}

static bool
word_at_most_once(const VmdkParser *parser, const char *text, const char *word,
                  GError **error)
{
    const char *first = strstr(text, word);
    const char *again;

    if (first == NULL) {
        return true;
    }
    again = strstr(first + 1, word);
    if (again != NULL || (first != text && first[-1] != '\n') ||
        first[strlen(word)] != '=') {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "descriptor of vmdk image '%s' has '%s' twice or "
                           "not as a key",
                           parser->shown_path, word);
    }
    return true;
}

static const char *
blanks_skip(const char *text)
{
    return text + strspn(text, " \t");
}

/* The text between quotes at `text`, which must be the rest of the line. */
static bool
quoted_take(const VmdkParser *parser, const char *line, const char *text,
            const char **ret_end, char **ret, GError **error)
{
    const char *end;

    if (*text != '"' || (end = strchr(text + 1, '"')) == NULL) {
        return invalid_line(parser, line, "missing quotation mark", error);
    }
    if (!svirt_image_name_take((const uint8_t *)text + 1,
                               (size_t)(end - text - 1), "quoted",
                               parser->shown_path, ret, error)) {
        return false;
    }
    *ret_end = blanks_skip(end + 1);
    return true;
}

static bool
type_take(VmdkParser *parser, const char *line, const char *value,
          GError **error)
{
    static const char *const in_text[] = {
        "monolithicFlat",     "vmfs", "vmfsSparse", "twoGbMaxExtentSparse",
        "twoGbMaxExtentFlat", NULL
    };
    static const char *const in_image[] = { "monolithicSparse",
                                            "streamOptimized", NULL };
    g_autofree char *type = NULL;
    g_autofree char *shown = NULL;
    const char *end;

    if (!quoted_take(parser, line, value, &end, &type, error)) {
        return false;
    }
    if (*end != '\0') {
        return invalid_line(parser, line, "text after a value", error);
    }
    if (!g_strv_contains(parser->embedded ? in_image : in_text, type)) {
        shown = svirt_image_quote(type);
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "convert it with 'qemu-img convert -O qcow2'",
                           "type %s of vmdk image '%s' is not known here",
                           shown, parser->shown_path);
    }
    parser->type_seen = true;
    return true;
}

static bool
parent_take(VmdkParser *parser, const char *line, const char *value,
            GError **error)
{
    SvirtImageHeader *header = parser->header;
    const char *end;

    if (!quoted_take(parser, line, value, &end, &header->backing_name, error)) {
        return false;
    }
    if (*end != '\0') {
        return invalid_line(parser, line, "text after a value", error);
    }
    /* QEMU opens a vmdk's parent as vmdk, whatever it is. */
    header->backing_format = SVIRT_IMAGE_FORMAT_VMDK;
    header->backing_format_known = true;
    return true;
}

static bool
version_take(VmdkParser *parser, const char *line, const char *value,
             GError **error)
{
    if (value[0] < '1' || value[0] > '3' || value[1] != '\0') {
        return invalid_line(parser, line, "unknown version", error);
    }
    if (!parser->embedded) {
        parser->header->version = (uint32_t)(value[0] - '0');
    }
    return true;
}

static bool
number_take(const char **text, uint64_t *ret)
{
    size_t digits = strspn(*text, "0123456789");

    if (digits == 0 || digits > 18) {
        return false;
    }
    *ret = g_ascii_strtoull(*text, NULL, 10);
    *text += digits;
    return true;
}

/* Blanks that separate two fields. */
static bool
gap_take(const char **text)
{
    const char *after = blanks_skip(*text);
    bool any = after != *text;

    *text = after;
    return any;
}

static bool
kind_take(const char **text, SvirtImageExtentKind *ret)
{
    size_t size = strcspn(*text, " \t");
    g_autofree char *word = g_strndup(*text, size);

    *text += size;
    return svirt_image_extent_kind_from_string(word, ret);
}

/* RW SECTORS KIND "NAME" [OFFSET] */
static bool
extent_take(VmdkParser *parser, const char *line, GError **error)
{
    const char *at = line + strlen("RW");
    g_autofree char *name = NULL;
    SvirtImageExtentKind kind;
    uint64_t sectors, offset;

    if (parser->after_blank) {
        /* sscanf() would run on from the blank line: counted twice. */
        return invalid_line(parser, line, "extent after an empty line", error);
    }
    if (!gap_take(&at) || !number_take(&at, &sectors) || sectors == 0 ||
        sectors > SECTORS_MAX || !gap_take(&at)) {
        return invalid_line(parser, line, "bad size of extent", error);
    }
    if (!kind_take(&at, &kind)) {
        g_autofree char *shown = svirt_image_quote(line);

        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "convert it with 'qemu-img convert -O qcow2'",
                           "kind of extent in vmdk image '%s' is not known: "
                           "%s",
                           parser->shown_path, shown);
    }
    at = blanks_skip(at);
    if (!quoted_take(parser, line, at, &at, &name, error)) {
        return false;
    }
    if (strlen(name) > EXTENT_NAME_MAX) {
        return invalid_line(parser, line, "name of extent too long", error);
    }
    if ((kind == SVIRT_IMAGE_EXTENT_FLAT && !number_take(&at, &offset)) ||
        *blanks_skip(at) != '\0') {
        return invalid_line(parser, line, "bad offset of extent", error);
    }
    if (parser->embedded) {
        /* Names the image that holds it, by the name it once had. */
        return true;
    }
    if (parser->header->extents != NULL &&
        parser->header->extents->len >= SVIRT_IMAGE_EXTENTS_MAX) {
        return invalid_line(parser, line, "too many extents", error);
    }
    parser->sectors += sectors;
    if (parser->sectors > SECTORS_MAX) {
        return invalid_line(parser, line, "bad size of extents", error);
    }
    svirt_image_header_add_extent(parser->header, kind, g_steal_pointer(&name));
    return true;
}

static bool
key_take(VmdkParser *parser, const char *line, GError **error)
{
    size_t size = strspn(line, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._");
    const char *equals = blanks_skip(line + size);
    g_autofree char *key = g_strndup(line, size);
    const char *value;

    if (size == 0 || *equals != '=') {
        return invalid_line(parser, line, "line of no known form", error);
    }
    value = equals + 1;
    if (g_str_equal(key, TYPE_KEY)) {
        return type_take(parser, line, value, error);
    }
    if (g_str_equal(key, PARENT_KEY)) {
        return parent_take(parser, line, value, error);
    }
    if (g_str_equal(key, "version")) {
        return version_take(parser, line, value, error);
    }
    return true;
}

static bool
line_take(VmdkParser *parser, const char *line, GError **error)
{
    if (*line == '#') {
        return true;
    }
    if (g_str_has_prefix(line, "RDONLY ") ||
        g_str_has_prefix(line, "NOACCESS ")) {
        g_autofree char *shown = svirt_image_quote(line);

        /* QEMU passes over them and shows the guest a shorter disk. */
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "convert it with 'qemu-img convert -O qcow2'",
                           "access of extent in vmdk image '%s' is not "
                           "supported: %s",
                           parser->shown_path, shown);
    }
    if (g_str_has_prefix(line, "RW ") || g_str_has_prefix(line, "RW\t")) {
        return extent_take(parser, line, error);
    }
    return key_take(parser, line, error);
}

bool
svirt_image_vmdk_descriptor_parse(const char *text, size_t size, bool embedded,
                                  const char *shown_path,
                                  SvirtImageHeader *header, GError **error)
{
    VmdkParser parser = {
        .shown_path = shown_path,
        .header = header,
        .embedded = embedded,
    };

    g_assert(text[size] == '\0');
    if (!word_at_most_once(&parser, text, PARENT_KEY, error) ||
        !word_at_most_once(&parser, text, TYPE_KEY, error)) {
        return false;
    }
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        g_autofree char *line = g_strndup(at, length);

        at += at[length] == '\n' ? length + 1 : length;
        if (g_str_has_suffix(line, "\r")) {
            line[length - 1] = '\0';
        }
        if (*blanks_skip(line) == '\0') {
            parser.after_blank = true;
            continue;
        }
        if (!line_take(&parser, line, error)) {
            return false;
        }
        parser.after_blank = false;
    }
    if (!parser.type_seen || (!embedded && header->extents == NULL)) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "descriptor of vmdk image '%s' has no %s",
                           shown_path, parser.type_seen ? "extents" : TYPE_KEY);
    }
    if (!embedded) {
        header->virtual_size_bytes = parser.sectors * 512;
    }
    return true;
}
