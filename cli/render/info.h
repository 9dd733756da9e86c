/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "output.h"

/*
 * The daemon's objects. One table of fields for each kind of object drives the
 * reading of D-Bus properties and the output as columns, JSON and text.
 */

typedef enum InfoType {
        INFO_STRING,    /* char *, owned */
        INFO_U32,       /* uint32_t */
        INFO_U64,       /* uint64_t */
        INFO_BOOL,      /* bool */
        INFO_WATERMARK, /* uint32_t, 0: off */
        INFO_PERCENT,   /* uint32_t */
        INFO_WARNINGS,  /* unsigned, VmWarning */
        INFO_LIMIT,     /* uint32_t, LIMIT_NONE: none */
        INFO_COUNT,     /* uint32_t, COUNT_NONE: the kernel does not count it */
        INFO_LIMIT64,   /* uint64_t, UINT64_MAX: none */
        INFO_TIME,      /* uint64_t, microseconds since the epoch */
        INFO_JSON,      /* json_object *, owned; an object */
        INFO_SETS,      /* SetList */
} InfoType;

#define COUNT_NONE UINT32_MAX

typedef struct InfoField {
        const char *property; /* on the bus */
        const char *key;      /* in JSON */
        const char *column;   /* in tables */
        const char *label;    /* in records, before the value */
        InfoType type;
        size_t offset; /* in the structure */
} InfoField;

/* A kind of object: its fields and their output. */
typedef struct InfoTable {
        const InfoField *fields;
        size_t n_fields;
        size_t size;                         /* of the structure */
        const char *columns;                 /* default columns; NULL: all */
        const char *(*color)(const void *p); /* of a row, can return NULL; or NULL */
} InfoTable;

/* One PASID set of the kernel. */
typedef struct SetInfo {
        uint64_t id;
        uint32_t tgid;
        uint32_t quota;
        uint32_t watermark;
        uint32_t allocated;
        uint32_t peak;
        uint64_t denied;
        uint32_t attached; /* COUNT_NONE if not counted; so is attached_peak */
        uint32_t attached_peak;
} SetInfo;

typedef struct SetList {
        SetInfo *sets;
        size_t n_sets;
} SetList;

/* Reasons why a VM needs attention. */
typedef enum VmWarning {
        VM_WARNING_HIGH = 1 << 0,         /* holds or has attached more than 80 % of its quota */
        VM_WARNING_OVER = 1 << 1,         /* holds more than its quota, which has been lowered */
        VM_WARNING_DENIED = 1 << 2,       /* was refused PASIDs */
        VM_WARNING_NOT_IN_FORCE = 1 << 3, /* its quota is not in force */
} VmWarning;

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
        uint32_t attached;
        uint64_t denied;
        bool in_force;
        SetList sets;
        bool iommufd;           /* from Metadata: its host devices are attached through iommufd */
        uint32_t viommu_pasids; /* from Metadata: PASIDs of its vIOMMU; 0 if unknown */
        /* not properties: */
        uint32_t usage; /* percent of the quota */
        unsigned warnings;
} VmInfo;

extern const InfoTable vm_table;
extern const InfoTable set_table;

/* org.pasidd1.Manager */
typedef struct ManagerInfo {
        char *version;
        char *state;
        char *status;
        char *default_source;
        uint32_t default_quota;
        uint32_t capacity;
        uint32_t allocated;
        uint32_t attached;
        uint64_t committed;
        uint64_t resyncs;
        uint64_t n_vms; /* not a property: counted by the caller */
} ManagerInfo;

extern const InfoTable manager_table;

/* An array of structures that the table describes. */
typedef struct Rows {
        const InfoTable *table;
        void *rows;
        size_t n_rows;
} Rows;

/* For arrays that the caller owns. */
void rows_clear(Rows *rows);

/* Frees the members of the structure and zeroes it. */
void info_clear(const InfoTable *table, void *info);
void vm_info_clear(VmInfo *vm);
void manager_info_clear(ManagerInfo *manager);

/* The maximum of the VM's allocated and attached PASIDs: the quota applies to each count separately. */
uint32_t vm_info_used(const VmInfo *vm);

/* Stores the attached PASIDs of one of the VM's sets, if the set exists. */
void vm_info_set_attached(VmInfo *vm, uint64_t id, uint32_t attached, uint32_t peak);

/* Computes the fields that are derived from the properties. */
void vm_info_judge(VmInfo *vm);

typedef struct VmList {
        VmInfo *vms;
        size_t n_vms;
} VmList;

void vm_list_clear(VmList *list);

/* Does any VM have PASIDs attached through iommufd? */
bool vm_list_has_attached(const VmList *list);

/* Orders by name, then by UUID. */
void vm_list_sort(VmList *list);

/*
 * Formats the lines below a list about VMs that need attention, one line for each
 * reason. Empty if there are none. The caller frees the result. NULL when out of
 * memory.
 */
char *vm_list_warnings(const VmList *list);

/* Compares one field of two structures, as strcmp() does. */
int info_compare(const InfoField *field, const void *a, const void *b);

/* Is the field a limit or a count without a value? */
bool info_is_none(const InfoField *field, const void *info);

/* The value of one field as JSON; NULL when out of memory. */
json_object *info_field_json(const InfoField *field, const void *info);

/*
 * The value as text: "-" for none, "yes", "no", "off". The caller frees the result. NULL when out of
 * memory.
 */
char *info_field_text(const InfoField *field, const void *info);

/* Adds the value under its key, unless there is none. Returns 0 or -ENOMEM. */
int info_add_json(json_object *object, const InfoField *field, const void *info);

/* An object of all fields. NULL when out of memory. */
json_object *info_json(const InfoTable *table, const void *info);
