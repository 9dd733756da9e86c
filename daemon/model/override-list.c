/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "override-list.h"

/* Lists up to this length are looked up without an index. */
#define SHORT_LIST 4U

OverrideList *override_list_new(void) {
        return calloc(1, sizeof(OverrideList));
}

static void item_done(OverrideItem *item) {
        free(item->key);
        free(item->name);
}

OverrideList *override_list_free(OverrideList *list) {
        if (!list)
                return NULL;

        for (size_t i = 0; i < list->n_items; i++)
                item_done(&list->items[i]);
        free(list->items);
        free(list);
        return NULL;
}

/* Makes room for one more item. The allocation grows by powers of two. */
static int make_room(OverrideList *list) {
        size_t n = list->n_items;
        OverrideItem *items;

        if ((n & (n - 1)) != 0)
                return 0;

        items = reallocarray(list->items, n == 0 ? 1 : 2 * n, sizeof(*items));
        if (!items)
                return -ENOMEM;

        list->items = items;
        return 0;
}

int override_list_add(OverrideList *list, const OverrideItem *item) {
        _cleanup_free_ char *key = strdup(item->key), *name = item->name ? strdup(item->name) : NULL;

        if (!key || (item->name && !name) || make_room(list) < 0)
                return -ENOMEM;

        list->items[list->n_items] = (OverrideItem) {
                .kind = item->kind,
                .runtime = item->runtime,
                .key = TAKE_PTR(key),
                .name = TAKE_PTR(name),
                .setting = item->setting,
                .position = list->n_items + 1,
        };
        list->n_items++;
        return 0;
}

static int compare_keys(const OverrideItem *a, const OverrideItem *b) {
        return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->key, b->key);
}

static int compare_layers(const OverrideItem *a, const OverrideItem *b) {
        int r = compare_keys(a, b);

        return r != 0 ? r : (int) a->runtime - (int) b->runtime;
}

/* Sorts equal items by position, so that the error names them in the caller's order. */
static int compare_items(const void *x, const void *y) {
        const OverrideItem *a = x, *b = y;
        int r = compare_layers(a, b);

        return r != 0 ? r : a->position < b->position ? -1 : a->position > b->position;
}

static int compare_to_key(const void *key, const void *item) {
        return compare_keys(key, item);
}

int override_list_sort(OverrideList *list, size_t *ret_first, size_t *ret_second) {
        if (list->n_items > 0)
                qsort(list->items, list->n_items, sizeof(*list->items), compare_items);

        for (size_t i = 1; i < list->n_items; i++)
                if (compare_layers(&list->items[i - 1], &list->items[i]) == 0) {
                        *ret_first = list->items[i - 1].position;
                        *ret_second = list->items[i].position;
                        return -EEXIST;
                }

        return 0;
}

bool override_list_has(const OverrideList *list, OverrideKind kind, const char *key) {
        const OverrideItem wanted = { .kind = kind, .key = (char *) key };

        return list->n_items > 0 &&
               bsearch(&wanted, list->items, list->n_items, sizeof(*list->items), compare_to_key);
}

bool override_list_is_persistent(const OverrideList *list) {
        for (size_t i = 0; i < list->n_items; i++)
                if (!list->items[i].runtime)
                        return true;

        return false;
}

bool override_list_changes(const OverrideList *list, bool runtime) {
        for (size_t i = 0; i < list->n_items; i++)
                if (list->items[i].changes && list->items[i].runtime == runtime)
                        return true;

        return false;
}

size_t override_list_count_changes(const OverrideList *list) {
        size_t n = 0;

        for (size_t i = 0; i < list->n_items; i++)
                n += list->items[i].changes;

        return n;
}

void override_list_drop_unchanged(OverrideList *list) {
        size_t n = 0;

        if (override_list_count_changes(list) == 0)
                return;

        for (size_t i = 0; i < list->n_items; i++)
                if (list->items[i].changes)
                        list->items[n++] = list->items[i];
                else
                        item_done(&list->items[i]);
        list->n_items = n;
}

/* The entries of a state sorted by key, to compare a list with a state of thousands of entries each. */
typedef struct StateIndex {
        const State *state;   /* for lookups without an index */
        StateEntry **entries; /* NULL for a short list */
        size_t n_entries;
} StateIndex;

static void state_index_done(StateIndex *index) {
        free(index->entries);
}

static int compare_entries(const void *x, const void *y) {
        const StateEntry *const *a = x, *const *b = y;

        return strcmp((*a)->key, (*b)->key);
}

static int compare_to_entry(const void *key, const void *y) {
        const StateEntry *const *entry = y;

        return strcmp(key, (*entry)->key);
}

/* The index is valid until entries are added to the state or removed. */
static int state_index_new(const State *state, size_t n_items, StateIndex *ret) {
        StateIndex index = { .state = state, .n_entries = state->n_entries };

        if (n_items <= SHORT_LIST) {
                *ret = index;
                return 0;
        }

        index.entries = calloc(state->n_entries + 1, sizeof(StateEntry *));
        if (!index.entries)
                return -ENOMEM;

        for (size_t i = 0; i < state->n_entries; i++)
                index.entries[i] = &state->entries[i];
        qsort(index.entries, index.n_entries, sizeof(*index.entries), compare_entries);
        *ret = index;
        return 0;
}

