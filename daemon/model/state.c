/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <json-c/json.h>

#include "state.h"
#include "utf8.h"
#include "uuid.h"

/* What is remembered, as an object. state-load.c knows its files, state-parse.c and state-format.c what stands in them. */

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
}

static void slice_done(StateSlice *slice) {
        free(slice->name);
        json_object_put(slice->unknown);
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

static int slice_copy(const StateSlice *from, StateSlice *to) {
        *to = *from;
        to->unknown = ref(from->unknown);
        to->name = strdup(from->name);
        return to->name ? 0 : -ENOMEM;
}

int state_copy(const State *s, State **ret) {
        _cleanup_(state_freep) State *copy = NULL;
        int r;

        copy = state_new();
        if (!copy)
                return -ENOMEM;

        copy->default_quota = s->default_quota;
        copy->default_quota_set = s->default_quota_set;
        copy->unknown = ref(s->unknown);

        /* Each is counted before it is whole, so that state_free() finds what there is of it. */
        copy->entries = calloc(s->n_entries + 1, sizeof(StateEntry));
        copy->slices = calloc(s->n_slices + 1, sizeof(StateSlice));
        if (!copy->entries || !copy->slices)
                return -ENOMEM;
        while (copy->n_entries < s->n_entries) {
                size_t i = copy->n_entries++;

                r = entry_copy(&s->entries[i], &copy->entries[i]);
                if (r < 0)
                        return r;
        }
        while (copy->n_slices < s->n_slices) {
                size_t i = copy->n_slices++;

                r = slice_copy(&s->slices[i], &copy->slices[i]);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(copy);
        return 0;
}

bool state_key_is_valid(const char *key) {
        char uuid[UUID_STRING_SIZE];

        if (strncmp(key, STATE_UNIT_PREFIX, strlen(STATE_UNIT_PREFIX)) == 0)
                return key[strlen(STATE_UNIT_PREFIX)] != '\0' && utf8_is_printable(key);

        return uuid_canonical(key, uuid) >= 0 && streq(key, uuid);
}

StateEntry *state_find(const State *s, const char *key) {
        for (size_t i = 0; i < s->n_entries; i++)
                if (streq(s->entries[i].key, key))
                        return &s->entries[i];

        return NULL;
}

int state_reserve(State *s, size_t n) {
        StateEntry *entries;

        entries = reallocarray(s->entries, s->n_entries + n, sizeof(*entries));
        if (!entries && s->n_entries + n > 0)
                return -ENOMEM;

        s->entries = entries;
        return 0;
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

        if (e)
                return e;

        return state_reserve(s, 1) >= 0 ? state_append(s, key) : NULL;
}

void state_entry_set_override(StateEntry *e, const QuotaSetting *override) {
        e->override = *override;
        if (setting_is_empty(override)) {
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

StateSlice *state_get_slice(State *s, const char *name) {
        StateSlice *slice, *slices;
        char *copy;

        slice = state_find_slice(s, name);
        if (slice)
                return slice;

        slices = reallocarray(s->slices, s->n_slices + 1, sizeof(*slices));
        if (!slices)
                return NULL;
        s->slices = slices;

        copy = strdup(name);
        if (!copy)
                return NULL;

        slice = &s->slices[s->n_slices++];
        *slice = (StateSlice) { .name = copy };
        return slice;
}

/* Is there more to remember than a name? What else was announced holds only with a reservation. */
static bool entry_is_empty(const StateEntry *e) {
        return setting_is_empty(&e->override) && setting_is_empty(&e->announced.quota) && !e->reserved &&
               !e->running && !e->next.name && !e->unknown && !e->unknown_of_override &&
               !e->unknown_of_metadata;
}

void state_prune(State *s) {
        size_t n = 0, n_slices = 0;

        for (size_t i = 0; i < s->n_entries; i++) {
                StateEntry *e = &s->entries[i];

                if (entry_is_empty(e))
                        entry_done(e);
                else
                        s->entries[n++] = *e;
        }
        s->n_entries = n;

        for (size_t i = 0; i < s->n_slices; i++) {
                StateSlice *slice = &s->slices[i];

                if (!slice->limit_set && !slice->applied && !slice->unknown)
                        slice_done(slice);
                else
                        s->slices[n_slices++] = *slice;
        }
        s->n_slices = n_slices;
}

QuotaSetting state_get_override(const State *state, const char *key) {
        const StateEntry *e = state_find(state, key);

        return e ? e->override : (QuotaSetting) {};
}

const Announcement *state_get_announcement(const State *runtime, const char *key) {
        const StateEntry *e = state_find(runtime, key);

        return e ? &e->announced : NULL;
}

const StateEntry *state_get_reservation(const State *runtime, const char *key) {
        const StateEntry *e = state_find(runtime, key);

        return e && (e->reserved || e->running) ? e : NULL;
}

const StateNext *state_get_next(const State *runtime, const char *key) {
        const StateEntry *e = state_find(runtime, key);

        return e && e->next.name ? &e->next : NULL;
}
