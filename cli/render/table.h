/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsmartcols/libsmartcols.h>

#include "info.h"
#include "options.h"

/* Objects of one kind as a table, as lines or as JSON. */

DEFINE_CLEANUP_FUNC(struct libscols_table *, scols_unref_table, table_unrefp);

/* The fields to show, in this order. */
typedef struct Columns {
        const InfoField **fields;
        size_t n_fields;
} Columns;

void columns_clear(Columns *columns);

/*
 * spec is what -o got: a comma-separated list of column names, any case, "+" in
 * front to add to the default ones; NULL for the default.
 *
 * Returns 0; -EINVAL with the offending name in *ret_bad (to be freed); -ENOMEM.
 */
int columns_parse(const InfoTable *table, const char *spec, Columns *ret, char **ret_bad);

/* All the names that columns_parse() takes, separated by blanks; for messages. To be freed. */
char *columns_describe(const InfoTable *table);

/*
 * The columns that the options ask for; says on stderr what is wrong with them.
 * A program that asks for JSON and for no column in particular gets them all.
 */
CtlExitStatus columns_from_options(const InfoTable *table, const Options *options, Columns *ret);

/*
 * Sets a cell of a table without encoding to the text, escaped. What is no
 * character in the locale's charset must not reach libsmartcols, which would
 * never come to an end with that. Returns 0 or a negative errno.
 */
int table_set_cell(struct libscols_line *line, size_t column, const char *format, ...) _printf_(3, 4);

/* A table, with the column names above it if headings. Returns 0 or a negative errno. */
int table_print(FILE *f, const Rows *rows, const Columns *columns, bool headings, bool colors);

/* "Label: value" lines, the colons below each other, or the values alone. Returns 0 or -ENOMEM. */
int record_print(FILE *f, const void *info, const Columns *columns, bool labels);

/* The same as an array of objects, or an object. NULL when out of memory. */
json_object *table_json(const Rows *rows, const Columns *columns);
json_object *record_json(const void *info, const Columns *columns);

/* Print on stdout what the options ask for. */
CtlExitStatus table_show(const Rows *rows, const Columns *columns, const Options *options);
CtlExitStatus record_show(const void *info, const Columns *columns, const Options *options);