static StateEntry *state_index_find(const StateIndex *index, const char *key) {
        StateEntry **found;

        if (!index->entries)
                return state_find(index->state, key);

        found = bsearch(key, index->entries, index->n_entries, sizeof(*index->entries), compare_to_entry);

        return found ? *found : NULL;
}

static QuotaSetting slice_setting(const State *state, const char *name) {
        const StateSlice *slice = state_find_slice(state, name);

        return override_setting(slice && slice->limit_set ? &slice->limit : NULL);
}

static QuotaSetting setting_now(const OverrideItem *item, const State *state, const StateIndex *index) {
        const StateEntry *entry;

        switch (item->kind) {

        case OVERRIDE_SLICE:
                return slice_setting(state, item->key);

        case OVERRIDE_DEFAULT:
                return override_setting(state->default_quota_set ? &state->default_quota : NULL);

        default:
                entry = state_index_find(index, item->key);
                return entry ? entry->override : (QuotaSetting) {};
        }
}

int override_list_compare(OverrideList *list, const State *runtime, const State *persistent) {
        _cleanup_(state_index_done) StateIndex of_runtime = {}, of_persistent = {};
        int r;

        r = state_index_new(runtime, list->n_items, &of_runtime);
        if (r >= 0)
                r = state_index_new(persistent, list->n_items, &of_persistent);
        for (size_t i = 0; r >= 0 && i < list->n_items; i++) {
                OverrideItem *item = &list->items[i];
                QuotaSetting now = setting_now(item, item->runtime ? runtime : persistent,
                        item->runtime ? &of_runtime : &of_persistent);

                item->changes = !setting_equal(&now, &item->setting);
        }

        return r;
}

static int put_entry(const OverrideItem *item, StateEntry *entry) {
        state_entry_set_override(entry, &item->setting);
        return state_entry_set_name(entry, item->name);
}

static int put_slice(State *state, const char *name, const QuotaSetting *setting) {
        StateSlice *slice = state_get_slice(state, name);

        if (!slice)
                return -ENOMEM;

        slice->limit_set = setting->quota_set;
        slice->limit = setting->quota;
        return 0;
}

/* Applies the item, unless it is for a VM without an entry. *ret_put: was it applied? */
static int put_known(const OverrideItem *item, const StateIndex *index, State *state, bool *ret_put) {
        StateEntry *entry;

        *ret_put = true;
        switch (item->kind) {

        case OVERRIDE_SLICE:
                return put_slice(state, item->key, &item->setting);

        case OVERRIDE_DEFAULT:
                state->default_quota_set = item->setting.quota_set;
                state->default_quota = item->setting.quota;
                return 0;

        default:
                entry = state_index_find(index, item->key);
                *ret_put = entry;
                return entry ? put_entry(item, entry) : 0;
        }
}

/* Keys are unique within a layer of the list, so the key is new. */
static int put_new(const OverrideItem *item, State *state) {
        StateEntry *entry = state_append(state, item->key);

        return entry ? put_entry(item, entry) : -ENOMEM;
}

int override_list_put(const OverrideList *list, bool runtime, State *state) {
        _cleanup_(state_index_done) StateIndex index = {};
        _cleanup_free_ const OverrideItem **new = NULL;
        size_t n_new = 0;
        int r;

        new = calloc(list->n_items + 1, sizeof(*new));
        if (!new)
                return -ENOMEM;
        r = state_index_new(state, list->n_items, &index);
        for (size_t i = 0; r >= 0 && i < list->n_items; i++) {
                const OverrideItem *item = &list->items[i];
                bool put;

                if (!item->changes || item->runtime != runtime)
                        continue;
                r = put_known(item, &index, state, &put);
                if (r >= 0 && !put)
                        new[n_new++] = item;
        }
        /* Moves the entries that the index points to. */
        if (r >= 0 && n_new > 0)
                r = state_reserve(state, n_new);
        for (size_t i = 0; r >= 0 && i < n_new; i++)
                r = put_new(new[i], state);
        if (n_new > 0)
                state_sort(state);

        return r;
}

static int add_layer(OverrideList *list, const OverrideChange *change, bool runtime) {
        const OverrideItem item = {
                .kind = change->kind,
                .runtime = runtime,
                .key = (char *) change->key,
                .name = (char *) change->name,
                .setting = runtime ? change->runtime : change->persistent,
        };

        return override_list_add(list, &item);
}

int override_change_to_list(const StateLayers *layers, const OverrideChange *change, OverrideList **ret) {
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();
        size_t first, second;
        int r;

        if (!list)
                return -ENOMEM;

        list->write_unchanged = true;
        r = add_layer(list, change, true);
        if (r >= 0)
                r = add_layer(list, change, false);
        if (r >= 0)
                r = override_list_sort(list, &first, &second);
        if (r >= 0)
                r = override_list_compare(list, layers->runtime, layers->persistent);
        if (r < 0)
                return r;

        override_list_drop_unchanged(list);
        *ret = TAKE_PTR(list);
        return 0;
}

/* Two lists always do: which keys they share is not worth finding out. */
bool override_scopes_overlap(const OverrideScope *a, const OverrideScope *b) {
        if ((a->persistent && b->persistent) || (a->list && b->list))
                return true;
        if (a->list)
                return override_list_has(a->list, b->kind, b->key);
        if (b->list)
                return override_list_has(b->list, a->kind, a->key);

        return a->kind == b->kind && streq(a->key, b->key);
}
