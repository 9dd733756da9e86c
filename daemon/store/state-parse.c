/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup-path.h"
#include "error-text.h"
#include "quota.h"
#include "state-file.h"
#include "state-json.h"
#include "utf8.h"

/* where: the object that has the member, for the message. */
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

/* Preserves a member unknown to this version. */
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
                        return error_text(ret_error, "VM \"%s\": an element of \"domain\" is not a pair", vm);

                key = json_object_array_get_idx(item, 0);
                value = json_object_array_get_idx(item, 1);
                if (!json_object_is_type(key, json_type_string) ||
                        !json_object_is_type(value, json_type_string))
                        return error_text(ret_error,
                                "VM \"%s\": an element of \"domain\" is not a pair of strings", vm);

                r = metadata_add(domain, json_object_get_string(key), json_object_get_string(value));
                if (r == -ENOMEM)
                        return r;
                /* An earlier version had a higher limit. Keep the rest of the file. */
                if (r == -ENOSPC)
                        break;
                if (r < 0)
                        return error_text(
                                ret_error, "VM \"%s\": \"domain\" has an invalid pair: %s", vm, strerror(-r));
        }

        return 0;
}

/* Parses a string that must be a slice name. */
static int parse_slice_name(json_object *o, const char *vm, char **ret, char **ret_error) {
        _cleanup_free_ char *path = NULL;
        const char *slice = json_object_get_string(o);
        int r = -EINVAL;

        if (json_object_is_type(o, json_type_string))
                r = cgroup_path_from_slice(slice, &path);
        if (r == -EINVAL)
                return error_text(ret_error, "VM \"%s\": \"slice\" is not a valid slice name", vm);
        if (r < 0)
                return r;

        *ret = strdup(slice);
        return *ret ? 0 : -ENOMEM;
}

/* Parses the process that starts the VM. */
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

static int parse_boolean(json_object *o, const char *vm, const char *key, bool *ret, char **ret_error) {
        if (!json_object_is_type(o, json_type_boolean))
                return error_text(ret_error, "VM \"%s\": \"%s\" is not a boolean", vm, key);

        *ret = json_object_get_boolean(o);
        return 0;
}

static int parse_name(json_object *o, const char *vm, const char *key, char **ret, char **ret_error) {
        if (!json_object_is_type(o, json_type_string) || !utf8_is_printable(json_object_get_string(o)))
                return error_text(ret_error, "VM \"%s\": \"%s\" is not a printable string", vm, key);

        *ret = strdup(json_object_get_string(o));
        return *ret ? 0 : -ENOMEM;
}

/* Parses a member of an announcement. Returns 1 if key is one, 0 if not, or a negative errno. */
static int parse_announced(json_object *o, const char *vm, const char *key, Announcement *announced,
        json_object **unknown_of_metadata, char **ret_error) {
        int r;

        if (streq(key, "metadata"))
                r = parse_setting(o, vm, key, &announced->quota, unknown_of_metadata, ret_error);
        else if (streq(key, "domain"))
                r = parse_domain(o, vm, &announced->domain, ret_error);
        else if (streq(key, "slice"))
                r = parse_slice_name(o, vm, &announced->slice, ret_error);
        else if (streq(key, "libvirt"))
                r = parse_libvirt(o, vm, announced, ret_error);
        else
                return 0;

        return r < 0 ? r : 1;
}

static int parse_timestamp(json_object *o, const char *vm, const char *key, uint64_t *ret, char **ret_error) {
        if (!json_object_is_type(o, json_type_int) || json_object_get_int64(o) < 0)
                return error_text(ret_error, "VM \"%s\": \"%s\" is not a timestamp", vm, key);

        *ret = (uint64_t) json_object_get_int64(o);
        return 0;
}

static int parse_serial(json_object *o, const char *vm, const char *key, uint64_t *ret, char **ret_error) {
        if (!json_object_is_type(o, json_type_int) || json_object_get_int64(o) <= 0)
                return error_text(ret_error, "VM \"%s\": \"%s\" is not a positive integer", vm, key);

        *ret = (uint64_t) json_object_get_int64(o);
        return 0;
}

