/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/apparmor-profile.h"

#include <ctype.h>
#include <string.h>

#include "model/apparmor-automaton.h"
#include "model/apparmor-stream.h"

/* Of a file's accept word: the owner's set is the low one. */
#define OTHERS_SHIFT 14
/* Whether and how a program is executed, in one set. */
#define EXECUTION 0x3f81u
/* On the target of a link: its access must include the link's. There the bit
 * of a lock means this. */
#define LINK_SUBSET SVIRT_PROFILE_LOCK

/* What has no path from the process's root gets one all the same; what was
 * deleted keeps the one it had. */
#define PATH_ATTACH_DISCONNECTED 0x4u
#define PATH_MEDIATE_DELETED 0x20000u

struct SvirtProfile {
    char *name;
    SvirtPatternSet *files;
    SvirtPatternSet *policy;
};

/* A class that is mentioned is mediated: default deny. Kernels that do not
 * know one never ask. apparmor.d(5); security/apparmor/include/apparmor.h */
static const uint8_t mediated[] = {
    SVIRT_CLASS_FILE, SVIRT_CLASS_CAPABILITY, SVIRT_CLASS_MOUNT,
    SVIRT_CLASS_PTRACE, SVIRT_CLASS_SIGNAL, SVIRT_CLASS_NETWORK,
    SVIRT_CLASS_LABEL, SVIRT_CLASS_MESSAGE_QUEUE, SVIRT_CLASS_IO_URING,
    SVIRT_CLASS_MODULE, SVIRT_CLASS_NAMESPACE,
};

static bool
name_is_valid(const char *name)
{
    size_t length = strnlen(name, SVIRT_PROFILE_MAX_NAME + 1);

    if (length == 0 || length > SVIRT_PROFILE_MAX_NAME || name[0] == ':') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isgraph((unsigned char)name[i])) {
            return false;
        }
    }
    return true;
}

SvirtProfile *
svirt_profile_new(const char *name, GError **error)
{
    SvirtProfile *profile;

    if (!name_is_valid(name)) {
        (void)svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                          "use letters, digits and punctuation without blanks",
                          "'%.64s' is no name of an AppArmor profile", name);
        return NULL;
    }
    profile = g_new0(SvirtProfile, 1);
    profile->name = g_strdup(name);
    profile->files = svirt_pattern_set_new();
    profile->policy = svirt_pattern_set_new();
    for (size_t i = 0; i < sizeof(mediated); i++) {
        svirt_pattern_begin(profile->policy);
        svirt_pattern_bytes(profile->policy, &mediated[i], 1);
        (void)svirt_pattern_end(profile->policy, 0, NULL);
    }
    /* Newer kernels let nobody ask about what no rule mentions. */
    (void)svirt_profile_allow_path(profile, SVIRT_PROFILE_DISCONNECTED "/**",
                                   0, false, NULL);
    return profile;
}

void
svirt_profile_free(SvirtProfile *profile)
{
    if (profile == NULL) {
        return;
    }
    g_free(profile->name);
    svirt_pattern_set_free(profile->files);
    svirt_pattern_set_free(profile->policy);
    g_free(profile);
}

