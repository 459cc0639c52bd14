/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profile-reader.h"

#include <string.h>

#include "model/apparmor-stream.h"

static bool
take(ReadPlace *place, size_t count, const uint8_t **ret)
{
    if ((size_t)(place->end - place->at) < count) {
        return false;
    }
    *ret = place->at;
    place->at += count;
    return true;
}

static bool
little(ReadPlace *place, unsigned size, uint64_t *ret)
{
    const uint8_t *byte;
    uint64_t value = 0;

    if (!take(place, size, &byte)) {
        return false;
    }
    for (unsigned i = size; i-- > 0;) {
        value = value << 8 | byte[i];
    }
    *ret = value;
    return true;
}

/* Text with its NUL, of at most 65535 bytes. */
static bool
text(ReadPlace *place, const char **ret)
{
    const uint8_t *bytes;
    uint64_t size;

    if (!little(place, 2, &size) || size == 0 ||
        !take(place, size, &bytes) || bytes[size - 1] != '\0') {
        return false;
    }
    *ret = (const char *)bytes;
    return true;
}

/* Is the next element of this tag (NULL: of any or none) and code? Then, and
 * only then, it is entered. */
static bool
next_is(ReadPlace *place, const char *tag, SvirtStreamCode code)
{
    ReadPlace at = *place;
    const char *name = NULL;
    const uint8_t *byte;

    if (!take(&at, 1, &byte)) {
        return false;
    }
    if (*byte == SVIRT_CODE_TAG &&
        (!text(&at, &name) || !take(&at, 1, &byte))) {
        return false;
    }
    if (*byte != code || (tag != NULL &&
                          (name == NULL || strcmp(tag, name) != 0))) {
        return false;
    }
    *place = at;
    return true;
}

static bool
word(ReadPlace *place, const char *tag, uint32_t *ret)
{
    uint64_t value;

    if (!next_is(place, tag, SVIRT_CODE_U32) || !little(place, 4, &value)) {
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

static bool
skip_words(ReadPlace *place, unsigned count)
{
    uint32_t unused;

    while (count > 0 && word(place, NULL, &unused)) {
        count--;
    }
    return count == 0;
}

/* True too where there is none: then ret is left as it is. */
static bool
automaton(ReadPlace *place, const char *start, ReadAutomaton *ret)
{
    const uint8_t *bytes;
    uint64_t size;
    size_t pad;

    if (!next_is(place, "aadfa", SVIRT_CODE_BLOB)) {
        return true;
    }
    if (!little(place, 4, &size)) {
        return false;
    }
    pad = -(size_t)(place->at - place->start) & 7;
    if (!take(place, size, &bytes) || size < pad ||
        !read_automaton(bytes + pad, size - pad, ret)) {
        return false;
    }
    return !word(place, start, &ret->start) ||
           ret->start < ret->table[SVIRT_TABLE_BASE].count;
}

static bool
capabilities(ReadPlace *place, uint64_t *ret)
{
    uint32_t low;
    uint32_t high = 0;

    if (!word(place, NULL, &low) || !skip_words(place, 3)) {
        return false;
    }
    if (next_is(place, "caps64", SVIRT_CODE_STRUCT) &&
        (!word(place, NULL, &high) || !skip_words(place, 3) ||
         !next_is(place, NULL, SVIRT_CODE_STRUCT_END))) {
        return false;
    }
    if (next_is(place, "capsx", SVIRT_CODE_STRUCT) &&
        (!skip_words(place, 2) ||
         !next_is(place, NULL, SVIRT_CODE_STRUCT_END))) {
        return false;
    }
    *ret = (uint64_t)high << 32 | low;
    return true;
}

/* The header; what apparmor_parser may add to a plain profile is passed. */
static bool
head(ReadPlace *place, ReadProfile *ret)
{
    const char *name;
    uint32_t unused;

    if (!word(place, "version", &ret->version) ||
        (ret->version & 0x3ff) < 5 || (ret->version & 0x3ff) > 9 ||
        !next_is(place, "profile", SVIRT_CODE_STRUCT) ||
        !next_is(place, NULL, SVIRT_CODE_STRING) || !text(place, &name) ||
        name[0] == '\0' || strlen(name) >= sizeof(ret->name)) {
        return false;
    }
    memcpy(ret->name, name, strlen(name) + 1);
    if (next_is(place, "attach", SVIRT_CODE_STRING) && !text(place, &name)) {
        return false;
    }
    if (next_is(place, "disconnected", SVIRT_CODE_STRING) &&
        !text(place, &name)) {
        return false;
    }
    if (!next_is(place, "flags", SVIRT_CODE_STRUCT) ||
        !skip_words(place, 1) || !word(place, NULL, &ret->mode) ||
        ret->mode > 3 || !skip_words(place, 1) ||
        !next_is(place, NULL, SVIRT_CODE_STRUCT_END)) {
        return false;
    }
    (void)word(place, "path_flags", &unused);
    return true;
}

bool
read_profile(ReadPlace *place, ReadProfile *ret)
{
    ReadProfile profile = { 0 };

    if (!head(place, &profile) ||
        !capabilities(place, &profile.capabilities)) {
        return false;
    }
    if (next_is(place, "policydb", SVIRT_CODE_STRUCT) &&
        (!automaton(place, "start", &profile.policy) ||
         !next_is(place, NULL, SVIRT_CODE_STRUCT_END))) {
        return false;
    }
    if (!automaton(place, "dfa_start", &profile.files) ||
        !next_is(place, NULL, SVIRT_CODE_STRUCT_END)) {
        return false;
    }
    *ret = profile;
    return true;
}
