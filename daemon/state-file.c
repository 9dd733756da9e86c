/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include <json-c/json.h>

#include "cgroup-path.h"
#include "error-text.h"
#include "quota.h"
#include "state-file.h"
#include "utf8.h"
#include "uuid.h"

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
 *       "metadata": { "quota": 1, "watermark": 1 },
 *       "domain": [ [ "key", "value" ] ],
 *       "slice": "a-b.slice",
 *       "libvirt": { "pid": 1, "start-time": 1 },
 *       "reserved": true
 *     }
 *   }
 * }
 *
 * All but "version" and "vms" is left out where it has nothing to say. A limit of "max" is none.
 */

#define STATE_DEPTH_MAX 16 /* more than above, for members of later versions */
#define UNIT_KEY_PREFIX "unit:"

DEFINE_CLEANUP_FUNC(json_object *, json_object_put, json_object_putp);
DEFINE_CLEANUP_FUNC(json_tokener *, json_tokener_free, json_tokener_freep);

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

/*
 * What json-c lets pass even when it is strict: strings in single quotes, names
 * cut at a NUL, invalid UTF-8, and members with the same name, of which it keeps
 * the last. All can be told from the text alone, the last one by the number of
 * colons outside of strings: there are as many as members.
 */
static int scan_text(const char *text, size_t size, size_t *ret_colons, char **ret_error) {
        static const char nul[] = "\\u0000";
        bool in_string = false, escaped = false;
        size_t n_colons = 0, n;

        for (size_t i = 0; i < size; i += n) {
                uint32_t c;

                n = utf8_decode(text + i, size - i, &c);
                if (n == 0)
                        return error_text(ret_error, "byte %zu: invalid UTF-8", i);

                if (escaped) {
                        /* What is no escape must not become one in escape_text(). */
                        if (c >= 0x80)
                                return error_text(ret_error, "byte %zu: invalid escape", i);
                        escaped = false;
                } else if (c == '"')
                        in_string = !in_string;
                else if (in_string && c == '\\') {
                        if (size - i >= strlen(nul) && memcmp(text + i, nul, strlen(nul)) == 0)
                                return error_text(ret_error, "byte %zu: NUL character in a string", i);
                        escaped = true;
                } else if (!in_string && c == '\'')
                        return error_text(ret_error, "byte %zu: single quote", i);
                else if (!in_string && c == ':')
                        n_colons++;
        }

        *ret_colons = n_colons;
        return 0;
}

/*
 * json-c 0.18 takes every character of a string that is not ASCII for a
 * control character when it is strict, so it gets them as \uNNNN. The text has
 * been through scan_text().
 */
static int escape_text(const char *text, size_t size, char **ret, size_t *ret_size) {
        size_t escaped_size;
        FILE *f;

        f = open_memstream(ret, &escaped_size);
        if (!f)
                return -errno;

        for (size_t i = 0, n; i < size; i += n) {
                uint32_t c = 0;

                n = utf8_decode(text + i, size - i, &c);
                if (c < 0x80)
                        putc_unlocked((int) c, f);
                else if (c < 0x10000)
                        fprintf(f, "\\u%04" PRIx32, c);
                else
                        fprintf(f, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((c - 0x10000) >> 10),
                                0xdc00 + ((c - 0x10000) & 0x3ff));
        }

        if (fclose(f) != 0) {
                free(*ret);
                *ret = NULL;
                return -ENOMEM;
        }

        *ret_size = escaped_size;
        return 0;
}

static size_t count_members(json_object *o) {
        size_t n = 0;

        if (json_object_is_type(o, json_type_array))
                for (size_t i = 0; i < json_object_array_length(o); i++)
                        n += count_members(json_object_array_get_idx(o, i));

        if (json_object_is_type(o, json_type_object)) {
                json_object_object_foreach(o, key, value) {
                        (void) key;
                        n += 1 + count_members(value);
                }
        }

        return n;
}