bool
svirt_profile_access_parse(const char *text, unsigned *ret_access,
                           GError **error)
{
    static const struct {
        const char *word;
        unsigned access;
    } words[] = {
        { "ix", SVIRT_PROFILE_EXEC_INHERIT },
        { "px", SVIRT_PROFILE_EXEC_PROFILE },
        { "Px", SVIRT_PROFILE_EXEC_PROFILE_CLEAN },
        { "cx", SVIRT_PROFILE_EXEC_CHILD },
        { "Cx", SVIRT_PROFILE_EXEC_CHILD_CLEAN },
        { "ux", SVIRT_PROFILE_EXEC_UNCONFINED },
        { "Ux", SVIRT_PROFILE_EXEC_UNCONFINED_CLEAN },
        { "r", SVIRT_PROFILE_READ },
        { "w", SVIRT_PROFILE_WRITE | SVIRT_PROFILE_APPEND },
        { "a", SVIRT_PROFILE_APPEND },
        { "m", SVIRT_PROFILE_MAP },
        { "k", SVIRT_PROFILE_LOCK },
        { "l", SVIRT_PROFILE_LINK },
    };
    const char *at = text;
    unsigned access = 0;

    while (*at != '\0') {
        size_t i = 0;

        while (i < G_N_ELEMENTS(words) &&
               strncmp(at, words[i].word, strlen(words[i].word)) != 0) {
            i++;
        }
        if (i == G_N_ELEMENTS(words) ||
            ((words[i].access & 1) != 0 && (access & 1) != 0)) {
            break;
        }
        access |= words[i].access;
        at += strlen(words[i].word);
    }
    if (*at != '\0' || access == 0) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "use letters of 'rwamkl' and one of ix px Px cx "
                           "Cx ux Ux",
                           "'%.64s' is no access to a file", text);
    }
    *ret_access = access;
    return true;
}

static bool
path_is_plain(const char *path, GError **error)
{
    if (path[0] != '/' || strstr(path, "//") != NULL) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give a path from the root, without '//'",
                           "'%.128s' is no path for a rule", path);
    }
    return true;
}

/* The pattern of the path has been begun and not ended. */
static bool
end_path(SvirtProfile *profile, unsigned access, bool owned, GError **error)
{
    uint32_t accept = access;

    if (!owned) {
        accept |= access << OTHERS_SHIFT;
    }
    return svirt_pattern_end(profile->files, accept, error);
}

/* The second half of a link: any target whose access includes it. */
static bool
end_link(SvirtProfile *profile, bool owned, GError **error)
{
    static const char middle[] = { '\0', '/' };

    svirt_pattern_bytes(profile->files, middle, sizeof(middle));
    return svirt_pattern_glob(profile->files, "[^/]**", error) &&
           end_path(profile, SVIRT_PROFILE_LINK | LINK_SUBSET, owned, error);
}

bool
svirt_profile_allow_path(SvirtProfile *profile, const char *glob,
                         unsigned access, bool owned, GError **error)
{
    if (!path_is_plain(glob, error)) {
        return false;
    }
    svirt_pattern_begin(profile->files);
    if (!svirt_pattern_glob(profile->files, glob, error) ||
        !end_path(profile, access, owned, error)) {
        return false;
    }
    if ((access & SVIRT_PROFILE_LINK) == 0) {
        return true;
    }
    svirt_pattern_begin(profile->files);
    return svirt_pattern_glob(profile->files, glob, error) &&
           end_link(profile, owned, error);
}

bool
svirt_profile_allow_literal(SvirtProfile *profile, const char *path,
                            bool tree, unsigned access, GError **error)
{
    size_t length = strlen(path);

    if (!path_is_plain(path, error)) {
        return false;
    }
    svirt_pattern_begin(profile->files);
    svirt_pattern_bytes(profile->files, path, length);
    if (!tree) {
        return end_path(profile, access, false, error);
    }
    /* A directory's own name ends in a slash. */
    if (path[length - 1] != '/') {
        svirt_pattern_bytes(profile->files, "/", 1);
    }
    return svirt_pattern_glob(profile->files, "{,[^/]**}", error) &&
           end_path(profile, access, false, error);
}

bool
svirt_profile_allow_socket(SvirtProfile *profile, int family, int type,
                           unsigned operations, GError **error)
{
    const uint8_t key[] = {
        SVIRT_CLASS_NETWORK, (uint8_t)(family >> 8), (uint8_t)family,
    };
    const uint8_t type_key[] = { (uint8_t)(type >> 8), (uint8_t)type };

    svirt_pattern_begin(profile->policy);
    svirt_pattern_bytes(profile->policy, key, sizeof(key));
    if (type != 0) {
        svirt_pattern_bytes(profile->policy, type_key, sizeof(type_key));
    } else {
        svirt_pattern_any(profile->policy);
        svirt_pattern_any(profile->policy);
    }
    return svirt_pattern_end(profile->policy, operations, error);
}

