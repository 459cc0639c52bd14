/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/apparmor-pattern.h"

#include <string.h>

struct SvirtPatternSet {
    GArray *nodes;  /* SvirtPatternNode */
    GArray *sets;   /* SvirtByteSet */
    GArray *starts; /* uint32_t */
};

/* Where in a glob the reader is. */
typedef struct Reader {
    SvirtPatternSet *set;
    const char *glob; /* all of it, for messages */
    const char *at;
    unsigned depth; /* of braces */
    bool after_slash;
} Reader;

SvirtPatternSet *
svirt_pattern_set_new(void)
{
    SvirtPatternSet *set = g_new0(SvirtPatternSet, 1);

    set->nodes = g_array_new(FALSE, FALSE, sizeof(SvirtPatternNode));
    set->sets = g_array_new(FALSE, FALSE, sizeof(SvirtByteSet));
    set->starts = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    return set;
}

void
svirt_pattern_set_free(SvirtPatternSet *set)
{
    if (set == NULL) {
        return;
    }
    g_array_free(set->nodes, TRUE);
    g_array_free(set->sets, TRUE);
    g_array_free(set->starts, TRUE);
    g_free(set);
}

/* Its index. */
static uint32_t
add_node(SvirtPatternSet *set, SvirtPatternKind kind, unsigned byte_set)
{
    SvirtPatternNode node = {
        .kind = (uint8_t)kind,
        .set = (uint16_t)byte_set,
    };

    if (set->nodes->len < SVIRT_PATTERN_MAX_NODES) {
        g_array_append_val(set->nodes, node);
    }
    return set->nodes->len - 1;
}

static SvirtPatternNode *
node_at(SvirtPatternSet *set, uint32_t index)
{
    return &g_array_index(set->nodes, SvirtPatternNode, index);
}

static unsigned
find_set(SvirtPatternSet *set, const SvirtByteSet *wanted)
{
    unsigned i = 0;

    while (i < set->sets->len &&
           memcmp(&g_array_index(set->sets, SvirtByteSet, i), wanted,
                  sizeof(*wanted)) != 0) {
        i++;
    }
    if (i == set->sets->len && i < SVIRT_PATTERN_MAX_SETS) {
        g_array_append_val(set->sets, *wanted);
    }
    return SVIRT_PATTERN_FIRST_SET + i;
}

static void
byte_set_put(SvirtByteSet *set, unsigned byte, bool in)
{
    uint64_t bit = UINT64_C(1) << (byte % 64);

    set->words[byte / 64] = in ? set->words[byte / 64] | bit
                               : set->words[byte / 64] & ~bit;
}

/* All bytes but those two (the same one twice: but one). */
static SvirtByteSet
all_but(unsigned byte, unsigned other)
{
    SvirtByteSet set;

    memset(&set, 0xff, sizeof(set));
    byte_set_put(&set, byte, false);
    byte_set_put(&set, other, false);
    return set;
}

void
svirt_pattern_begin(SvirtPatternSet *set)
{
    uint32_t start = set->nodes->len;

    g_array_append_val(set->starts, start);
}

void
svirt_pattern_bytes(SvirtPatternSet *set, const void *bytes, size_t count)
{
    const uint8_t *byte = bytes;

    for (size_t i = 0; i < count; i++) {
        (void)add_node(set, SVIRT_PATTERN_BYTE, byte[i]);
    }
}

static unsigned
all_bytes(SvirtPatternSet *set)
{
    SvirtByteSet all;

    memset(&all, 0xff, sizeof(all));
    return find_set(set, &all);
}

void
svirt_pattern_any(SvirtPatternSet *set)
{
    (void)add_node(set, SVIRT_PATTERN_BYTE, all_bytes(set));
}

void
svirt_pattern_rest(SvirtPatternSet *set)
{
    (void)add_node(set, SVIRT_PATTERN_LOOP, all_bytes(set));
}

static bool
bad_glob(const Reader *reader, const char *why, GError **error)
{
    return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                       "put a backslash before a character that is to stand "
                       "for itself",
                       "pattern '%.128s' %s", reader->glob, why);
}

static void
read_star(Reader *reader)
{
    SvirtPatternSet *set = reader->set;
    const bool deep = reader->at[1] == '*';
    const char *after = reader->at + strspn(reader->at, "*");
    SvirtByteSet step = all_but(0, '/');
    SvirtByteSet loop = all_but(0, deep ? 0 : '/');

    /* A whole component: "/x/" must not be taken for the file in it. */
    if (reader->after_slash && (*after == '/' || *after == '\0')) {
        (void)add_node(set, SVIRT_PATTERN_BYTE, find_set(set, &step));
    }
    (void)add_node(set, SVIRT_PATTERN_LOOP, find_set(set, &loop));
    reader->at += deep ? 2 : 1;
    reader->after_slash = false;
}

/* One character of a class, a backslash taken off. */
static bool
class_byte(Reader *reader, unsigned *ret_byte)
{
    if (*reader->at == '\\') {
        reader->at++;
    }
    if (*reader->at == '\0') {
        return false;
    }
    *ret_byte = (uint8_t)*reader->at++;
    return true;
}

