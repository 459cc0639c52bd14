/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

#include <string.h>

#include "base/xattr.h"

#define XATTR_NAME "system.posix_acl_access"
#define XATTR_VERSION 2u
/* A label lies in a row of the database; setfacl(1) makes none as long. */
#define MAX_ENTRIES 128u

/* include/uapi/linux/posix_acl.h, and the letters for the same. */
enum { TAG_USER_OBJ = 1, TAG_USER = 2, TAG_GROUP_OBJ = 4, TAG_GROUP = 8,
       TAG_MASK = 16, TAG_OTHER = 32 };
#define NO_ID UINT32_MAX

typedef struct Entry {
    uint16_t tag;
    uint16_t access; /* 4 read, 2 write, 1 execute */
    uint32_t id;     /* NO_ID but for USER and GROUP */
} Entry;

typedef struct List {
    Entry entry[MAX_ENTRIES];
    unsigned count;
} List;

/* In memory and on disk: all of it little-endian. */
typedef struct Packed {
    uint32_t version;
    Entry entry[MAX_ENTRIES];
} Packed;

static bool
probe(bool *ret_active, GError **error)
{
    *ret_active = false;
    return true;
}

static char
letter(uint16_t tag)
{
    return tag <= TAG_USER ? 'u' : tag <= TAG_GROUP ? 'g'
         : tag == TAG_MASK ? 'm' : 'o';
}

static char *
format(const List *list)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < list->count; i++) {
        const Entry *e = &list->entry[i];

        g_string_append_printf(text, "%s%c:", i > 0 ? "," : "",
                               letter(e->tag));
        if (e->id != NO_ID) {
            g_string_append_printf(text, "%u", e->id);
        }
        g_string_append_printf(text, ":%c%c%c", e->access & 4 ? 'r' : '-',
                               e->access & 2 ? 'w' : '-',
                               e->access & 1 ? 'x' : '-');
    }
    return g_string_free(text, FALSE);
}

static bool
parse_entry(const char *text, Entry *ret)
{
    g_auto(GStrv) part = g_strsplit(text, ":", 4);
    guint64 id = NO_ID;
    char back[4];

    if (g_strv_length(part) != 3 || strlen(part[0]) != 1 ||
        strchr("ugmo", *part[0]) == NULL || strlen(part[2]) != 3) {
        return false;
    }
    ret->tag = *part[0] == 'u' ? TAG_USER_OBJ
             : *part[0] == 'g' ? TAG_GROUP_OBJ
             : *part[0] == 'm' ? TAG_MASK : TAG_OTHER;
    if (*part[1] != '\0') {
        if (ret->tag >= TAG_MASK ||
            !g_ascii_string_to_unsigned(part[1], 10, 0, NO_ID - 1, &id,
                                        NULL)) {
            return false;
        }
        ret->tag = (uint16_t)(ret->tag << 1); /* the named ones are next */
    }
    ret->id = (uint32_t)id;
    ret->access = (uint16_t)((part[2][0] == 'r') << 2 |
                             (part[2][1] == 'w') << 1 | (part[2][2] == 'x'));
    (void)g_snprintf(back, sizeof(back), "%c%c%c", ret->access & 4 ? 'r' : '-',
                     ret->access & 2 ? 'w' : '-', ret->access & 1 ? 'x' : '-');
    return strcmp(back, part[2]) == 0;
}

static bool
parse(const char *label, List *ret, GError **error)
{
    g_auto(GStrv) words = g_strsplit(label != NULL ? label : "", ",", -1);
    List list = { .count = 0 };
    bool ok = true;

    for (char **word = words; ok && *word != NULL; word++) {
        ok = list.count < MAX_ENTRIES &&
             parse_entry(*word, &list.entry[list.count++]);
    }
    if (!ok || list.count < 3) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "write it as u::rw-,g::r--,o::r--",
                           "'%.128s' is no access control list",
                           label != NULL ? label : "");
    }
    *ret = list;
    return true;
}

static void
from_mode(mode_t mode, List *ret)
{
    static const uint16_t tags[] = { TAG_USER_OBJ, TAG_GROUP_OBJ, TAG_OTHER };

    ret->count = 3;
    for (unsigned i = 0; i < 3; i++) {
        ret->entry[i] = (Entry){ tags[i], mode >> (6 - 3 * i) & 7, NO_ID };
    }
}

static bool
unpack(const char *value, size_t size, List *ret)
{
    Packed packed;

    if (size < sizeof(uint32_t) || size > sizeof(packed) ||
        (size - sizeof(uint32_t)) % sizeof(Entry) != 0) {
        return false;
    }
    memcpy(&packed, value, size);
    ret->count = (unsigned)((size - sizeof(uint32_t)) / sizeof(Entry));
    for (unsigned i = 0; i < ret->count; i++) {
        ret->entry[i] = (Entry){ GUINT16_FROM_LE(packed.entry[i].tag),
                                 GUINT16_FROM_LE(packed.entry[i].access) & 7,
                                 GUINT32_FROM_LE(packed.entry[i].id) };
    }
    return GUINT32_FROM_LE(packed.version) == XATTR_VERSION;
}

