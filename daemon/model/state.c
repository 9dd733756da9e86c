/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <json-c/json.h>

#include "state.h"
#include "utf8.h"
#include "uuid.h"

/* state-load.c has the files, state-parse.c and state-format.c their contents. */

void state_next_clear(StateNext *next) {
        free(next->name);
        announcement_clear(&next->announced);
        free(next->after);
        json_object_put(next->unknown);
        json_object_put(next->unknown_of_metadata);
        *next = (StateNext) {};
}

static void entry_done(StateEntry *e) {
        free(e->key);
        free(e->name);
        announcement_clear(&e->announced);
        state_next_clear(&e->next);
        json_object_put(e->unknown);
        json_object_put(e->unknown_of_override);
        json_object_put(e->unknown_of_metadata);
        json_object_put(e->unknown_of_file);
}

static void slice_done(StateSlice *slice) {
        free(slice->name);
        json_object_put(slice->unknown);
        json_object_put(slice->unknown_of_file);
}

State *state_free(State *s) {
        if (!s)
                return NULL;

        for (size_t i = 0; i < s->n_entries; i++)
                entry_done(&s->entries[i]);
        free(s->entries);
        for (size_t i = 0; i < s->n_slices; i++)
                slice_done(&s->slices[i]);
        free(s->slices);
        json_object_put(s->unknown);
        free(s);
        return NULL;
}

State *state_new(void) {
        return calloc(1, sizeof(State));
}

static json_object *ref(json_object *o) {
        return o ? json_object_get(o) : NULL;
}

int state_next_make(const char *name, const Announcement *announced, const char *after, uint64_t after_usec,
        StateNext *ret) {
        _cleanup_(state_next_clear) StateNext next = { .after_usec = after_usec };
        int r;

        next.name = strdup(name);
        if (after)
                next.after = strdup(after);
        if (!next.name || (after && !next.after))
                return -ENOMEM;

        r = announcement_copy(announced, &next.announced);
        if (r < 0)
                return r;

        *ret = next;
        next = (StateNext) {};
        return 0;
}

static int next_copy(const StateNext *from, StateNext *to) {
        int r;

        if (!from->name)
                return 0;

        r = state_next_make(from->name, &from->announced, from->after, from->after_usec, to);
        if (r < 0)
                return r;

        to->unknown = ref(from->unknown);
        to->unknown_of_metadata = ref(from->unknown_of_metadata);
        return 0;
}

static int entry_copy(const StateEntry *from, StateEntry *to) {
        int r;

        *to = *from;
        to->unknown = ref(from->unknown);
        to->unknown_of_override = ref(from->unknown_of_override);
        to->unknown_of_metadata = ref(from->unknown_of_metadata);
        to->unknown_of_file = ref(from->unknown_of_file);
        to->announced = (Announcement) {};
        to->next = (StateNext) {};
        to->name = NULL;

        to->key = strdup(from->key);
        if (from->name)
                to->name = strdup(from->name);
        if (!to->key || (from->name && !to->name))
                return -ENOMEM;

        r = announcement_copy(&from->announced, &to->announced);
        return r < 0 ? r : next_copy(&from->next, &to->next);
}

bool state_key_is_valid(const char *key) {
        char uuid[UUID_STRING_SIZE];

        if (strncmp(key, STATE_UNIT_PREFIX, strlen(STATE_UNIT_PREFIX)) == 0)
                return key[strlen(STATE_UNIT_PREFIX)] != '\0' && utf8_is_printable(key);

        return uuid_canonical(key, uuid) >= 0 && streq(key, uuid);
}

/* The position of the entry with the key, or the position where it would be inserted. */
static size_t entry_position(const State *s, const char *key) {
        size_t begin = 0, end = s->n_entries;

        while (begin < end) {
                size_t middle = begin + (end - begin) / 2;

                if (strcmp(s->entries[middle].key, key) < 0)
                        begin = middle + 1;
                else
                        end = middle;
        }

        return begin;
}

StateEntry *state_find(const State *s, const char *key) {
        size_t i = entry_position(s, key);

        return i < s->n_entries && streq(s->entries[i].key, key) ? &s->entries[i] : NULL;
}

