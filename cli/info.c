/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "info.h"

#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <strings.h>

#define VM_FIELD(property, key, column, label, type, member)                                                 \
        { property, key, column, label, type, offsetof(VmInfo, member) }

const InfoField vm_fields[] = {
        VM_FIELD("Name", "name", "NAME", "Name", INFO_STRING, name),
        VM_FIELD("UUID", "uuid", "UUID", "UUID", INFO_STRING, uuid),
        VM_FIELD("State", "state", "STATE", "State", INFO_STRING, state),
        VM_FIELD("Quota", "quota", "QUOTA", "Quota", INFO_U32, quota),
        VM_FIELD("QuotaSource", "source", "SOURCE", "Quota Source", INFO_STRING, quota_source),
        VM_FIELD("QuotaOrigin", "origin", "ORIGIN", "Quota Origin", INFO_STRING, quota_origin),
        VM_FIELD("QuotaInForce", "in_force", "INFORCE", "Quota In Force", INFO_BOOL, in_force),
        VM_FIELD("QuotaError", "error", "ERROR", "Quota Error", INFO_STRING, quota_error),
        VM_FIELD("Watermark", "watermark", "WATERMARK", "Watermark", INFO_WATERMARK, watermark),
        VM_FIELD("Allocated", "allocated", "ALLOCATED", "Allocated", INFO_U32, allocated),
        VM_FIELD("Peak", "peak", "PEAK", "Peak", INFO_U32, peak),
        VM_FIELD("Denied", "denied", "DENIED", "Denied", INFO_U64, denied),
        VM_FIELD("Unit", "unit", "UNIT", "Unit", INFO_STRING, unit),
        VM_FIELD("Slice", "slice", "SLICE", "Slice", INFO_STRING, slice),
        VM_FIELD("ControlGroup", "control_group", "CGROUP", "Control Group", INFO_STRING, cgroup),
        VM_FIELD("Leader", "leader", "LEADER", "Leader", INFO_U32, leader),
        VM_FIELD("Sets", "sets", "SETS", "Sets", INFO_SETS, sets),
};
const size_t n_vm_fields = ELEMENTSOF(vm_fields);

static const char default_columns[] = "NAME,UUID,STATE,QUOTA,SOURCE,ALLOCATED,PEAK,DENIED";

#define MANAGER_FIELD(property, key, label, type, member)                                                    \
        { property, key, NULL, label, type, offsetof(ManagerInfo, member) }

const InfoField manager_fields[] = {
        MANAGER_FIELD("State", "state", "State", INFO_STRING, state),
        MANAGER_FIELD("Status", "status", "Status", INFO_STRING, status),
        MANAGER_FIELD("Version", "version", "Version", INFO_STRING, version),
        MANAGER_FIELD("DefaultQuota", "default_quota", "Default Quota", INFO_U32, default_quota),
        MANAGER_FIELD("DefaultQuotaSource", "default_quota_source", "Default Quota Source", INFO_STRING,
                default_source),
        MANAGER_FIELD("Capacity", "capacity", "Capacity", INFO_U32, capacity),
        MANAGER_FIELD("Allocated", "allocated", "Allocated", INFO_U32, allocated),
        MANAGER_FIELD("Committed", "committed", "Committed", INFO_U64, committed),
        MANAGER_FIELD(NULL, "vms", "VMs", INFO_U64, n_vms),
        MANAGER_FIELD("Resyncs", "resyncs", "Resyncs", INFO_U64, resyncs),
};
const size_t n_manager_fields = ELEMENTSOF(manager_fields);

#define SET_FIELD(key, column, type, member) { NULL, key, column, NULL, type, offsetof(SetInfo, member) }

static const InfoField set_fields[] = {
        SET_FIELD("id", "SET", INFO_U64, id),
        SET_FIELD("tgid", "TGID", INFO_U32, tgid),
        SET_FIELD("quota", "QUOTA", INFO_U32, quota),
        SET_FIELD("watermark", "WATERMARK", INFO_WATERMARK, watermark),
        SET_FIELD("allocated", "ALLOCATED", INFO_U32, allocated),
        SET_FIELD("peak", "PEAK", INFO_U32, peak),
        SET_FIELD("denied", "DENIED", INFO_U64, denied),
};

static const void *field_value(const InfoField *field, const void *info) {
        return (const uint8_t *) info + field->offset;
}