static bool
read_label(const SvirtObject *object, char **ret_label, GError **error)
{
    g_autofree char *value = NULL;
    g_autoptr(SvirtObject) now = NULL;
    size_t size = 0;
    List list;

    if (!svirt_xattr_get(object, XATTR_NAME, &value, &size, error)) {
        return false;
    }
    if (value == NULL) {
        /* The mode may have changed since it was opened. */
        if (!svirt_object_from_fd(object->path_fd, object->shown_path,
                                  (1u << SVIRT_OBJECT_MAX) - 1,
                                  SVIRT_OBJECT_NO_IDENTITY, &now, error)) {
            return false;
        }
        from_mode(now->mode, &list);
    } else if (!unpack(value, size, &list)) {
        return svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                           "remove it: setfacl -b",
                           "the access control list of '%s' is too long",
                           object->shown_path);
    }
    *ret_label = format(&list);
    return true;
}

static bool
validate(const char *label, GError **error)
{
    List list;

    return parse(label, &list, error);
}

static bool
labels_equal(const char *a, const char *b)
{
    return g_strcmp0(a, b) == 0;
}

/* One that says no more than a mode becomes the mode: acl(5). */
static bool
write_label(const SvirtObject *object, const char *label, GError **error)
{
    Packed packed = { .version = GUINT32_TO_LE(XATTR_VERSION) };
    g_autofree char *now = NULL;
    List list;

    if (!parse(label, &list, error)) {
        return false;
    }
    for (unsigned i = 0; i < list.count; i++) {
        packed.entry[i] = (Entry){ GUINT16_TO_LE(list.entry[i].tag),
                                   GUINT16_TO_LE(list.entry[i].access),
                                   GUINT32_TO_LE(list.entry[i].id) };
    }
    if (!svirt_xattr_set(object, XATTR_NAME, &packed,
                         sizeof(uint32_t) + list.count * sizeof(Entry),
                         error) ||
        !read_label(object, &now, error)) {
        return false;
    }
    return labels_equal(now, label) ||
           svirt_raise(error, SVIRT_ERROR_UNVERIFIED, NULL, NULL,
                       "'%s' has access control list %s after it was given "
                       "%s", object->shown_path, now, label);
}

static Entry *
find(List *list, uint16_t tag, uint32_t id)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (list->entry[i].tag == tag && list->entry[i].id == id) {
            return &list->entry[i];
        }
    }
    return NULL;
}

/* The kernel wants them by tag, and those of one tag by id. */
static Entry *
insert(List *list, uint16_t tag, uint32_t id)
{
    unsigned at = 0;

    while (at < list->count &&
           (list->entry[at].tag < tag ||
            (list->entry[at].tag == tag && list->entry[at].id < id))) {
        at++;
    }
    memmove(&list->entry[at + 1], &list->entry[at],
            (list->count - at) * sizeof(Entry));
    list->count++;
    list->entry[at] = (Entry){ tag, 0, id };
    return &list->entry[at];
}

char *
svirt_model_acl_with_user(const char *label, uid_t uid, bool write,
                          GError **error)
{
    const uint16_t access = write ? 6 : 4;
    List list;
    Entry *mask;
    uint16_t ceiling = 7;

    if (!parse(label, &list, error)) {
        return NULL;
    }
    if (list.count + 2 > MAX_ENTRIES) {
        (void)svirt_raise(error, SVIRT_ERROR_UNSUPPORTED, NULL,
                          "remove it: setfacl -b",
                          "an access control list has no room left");
        return NULL;
    }
    if (find(&list, TAG_USER, uid) == NULL) {
        (void)insert(&list, TAG_USER, uid);
    }
    mask = find(&list, TAG_MASK, NO_ID);
    if (mask != NULL) {
        ceiling = mask->access;
    } else {
        mask = insert(&list, TAG_MASK, NO_ID);
    }
    mask->access = access;
    for (unsigned i = 0; i < list.count; i++) {
        Entry *e = &list.entry[i];

        /* Those under the mask keep what the former one left them. */
        if (e->tag == TAG_USER || e->tag == TAG_GROUP ||
            e->tag == TAG_GROUP_OBJ) {
            e->access &= ceiling;
            if (e->tag == TAG_USER && e->id == uid) {
                e->access = access;
            }
            mask->access |= e->access;
        }
    }
    return format(&list);
}

const SvirtModel svirt_model_acl = {
    .kind = SVIRT_MODEL_ACL,
    .labels_objects = true,
    .probe = probe,
    .read_label = read_label,
    .write_label = write_label,
    .labels_equal = labels_equal,
    .validate = validate,
};
