/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state.h"

/*
 * A list of overrides to set together: determines what they change, and applies
 * them to a State. Pure.
 */

typedef enum OverrideKind {
        OVERRIDE_VM,
        OVERRIDE_SLICE,
        OVERRIDE_DEFAULT,
} OverrideKind;

/* The result of a change to overrides. */
typedef enum OverrideResult {
        OVERRIDE_DONE,
        OVERRIDE_NOT_APPLIED, /* the kernel refused */
        OVERRIDE_NOT_SAVED,   /* a state file could not be written */
} OverrideResult;

/* The desired settings of one key in both layers. Slices and the default have no watermark; a slice's quota can be LIMIT_NONE. */
typedef struct OverrideChange {
        OverrideKind kind;
        const char *key;  /* of the VM, the name of the slice; "" for the default */
        const char *name; /* of the VM, for people; may be NULL */
        QuotaSetting runtime;
        QuotaSetting persistent;
} OverrideChange;

/* Makes a setting without a watermark. quota is NULL for an empty setting. */
static inline QuotaSetting override_setting(const uint32_t *quota) {
        return quota ? (QuotaSetting) { .quota = *quota, .quota_set = true } : (QuotaSetting) {};
}

/* An override in one layer. Slices and the default have no watermark; a slice's quota can be LIMIT_NONE. */
typedef struct OverrideItem {
        OverrideKind kind;
        bool runtime;         /* the layer */
        char *key;            /* as in OverrideChange */
        char *name;           /* of the VM, for the user; NULL: none */
        QuotaSetting setting; /* empty: remove the override */
        size_t position;      /* in the caller's list, from 1 */
        bool changes;         /* the layer has a different setting; set by override_list_compare() */
} OverrideItem;

typedef struct OverrideList {
        OverrideItem *items; /* sorted by kind, key and layer after override_list_sort() */
        size_t n_items;
        bool write_unchanged; /* write the numbers to the kernel even if no item changes; single-key changes */
} OverrideList;

/* NULL when out of memory. */
OverrideList *override_list_new(void);
/* Returns NULL. */
OverrideList *override_list_free(OverrideList *list);
DEFINE_CLEANUP_FUNC(OverrideList *, override_list_free, override_list_freep);

/*
 * Makes a list of what the change changes. A layer that does not change is not in the list, so that a foreign value can be
 * adopted there while the disk writes the other layer. The caller frees *ret. Returns 0 or -ENOMEM.
 */
int override_change_to_list(const StateLayers *layers, const OverrideChange *change, OverrideList **ret);

/* Appends a copy of kind, layer, key, name and setting of the item. Returns 0 or -ENOMEM. */
int override_list_add(OverrideList *list, const OverrideItem *item);

/* Sorts the list. Returns 0, or -EEXIST with the positions of both items if two have the same layer, kind and key. */
int override_list_sort(OverrideList *list, size_t *ret_first, size_t *ret_second);

/* Does the sorted list have an item with this key? */
bool override_list_has(const OverrideList *list, OverrideKind kind, const char *key);

/* Does any item belong to the persistent layer? */
bool override_list_is_persistent(const OverrideList *list);

/* Sets the member changes of each item. Returns 0 or -ENOMEM. */
int override_list_compare(OverrideList *list, const State *runtime, const State *persistent);

/* Drops the items that change nothing, unless no item changes anything. */
void override_list_drop_unchanged(OverrideList *list);

/* The number of items that change something. */
size_t override_list_count_changes(const OverrideList *list);

/* Does any item change this layer? */
bool override_list_changes(const OverrideList *list, bool runtime);

/* Applies the changes to one layer to its state. Returns 0, or -ENOMEM with the state partly changed. */
int override_list_put(const OverrideList *list, bool runtime, State *state);

/* The keys and layers that a change affects. */
typedef struct OverrideScope {
        const OverrideList *list; /* sorted; NULL: one key, see below */
        OverrideKind kind;
        const char *key;
        bool persistent; /* it changes the persistent layer */
} OverrideScope;

/* Returns whether two changes must not be in progress at the same time. */
bool override_scopes_overlap(const OverrideScope *a, const OverrideScope *b);
