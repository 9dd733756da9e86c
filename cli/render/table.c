/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "table.h"

#include <langinfo.h>
#include <stdarg.h>

#include "ascii.h"
#include "suggest.h"

void columns_clear(Columns *columns) {
        free(columns->fields);
        *columns = (Columns) {};
}

static const InfoField *column_find(const InfoTable *table, const char *name, size_t length) {
        for (size_t i = 0; i < table->n_fields; i++)
                if (strlen(table->fields[i].column) == length &&
                        ascii_strneq_case(table->fields[i].column, name, length))
                        return table->fields + i;
        return NULL;
}

static int columns_all(const InfoTable *table, Columns *ret) {
        const InfoField **fields;

        fields = calloc(table->n_fields, sizeof(*fields));
        if (!fields)
                return -ENOMEM;
        for (size_t i = 0; i < table->n_fields; i++)
                fields[i] = table->fields + i;

        *ret = (Columns) { fields, table->n_fields };
        return 0;
}

static bool has_field(const InfoField *const *fields, size_t n, const InfoField *field) {
        for (size_t i = 0; i < n; i++)
                if (fields[i] == field)
                        return true;
        return false;
}

int columns_parse(const InfoTable *table, const char *spec, Columns *ret, char **ret_bad) {
        _cleanup_free_ const InfoField **fields = NULL;
        _cleanup_free_ char *joined = NULL;
        bool all = false;
        size_t n = 0;

        if (!spec)
                spec = table->columns;
        else if (*spec == '+') {
                /* If the default is all columns, nothing can be added. */
                all = !table->columns;
                if (asprintf(&joined, "%s%s%s", strempty(table->columns), all ? "" : ",", spec + 1) < 0) {
                        joined = NULL;
                        return -ENOMEM;
                }
                spec = joined;
        }
        if (!spec)
                return columns_all(table, ret);

        /* Upper bound of the number of names: commas plus one. */
        fields = calloc(strlen(spec) + 1, sizeof(*fields));
        if (!fields)
                return -ENOMEM;

        for (const char *p = spec;;) {
                size_t length = strcspn(p, ",");

                const InfoField *field = column_find(table, p, length);

                if (!field) {
                        char *bad = strndup(p, length);

                        if (!bad)
                                return -ENOMEM;
                        *ret_bad = bad;
                        return -EINVAL;
                }
                /* An added column can already be in the default, which depends on the data. */
                if (!joined || !has_field(fields, n, field))
                        fields[n++] = field;

                if (!p[length])
                        break;
                p += length + 1;
        }

        if (all)
                return columns_all(table, ret);
        *ret = (Columns) { TAKE_PTR(fields), n };
        return 0;
}

char *columns_describe(const InfoTable *table) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;
        for (size_t i = 0; i < table->n_fields; i++)
                fprintf(f, "%s%s", i > 0 ? " " : "", table->fields[i].column);
        if (fclose(TAKE_PTR(f)) != 0)
                return NULL;

        return TAKE_PTR(text);
}

static CtlExitStatus fail_column(const InfoTable *table, const char *bad) {
        _cleanup_free_ char *escaped = text_escape(bad), *known = columns_describe(table);
        _cleanup_free_ const char **names = calloc(table->n_fields, sizeof(*names));
        const char *meant;

        if (!escaped || !known || !names)
                return fail_oom();

        for (size_t i = 0; i < table->n_fields; i++)
                names[i] = table->fields[i].column;
        meant = suggest(bad, names, table->n_fields);
        if (meant)
                return fail(CTL_EXIT_USAGE, "Unknown column '%s'. Did you mean %s?", escaped, meant);
        return fail(CTL_EXIT_USAGE, "Unknown column '%s'. Available columns: %s", escaped, known);
}

CtlExitStatus columns_from_options(const InfoTable *table, const Options *options, Columns *ret) {
        _cleanup_free_ char *bad = NULL;
        int r;

        if (options->json != JSON_OFF && !options->columns)
                r = columns_all(table, ret);
        else
                r = columns_parse(table, options->columns, ret, &bad);
        if (r == -EINVAL)
                return fail_column(table, bad);
        return r < 0 ? fail_oom() : CTL_EXIT_OK;
}

int table_set_cell(struct libscols_line *line, size_t column, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        char *cell;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }

        cell = streq(nl_langinfo(CODESET), "UTF-8") ? text_escape(text) : text_escape_ascii(text);
        if (!cell)
                return -ENOMEM;
        r = scols_line_refer_data(line, column, cell);
        if (r < 0)
                free(cell);
        return r;
}