static int parse_json(const char *text, size_t size, json_object **ret, char **ret_error) {
        _cleanup_(json_tokener_freep) json_tokener *tokener = NULL;
        _cleanup_(json_object_putp) json_object *o = NULL;
        _cleanup_free_ char *escaped = NULL;
        enum json_tokener_error e;
        size_t n_colons = 0, escaped_size = 0, end;
        int r;

        if (size > STATE_SIZE_MAX)
                return error_text(ret_error, "larger than %u bytes", STATE_SIZE_MAX);
        if (size == 0)
                return error_text(ret_error, "empty");

        r = scan_text(text, size, &n_colons, ret_error);
        if (r < 0)
                return r;

        r = escape_text(text, size, &escaped, &escaped_size);
        if (r < 0)
                return r;

        tokener = json_tokener_new_ex(STATE_DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;

        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        o = json_tokener_parse_ex(tokener, escaped, (int) escaped_size);

        e = json_tokener_get_error(tokener);
        end = json_tokener_get_parse_end(tokener);
        if (e == json_tokener_continue)
                return error_text(ret_error, "ends in the middle of the document");
        if (e != json_tokener_success)
                return error_text(ret_error, "byte %zu: %s", end, json_tokener_error_desc(e));

        for (; end < escaped_size; end++)
                if (!strchr(" \t\r\n", escaped[end]) || escaped[end] == '\0')
                        return error_text(ret_error, "byte %zu: something follows the document", end);

        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "the document is not an object");

        if (n_colons != count_members(o))
                return error_text(ret_error, "an object has a member twice");

        *ret = TAKE_PTR(o);
        return 0;
}

/* where: what the member belongs to, for the message. */
static int parse_number(json_object *o, const char *where, const char *key, uint32_t *ret, char **ret_error) {
        int64_t value;

        if (!json_object_is_type(o, json_type_int))
                return error_text(ret_error, "%s: \"%s\" is not an integer", where, key);

        value = json_object_get_int64(o);
        if (value < 0 || value > QUOTA_MAX)
                return error_text(
                        ret_error, "%s: \"%s\" is not between 0 and %" PRIu32, where, key, QUOTA_MAX);

        *ret = (uint32_t) value;
        return 0;
}

/* Keeps a member of another version. */
static int keep_unknown(json_object **unknown, const char *key, json_object *value) {
        if (!*unknown)
                *unknown = json_object_new_object();
        if (!*unknown)
                return -ENOMEM;

        json_object_get(value);
        if (json_object_object_add(*unknown, key, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }

        return 0;
}

static int parse_setting(json_object *o, const char *vm, const char *member, QuotaSetting *ret,
        json_object **unknown, char **ret_error) {

        QuotaSetting q = {};
        int r;

        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "VM \"%s\": \"%s\" is not an object", vm, member);

        json_object_object_foreach(o, key, value) {
                if (streq(key, "quota")) {
                        r = parse_number(value, vm, key, &q.quota, ret_error);
                        q.quota_set = true;
                } else if (streq(key, "watermark")) {
                        r = parse_number(value, vm, key, &q.watermark, ret_error);
                        q.watermark_set = true;
                } else
                        r = keep_unknown(unknown, key, value);
                if (r < 0)
                        return r;
        }

        if (setting_is_empty(&q) && !*unknown)
                return error_text(ret_error, "VM \"%s\": \"%s\" is empty", vm, member);

        *ret = q;
        return 0;
}

static int parse_domain(json_object *o, const char *vm, Metadata *domain, char **ret_error) {
        if (!json_object_is_type(o, json_type_array))
                return error_text(ret_error, "VM \"%s\": \"domain\" is not an array", vm);

        for (size_t i = 0; i < json_object_array_length(o); i++) {
                json_object *item = json_object_array_get_idx(o, i), *key, *value;
                int r;

                if (!json_object_is_type(item, json_type_array) || json_object_array_length(item) != 2)
                        return error_text(ret_error, "VM \"%s\": \"domain\" has no pairs in it", vm);

                key = json_object_array_get_idx(item, 0);
                value = json_object_array_get_idx(item, 1);
                if (!json_object_is_type(key, json_type_string) ||
                        !json_object_is_type(value, json_type_string))
                        return error_text(ret_error, "VM \"%s\": \"domain\" has no strings in it", vm);

                r = metadata_add(domain, json_object_get_string(key), json_object_get_string(value));
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return error_text(ret_error, "VM \"%s\": \"domain\" has a pair that cannot be: %s",
                                vm, strerror(-r));
        }

        return 0;
}

