/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/definitions.h"

#include <string.h>

#include "state/claims.h"
#include "state/statement.h"

SvirtDefinition *
svirt_definition_new(const SvirtUuid *uuid, const char *name, uid_t author,
                     const char *xml, int64_t created_s)
{
    SvirtDefinition *definition = g_new0(SvirtDefinition, 1);

    definition->uuid = *uuid;
    definition->name = g_strdup(name);
    definition->author = author;
    definition->xml = g_strdup(xml);
    definition->created_s = created_s;
    definition->changed_s = created_s;
    return definition;
}

void
svirt_definition_free(SvirtDefinition *definition)
{
    if (definition == NULL) {
        return;
    }
    g_free(definition->name);
    g_free(definition->xml);
    g_free(definition->tainted);
    g_free(definition);
}

static bool
check_texts(const SvirtDefinition *definition, GError **error)
{
    if (*definition->name == '\0' ||
        strnlen(definition->name, SVIRT_DEFINITION_NAME_BYTES) ==
            SVIRT_DEFINITION_NAME_BYTES) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL,
                           "give a name of 1 to 255 bytes",
                           "domain name '%.32s' is empty or too long",
                           definition->name);
    }
    if (strnlen(definition->xml, SVIRT_DEFINITION_XML_BYTES) ==
        SVIRT_DEFINITION_XML_BYTES) {
        return svirt_raise(error, SVIRT_ERROR_INVALID, NULL, NULL,
                           "the XML of domain '%s' is over %u bytes",
                           definition->name, SVIRT_DEFINITION_XML_BYTES);
    }
    return true;
}

/* Columns of every query: the order is read_row's. */
#define COLUMNS "d.uuid, d.name, d.author, d.incarnation, d.created_s, "     \
                "d.changed_s, d.tainted"
#define WITH_XML COLUMNS ", x.xml FROM definitions d "                       \
                 "JOIN definition_xml x USING (incarnation) "

static void *
read_row(SvirtState *state, sqlite3_stmt *row, GError **error)
{
    SvirtDefinition *definition = g_new0(SvirtDefinition, 1);

    definition->uuid = svirt_statement_uuid(row, 0);
    definition->name = svirt_statement_text(row, 1);
    definition->author = (uid_t)sqlite3_column_int64(row, 2);
    definition->incarnation = (uint64_t)sqlite3_column_int64(row, 3);
    definition->created_s = sqlite3_column_int64(row, 4);
    definition->changed_s = sqlite3_column_int64(row, 5);
    definition->tainted = svirt_statement_text(row, 6);
    if (sqlite3_column_count(row) > 7) {
        definition->xml = svirt_statement_text(row, 7);
    }
    return definition;
}

/* NULL in *ret when there is no such row. */
static bool
find_one(SvirtState *state, const char *sql, const SvirtBind *binds,
         SvirtDefinition **ret, GError **error)
{
    g_autoptr(SvirtStatement) statement = NULL;
    sqlite3_stmt *row = NULL;

    if (!svirt_statement_prepare(state, sql, binds, &statement, error) ||
        !svirt_statement_step(statement, &row, error)) {
        return false;
    }
    *ret = row != NULL ? read_row(state, row, error) : NULL;
    return true;
}

static bool
find_uuid(SvirtState *state, const SvirtUuid *uuid, SvirtDefinition **ret,
          GError **error)
{
    return find_one(state, "SELECT " WITH_XML "WHERE d.uuid = ?",
                    BINDS(BIND_UUID(uuid)), ret, error);
}

static bool
find_name(SvirtState *state, const char *name, SvirtDefinition **ret,
          GError **error)
{
    return find_one(state, "SELECT " WITH_XML "WHERE d.name = ?",
                    BINDS(BIND_TEXT(name)), ret, error);
}

#define UUID_HINT                                                            \
    "give the file another <uuid>, or that domain's <name> to redefine it"

static bool
raise_taken(const char *what, const char *value, const char *hint,
            const SvirtDefinition *other, GError **error)
{
    char uuid[SVIRT_UUID_TEXT];

    svirt_uuid_format(&other->uuid, uuid);
    return svirt_raise(error, SVIRT_ERROR_EXISTS, NULL, hint,
                       "%s '%s' is taken by domain '%s' (UUID %s)", what,
                       value, other->name, uuid);
}