/* The room doubles, so that many entries that are added one by one are copied a few times only. */
int state_reserve(State *s, size_t n) {
        size_t needed = s->n_entries + n, room = 2 * s->entries_room;
        StateEntry *entries;

        if (needed <= s->entries_room)
                return 0;
        if (room < needed)
                room = needed;

        entries = reallocarray(s->entries, room, sizeof(*entries));
        if (!entries)
                return -ENOMEM;

        s->entries = entries;
        s->entries_room = room;
        return 0;
}

/* Inserts an empty entry at its sorted position. The room must have been allocated. */
static StateEntry *insert_entry(State *s, const char *key) {
        size_t i = entry_position(s, key);

        memmove(&s->entries[i + 1], &s->entries[i], (s->n_entries - i) * sizeof(*s->entries));
        s->n_entries++;
        s->entries[i] = (StateEntry) {};
        return &s->entries[i];
}

StateEntry *state_append(State *s, const char *key) {
        char *copy = strdup(key);
        StateEntry *e;

        if (!copy)
                return NULL;

        e = &s->entries[s->n_entries++];
        *e = (StateEntry) { .key = copy };
        return e;
}

StateEntry *state_get(State *s, const char *key) {
        StateEntry *e = state_find(s, key);
        char *copy;

        if (e)
                return e;

        copy = strdup(key);
        if (!copy || state_reserve(s, 1) < 0) {
                free(copy);
                return NULL;
        }

        e = insert_entry(s, key);
        e->key = copy;
        return e;
}

static int compare_entries(const void *x, const void *y) {
        const StateEntry *a = x, *b = y;

        return strcmp(a->key, b->key);
}

static int compare_slices(const void *x, const void *y) {
        const StateSlice *a = x, *b = y;

        return strcmp(a->name, b->name);
}

void state_sort(State *s) {
        if (s->n_entries > 1)
                qsort(s->entries, s->n_entries, sizeof(*s->entries), compare_entries);
        if (s->n_slices > 1)
                qsort(s->slices, s->n_slices, sizeof(*s->slices), compare_slices);
}

void state_entry_set_override(StateEntry *e, const QuotaSetting *override) {
        e->override = *override;
        e->supersedes = 0;
        if (setting_is_empty(override)) {
                e->serial = 0;
                json_object_put(e->unknown_of_override);
                e->unknown_of_override = NULL;
        }
}

void state_entry_forget_announced(StateEntry *e) {
        announcement_clear(&e->announced);
        json_object_put(e->unknown_of_metadata);
        e->unknown_of_metadata = NULL;
}

void state_entry_forget_next(StateEntry *e) {
        state_next_clear(&e->next);
}

void state_entry_take_next(StateEntry *e) {
        StateNext *next = &e->next;

        state_entry_forget_announced(e);
        free(e->name);
        e->name = TAKE_PTR(next->name);
        e->announced = next->announced;
        next->announced = (Announcement) {};
        e->unknown_of_metadata = TAKE_PTR(next->unknown_of_metadata);
        state_next_clear(next);
}

int state_entry_set_name(StateEntry *e, const char *name) {
        char *copy = NULL;

        if (name) {
                copy = strdup(name);
                if (!copy)
                        return -ENOMEM;
        }

        free(e->name);
        e->name = copy;
        return 0;
}

StateSlice *state_find_slice(const State *s, const char *name) {
        for (size_t i = 0; i < s->n_slices; i++)
                if (streq(s->slices[i].name, name))
                        return &s->slices[i];

        return NULL;
}

static int reserve_slices(State *s, size_t n) {
        StateSlice *slices;

        if (n == 0)
                return 0;

        slices = reallocarray(s->slices, s->n_slices + n, sizeof(*slices));
        if (!slices)
                return -ENOMEM;

        s->slices = slices;
        return 0;
}

static StateSlice *insert_slice(State *s, const char *name) {
        size_t i = 0;

        while (i < s->n_slices && strcmp(s->slices[i].name, name) < 0)
                i++;
        memmove(&s->slices[i + 1], &s->slices[i], (s->n_slices - i) * sizeof(*s->slices));
        s->n_slices++;
        s->slices[i] = (StateSlice) {};
        return &s->slices[i];
}