bool
svirt_profile_allow_signal(SvirtProfile *profile, const char *peer,
                           unsigned directions, GError **error)
{
    const uint8_t class = SVIRT_CLASS_SIGNAL;

    svirt_pattern_begin(profile->policy);
    svirt_pattern_bytes(profile->policy, &class, 1);
    svirt_pattern_any(profile->policy);
    svirt_pattern_bytes(profile->policy, peer, strlen(peer));
    return svirt_pattern_end(profile->policy, directions, error);
}

bool
svirt_profile_allow_key(SvirtProfile *profile, const void *key, size_t size,
                        uint32_t accept, GError **error)
{
    svirt_pattern_begin(profile->policy);
    svirt_pattern_bytes(profile->policy, key, size);
    return svirt_pattern_end(profile->policy, accept, error);
}

/* Ways of execution are a value, not bits: two are one or a contradiction. */
static bool
join_files(uint32_t *accept, uint32_t other)
{
    const uint32_t execute = EXECUTION | EXECUTION << OTHERS_SHIFT;

    if ((*accept & execute) != 0 && (other & execute) != 0 &&
        (*accept & execute) != (other & execute)) {
        return false;
    }
    *accept |= other;
    return true;
}

static bool
join_policy(uint32_t *accept, uint32_t other)
{
    *accept |= other;
    return true;
}

static bool
append_automaton(const SvirtPatternSet *set, SvirtAcceptJoin join,
                 GByteArray *out, GError **error)
{
    g_auto(SvirtAutomaton) automaton = { 0 };
    guint at;

    if (!svirt_automaton_make(set, join, &automaton, error)) {
        return false;
    }
    svirt_automaton_reduce(&automaton);
    at = svirt_stream_begin_blob(out, "aadfa");
    svirt_automaton_pack(&automaton, out);
    svirt_stream_end_blob(out, at);
    return true;
}

/* Of 32 capabilities: none to allow, audit, or deny without a word. */
static void
append_no_words(GByteArray *out)
{
    for (unsigned i = 0; i < 4; i++) {
        svirt_stream_u32(out, NULL, 0);
    }
}

bool
svirt_profile_append(const SvirtProfile *profile, GByteArray *out,
                     GError **error)
{
    const guint before = out->len;

    svirt_stream_u32(out, "version", SVIRT_PROFILE_VERSION);
    svirt_stream_code(out, "profile", SVIRT_CODE_STRUCT);
    svirt_stream_string(out, NULL, profile->name);
    svirt_stream_string(out, "disconnected", SVIRT_PROFILE_DISCONNECTED);
    svirt_stream_code(out, "flags", SVIRT_CODE_STRUCT);
    for (unsigned i = 0; i < 3; i++) { /* no hat, enforce, no audit of all */
        svirt_stream_u32(out, NULL, 0);
    }
    svirt_stream_code(out, NULL, SVIRT_CODE_STRUCT_END);
    svirt_stream_u32(out, "path_flags",
                     PATH_ATTACH_DISCONNECTED | PATH_MEDIATE_DELETED);
    append_no_words(out);
    svirt_stream_code(out, "caps64", SVIRT_CODE_STRUCT);
    append_no_words(out);
    svirt_stream_code(out, NULL, SVIRT_CODE_STRUCT_END);
    svirt_stream_code(out, "policydb", SVIRT_CODE_STRUCT);
    if (!append_automaton(profile->policy, join_policy, out, error)) {
        g_byte_array_set_size(out, before);
        return false;
    }
    svirt_stream_code(out, NULL, SVIRT_CODE_STRUCT_END);
    if (!append_automaton(profile->files, join_files, out, error)) {
        g_byte_array_set_size(out, before);
        return false;
    }
    svirt_stream_code(out, NULL, SVIRT_CODE_STRUCT_END);
    return true;
}
