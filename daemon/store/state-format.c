/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "state-file.h"
#include "state-json.h"

/*
 * {
 *   "version": 1,
 *   "default-quota": 1000,
 *   "slices": {
 *     "a-b.slice": { "limit": 1000, "applied": true }
 *   },
 *   "vms": {
 *     "KEY": {
 *       "name": "…",
 *       "override": { "quota": 1, "watermark": 1 },
 *       "serial": 1,
 *       "supersedes": 1,
 *       "metadata": { "quota": 1, "watermark": 1 },
 *       "domain": [ [ "key", "value" ] ],
 *       "slice": "a-b.slice",
 *       "libvirt": { "pid": 1, "start-time": 1 },
 *       "running": true,
 *       "next": {
 *         "name": "…",
 *         "after-machine": "…",
 *         "after-timestamp": 1,
 *         …, as "metadata" to "libvirt" above
 *       }
 *     }
 *   }
 * }
 *
 * Each file has one VM, one slice, or the default. Members other than "version" and "vms" are omitted if they are empty. A
 * limit of "max" means no limit. An entry has "reserved" or "running" or neither; "next" requires "running".
 */

/* Takes ownership of value, also on failure. value may be NULL, which means out of memory. */
static int add_member(json_object *o, const char *key, json_object *value) {
        if (!value)
                return -ENOMEM;

        if (json_object_object_add(o, key, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }

        return 0;
}

static int add_unknown(json_object *o, json_object *unknown) {
        int r;

        if (!unknown)
                return 0;

        json_object_object_foreach(unknown, key, value) {
                json_object_get(value);
                /* JSON null is NULL in json-c, not an allocation failure. */
                r = value ? add_member(o, key, value) : json_object_object_add(o, key, NULL);
                if (r < 0)
                        return -ENOMEM;
        }

        return 0;
}

static int add_setting(json_object *o, const char *key, const QuotaSetting *q, json_object *unknown) {
        json_object *setting;
        int r;

        if (setting_is_empty(q) && !unknown)
                return 0;

        setting = json_object_new_object();
        r = add_member(o, key, setting);
        if (r >= 0 && q->quota_set)
                r = add_member(setting, "quota", json_object_new_int64(q->quota));
        if (r >= 0 && q->watermark_set)
                r = add_member(setting, "watermark", json_object_new_int64(q->watermark));
        if (r >= 0)
                r = add_unknown(setting, unknown);
        return r;
}

/* Takes ownership of value, like add_member(). */
static int append_element(json_object *array, json_object *value) {
        if (!value)
                return -ENOMEM;

        if (json_object_array_add(array, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }

        return 0;
}

static int add_domain(json_object *vm, const Metadata *domain) {
        json_object *array, *pair;
        int r;

        if (domain->n_items == 0)
                return 0;

        array = json_object_new_array();
        r = add_member(vm, "domain", array);
        for (size_t i = 0; r >= 0 && i < domain->n_items; i++) {
                pair = json_object_new_array();
                r = append_element(array, pair);
                if (r >= 0)
                        r = append_element(pair, json_object_new_string(domain->items[i].key));
                if (r >= 0)
                        r = append_element(pair, json_object_new_string(domain->items[i].value));
        }

        return r;
}

static int add_libvirt(json_object *vm, const Announcement *announced) {
        json_object *o;
        int r;

        if (announced->libvirt_pid == 0)
                return 0;

        o = json_object_new_object();
        r = add_member(vm, "libvirt", o);
        if (r >= 0)
                r = add_member(o, "pid", json_object_new_int64(announced->libvirt_pid));
        if (r >= 0)
                r = add_member(
                        o, "start-time", json_object_new_int64((int64_t) announced->libvirt_start_time));
        return r;
}

static int add_announced(json_object *o, const Announcement *announced, json_object *unknown_of_metadata) {
        int r;

        r = add_setting(o, "metadata", &announced->quota, unknown_of_metadata);
        if (r >= 0)
                r = add_domain(o, &announced->domain);
        if (r >= 0 && announced->slice)
                r = add_member(o, "slice", json_object_new_string(announced->slice));
        if (r >= 0)
                r = add_libvirt(o, announced);
        return r;
}

static int add_next(json_object *vm, const StateNext *next) {
        json_object *o;
        int r;

        if (!next->name)
                return 0;

        o = json_object_new_object();
        r = add_member(vm, "next", o);
        if (r >= 0)
                r = add_member(o, "name", json_object_new_string(next->name));
        if (r >= 0 && next->after)
                r = add_member(o, "after-machine", json_object_new_string(next->after));
        if (r >= 0 && next->after_usec > 0)
                r = add_member(o, "after-timestamp", json_object_new_int64((int64_t) next->after_usec));
        if (r >= 0)
                r = add_announced(o, &next->announced, next->unknown_of_metadata);
        if (r >= 0)
                r = add_unknown(o, next->unknown);
        return r;
}

static int add_entry(json_object *vms, const StateEntry *e) {
        json_object *vm;
        int r;

        vm = json_object_new_object();
        r = add_member(vms, e->key, vm);
        if (r >= 0 && e->name)
                r = add_member(vm, "name", json_object_new_string(e->name));
        if (r >= 0)
                r = add_setting(vm, "override", &e->override, e->unknown_of_override);
        if (r >= 0 && e->serial > 0)
                r = add_member(vm, "serial", json_object_new_int64((int64_t) e->serial));
        if (r >= 0 && e->supersedes > 0)
                r = add_member(vm, "supersedes", json_object_new_int64((int64_t) e->supersedes));
        if (r >= 0)
                r = add_announced(vm, &e->announced, e->unknown_of_metadata);
        if (r >= 0 && e->reserved)
                r = add_member(vm, "reserved", json_object_new_boolean(true));
        if (r >= 0 && e->running)
                r = add_member(vm, "running", json_object_new_boolean(true));
        if (r >= 0)
                r = add_next(vm, &e->next);
        if (r >= 0)
                r = add_unknown(vm, e->unknown);
        return r;
}

static int add_slices(json_object *o, const State *s) {
        json_object *slices, *slice;
        int r;

        if (s->n_slices == 0)
                return 0;

        slices = json_object_new_object();
        r = add_member(o, "slices", slices);
        for (size_t i = 0; r >= 0 && i < s->n_slices; i++) {
                const StateSlice *e = &s->slices[i];

                slice = json_object_new_object();
                r = add_member(slices, e->name, slice);
                if (r >= 0 && e->limit_set)
                        r = add_member(slice, "limit",
                                e->limit == LIMIT_NONE ? json_object_new_string("max")
                                                       : json_object_new_int64(e->limit));
                if (r >= 0 && e->applied)
                        r = add_member(slice, "applied", json_object_new_boolean(true));
                if (r >= 0)
                        r = add_unknown(slice, e->unknown);
        }

        return r;
}

int state_format(const State *s, char **ret) {
        _cleanup_(json_object_putp) json_object *o = NULL;
        json_object *vms;
        const char *text;
        int r;

        o = json_object_new_object();
        if (!o)
                return -ENOMEM;

        r = add_member(o, "version", json_object_new_int(STATE_VERSION));
        if (r >= 0 && s->default_quota_set)
                r = add_member(o, "default-quota", json_object_new_int64(s->default_quota));
        if (r >= 0)
                r = add_slices(o, s);
        if (r >= 0) {
                vms = json_object_new_object();
                r = add_member(o, "vms", vms);
        }
        for (size_t i = 0; r >= 0 && i < s->n_entries; i++)
                r = add_entry(vms, &s->entries[i]);
        if (r >= 0)
                r = add_unknown(o, s->unknown);
        if (r < 0)
                return r;

        text = json_object_to_json_string_ext(
                o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (!text || asprintf(ret, "%s\n", text) < 0)
                return -ENOMEM;

        return 0;
}

/* Returns the part of the State that belongs into this file. The members are not copied. */
static State part_of(const State *s, OverrideKind kind, const char *key) {
        State part = {};

        switch (kind) {

        case OVERRIDE_SLICE:
                part.slices = state_find_slice(s, key);
                part.n_slices = part.slices && !state_slice_is_empty(part.slices);
                part.unknown = part.n_slices > 0 ? part.slices->unknown_of_file : NULL;
                break;

        case OVERRIDE_DEFAULT:
                part.default_quota = s->default_quota;
                part.default_quota_set = s->default_quota_set;
                part.unknown = s->unknown;
                break;

        default:
                part.entries = state_find(s, key);
                part.n_entries = part.entries && !state_entry_is_empty(part.entries);
                part.unknown = part.n_entries > 0 ? part.entries->unknown_of_file : NULL;
        }

        return part;
}

int state_format_file(const State *s, OverrideKind kind, const char *key, char **ret) {
        const State part = part_of(s, kind, key);
        _cleanup_free_ char *text = NULL;
        int r;

        if (part.n_entries == 0 && part.n_slices == 0 && !part.default_quota_set && !part.unknown) {
                *ret = NULL;
                return 0;
        }

        r = state_format(&part, &text);
        if (r < 0)
                return r;
        /* state_load() would reject it. */
        if (strlen(text) > STATE_SIZE_MAX)
                return -EFBIG;

        *ret = TAKE_PTR(text);
        return 0;
}
