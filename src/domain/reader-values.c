/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/reader.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

bool
svirt_reader_is_word(const char *text)
{
    if (*text == '\0') {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("-_.+", *p) == NULL) {
            return false;
        }
    }
    return true;
}

const char *
svirt_reader_word(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    const char *word = svirt_reader_attribute(reader, node, name);

    if (word != NULL && !svirt_reader_is_word(word)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use letters, digits, '-', '_', '.' and '+'",
                          "%s='%.80s' of <%s> is not a single word", name, word,
                          node->name);
        return NULL;
    }
    return word;
}

static const char *
find_path_fault(const char *path)
{
    if (path[0] != '/') {
        return "is not absolute";
    }
    if (strlen(path) >= PATH_MAX) {
        return "is too long";
    }
    for (const char *p = path; *p != '\0'; p++) {
        if (g_ascii_iscntrl(*p)) {
            return "contains a control character";
        }
    }
    return NULL;
}

const char *
svirt_reader_path(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    const char *path = name != NULL ? svirt_reader_required(reader, node, name)
                                    : svirt_reader_raw_text(reader, node);
    const char *fault;

    if (reader->error != NULL) {
        return NULL;
    }
    fault = find_path_fault(path);
    if (fault != NULL) {
        g_autofree char *shown = g_strescape(path, NULL);

        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "give an absolute path", "path '%.200s' of <%s> %s",
                          shown, node->name, fault);
        return NULL;
    }
    return path;
}

const char *
svirt_reader_ip(SvirtReader *reader, SvirtXmlNode *node, const char *name)
{
    const char *text = svirt_reader_attribute(reader, node, name);
    uint8_t bytes[16];

    if (text == NULL || strcmp(text, "localhost") == 0) {
        return text == NULL ? NULL : "127.0.0.1";
    }
    if (inet_pton(AF_INET, text, bytes) != 1 &&
        inet_pton(AF_INET6, text, bytes) != 1) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "write it in numbers, as 127.0.0.1 or ::1",
                          "%s='%.80s' of <%s> is no IP address", name, text,
                          node->name);
    }
    return text;
}

/* libvirt reads a leading zero as octal: such a number is refused, as the
   writer may have meant either. */
static bool
parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    guint64 value;
    guint base = 10;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        base = 16;
    } else if (text[0] == '0' && text[strspn(text, "0")] != '\0') {
        return false;
    }
    if (!g_ascii_string_to_unsigned(text, base, min, max, &value, NULL)) {
        return false;
    }
    *ret = value;
    return true;
}

uint64_t
svirt_reader_number(SvirtReader *reader, SvirtXmlNode *node, const char *name,
                    uint64_t min, uint64_t max, uint64_t fallback)
{
    const char *text = svirt_reader_attribute(reader, node, name);
    uint64_t value = fallback;

    if (text != NULL && !parse_number(text, min, max, &value)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "%s='%.80s' of <%s> is not a number from %" PRIu64
                          " to %" PRIu64,
                          name, text, node->name, min, max);
    }
    return value;
}

uint64_t
svirt_reader_text_number(SvirtReader *reader, SvirtXmlNode *node, uint64_t min,
                         uint64_t max)
{
    const char *text = svirt_reader_text(reader, node);
    uint64_t value = min;

    if (reader->error == NULL && !parse_number(text, min, max, &value)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "'%.80s' in <%s> is not a number from %" PRIu64
                          " to %" PRIu64,
                          text, node->name, min, max);
    }
    return value;
}

static bool
find_unit(const char *word, uint64_t *ret_bytes)
{
    static const char *const letters = "kmgtpe";
    const char *letter;
    uint64_t base;
    unsigned power;

    if (g_ascii_strcasecmp(word, "b") == 0 ||
        g_ascii_strcasecmp(word, "byte") == 0 ||
        g_ascii_strcasecmp(word, "bytes") == 0) {
        *ret_bytes = 1;
        return true;
    }
    letter = strchr(letters, g_ascii_tolower(word[0]));
    if (word[0] == '\0' || letter == NULL) {
        return false;
    }
    if (word[1] == '\0' || g_ascii_strcasecmp(word + 1, "ib") == 0) {
        base = 1024;
    } else if (g_ascii_strcasecmp(word + 1, "b") == 0) {
        base = 1000;
    } else {
        return false;
    }
    *ret_bytes = base;
    for (power = 0; power < (unsigned)(letter - letters); power++) {
        *ret_bytes *= base;
    }
    return true;
}

uint64_t
svirt_reader_size(SvirtReader *reader, SvirtXmlNode *node, uint64_t max_bytes)
{
    const char *unit = svirt_reader_attribute(reader, node, "unit");

    return svirt_reader_size_of(reader, node, svirt_reader_text(reader, node),
                                unit, max_bytes);
}

uint64_t
svirt_reader_size_of(SvirtReader *reader, SvirtXmlNode *node, const char *text,
                     const char *unit, uint64_t max_bytes)
{
    uint64_t factor = 1024;
    uint64_t value = 0;
    uint64_t bytes;

    if (unit != NULL && !find_unit(unit, &factor)) {
        svirt_reader_bad_word(reader, node, "unit", unit);
        return 0;
    }
    if (reader->error != NULL) {
        return 0;
    }
    if (!parse_number(text, 0, G_MAXUINT64, &value)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "'%.80s' in <%s> is not a size", text, node->name);
        return 0;
    }
    if (__builtin_mul_overflow(value, factor, &bytes) || bytes > max_bytes) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "<%s> is more than %" PRIu64 " bytes", node->name,
                          max_bytes);
        return 0;
    }
    return (bytes + 1023) / 1024 * 1024;
}

static bool
read_pair(SvirtReader *reader, SvirtXmlNode *node, const char *name,
          const char *on, const char *off, bool fallback)
{
    const char *word = svirt_reader_attribute(reader, node, name);

    if (word == NULL) {
        return fallback;
    }
    if (strcmp(word, on) == 0) {
        return true;
    }
    if (strcmp(word, off) != 0) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "%s='%.80s' of <%s> is neither '%s' nor '%s'", name,
                          word, node->name, on, off);
    }
    return false;
}

bool
svirt_reader_on_off(SvirtReader *reader, SvirtXmlNode *node, const char *name,
                    bool fallback)
{
    return read_pair(reader, node, name, "on", "off", fallback);
}

bool
svirt_reader_yes_no(SvirtReader *reader, SvirtXmlNode *node, const char *name,
                    bool fallback)
{
    return read_pair(reader, node, name, "yes", "no", fallback);
}