static int parse_next(json_object *o, const char *vm, StateNext *next, char **ret_error) {
        int r;

        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "VM \"%s\": \"next\" is not an object", vm);

        json_object_object_foreach(o, key, value) {
                r = parse_announced(value, vm, key, &next->announced, &next->unknown_of_metadata, ret_error);
                if (r > 0)
                        continue;
                if (r == 0 && streq(key, "name"))
                        r = parse_name(value, vm, key, &next->name, ret_error);
                else if (r == 0 && streq(key, "after-machine"))
                        r = parse_name(value, vm, key, &next->after, ret_error);
                else if (r == 0 && streq(key, "after-timestamp"))
                        r = parse_timestamp(value, vm, key, &next->after_usec, ret_error);
                else if (r == 0)
                        r = keep_unknown(&next->unknown, key, value);
                if (r < 0)
                        return r;
        }

        return next->name ? 0 : error_text(ret_error, "VM \"%s\": \"next\" has no \"name\"", vm);
}

static int parse_entry(State *s, const char *vm, json_object *o, char **ret_error) {
        StateEntry *e;
        int r;

        if (!state_key_is_valid(vm))
                return error_text(ret_error,
                        "a VM's key must be a UUID in lower case with dashes, or \"" STATE_UNIT_PREFIX
                        "NAME\"");
        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "VM \"%s\" is not an object", vm);

        /* Names are unique in JSON, so append; state_parse() sorts the entries. */
        r = state_reserve(s, 1);
        if (r < 0)
                return r;
        e = state_append(s, vm);
        if (!e)
                return -ENOMEM;

        json_object_object_foreach(o, key, value) {
                r = parse_announced(value, vm, key, &e->announced, &e->unknown_of_metadata, ret_error);
                if (r > 0)
                        continue;
                if (r == 0 && streq(key, "override"))
                        r = parse_setting(value, vm, key, &e->override, &e->unknown_of_override, ret_error);
                else if (r == 0 && streq(key, "serial"))
                        r = parse_serial(value, vm, key, &e->serial, ret_error);
                else if (r == 0 && streq(key, "supersedes"))
                        r = parse_serial(value, vm, key, &e->supersedes, ret_error);
                else if (r == 0 && streq(key, "reserved"))
                        r = parse_boolean(value, vm, key, &e->reserved, ret_error);
                else if (r == 0 && streq(key, "running"))
                        r = parse_boolean(value, vm, key, &e->running, ret_error);
                else if (r == 0 && streq(key, "next"))
                        r = parse_next(value, vm, &e->next, ret_error);
                else if (r == 0 && streq(key, "name"))
                        r = parse_name(value, vm, key, &e->name, ret_error);
                else if (r == 0)
                        r = keep_unknown(&e->unknown, key, value);
                if (r < 0)
                        return r;
        }

        /* An older version, which does not know "next", keeps it when the VM's run ends. */
        if (!e->running)
                state_entry_forget_next(e);

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
                return error_text(ret_error, "\"slices\" has a member with an invalid slice name");
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
        int64_t number;
        int r;

        if (!json_object_object_get_ex(o, "version", &version))
                return error_text(ret_error, "has no \"version\"");
        if (!json_object_is_type(version, json_type_int))
                return error_text(ret_error, "\"version\" is not an integer");

        number = json_object_get_int64(version);
        if (number == STATE_VERSION)
                return 0;

        r = error_text(ret_error, "\"version\" is %" PRIi64 ", not %d", number, STATE_VERSION);
        return number > STATE_VERSION && r == -EBADMSG ? -EPROTONOSUPPORT : r;
}

int state_parse(const char *text, size_t size, State **ret, char **ret_error) {
        _cleanup_(json_object_putp) json_object *o = NULL;
        _cleanup_(state_freep) State *s = NULL;
        bool vms = false;
        int r;

        s = state_new();
        if (!s)
                return -ENOMEM;

        r = state_json_parse(text, size, &o, ret_error);
        if (r < 0)
                return r;

        /* Check this first, because another version may have different members. */
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

        state_sort(s);
        *ret = TAKE_PTR(s);
        return 0;
}