static bool
read_class(Reader *reader, GError **error)
{
    SvirtByteSet in = { 0 };
    bool negated;

    reader->at++;
    negated = *reader->at == '^';
    reader->at += negated;
    if (*reader->at == ']') {
        return bad_glob(reader, "has an empty class", error);
    }
    while (*reader->at != ']') {
        unsigned first, last;

        if (!class_byte(reader, &first)) {
            return bad_glob(reader, "has an open class", error);
        }
        last = first;
        if (reader->at[0] == '-' && reader->at[1] != ']') {
            reader->at++;
            if (!class_byte(reader, &last)) {
                return bad_glob(reader, "has an open class", error);
            }
        }
        if (last < first) {
            return bad_glob(reader, "has a class from last to first", error);
        }
        for (unsigned byte = first; byte <= last; byte++) {
            byte_set_put(&in, byte, true);
        }
    }
    reader->at++;
    if (negated) {
        for (unsigned i = 0; i < G_N_ELEMENTS(in.words); i++) {
            in.words[i] = ~in.words[i];
        }
    }
    byte_set_put(&in, 0, false);
    (void)add_node(reader->set, SVIRT_PATTERN_BYTE,
                   find_set(reader->set, &in));
    reader->after_slash = false;
    return true;
}

static bool read_sequence(Reader *reader, GError **error);

/*
 * Every branch but the last begins with a choice; each ends in a join, whose
 * way on is known only at the closing brace.
 */
static bool
read_alternation(Reader *reader, GError **error)
{
    g_autoptr(GArray) joins = g_array_new(FALSE, FALSE, sizeof(uint32_t));

    if (++reader->depth > SVIRT_PATTERN_MAX_DEPTH) {
        return bad_glob(reader, "has too many braces in braces", error);
    }
    do {
        uint32_t split = add_node(reader->set, SVIRT_PATTERN_SPLIT, 0);
        uint32_t join;

        reader->at++;
        reader->after_slash = false;
        if (!read_sequence(reader, error)) {
            return false;
        }
        if (*reader->at == '\0') {
            return bad_glob(reader, "has an open brace", error);
        }
        join = add_node(reader->set, SVIRT_PATTERN_JOIN, 0);
        g_array_append_val(joins, join);
        /* The last branch chooses itself twice. */
        node_at(reader->set, split)->other =
            *reader->at == ',' ? join + 1 : split + 1;
    } while (*reader->at == ',');
    if (joins->len < 2) {
        return bad_glob(reader, "has one word alone in braces", error);
    }
    for (guint i = 0; i < joins->len; i++) {
        node_at(reader->set, g_array_index(joins, uint32_t, i))->other =
            reader->set->nodes->len;
    }
    reader->at++;
    reader->depth--;
    reader->after_slash = false;
    return true;
}

/* Up to the end, or to the comma or brace that ends a branch. */
static bool
read_sequence(Reader *reader, GError **error)
{
    SvirtByteSet one = all_but(0, '/');

    for (;;) {
        switch (*reader->at) {
        case '\0':
            return true;
        case '*':
            read_star(reader);
            continue;
        case '?':
            (void)add_node(reader->set, SVIRT_PATTERN_BYTE,
                           find_set(reader->set, &one));
            reader->after_slash = false;
            break;
        case '[':
            if (!read_class(reader, error)) {
                return false;
            }
            continue;
        case ']':
            return bad_glob(reader, "closes a class that is not open", error);
        case '{':
            if (!read_alternation(reader, error)) {
                return false;
            }
            continue;
        case ',':
        case '}':
            if (reader->depth > 0) {
                return true;
            }
            if (*reader->at == '}') {
                return bad_glob(reader, "closes a brace that is not open",
                                error);
            }
            G_GNUC_FALLTHROUGH;
        default:
            if (*reader->at == '\\' && *++reader->at == '\0') {
                return bad_glob(reader, "ends in a backslash", error);
            }
            (void)add_node(reader->set, SVIRT_PATTERN_BYTE,
                           (uint8_t)*reader->at);
            reader->after_slash = *reader->at == '/';
        }
        reader->at++;
    }
}

bool
svirt_pattern_glob(SvirtPatternSet *set, const char *glob, GError **error)
{
    Reader reader = { .set = set, .glob = glob, .at = glob };

    if (strnlen(glob, SVIRT_PATTERN_MAX_GLOB + 1) > SVIRT_PATTERN_MAX_GLOB) {
        return bad_glob(&reader, "is longer than a path", error);
    }
    return read_sequence(&reader, error);
}

bool
svirt_pattern_end(SvirtPatternSet *set, uint32_t accept, GError **error)
{
    uint32_t end = add_node(set, SVIRT_PATTERN_ACCEPT, 0);

    if (set->nodes->len >= SVIRT_PATTERN_MAX_NODES ||
        set->sets->len >= SVIRT_PATTERN_MAX_SETS) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "allow a directory instead of each of its files",
                           "too many path rules for one profile");
    }
    node_at(set, end)->other = accept;
    return true;
}

const SvirtPatternNode *
svirt_pattern_nodes(const SvirtPatternSet *set, size_t *ret_count)
{
    *ret_count = set->nodes->len;
    return (const SvirtPatternNode *)(const void *)set->nodes->data;
}

const SvirtByteSet *
svirt_pattern_byte_sets(const SvirtPatternSet *set, size_t *ret_count)
{
    *ret_count = set->sets->len;
    return (const SvirtByteSet *)(const void *)set->sets->data;
}

const uint32_t *
svirt_pattern_starts(const SvirtPatternSet *set, size_t *ret_count)
{
    *ret_count = set->starts->len;
    return (const uint32_t *)(const void *)set->starts->data;
}
