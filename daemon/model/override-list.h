/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state.h"

/*
 * Several overrides that are set together: what they change, and making that
 * change in a State. Pure.
 */

typedef enum OverrideKind {
        OVERRIDE_VM,
        OVERRIDE_SLICE,
        OVERRIDE_DEFAULT,
} OverrideKind;

/* What became of a change to overrides. */
typedef enum OverrideResult {
        OVERRIDE_DONE,
        OVERRIDE_NOT_APPLIED, /* the kernel refused */
        OVERRIDE_NOT_SAVED,   /* a state file could not be written */
} OverrideResult;

/* One key, with both layers as they are to be. Slices and the default have no watermarks; a slice's quota can be LIMIT_NONE. */
typedef struct OverrideChange {
        OverrideKind kind;
        const char *key;  /* of the VM, the name of the slice; "" for the default */
        const char *name; /* of the VM, for people; may be NULL */
        QuotaSetting runtime;
        QuotaSetting persistent;
} OverrideChange;

/* A setting without a watermark. quota: NULL for none */
static inline QuotaSetting override_setting(const uint32_t *quota) {
        return quota ? (QuotaSetting) { .quota = *quota, .quota_set = true } : (QuotaSetting) {};
}

/* The override of one layer. */
typedef struct OverrideItem {
        OverrideKind kind;
        bool runtime;         /* the layer */
        char *key;            /* as in OverrideChange */
        char *name;           /* of the VM, for people; NULL for none */
        QuotaSetting setting; /* empty: the override is removed */
        size_t position;      /* in the caller's list, from 1 */
        bool changes;         /* the layer has another setting, as override_list_compare() found it */
} OverrideItem;

typedef struct OverrideList {
        OverrideItem *items; /* sorted by kind, key and layer, once override_list_sort() was called */
        size_t n_items;
        bool asked; /* it is about one key, of which also what does not change is written to the kernel anew */
} OverrideList;

/* NULL when out of memory. */
OverrideList *override_list_new(void);
/* Returns NULL. */
OverrideList *override_list_free(OverrideList *list);
DEFINE_CLEANUP_FUNC(OverrideList *, override_list_free, override_list_freep);

/*
 * What changes with it, in a list: a layer that stays as it is is not in it, so that somebody else's value may be adopted there
 * until the disk has the other one. The caller frees *ret. -ENOMEM.
 */
int override_change_to_list(const StateLayers *layers, const OverrideChange *change, OverrideList **ret);

/* Adds a copy: kind, layer, key, name and setting of the item, at the next position. -ENOMEM. */
int override_list_add(OverrideList *list, const OverrideItem *item);

/* Sorts. -EEXIST with the positions of both where two items are about the same layer, kind and key. */
int override_list_sort(OverrideList *list, size_t *ret_first, size_t *ret_second);

/* Is one of the items, which are sorted, about this key? */
bool override_list_has(const OverrideList *list, OverrideKind kind, const char *key);

/* Is one of them about the persistent layer? */
bool override_list_is_persistent(const OverrideList *list);

/* Notes in each item whether it changes what its layer has now. -ENOMEM. */
int override_list_compare(OverrideList *list, const State *runtime, const State *persistent);

/* Drops the items that change nothing, unless none does. */
void override_list_drop_unchanged(OverrideList *list);

/* How many change something. */
size_t override_list_count_changes(const OverrideList *list);

/* Does an item change this layer? */
bool override_list_changes(const OverrideList *list, bool runtime);

/* Makes those changes of the list that are about this layer. On failure (-ENOMEM) the state is partly changed. */
int override_list_put(const OverrideList *list, bool runtime, State *state);

/* What a change is about. */
typedef struct OverrideScope {
        const OverrideList *list; /* sorted; NULL: kind and key say it */
        OverrideKind kind;
        const char *key;
        bool persistent; /* it changes that layer */
} OverrideScope;

/* Can two changes not be under way together? */
bool override_scopes_overlap(const OverrideScope *a, const OverrideScope *b);