/* Neither the name nor the UUID may belong to another definition. */
static bool
check_free(SvirtState *state, const SvirtDefinition *definition,
           GError **error)
{
    g_autoptr(SvirtDefinition) by_uuid = NULL;
    g_autoptr(SvirtDefinition) by_name = NULL;
    char uuid[SVIRT_UUID_TEXT];

    if (!find_uuid(state, &definition->uuid, &by_uuid, error) ||
        !find_name(state, definition->name, &by_name, error)) {
        return false;
    }
    if (by_uuid != NULL) {
        svirt_uuid_format(&definition->uuid, uuid);
        return raise_taken("UUID", uuid, UUID_HINT, by_uuid, error);
    }
    if (by_name != NULL) {
        return raise_taken("name", definition->name,
                           "choose another, or give the file that domain's "
                           "<uuid> to redefine it", by_name, error);
    }
    return true;
}

bool
svirt_definitions_add(SvirtState *state, SvirtDefinition *definition,
                      GError **error)
{
    int64_t incarnation;

    if (!check_texts(definition, error) ||
        !check_free(state, definition, error) ||
        !svirt_claims_check_author(state, &definition->uuid,
                                   definition->author, error)) {
        return false;
    }
    if (!svirt_statement_run(
            state,
            "INSERT INTO definitions(uuid, name, author, created_s,"
            " changed_s, tainted) VALUES(?, ?, ?, ?, ?, ?)",
            BINDS(BIND_UUID(&definition->uuid), BIND_TEXT(definition->name),
                  BIND_INT(definition->author),
                  BIND_INT(definition->created_s),
                  BIND_INT(definition->changed_s),
                  BIND_TEXT(definition->tainted)),
            error)) {
        return false;
    }
    incarnation = svirt_statement_last_id(state);
    if (!svirt_statement_run(
            state, "INSERT INTO definition_xml VALUES(?, ?)",
            BINDS(BIND_INT(incarnation), BIND_TEXT(definition->xml)),
            error)) {
        return false;
    }
    definition->incarnation = (uint64_t)incarnation;
    return true;
}

static bool
raise_not_found(const SvirtUuid *uuid, GError **error)
{
    char text[SVIRT_UUID_TEXT];

    svirt_uuid_format(uuid, text);
    return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                       "svirt list --all shows what is defined",
                       "no domain with UUID %s", text);
}

bool
svirt_definitions_replace(SvirtState *state,
                          const SvirtDefinition *definition, GError **error)
{
    g_autoptr(SvirtDefinition) old = NULL;
    char uuid[SVIRT_UUID_TEXT];

    if (!check_texts(definition, error) ||
        !svirt_definitions_by_uuid(state, &definition->uuid, &old, error)) {
        return false;
    }
    if (strcmp(old->name, definition->name) != 0) {
        svirt_uuid_format(&definition->uuid, uuid);
        return raise_taken("UUID", uuid, UUID_HINT, old, error);
    }
    if (old->author != definition->author) {
        return svirt_raise(error, SVIRT_ERROR_REFUSED, NULL,
                           "undefine and release it as its author first",
                           "domain '%s' belongs to uid %u, not %u", old->name,
                           old->author, definition->author);
    }
    return svirt_statement_run(
               state,
               "UPDATE definitions SET changed_s = ? WHERE incarnation = ?",
               BINDS(BIND_INT(definition->changed_s),
                     BIND_INT(old->incarnation)),
               error) &&
           svirt_statement_run(
               state,
               "UPDATE definition_xml SET xml = ? WHERE incarnation = ?",
               BINDS(BIND_TEXT(definition->xml), BIND_INT(old->incarnation)),
               error);
}