static void info_clear(const InfoField *fields, size_t n_fields, void *info) {
        for (size_t i = 0; i < n_fields; i++) {
                void *p = (uint8_t *) info + fields[i].offset;

                if (fields[i].type == INFO_STRING)
                        free(*(char **) p);
                else if (fields[i].type == INFO_SETS)
                        free(((SetList *) p)->sets);
        }
}

void vm_info_clear(VmInfo *vm) {
        info_clear(vm_fields, n_vm_fields, vm);
        *vm = (VmInfo) {};
}

void manager_info_clear(ManagerInfo *manager) {
        info_clear(manager_fields, n_manager_fields, manager);
        *manager = (ManagerInfo) {};
}

void vm_list_clear(VmList *list) {
        for (size_t i = 0; i < list->n_vms; i++)
                vm_info_clear(list->vms + i);
        free(list->vms);
        *list = (VmList) {};
}

static int vm_info_compare(const void *a, const void *b) {
        const VmInfo *x = a, *y = b;
        int r;

        r = strcmp(strempty(x->name), strempty(y->name));
        return r != 0 ? r : strcmp(strempty(x->uuid), strempty(y->uuid));
}

void vm_list_sort(VmList *list) {
        if (list->n_vms > 1)
                qsort(list->vms, list->n_vms, sizeof(VmInfo), vm_info_compare);
}

static json_object *sets_json(const SetList *list) {
        _cleanup_json_ json_object *array = json_object_new_array();

        if (!array)
                return NULL;
        for (size_t i = 0; i < list->n_sets; i++)
                if (json_append(array, info_json(set_fields, ELEMENTSOF(set_fields), list->sets + i)) < 0)
                        return NULL;

        return TAKE_PTR(array);
}

json_object *info_field_json(const InfoField *field, const void *info) {
        const void *p = field_value(field, info);

        switch (field->type) {
        case INFO_STRING:
                return json_object_new_string(strempty(*(char *const *) p));
        case INFO_U32:
        case INFO_WATERMARK:
                return json_object_new_uint64(*(const uint32_t *) p);
        case INFO_U64:
                return json_object_new_uint64(*(const uint64_t *) p);
        case INFO_BOOL:
                return json_object_new_boolean(*(const bool *) p);
        case INFO_SETS:
                return sets_json(p);
        }
        return NULL;
}

char *info_field_text(const InfoField *field, const void *info) {
        const void *p = field_value(field, info);
        const char *s;
        uint64_t n;
        char *text;

        switch (field->type) {
        case INFO_STRING:
                s = *(char *const *) p;
                return isempty(s) ? strdup("-") : text_escape(s);
        case INFO_BOOL:
                return strdup(*(const bool *) p ? "yes" : "no");
        case INFO_WATERMARK:
                if (*(const uint32_t *) p == 0)
                        return strdup("off");
                /* fall through */
        case INFO_U32:
                n = *(const uint32_t *) p;
                break;
        case INFO_U64:
                n = *(const uint64_t *) p;
                break;
        case INFO_SETS:
                n = ((const SetList *) p)->n_sets;
                break;
        default:
                return strdup("-");
        }

        return asprintf(&text, "%" PRIu64, n) < 0 ? NULL : text;
}

json_object *info_json(const InfoField *fields, size_t n_fields, const void *info) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object)
                return NULL;
        for (size_t i = 0; i < n_fields; i++)
                if (json_add(object, fields[i].key, info_field_json(fields + i, info)) < 0)
                        return NULL;

        return TAKE_PTR(object);
}

int info_print(FILE *f, const InfoField *fields, size_t n_fields, const void *info) {
        size_t width = 0;

        for (size_t i = 0; i < n_fields; i++)
                if (strlen(fields[i].label) > width)
                        width = strlen(fields[i].label);

        for (size_t i = 0; i < n_fields; i++) {
                _cleanup_free_ char *text = info_field_text(fields + i, info);

                if (!text)
                        return -ENOMEM;
                fprintf(f, "%*s: %s\n", (int) width, fields[i].label, text);
        }

        return 0;
}

static const InfoField *vm_column_find(const char *name, size_t length) {
        for (size_t i = 0; i < n_vm_fields; i++)
                if (strlen(vm_fields[i].column) == length &&
                        strncasecmp(vm_fields[i].column, name, length) == 0)
                        return vm_fields + i;
        return NULL;
}