/* A string that is the name of a slice. */
static int parse_slice_name(json_object *o, const char *vm, char **ret, char **ret_error) {
        _cleanup_free_ char *path = NULL;
        const char *slice = json_object_get_string(o);
        int r = -EINVAL;

        if (json_object_is_type(o, json_type_string))
                r = cgroup_path_from_slice(slice, &path);
        if (r == -EINVAL)
                return error_text(ret_error, "VM \"%s\": \"slice\" is not the name of a slice", vm);
        if (r < 0)
                return r;

        *ret = strdup(slice);
        return *ret ? 0 : -ENOMEM;
}

/* Who starts it. What does not fit is nobody. */
static int parse_libvirt(json_object *o, const char *vm, Announcement *announced, char **ret_error) {
        json_object *pid, *start_time;

        if (!json_object_object_get_ex(o, "pid", &pid) ||
                !json_object_object_get_ex(o, "start-time", &start_time) ||
                !json_object_is_type(pid, json_type_int) || !json_object_is_type(start_time, json_type_int) ||
                json_object_get_int64(pid) <= 0 || json_object_get_int64(pid) > INT32_MAX ||
                json_object_get_int64(start_time) < 0)
                return error_text(ret_error, "VM \"%s\": \"libvirt\" does not name a process", vm);

        announced->libvirt_pid = (uint32_t) json_object_get_int64(pid);
        announced->libvirt_start_time = (uint64_t) json_object_get_int64(start_time);
        return 0;
}

bool state_key_is_valid(const char *key) {
        char uuid[UUID_STRING_SIZE];

        if (strncmp(key, UNIT_KEY_PREFIX, strlen(UNIT_KEY_PREFIX)) == 0)
                return key[strlen(UNIT_KEY_PREFIX)] != '\0' && utf8_is_printable(key);

        return uuid_canonical(key, uuid) >= 0 && streq(key, uuid);
}

static int parse_boolean(json_object *o, const char *vm, const char *key, bool *ret, char **ret_error) {
        if (!json_object_is_type(o, json_type_boolean))
                return error_text(ret_error, "VM \"%s\": \"%s\" is not a boolean", vm, key);

        *ret = json_object_get_boolean(o);
        return 0;
}