StateSlice *state_get_slice(State *s, const char *name) {
        StateSlice *slice;
        char *copy;

        slice = state_find_slice(s, name);
        if (slice)
                return slice;

        copy = strdup(name);
        if (!copy || reserve_slices(s, 1) < 0) {
                free(copy);
                return NULL;
        }

        slice = insert_slice(s, name);
        slice->name = copy;
        return slice;
}

StateEntry *state_add_copy(State *s, const StateEntry *e) {
        StateEntry copy = {}, *added;

        if (entry_copy(e, &copy) < 0 || state_reserve(s, 1) < 0) {
                entry_done(&copy);
                return NULL;
        }

        added = insert_entry(s, e->key);
        *added = copy;
        return added;
}

StateSlice *state_add_slice_copy(State *s, const StateSlice *slice) {
        StateSlice *copy = state_get_slice(s, slice->name);

        if (!copy)
                return NULL;

        copy->limit_set = slice->limit_set;
        copy->limit = slice->limit;
        copy->applied = slice->applied;
        copy->unknown = ref(slice->unknown);
        copy->unknown_of_file = ref(slice->unknown_of_file);
        return copy;
}

/* Announced metadata other than a quota only matters together with a reservation. */
bool state_entry_is_empty(const StateEntry *e) {
        return setting_is_empty(&e->override) && setting_is_empty(&e->announced.quota) && !e->reserved &&
               !e->running && !e->next.name && !e->unknown && !e->unknown_of_override &&
               !e->unknown_of_metadata && !e->unknown_of_file;
}

bool state_slice_is_empty(const StateSlice *slice) {
        return !slice->limit_set && !slice->applied && !slice->unknown && !slice->unknown_of_file;
}

void state_prune(State *s) {
        size_t n = 0, n_slices = 0;

        for (size_t i = 0; i < s->n_entries; i++) {
                StateEntry *e = &s->entries[i];

                if (state_entry_is_empty(e))
                        entry_done(e);
                else
                        s->entries[n++] = *e;
        }
        s->n_entries = n;

        for (size_t i = 0; i < s->n_slices; i++) {
                StateSlice *slice = &s->slices[i];

                if (state_slice_is_empty(slice))
                        slice_done(slice);
                else
                        s->slices[n_slices++] = *slice;
        }
        s->n_slices = n_slices;
}

int state_reserve_for(State *to, const State *from) {
        int r;

        r = state_reserve(to, from->n_entries);
        return r < 0 ? r : reserve_slices(to, from->n_slices);
}

/* Appends new entries and sorts once, which is cheaper than an insertion for each. */
static void take_entries(State *to, State *from) {
        size_t n_sorted = to->n_entries;

        for (size_t i = 0; i < from->n_entries; i++) {
                const State sorted = { .entries = to->entries, .n_entries = n_sorted };
                StateEntry *there = state_find(&sorted, from->entries[i].key);

                if (there)
                        entry_done(there);
                else if (from->n_entries == 1)
                        there = insert_entry(to, from->entries[i].key);
                else
                        there = &to->entries[to->n_entries++];
                *there = from->entries[i];
        }

        if (from->n_entries > 1 && to->n_entries > n_sorted)
                state_sort(to);
        from->n_entries = 0;
}

void state_take(State *to, State *from) {
        bool empty = false;

        for (size_t i = 0; i < from->n_entries; i++)
                empty |= state_entry_is_empty(&from->entries[i]);
        for (size_t i = 0; i < from->n_slices; i++)
                empty |= state_slice_is_empty(&from->slices[i]);

        take_entries(to, from);
        for (size_t i = 0; i < from->n_slices; i++) {
                StateSlice *slice = state_find_slice(to, from->slices[i].name);

                if (slice)
                        slice_done(slice);
                else
                        slice = insert_slice(to, from->slices[i].name);
                *slice = from->slices[i];
        }
        from->n_slices = 0;
        if (empty)
                state_prune(to);
}
