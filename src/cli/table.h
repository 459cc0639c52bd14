/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * A listing: printed as virsh prints tables (a head, a rule, aligned columns)
 * or as a JSON array of objects whose keys are the column names in lower case
 * with '_' for blanks. Text from outside is shown with control characters
 * replaced, so that a name can never move the cursor.
 */
typedef struct SvirtTable SvirtTable;

/* Column names, NULL-terminated; borrowed, must be static. One that begins
 * with '#' (not shown) holds decimal numbers: integers in JSON. */
SvirtTable *svirt_table_new(const char *const *columns);
void svirt_table_free(SvirtTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SvirtTable, svirt_table_free)

/* One text per column, copied; NULL is "-" (JSON null). */
void svirt_table_add(SvirtTable *table, ...) G_GNUC_NULL_TERMINATED;
/* The same from an array with as many entries as columns. */
void svirt_table_add_row(SvirtTable *table, const char *const *cells);
unsigned svirt_table_rows(const SvirtTable *table);
/* Owned by the caller; ends with a newline. */
char *svirt_table_to_text(const SvirtTable *table);
char *svirt_table_to_json(const SvirtTable *table);

/*
 * Of a table of names and values: "Name:   value" lines, as virsh dominfo, and
 * one JSON object (values of a name that comes twice are joined by "; "). A
 * third column, not printed, is the JSON key of a value that is a number
 * there, whatever unit follows it; NULL: none.
 */
char *svirt_table_to_list(const SvirtTable *table);
char *svirt_table_to_object(const SvirtTable *table);

/* A copy of `text` with control characters (and bad UTF-8) as '?'. */
char *svirt_text_printable(const char *text);
