/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "info.h"

#include <inttypes.h>

#include "clock.h"
#include "event.h"
#include "quota.h"
#include "terminal.h"

/* Usage above which a VM gets a warning. */
#define HIGH_PERCENT 80

#define VM_FIELD(property, key, column, label, type, member)                                                 \
        { property, key, column, label, type, offsetof(VmInfo, member) }

static const InfoField vm_fields[] = {
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
        VM_FIELD("Attached", "attached", "ATTACHED", "Attached", INFO_U32, attached),
        VM_FIELD(NULL, "usage", "USAGE", "Usage", INFO_PERCENT, usage),
        VM_FIELD("Peak", "peak", "PEAK", "Peak", INFO_U32, peak),
        VM_FIELD("Denied", "denied", "DENIED", "Denied", INFO_U64, denied),
        VM_FIELD(NULL, "warnings", "WARNINGS", "Warnings", INFO_WARNINGS, warnings),
        VM_FIELD("Unit", "unit", "UNIT", "Unit", INFO_STRING, unit),
        VM_FIELD("Slice", "slice", "SLICE", "Slice", INFO_STRING, slice),
        VM_FIELD("ControlGroup", "control_group", "CGROUP", "Control Group", INFO_STRING, cgroup),
        VM_FIELD("Leader", "leader", "LEADER", "Leader", INFO_U32, leader),
        VM_FIELD("Sets", "sets", "SETS", "Sets", INFO_SETS, sets),
};

static const char *vm_color(const void *p) {
        const VmInfo *vm = p;

        if (vm->warnings & (VM_WARNING_OVER | VM_WARNING_DENIED | VM_WARNING_NOT_IN_FORCE))
                return COLOR_RED;
        return vm->warnings ? COLOR_YELLOW : NULL;
}

const InfoTable vm_table = {
        .fields = vm_fields,
        .n_fields = ELEMENTSOF(vm_fields),
        .size = sizeof(VmInfo),
        .columns = "NAME,UUID,STATE,QUOTA,SOURCE,ALLOCATED,PEAK,DENIED",
        .color = vm_color,
};

#define MANAGER_FIELD(property, key, column, label, type, member)                                            \
        { property, key, column, label, type, offsetof(ManagerInfo, member) }

static const InfoField manager_fields[] = {
        MANAGER_FIELD("State", "state", "STATE", "State", INFO_STRING, state),
        MANAGER_FIELD("Status", "status", "STATUS", "Status", INFO_STRING, status),
        MANAGER_FIELD("Version", "version", "VERSION", "Version", INFO_STRING, version),
        MANAGER_FIELD("DefaultQuota", "default_quota", "DEFAULT", "Default Quota", INFO_U32, default_quota),
        MANAGER_FIELD("DefaultQuotaSource", "default_quota_source", "DEFAULTSOURCE", "Default Quota Source",
                INFO_STRING, default_source),
        MANAGER_FIELD("Capacity", "capacity", "CAPACITY", "Capacity", INFO_U32, capacity),
        MANAGER_FIELD("Allocated", "allocated", "ALLOCATED", "Allocated", INFO_U32, allocated),
        MANAGER_FIELD("Attached", "attached", "ATTACHED", "Attached", INFO_U32, attached),
        MANAGER_FIELD("Committed", "committed", "COMMITTED", "Committed", INFO_U64, committed),
        MANAGER_FIELD(NULL, "vms", "VMS", "VMs", INFO_U64, n_vms),
        MANAGER_FIELD("Resyncs", "resyncs", "RESYNCS", "Resyncs", INFO_U64, resyncs),
};

const InfoTable manager_table = {
        .fields = manager_fields,
        .n_fields = ELEMENTSOF(manager_fields),
        .size = sizeof(ManagerInfo),
};

#define SET_FIELD(key, column, label, type, member)                                                          \
        { NULL, key, column, label, type, offsetof(SetInfo, member) }

static const InfoField set_fields[] = {
        SET_FIELD("id", "SET", "Set", INFO_U64, id),
        SET_FIELD("tgid", "TGID", "Process", INFO_U32, tgid),
        SET_FIELD("quota", "QUOTA", "Quota", INFO_U32, quota),
        SET_FIELD("watermark", "WATERMARK", "Watermark", INFO_WATERMARK, watermark),
        SET_FIELD("allocated", "ALLOCATED", "Allocated", INFO_U32, allocated),
        SET_FIELD("peak", "PEAK", "Peak", INFO_U32, peak),
        SET_FIELD("denied", "DENIED", "Denied", INFO_U64, denied),
        SET_FIELD("attached", "ATTACHED", "Attached", INFO_COUNT, attached),
        SET_FIELD("attached_peak", "ATTACHEDPEAK", "Attached Peak", INFO_COUNT, attached_peak),
};

const InfoTable set_table = {
        .fields = set_fields,
        .n_fields = ELEMENTSOF(set_fields),
        .size = sizeof(SetInfo),
};

