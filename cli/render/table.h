/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsmartcols/libsmartcols.h>

#include "info.h"
#include "options.h"

/* Prints objects of one kind as a table, as lines or as JSON. */

DEFINE_CLEANUP_FUNC(struct libscols_table *, scols_unref_table, table_unrefp);

/* The fields to show, in this order. */
typedef struct Columns {
        const InfoField **fields;
        size_t n_fields;
} Columns;

void columns_clear(Columns *columns);

/*
 * Parses spec, the argument of -o: a comma-separated list of column names,
 * ignoring case; with a leading "+", in addition to the default columns. NULL
 * means the default.
 *
 * Returns 0; -EINVAL with the unknown name in *ret_bad, which the caller frees; or
 * -ENOMEM.
 */
int columns_parse(const InfoTable *table, const char *spec, Columns *ret, char **ret_bad);

/* All names that columns_parse() accepts, separated by blanks, for messages. The caller frees the result. */
char *columns_describe(const InfoTable *table);

/*
 * Gets the columns that the options select. Prints a message on stderr if they
 * are invalid. With JSON, the default is all columns.
 */
CtlExitStatus columns_from_options(const InfoTable *table, const Options *options, Columns *ret);

/*
 * Sets a cell of a table without encoding to the escaped text. libsmartcols loops
 * for ever on bytes that are invalid in the locale's charset, so they are escaped.
 * Returns 0 or a negative errno.
 */
int table_set_cell(struct libscols_line *line, size_t column, const char *format, ...) _printf_(3, 4);

/* Prints a table, with column names if headings is true. Returns 0 or a negative errno. */
int table_print(FILE *f, const Rows *rows, const Columns *columns, bool headings, bool colors);

/* Prints "Label: value" lines with aligned colons, or only the values. Returns 0 or -ENOMEM. */
int record_print(FILE *f, const void *info, const Columns *columns, bool labels);

/* The same as a JSON array of objects, or as an object. NULL when out of memory. */
json_object *table_json(const Rows *rows, const Columns *columns);
json_object *record_json(const void *info, const Columns *columns);

/* Print on stdout in the format that the options select. */
CtlExitStatus table_show(const Rows *rows, const Columns *columns, const Options *options);
CtlExitStatus record_show(const void *info, const Columns *columns, const Options *options);