static bool is_number(InfoType type) {
        switch (type) {
        case INFO_STRING:
        case INFO_BOOL:
        case INFO_WARNINGS:
        case INFO_TIME:
        case INFO_JSON:
                return false;
        default:
                return true;
        }
}

static const void *row_at(const Rows *rows, size_t i) {
        return (const uint8_t *) rows->rows + i * rows->table->size;
}

static int print_row(struct libscols_line *line, const void *row, const Columns *columns) {
        int r;

        for (size_t i = 0; i < columns->n_fields; i++) {
                _cleanup_free_ char *text = info_field_text(columns->fields[i], row);

                if (!text)
                        return -ENOMEM;
                r = table_set_cell(line, i, "%s", text);
                if (r < 0)
                        return r;
        }
        return 0;
}

int table_print(FILE *f, const Rows *rows, const Columns *columns, bool headings, bool colors) {
        _cleanup_(table_unrefp) struct libscols_table *table = scols_new_table();
        int r;

        if (!table)
                return -ENOMEM;
        scols_table_set_stream(table, f);
        scols_table_enable_noheadings(table, !headings);
        scols_table_enable_colors(table, colors);
        /* table_set_cell() has escaped the text, and keeps the "\\x2d" of unit names. */
        scols_table_enable_noencoding(table, true);

        for (size_t i = 0; i < columns->n_fields; i++)
                if (!scols_table_new_column(table, columns->fields[i]->column, 0,
                            is_number(columns->fields[i]->type) ? SCOLS_FL_RIGHT : 0))
                        return -ENOMEM;

        for (size_t i = 0; i < rows->n_rows; i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);
                const char *sequence = NULL;

                if (!line)
                        return -ENOMEM;
                if (rows->table->color)
                        sequence = rows->table->color(row_at(rows, i));
                if (sequence) {
                        r = scols_line_set_color(line, sequence);
                        if (r < 0)
                                return r;
                }
                r = print_row(line, row_at(rows, i), columns);
                if (r < 0)
                        return r;
        }

        return scols_print_table(table);
}

int record_print(FILE *f, const void *info, const Columns *columns, bool labels) {
        size_t width = 0;

        for (size_t i = 0; i < columns->n_fields; i++)
                if (strlen(columns->fields[i]->label) > width)
                        width = strlen(columns->fields[i]->label);

        for (size_t i = 0; i < columns->n_fields; i++) {
                _cleanup_free_ char *text = info_field_text(columns->fields[i], info);

                if (!text)
                        return -ENOMEM;
                if (labels)
                        fprintf(f, "%*s: ", (int) width, columns->fields[i]->label);
                fprintf(f, "%s\n", text);
        }

        return 0;
}

json_object *record_json(const void *info, const Columns *columns) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object)
                return NULL;
        for (size_t i = 0; i < columns->n_fields; i++)
                if (info_add_json(object, columns->fields[i], info) < 0)
                        return NULL;

        return TAKE_PTR(object);
}

json_object *table_json(const Rows *rows, const Columns *columns) {
        _cleanup_json_ json_object *array = json_object_new_array();

        if (!array)
                return NULL;
        for (size_t i = 0; i < rows->n_rows; i++)
                if (json_append(array, record_json(row_at(rows, i), columns)) < 0)
                        return NULL;

        return TAKE_PTR(array);
}

static CtlExitStatus show_json(json_object *object, const Options *options) {
        if (!object)
                return fail_oom();
        json_print(stdout, options->json, object);
        json_object_put(object);
        return CTL_EXIT_OK;
}

CtlExitStatus table_show(const Rows *rows, const Columns *columns, const Options *options) {
        int r;

        if (options->json != JSON_OFF)
                return show_json(table_json(rows, columns), options);

        r = table_print(stdout, rows, columns, !options->no_legend, options->colors);
        return r < 0 ? fail(CTL_EXIT_FAILURE, "Cannot print the table: %s.", strerror(-r)) : CTL_EXIT_OK;
}

CtlExitStatus record_show(const void *info, const Columns *columns, const Options *options) {
        if (options->json != JSON_OFF)
                return show_json(record_json(info, columns), options);

        return record_print(stdout, info, columns, !options->no_legend) < 0 ? fail_oom() : CTL_EXIT_OK;
}