static const void *field_value(const InfoField *field, const void *info) {
        return (const uint8_t *) info + field->offset;
}

void info_clear(const InfoTable *table, void *info) {
        for (size_t i = 0; i < table->n_fields; i++) {
                void *p = (uint8_t *) info + table->fields[i].offset;

                if (table->fields[i].type == INFO_STRING)
                        free(*(char **) p);
                else if (table->fields[i].type == INFO_SETS)
                        free(((SetList *) p)->sets);
                else if (table->fields[i].type == INFO_JSON)
                        json_object_put(*(json_object **) p);
        }
        memset(info, 0, table->size);
}

void rows_clear(Rows *rows) {
        for (size_t i = 0; i < rows->n_rows; i++)
                info_clear(rows->table, (uint8_t *) rows->rows + i * rows->table->size);
        free(rows->rows);
        rows->rows = NULL;
        rows->n_rows = 0;
}

void vm_info_clear(VmInfo *vm) {
        info_clear(&vm_table, vm);
}

void manager_info_clear(ManagerInfo *manager) {
        info_clear(&manager_table, manager);
}

uint32_t vm_info_used(const VmInfo *vm) {
        return vm->allocated > vm->attached ? vm->allocated : vm->attached;
}

void vm_info_set_attached(VmInfo *vm, uint64_t id, uint32_t attached, uint32_t peak) {
        for (size_t i = 0; i < vm->sets.n_sets; i++) {
                SetInfo *set = vm->sets.sets + i;

                if (set->id == id) {
                        set->attached = attached;
                        set->attached_peak = peak;
                        return;
                }
        }
}

bool vm_list_has_attached(const VmList *list) {
        for (size_t i = 0; i < list->n_vms; i++)
                if (list->vms[i].attached > 0)
                        return true;

        return false;
}

void vm_info_judge(VmInfo *vm) {
        bool running = streq_ptr(vm->state, "running");
        uint64_t used = vm_info_used(vm);

        vm->usage = vm->quota > 0 ? (uint32_t) (used * 100 / vm->quota) : 0;
        vm->warnings = 0;
        if (used > vm->quota)
                vm->warnings |= VM_WARNING_OVER;
        else if (used * 100 > (uint64_t) vm->quota * HIGH_PERCENT)
                vm->warnings |= VM_WARNING_HIGH;
        if (vm->denied > 0)
                vm->warnings |= VM_WARNING_DENIED;
        if (running && !vm->in_force)
                vm->warnings |= VM_WARNING_NOT_IN_FORCE;
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

static const struct {
        VmWarning warning;
        const char *name;
} warning_table[] = {
        { VM_WARNING_HIGH, "high" },
        { VM_WARNING_OVER, "over" },
        { VM_WARNING_DENIED, "denied" },
        { VM_WARNING_NOT_IN_FORCE, "not-in-force" },
};

/* More names would hide the table above. */
#define NAMES_MAX 5

/* Prints "WHAT: web (9 of 10), db (8 of 10) and 7 more." if any VM has the warning. */
static int print_warning(FILE *f, const VmList *list, VmWarning warning, const char *what, const char *hint) {
        size_t n = 0;

        for (size_t i = 0; i < list->n_vms; i++) {
                const VmInfo *vm = list->vms + i;
                _cleanup_free_ char *name = NULL;

                if (!(vm->warnings & warning) || n++ >= NAMES_MAX)
                        continue;

                name = text_escape(!isempty(vm->name) ? vm->name : strempty(vm->uuid));
                if (!name)
                        return -ENOMEM;
                fprintf(f, "%s%s%s", n == 1 ? what : "", n == 1 ? ": " : ", ", name);
                if (warning == VM_WARNING_DENIED)
                        fprintf(f, " (%" PRIu64 ")", vm->denied);
                else if (warning != VM_WARNING_NOT_IN_FORCE)
                        fprintf(f, " (%" PRIu32 " of %" PRIu32 ")", vm_info_used(vm), vm->quota);
        }

        if (n > NAMES_MAX)
                fprintf(f, " and %zu more", n - NAMES_MAX);
        if (n > 0)
                fprintf(f, ".%s\n", hint);
        return 0;
}

char *vm_list_warnings(const VmList *list) {
        static const struct {
                VmWarning warning;
                const char *what, *hint;
        } lines[] = {
                { VM_WARNING_NOT_IN_FORCE, "Quota not in force",
                        " 'pasidctl list -o +INFORCE,ERROR' says why." },
                { VM_WARNING_OVER, "Over quota", "" },
                { VM_WARNING_HIGH, "Above 80 % of the quota", "" },
                { VM_WARNING_DENIED, "PASIDs denied", " 'pasidctl set-quota' raises a quota." },
        };
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                if (print_warning(f, list, lines[i].warning, lines[i].what, lines[i].hint) < 0)
                        return NULL;
        if (fclose(TAKE_PTR(f)) != 0)
                return NULL;

        return TAKE_PTR(text);
}

static json_object *sets_json(const SetList *list) {
        _cleanup_json_ json_object *array = json_object_new_array();

        if (!array)
                return NULL;
        for (size_t i = 0; i < list->n_sets; i++)
                if (json_append(array, info_json(&set_table, list->sets + i)) < 0)
                        return NULL;

        return TAKE_PTR(array);
}

static json_object *warnings_json(unsigned warnings) {
        _cleanup_json_ json_object *array = json_object_new_array();

        if (!array)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(warning_table); i++)
                if (warnings & warning_table[i].warning &&
                        json_append(array, json_object_new_string(warning_table[i].name)) < 0)
                        return NULL;

        return TAKE_PTR(array);
}

