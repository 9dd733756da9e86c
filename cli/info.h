/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "output.h"

/*
 * What the daemon's objects hold, each described by one table of fields, from
 * which all else follows: reading D-Bus properties, columns, JSON, text.
 */

typedef enum InfoType {
        INFO_STRING,    /* char *, owned */
        INFO_U32,       /* uint32_t */
        INFO_U64,       /* uint64_t */
        INFO_BOOL,      /* bool */
        INFO_WATERMARK, /* uint32_t, 0 is off */
        INFO_SETS,      /* SetList */
} InfoType;

typedef struct InfoField {
        const char *property; /* on the bus */
        const char *key;      /* in JSON */
        const char *column;   /* in tables */
        const char *label;    /* in front of the value, one to a line */
        InfoType type;
        size_t offset; /* in the structure */
} InfoField;

/* One PASID set of the kernel. */
typedef struct SetInfo {
        uint64_t id;
        uint32_t tgid;
        uint32_t quota;
        uint32_t watermark;
        uint32_t allocated;
        uint32_t peak;
        uint64_t denied;
} SetInfo;

typedef struct SetList {
        SetInfo *sets;
        size_t n_sets;
} SetList;

/* org.pasidd1.VM */
typedef struct VmInfo {
        char *uuid;
        char *name;
        char *state;
        char *unit;
        char *slice;
        char *cgroup;
        char *quota_source;
        char *quota_origin;
        char *quota_error;
        uint32_t leader;
        uint32_t quota;
        uint32_t watermark;
        uint32_t allocated;
        uint32_t peak;
        uint64_t denied;
        bool in_force;
        SetList sets;
} VmInfo;

extern const InfoField vm_fields[];
extern const size_t n_vm_fields;

/* org.pasidd1.Manager */
typedef struct ManagerInfo {
        char *version;
        char *state;
        char *status;
        char *default_source;
        uint32_t default_quota;
        uint32_t capacity;
        uint32_t allocated;
        uint64_t committed;
        uint64_t resyncs;
        uint64_t n_vms; /* not a property: counted by the caller */
} ManagerInfo;

extern const InfoField manager_fields[];
extern const size_t n_manager_fields;

/* Frees what the structure points to and zeroes it. */
void vm_info_clear(VmInfo *vm);
void manager_info_clear(ManagerInfo *manager);

typedef struct VmList {
        VmInfo *vms;
        size_t n_vms;
} VmList;

void vm_list_clear(VmList *list);

/* By name, then UUID. */
void vm_list_sort(VmList *list);

/* The value of one field; NULL when out of memory. */
json_object *info_field_json(const InfoField *field, const void *info);

/* The same for people: "-" for nothing, "yes", "no", "off". To be freed; NULL when out of memory. */
char *info_field_text(const InfoField *field, const void *info);

/* An object of all fields. NULL when out of memory. */
json_object *info_json(const InfoField *fields, size_t n_fields, const void *info);

/* "Label: value" lines, the colons below each other. Returns 0 or -ENOMEM. */
int info_print(FILE *f, const InfoField *fields, size_t n_fields, const void *info);

/*
 * Which columns of vm_fields to show. spec is what -o got: a comma-separated
 * list of column names, any case, "+" in front to add to the default ones; NULL
 * for the default. The caller frees *ret.
 *
 * Returns 0; -EINVAL with the offending name in *ret_bad (to be freed); -ENOMEM.
 */
int vm_columns_parse(const char *spec, const InfoField ***ret, size_t *ret_n, char **ret_bad);

/* All the names that vm_columns_parse() takes, separated by blanks; for messages. To be freed. */
char *vm_columns_describe(void);

/* A table, with the column names above it if headings. Returns 0 or a negative errno. */
int vm_table_print(
        FILE *f, const VmList *list, const InfoField *const *columns, size_t n_columns, bool headings);
int set_table_print(FILE *f, const SetList *list, bool headings);

/* The same as an array of objects. NULL when out of memory. */
json_object *vm_table_json(const VmList *list, const InfoField *const *columns, size_t n_columns);
