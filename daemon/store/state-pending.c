/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "state-json.h"
#include "state-pending.h"

/* Members of the document in addition to those of a State. */
#define MEMBER_ID      "change"
#define MEMBER_DEFAULT "default-changes"

void state_pending_done(StatePending *p) {
        state_free(p->settings);
        free(p->id);
        *p = (StatePending) {};
}

static int add_member(json_object *o, const char *key, json_object *value) {
        if (value && json_object_object_add(o, key, value) >= 0)
                return 0;

        json_object_put(value);
        return -ENOMEM;
}

/* Picks the overrides, with their serials, only: other members of an entry or slice may differ by the time the change is applied. */
static void pick_settings(const State *from, State *to) {
        for (size_t i = 0; i < from->n_entries; i++)
                to->entries[to->n_entries++] = (StateEntry) {
                        .key = from->entries[i].key,
                        .name = from->entries[i].name,
                        .override = from->entries[i].override,
                        .serial = from->entries[i].serial,
                        .unknown_of_override = from->entries[i].unknown_of_override,
                };
        for (size_t i = 0; i < from->n_slices; i++)
                to->slices[to->n_slices++] = (StateSlice) {
                        .name = from->slices[i].name,
                        .limit_set = from->slices[i].limit_set,
                        .limit = from->slices[i].limit,
                };
}

int state_pending_format(const State *next, bool default_changes, const char *id, char **ret) {
        _cleanup_(json_object_putp) json_object *members = json_object_new_object();
        _cleanup_free_ StateEntry *entries = calloc(next->n_entries + 1, sizeof(*entries));
        _cleanup_free_ StateSlice *slices = calloc(next->n_slices + 1, sizeof(*slices));
        State s = { .entries = entries, .slices = slices };
        _cleanup_free_ char *text = NULL;
        int r = 0;

        if (!members || !entries || !slices)
                return -ENOMEM;

        pick_settings(next, &s);
        s.unknown = members;
        if (id)
                r = add_member(members, MEMBER_ID, json_object_new_string(id));
        if (r >= 0 && default_changes) {
                s.default_quota = next->default_quota;
                s.default_quota_set = next->default_quota_set;
                r = add_member(members, MEMBER_DEFAULT, json_object_new_boolean(true));
        }
        if (r >= 0)
                r = state_format(&s, &text);
        if (r < 0)
                return r;
        if (strlen(text) > STATE_SIZE_MAX)
                return -EFBIG;

        *ret = TAKE_PTR(text);
        return 0;
}

int state_pending_load(const char *path, const char *aside, StatePending *ret, char **ret_error) {
        _cleanup_(state_freep) State *s = NULL;
        json_object *o;
        char *id = NULL;
        int r;

        r = state_load(path, NULL, aside, &s, ret_error);
        if (r != STATE_LOADED)
                return r;

        if (s->unknown && json_object_object_get_ex(s->unknown, MEMBER_ID, &o) &&
                json_object_is_type(o, json_type_string)) {
                id = strdup(json_object_get_string(o));
                if (!id)
                        return -ENOMEM;
        }

        *ret = (StatePending) {
                .default_changes = s->unknown && json_object_object_get_ex(s->unknown, MEMBER_DEFAULT, NULL),
                .id = id,
        };
        ret->settings = TAKE_PTR(s);
        return STATE_LOADED;
}

static int apply_entry(const StateEntry *from, State *memory, StateFiles *files) {
        StateEntry *e;
        int r;

        r = state_files_can_write(files, OVERRIDE_VM, from->key);
        if (r <= 0)
                return r;

        e = state_get(memory, from->key);
        if (!e || state_entry_set_name(e, from->name) < 0)
                return -ENOMEM;

        state_entry_set_override(e, &from->override);
        e->serial = from->serial;
        if (from->unknown_of_override && !e->unknown_of_override)
                e->unknown_of_override = json_object_get(from->unknown_of_override);
        return state_keys_add(&files->behind, OVERRIDE_VM, from->key);
}

static int apply_slice(const StateSlice *from, State *memory, StateFiles *files) {
        StateSlice *slice;
        int r;

        r = state_files_can_write(files, OVERRIDE_SLICE, from->name);
        if (r <= 0)
                return r;

        slice = state_get_slice(memory, from->name);
        if (!slice)
                return -ENOMEM;

        slice->limit_set = from->limit_set;
        slice->limit = from->limit;
        return state_keys_add(&files->behind, OVERRIDE_SLICE, from->name);
}

static int apply_default(const State *from, State *memory, StateFiles *files) {
        int r;

        r = state_files_can_write(files, OVERRIDE_DEFAULT, "");
        if (r <= 0)
                return r;

        memory->default_quota = from->default_quota;
        memory->default_quota_set = from->default_quota_set;
        return state_keys_add(&files->behind, OVERRIDE_DEFAULT, "");
}

int state_pending_apply(const StatePending *p, State *memory, StateFiles *files) {
        const State *from = p->settings;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < from->n_entries; i++)
                r = apply_entry(&from->entries[i], memory, files);
        for (size_t i = 0; r >= 0 && i < from->n_slices; i++)
                r = apply_slice(&from->slices[i], memory, files);
        if (r >= 0 && p->default_changes)
                r = apply_default(from, memory, files);
        if (r >= 0)
                state_prune(memory);
        return r;
}