static char *warnings_text(unsigned warnings) {
        char text[64] = "";

        for (size_t i = 0; i < ELEMENTSOF(warning_table); i++)
                if (warnings & warning_table[i].warning) {
                        if (*text)
                                strcat(text, ",");
                        strcat(text, warning_table[i].name);
                }
        return strdup(*text ? text : "-");
}

static uint64_t field_number(const InfoField *field, const void *p) {
        switch (field->type) {
        case INFO_U64:
        case INFO_LIMIT64:
        case INFO_TIME:
                return *(const uint64_t *) p;
        case INFO_BOOL:
                return *(const bool *) p;
        case INFO_SETS:
                return ((const SetList *) p)->n_sets;
        default:
                return *(const uint32_t *) p;
        }
}

/* Local time in seconds. JSON has microseconds. */
static char *time_text(uint64_t usec) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        char text[64];
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
                return strdup("-");
        return strdup(text);
}

int info_compare(const InfoField *field, const void *a, const void *b) {
        const void *x = field_value(field, a), *y = field_value(field, b);
        uint64_t m, n;

        if (field->type == INFO_STRING)
                return strcmp(strempty(*(char *const *) x), strempty(*(char *const *) y));
        m = field_number(field, x);
        n = field_number(field, y);
        return m < n ? -1 : m > n;
}

bool info_is_none(const InfoField *field, const void *info) {
        const void *p = field_value(field, info);

        return (field->type == INFO_LIMIT && *(const uint32_t *) p == LIMIT_NONE) ||
               (field->type == INFO_COUNT && *(const uint32_t *) p == COUNT_NONE) ||
               (field->type == INFO_LIMIT64 && *(const uint64_t *) p == UINT64_MAX);
}

json_object *info_field_json(const InfoField *field, const void *info) {
        const void *p = field_value(field, info);

        switch (field->type) {
        case INFO_STRING:
                return json_object_new_string(strempty(*(char *const *) p));
        case INFO_U32:
        case INFO_WATERMARK:
        case INFO_PERCENT:
                return json_object_new_uint64(*(const uint32_t *) p);
        case INFO_U64:
                return json_object_new_uint64(*(const uint64_t *) p);
        case INFO_BOOL:
                return json_object_new_boolean(*(const bool *) p);
        case INFO_SETS:
                return sets_json(p);
        case INFO_WARNINGS:
                return warnings_json(*(const unsigned *) p);
        case INFO_LIMIT:
        case INFO_COUNT:
        case INFO_LIMIT64:
                return json_object_new_uint64(field_number(field, p));
        case INFO_TIME:
                return event_time_json(*(const uint64_t *) p);
        case INFO_JSON:
                return json_object_get(*(json_object *const *) p);
        }
        return NULL;
}

char *info_field_text(const InfoField *field, const void *info) {
        const void *p = field_value(field, info);
        const char *s;
        char *text;

        switch (field->type) {
        case INFO_STRING:
                s = *(char *const *) p;
                return isempty(s) ? strdup("-") : text_escape(s);
        case INFO_BOOL:
                return strdup(*(const bool *) p ? "yes" : "no");
        case INFO_WARNINGS:
                return warnings_text(*(const unsigned *) p);
        case INFO_WATERMARK:
                if (*(const uint32_t *) p == 0)
                        return strdup("off");
                break;
        case INFO_LIMIT:
        case INFO_COUNT:
        case INFO_LIMIT64:
                if (info_is_none(field, info))
                        return strdup("-");
                break;
        case INFO_TIME:
                return time_text(*(const uint64_t *) p);
        case INFO_JSON:
                return event_details_text(*(json_object *const *) p);
        default:
                break;
        }

        return asprintf(&text, "%" PRIu64 "%s", field_number(field, p),
                       field->type == INFO_PERCENT ? "%" : "") < 0
                       ? NULL
                       : text;
}

int info_add_json(json_object *object, const InfoField *field, const void *info) {
        return info_is_none(field, info) ? 0 : json_add(object, field->key, info_field_json(field, info));
}

json_object *info_json(const InfoTable *table, const void *info) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object)
                return NULL;
        for (size_t i = 0; i < table->n_fields; i++)
                if (info_add_json(object, table->fields + i, info) < 0)
                        return NULL;

        return TAKE_PTR(object);
}