static int parse_entry(State *s, const char *vm, json_object *o, char **ret_error) {
        StateEntry *e;
        int r = 0;

        if (!state_key_is_valid(vm))
                return error_text(ret_error,
                        "a VM's key is neither a UUID in lower case with dashes nor \"" UNIT_KEY_PREFIX
                        "NAME\"");
        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "VM \"%s\" is not an object", vm);

        e = state_get(s, vm);
        if (!e)
                return -ENOMEM;

        json_object_object_foreach(o, key, value) {
                if (streq(key, "override"))
                        r = parse_setting(value, vm, key, &e->override, &e->unknown_of_override, ret_error);
                else if (streq(key, "metadata"))
                        r = parse_setting(
                                value, vm, key, &e->announced.quota, &e->unknown_of_metadata, ret_error);
                else if (streq(key, "domain"))
                        r = parse_domain(value, vm, &e->announced.domain, ret_error);
                else if (streq(key, "slice"))
                        r = parse_slice_name(value, vm, &e->announced.slice, ret_error);
                else if (streq(key, "libvirt"))
                        r = parse_libvirt(value, vm, &e->announced, ret_error);
                else if (streq(key, "reserved"))
                        r = parse_boolean(value, vm, key, &e->reserved, ret_error);
                else if (streq(key, "running"))
                        r = parse_boolean(value, vm, key, &e->running, ret_error);
                else if (streq(key, "name")) {
                        if (!json_object_is_type(value, json_type_string) ||
                                !utf8_is_printable(json_object_get_string(value)))
                                return error_text(
                                        ret_error, "VM \"%s\": \"%s\" is not a printable string", vm, key);
                        e->name = strdup(json_object_get_string(value));
                        if (!e->name)
                                return -ENOMEM;
                } else
                        r = keep_unknown(&e->unknown, key, value);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int parse_entries(State *s, json_object *o, char **ret_error) {
        int r;

        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "\"vms\" is not an object");

        json_object_object_foreach(o, key, value) {
                r = parse_entry(s, key, value, ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int parse_limit(json_object *o, const char *slice, StateSlice *ret, char **ret_error) {
        ret->limit_set = true;
        if (json_object_is_type(o, json_type_string) && streq(json_object_get_string(o), "max")) {
                ret->limit = LIMIT_NONE;
                return 0;
        }

        return parse_number(o, slice, "limit", &ret->limit, ret_error);
}

static int parse_slice(State *s, const char *name, json_object *o, char **ret_error) {
        _cleanup_free_ char *path = NULL;
        StateSlice *slice;
        int r;

        r = cgroup_path_from_slice(name, &path);
        if (r == -EINVAL)
                return error_text(ret_error, "\"slices\" has a member that is not the name of a slice");
        if (r < 0)
                return r;
        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "slice \"%s\" is not an object", name);

        slice = state_get_slice(s, name);
        if (!slice)
                return -ENOMEM;

        json_object_object_foreach(o, key, value) {
                if (streq(key, "limit"))
                        r = parse_limit(value, name, slice, ret_error);
                else if (streq(key, "applied")) {
                        if (!json_object_is_type(value, json_type_boolean))
                                return error_text(
                                        ret_error, "slice \"%s\": \"applied\" is not a boolean", name);
                        slice->applied = json_object_get_boolean(value);
                } else
                        r = keep_unknown(&slice->unknown, key, value);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int parse_slices(State *s, json_object *o, char **ret_error) {
        int r;

        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "\"slices\" is not an object");

        json_object_object_foreach(o, key, value) {
                r = parse_slice(s, key, value, ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int check_version(json_object *o, char **ret_error) {
        json_object *version;

        if (!json_object_object_get_ex(o, "version", &version))
                return error_text(ret_error, "has no \"version\"");
        if (!json_object_is_type(version, json_type_int))
                return error_text(ret_error, "\"version\" is not an integer");
        if (json_object_get_int64(version) != STATE_VERSION)
                return error_text(ret_error, "\"version\" is %" PRIi64 ", not %d",
                        json_object_get_int64(version), STATE_VERSION);

        return 0;
}

int state_parse(const char *text, size_t size, State **ret, char **ret_error) {
        _cleanup_(json_object_putp) json_object *o = NULL;
        _cleanup_(state_freep) State *s = NULL;
        bool vms = false;
        int r;

        s = state_new();
        if (!s)
                return -ENOMEM;

        r = parse_json(text, size, &o, ret_error);
        if (r < 0)
                return r;

        /* First, because another version may have other members. */
        r = check_version(o, ret_error);
        if (r < 0)
                return r;

        json_object_object_foreach(o, key, value) {
                if (streq(key, "version"))
                        continue;

                if (streq(key, "default-quota")) {
                        r = parse_number(value, "the document", key, &s->default_quota, ret_error);
                        s->default_quota_set = true;
                } else if (streq(key, "vms")) {
                        r = parse_entries(s, value, ret_error);
                        vms = true;
                } else if (streq(key, "slices"))
                        r = parse_slices(s, value, ret_error);
                else
                        r = keep_unknown(&s->unknown, key, value);
                if (r < 0)
                        return r;
        }

        if (!vms)
                return error_text(ret_error, "has no \"vms\"");

        *ret = TAKE_PTR(s);
        return 0;
}

/* Takes over value, also on failure; a NULL value is one that could not be made. */
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
                /* A null is NULL in json-c, and no lack of memory. */
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

/* Takes over value, like add_member(). */
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

static int add_entry(json_object *vms, const StateEntry *e) {
        json_object *vm;
        int r;

        vm = json_object_new_object();
        r = add_member(vms, e->key, vm);
        if (r >= 0 && e->name)
                r = add_member(vm, "name", json_object_new_string(e->name));
        if (r >= 0)
                r = add_setting(vm, "override", &e->override, e->unknown_of_override);
        if (r >= 0)
                r = add_setting(vm, "metadata", &e->announced.quota, e->unknown_of_metadata);
        if (r >= 0)
                r = add_domain(vm, &e->announced.domain);
        if (r >= 0 && e->announced.slice)
                r = add_member(vm, "slice", json_object_new_string(e->announced.slice));
        if (r >= 0)
                r = add_libvirt(vm, &e->announced);
        if (r >= 0 && e->reserved)
                r = add_member(vm, "reserved", json_object_new_boolean(true));
        if (r >= 0 && e->running)
                r = add_member(vm, "running", json_object_new_boolean(true));
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