int vm_columns_parse(const char *spec, const InfoField ***ret, size_t *ret_n, char **ret_bad) {
        _cleanup_free_ const InfoField **columns = NULL;
        _cleanup_free_ char *joined = NULL;
        size_t n = 0;

        if (!spec)
                spec = default_columns;
        else if (*spec == '+') {
                if (asprintf(&joined, "%s,%s", default_columns, spec + 1) < 0) {
                        joined = NULL;
                        return -ENOMEM;
                }
                spec = joined;
        }

        /* There are no more names than commas plus one. */
        columns = calloc(strlen(spec) + 1, sizeof(*columns));
        if (!columns)
                return -ENOMEM;

        for (const char *p = spec;;) {
                size_t length = strcspn(p, ",");

                columns[n] = vm_column_find(p, length);
                if (!columns[n]) {
                        char *bad = strndup(p, length);

                        if (!bad)
                                return -ENOMEM;
                        *ret_bad = bad;
                        return -EINVAL;
                }
                n++;

                if (!p[length])
                        break;
                p += length + 1;
        }

        *ret = TAKE_PTR(columns);
        *ret_n = n;
        return 0;
}

char *vm_columns_describe(void) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;
        for (size_t i = 0; i < n_vm_fields; i++)
                fprintf(f, "%s%s", i > 0 ? " " : "", vm_fields[i].column);
        if (fclose(TAKE_PTR(f)) != 0)
                return NULL;

        return TAKE_PTR(text);
}

static void table_unrefp(struct libscols_table **table) {
        scols_unref_table(*table);
}

static bool is_number(InfoType type) {
        return type != INFO_STRING && type != INFO_BOOL;
}

/* A row for each of the structures, which lie size bytes apart. */
static int table_print(FILE *f, const InfoField *const *columns, size_t n_columns, const void *rows,
        size_t n_rows, size_t size, bool headings) {
        _cleanup_(table_unrefp) struct libscols_table *table = scols_new_table();
        int r;

        if (!table)
                return -ENOMEM;
        scols_table_set_stream(table, f);
        scols_table_enable_noheadings(table, !headings);
        /* info_field_text() did that, and leaves the "\\x2d" of unit names as they are. */
        scols_table_enable_noencoding(table, true);

        for (size_t i = 0; i < n_columns; i++)
                if (!scols_table_new_column(
                            table, columns[i]->column, 0, is_number(columns[i]->type) ? SCOLS_FL_RIGHT : 0))
                        return -ENOMEM;

        for (size_t i = 0; i < n_rows; i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        return -ENOMEM;
                for (size_t j = 0; j < n_columns; j++) {
                        _cleanup_free_ char *text = NULL;

                        text = info_field_text(columns[j], (const uint8_t *) rows + i * size);
                        if (!text)
                                return -ENOMEM;
                        r = scols_line_refer_data(line, j, text);
                        if (r < 0)
                                return r;
                        TAKE_PTR(text);
                }
        }

        return scols_print_table(table);
}

int vm_table_print(
        FILE *f, const VmList *list, const InfoField *const *columns, size_t n_columns, bool headings) {
        return table_print(f, columns, n_columns, list->vms, list->n_vms, sizeof(VmInfo), headings);
}

int set_table_print(FILE *f, const SetList *list, bool headings) {
        const InfoField *columns[ELEMENTSOF(set_fields)];

        for (size_t i = 0; i < ELEMENTSOF(set_fields); i++)
                columns[i] = set_fields + i;

        return table_print(
                f, columns, ELEMENTSOF(columns), list->sets, list->n_sets, sizeof(SetInfo), headings);
}

json_object *vm_table_json(const VmList *list, const InfoField *const *columns, size_t n_columns) {
        _cleanup_json_ json_object *array = json_object_new_array();

        if (!array)
                return NULL;

        for (size_t i = 0; i < list->n_vms; i++) {
                _cleanup_json_ json_object *row = json_object_new_object();

                if (!row)
                        return NULL;
                for (size_t j = 0; j < n_columns; j++)
                        if (json_add(row, columns[j]->key, info_field_json(columns[j], list->vms + i)) < 0)
                                return NULL;
                if (json_append(array, TAKE_PTR(row)) < 0)
                        return NULL;
        }

        return TAKE_PTR(array);
}
