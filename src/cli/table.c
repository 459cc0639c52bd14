/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/table.h"

#include <jansson.h>
#include <string.h>

struct SvirtTable {
    const char *const *columns; /* borrowed */
    unsigned column_count;
    GPtrArray *rows; /* owned char **, each column_count texts or NULL */
};

SvirtTable *
svirt_table_new(const char *const *columns)
{
    SvirtTable *table = g_new0(SvirtTable, 1);

    table->columns = columns;
    table->column_count = g_strv_length((char **)columns);
    table->rows = g_ptr_array_new();
    return table;
}

void
svirt_table_free(SvirtTable *table)
{
    if (table == NULL) {
        return;
    }
    for (unsigned i = 0; i < table->rows->len; i++) {
        char **row = table->rows->pdata[i];

        for (unsigned c = 0; c < table->column_count; c++) {
            g_free(row[c]);
        }
        g_free(row);
    }
    g_ptr_array_unref(table->rows);
    g_free(table);
}

unsigned
svirt_table_rows(const SvirtTable *table)
{
    return table->rows->len;
}

/* Nearly every text is; a listing of a thousand rows notices. */
static bool
is_plain(const char *text)
{
    while (*text >= ' ' && *text <= '~') {
        text++;
    }
    return *text == '\0';
}

char *
svirt_text_printable(const char *text)
{
    char *safe;
    GString *out;

    if (is_plain(text)) {
        return g_strdup(text);
    }
    safe = g_utf8_make_valid(text, -1);
    out = g_string_sized_new(strlen(safe));

    for (const char *p = safe; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (g_unichar_isprint(c)) {
            g_string_append_unichar(out, c);
        } else {
            g_string_append_c(out, '?');
        }
    }
    g_free(safe);
    return g_string_free(out, FALSE);
}

void
svirt_table_add_row(SvirtTable *table, const char *const *cells)
{
    char **row = g_new0(char *, table->column_count);

    for (unsigned i = 0; i < table->column_count; i++) {
        row[i] = cells[i] != NULL ? svirt_text_printable(cells[i]) : NULL;
    }
    g_ptr_array_add(table->rows, row);
}

void
svirt_table_add(SvirtTable *table, ...)
{
    const char **cells = g_newa(const char *, table->column_count);
    va_list args;

    va_start(args, table);
    for (unsigned i = 0; i < table->column_count; i++) {
        cells[i] = va_arg(args, const char *);
    }
    va_end(args);
    svirt_table_add_row(table, cells);
}

static bool
is_number(const SvirtTable *table, unsigned column)
{
    return table->columns[column][0] == '#';
}

static const char *
head_of(const SvirtTable *table, unsigned column)
{
    return table->columns[column] + is_number(table, column);
}

static json_t *
to_integer(const char *text)
{
    return json_integer((json_int_t)g_ascii_strtoull(text, NULL, 10));
}

static long
width_of(const SvirtTable *table, unsigned column)
{
    long width = g_utf8_strlen(head_of(table, column), -1);

    for (unsigned i = 0; i < table->rows->len; i++) {
        const char *cell = ((char **)table->rows->pdata[i])[column];

        width = MAX(width, cell != NULL ? g_utf8_strlen(cell, -1) : 1);
    }
    return width;
}

static void
append_cell(GString *out, const char *cell, long width, bool last)
{
    long padding = width - g_utf8_strlen(cell, -1);

    g_string_append(out, " ");
    g_string_append(out, cell);
    for (long i = 0; i < padding + 2 && !last; i++) {
        g_string_append_c(out, ' ');
    }
}

char *
svirt_table_to_text(const SvirtTable *table)
{
    GString *out = g_string_new(NULL);
    long *widths = g_newa(long, table->column_count);
    long total = 0;

    for (unsigned c = 0; c < table->column_count; c++) {
        bool last = c + 1 == table->column_count;

        widths[c] = width_of(table, c);
        total += widths[c] + (last ? 2 : 3);
        append_cell(out, head_of(table, c), widths[c], last);
    }
    g_string_append_c(out, '\n');
    for (long i = 0; i < total; i++) {
        g_string_append_c(out, '-');
    }
    g_string_append_c(out, '\n');
    for (unsigned i = 0; i < table->rows->len; i++) {
        char **row = table->rows->pdata[i];

        for (unsigned c = 0; c < table->column_count; c++) {
            append_cell(out, row[c] != NULL ? row[c] : "-", widths[c],
                        c + 1 == table->column_count);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static char *
key_of(const char *column)
{
    char *key = g_ascii_strdown(column, -1);

    g_strdelimit(key, " -()", '_');
    return key;
}

char *
svirt_table_to_json(const SvirtTable *table)
{
    json_t *rows = json_array();
    char *text;
    char *result;

    for (unsigned i = 0; i < table->rows->len; i++) {
        char **row = table->rows->pdata[i];
        json_t *object = json_object();

        for (unsigned c = 0; c < table->column_count; c++) {
            g_autofree char *key = key_of(head_of(table, c));

            json_object_set_new(object, key,
                                row[c] == NULL         ? json_null()
                                : is_number(table, c) ? to_integer(row[c])
                                                      : json_string(row[c]));
        }
        json_array_append_new(rows, object);
    }
    text = json_dumps(rows, JSON_INDENT(2));
    result = g_strconcat(text, "\n", NULL);
    free(text);
    json_decref(rows);
    return result;
}

char *
svirt_table_to_list(const SvirtTable *table)
{
    GString *out = g_string_new(NULL);
    int width = (int)width_of(table, 0) + 4;

    for (unsigned i = 0; i < table->rows->len; i++) {
        char **row = table->rows->pdata[i];
        g_autofree char *name = g_strdup_printf("%s:", row[0]);

        g_string_append_printf(out, "%-*s%s\n", width, name,
                               row[1] != NULL ? row[1] : "-");
    }
    return g_string_free(out, FALSE);
}

char *
svirt_table_to_object(const SvirtTable *table)
{
    json_t *object = json_object();
    char *text;
    char *result;

    for (unsigned i = 0; i < table->rows->len; i++) {
        char **row = table->rows->pdata[i];
        g_autofree char *key = key_of(row[0]);
        const char *former =
            json_string_value(json_object_get(object, key));
        g_autofree char *joined =
            former != NULL ? g_strdup_printf("%s; %s", former, row[1])
                           : g_strdup(row[1]);

        if (table->column_count > 2 && row[2] != NULL) {
            json_object_set_new(object, row[2], to_integer(row[1]));
            continue;
        }
        json_object_set_new(object, key,
                            joined != NULL ? json_string(joined)
                                           : json_null());
    }
    text = json_dumps(object, JSON_INDENT(2));
    result = g_strconcat(text, "\n", NULL);
    free(text);
    json_decref(object);
    return result;
}
