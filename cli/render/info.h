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
        INFO_PERCENT,   /* uint32_t */
        INFO_WARNINGS,  /* unsigned, VmWarning */
        INFO_LIMIT,     /* uint32_t, LIMIT_NONE for none */
        INFO_COUNT,     /* uint32_t, COUNT_NONE where the kernel does not count it */
        INFO_LIMIT64,   /* uint64_t, UINT64_MAX is none */
        INFO_TIME,      /* uint64_t, microseconds since the epoch */
        INFO_JSON,      /* json_object *, owned; an object */
        INFO_SETS,      /* SetList */
} InfoType;

#define COUNT_NONE UINT32_MAX

typedef struct InfoField {
        const char *property; /* on the bus */
        const char *key;      /* in JSON */
        const char *column;   /* in tables */
        const char *label;    /* in front of the value, one to a line */
        InfoType type;
        size_t offset; /* in the structure */
} InfoField;

/* A kind of object: its fields, and how they are shown. */
typedef struct InfoTable {
        const InfoField *fields;
        size_t n_fields;
        size_t size;                         /* of the structure */
        const char *columns;                 /* those that are shown unless others are asked for; NULL: all */
        const char *(*color)(const void *p); /* of a row, NULL for none; may be NULL itself */
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
        uint32_t attached; /* COUNT_NONE if that is not counted, as the next one */
        uint32_t attached_peak;
} SetInfo;

typedef struct SetList {
        SetInfo *sets;
        size_t n_sets;
} SetList;

/* Why a VM wants somebody's attention. */
typedef enum VmWarning {
        VM_WARNING_HIGH = 1 << 0,         /* holds, or has attached, more than 80 % of its quota */
        VM_WARNING_OVER = 1 << 1,         /* holds more than its quota, which was lowered */
        VM_WARNING_DENIED = 1 << 2,       /* was refused PASIDs */
        VM_WARNING_NOT_IN_FORCE = 1 << 3, /* the kernel does not have its quota */
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
        bool iommufd;           /* of the Metadata: its host devices are attached through iommufd */
        uint32_t viommu_pasids; /* the same: what its vIOMMU offers; 0 if that is not known */
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

/* For arrays that are one's own. */
void rows_clear(Rows *rows);

/* Frees what the structure points to and zeroes it. */
void info_clear(const InfoTable *table, void *info);
void vm_info_clear(VmInfo *vm);
void manager_info_clear(ManagerInfo *manager);

/* The larger of what the VM holds and what it has attached: the quota holds for each by itself. */
uint32_t vm_info_used(const VmInfo *vm);

/* Notes what is attached of one of the VM's sets, if there is that set. */
void vm_info_set_attached(VmInfo *vm, uint64_t id, uint32_t attached, uint32_t peak);

/* Fills in what follows from the properties. */
void vm_info_judge(VmInfo *vm);

typedef struct VmList {
        VmInfo *vms;
        size_t n_vms;
} VmList;

void vm_list_clear(VmList *list);

/* Has any of them something attached through iommufd? */
bool vm_list_has_attached(const VmList *list);

/* By name, then UUID. */
void vm_list_sort(VmList *list);

/*
 * What is to be said below a list about VMs that want attention, one line for
 * each kind. To be freed; empty if there is nothing; NULL when out of memory.
 */
char *vm_list_warnings(const VmList *list);

/* Compares one field of two structures, as strcmp() does. */
int info_compare(const InfoField *field, const void *a, const void *b);

/* Is the field a limit or a count that there is not? */
bool info_is_none(const InfoField *field, const void *info);

/* The value of one field; NULL when out of memory. */
json_object *info_field_json(const InfoField *field, const void *info);

/* The same for people: "-" for nothing, "yes", "no", "off". To be freed; NULL when out of memory. */
char *info_field_text(const InfoField *field, const void *info);

/* Adds it under its key; what there is none of is left out. Returns 0 or -ENOMEM. */
int info_add_json(json_object *object, const InfoField *field, const void *info);

/* An object of all fields. NULL when out of memory. */
json_object *info_json(const InfoTable *table, const void *info);
