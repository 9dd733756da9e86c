/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <json-c/json.h>

#include "state-file.h"
#include "utf8.h"
#include "uuid.h"

/* What is remembered, as an object. state-load.c knows its files, state-parse.c and state-format.c what stands in them. */

static void entry_done(StateEntry *e) {
        free(e->key);
        free(e->name);
        announcement_clear(&e->announced);
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

StateEntry *state_get(State *s, const char *key) {
        StateEntry *e, *entries;
        char *copy;

        e = state_find(s, key);
        if (e)
                return e;

        entries = reallocarray(s->entries, s->n_entries + 1, sizeof(*entries));
        if (!entries)
                return NULL;
        s->entries = entries;

        copy = strdup(key);
        if (!copy)
                return NULL;

        e = &s->entries[s->n_entries++];
        *e = (StateEntry) { .key = copy };
        return e;
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
               !e->running && !e->unknown && !e->unknown_of_override && !e->unknown_of_metadata;
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