bool
svirt_definitions_rename(SvirtState *state, const SvirtUuid *uuid,
                         const char *name, const char *xml, GError **error)
{
    g_autoptr(SvirtDefinition) old = NULL;
    g_autoptr(SvirtDefinition) other = NULL;

    if (!svirt_definitions_by_uuid(state, uuid, &old, error) ||
        !find_name(state, name, &other, error)) {
        return false;
    }
    if (other != NULL) {
        return raise_taken("name", name, "choose another", other, error);
    }
    return svirt_statement_run(
               state, "UPDATE definitions SET name = ? WHERE incarnation = ?",
               BINDS(BIND_TEXT(name), BIND_INT(old->incarnation)), error) &&
           svirt_statement_run(
               state,
               "UPDATE definition_xml SET xml = ? WHERE incarnation = ?",
               BINDS(BIND_TEXT(xml), BIND_INT(old->incarnation)), error);
}

bool
svirt_definitions_remove(SvirtState *state, const SvirtUuid *uuid,
                         GError **error)
{
    /* XML, chains and waivers go with the definition (schema.c). */
    if (!svirt_statement_run(state, "DELETE FROM definitions WHERE uuid = ?",
                             BINDS(BIND_UUID(uuid)), error)) {
        return false;
    }
    if (svirt_statement_changes(state) == 0) {
        return raise_not_found(uuid, error);
    }
    /* Records that hold no label are nothing to give back. */
    return svirt_claims_remove_all(state, uuid, error) &&
           svirt_statement_run(
               state,
               "DELETE FROM object_claims WHERE uuid = ? AND remembered IN"
               " (SELECT id FROM remembered WHERE model = 'none')",
               BINDS(BIND_UUID(uuid)), error) &&
           svirt_statement_run(
               state,
               "DELETE FROM remembered WHERE model = 'none' AND id NOT IN"
               " (SELECT remembered FROM object_claims)",
               NULL, error);
}

bool
svirt_definitions_set_tainted(SvirtState *state, const SvirtUuid *uuid,
                              const char *reason, GError **error)
{
    if (!svirt_statement_run(
            state, "UPDATE definitions SET tainted = ? WHERE uuid = ?",
            BINDS(BIND_TEXT(reason), BIND_UUID(uuid)), error)) {
        return false;
    }
    return svirt_statement_changes(state) > 0 ||
           raise_not_found(uuid, error);
}

bool
svirt_definitions_by_uuid(SvirtState *state, const SvirtUuid *uuid,
                          SvirtDefinition **ret, GError **error)
{
    SvirtDefinition *found = NULL;

    if (!find_uuid(state, uuid, &found, error)) {
        return false;
    }
    if (found == NULL) {
        return raise_not_found(uuid, error);
    }
    *ret = found;
    return true;
}

bool
svirt_definitions_by_name(SvirtState *state, const char *name,
                          SvirtDefinition **ret, GError **error)
{
    SvirtDefinition *found = NULL;

    if (!find_name(state, name, &found, error)) {
        return false;
    }
    if (found == NULL) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "svirt list --all shows what is defined",
                           "no domain '%.255s'", name);
    }
    *ret = found;
    return true;
}

bool
svirt_definitions_find(SvirtState *state, const char *name_or_uuid,
                       SvirtDefinition **ret, GError **error)
{
    SvirtDefinition *found = NULL;
    SvirtUuid uuid;

    if (!find_name(state, name_or_uuid, &found, error)) {
        return false;
    }
    if (found == NULL && svirt_uuid_parse(name_or_uuid, &uuid)) {
        return svirt_definitions_by_uuid(state, &uuid, ret, error);
    }
    if (found == NULL) {
        return svirt_raise(error, SVIRT_ERROR_NOT_FOUND, NULL,
                           "svirt list --all shows what is defined",
                           "no domain '%.255s'", name_or_uuid);
    }
    *ret = found;
    return true;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    const SvirtDefinition *const *x = a;
    const SvirtDefinition *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

bool
svirt_definitions_list(SvirtState *state, GPtrArray **ret, GError **error)
{
    if (!svirt_statement_list(state, "SELECT " COLUMNS " FROM definitions d",
                              NULL, read_row,
                              (GDestroyNotify)svirt_definition_free, ret,
                              error)) {
        return false;
    }
    /* Faster than by the index, which leads to rows in any order. */
    g_ptr_array_sort(*ret, compare_names);
    return true;
}
