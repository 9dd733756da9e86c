/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "overrides.h"

#include "error-text.h"
#include "quota.h"

#define OVERRIDE_FIELD(key, type, member) { key, key, NULL, NULL, type, offsetof(Override, member) }

static const InfoField override_fields[] = {
        OVERRIDE_FIELD("layer", INFO_STRING, layer),
        OVERRIDE_FIELD("kind", INFO_STRING, kind),
        OVERRIDE_FIELD("key", INFO_STRING, key),
        OVERRIDE_FIELD("name", INFO_STRING, name),
        OVERRIDE_FIELD("values", INFO_JSON, values),
};

const InfoTable override_table = {
        .fields = override_fields,
        .n_fields = ELEMENTSOF(override_fields),
        .size = sizeof(Override),
};

json_object *overrides_format(const Rows *overrides) {
        _cleanup_json_ json_object *object = json_object_new_object(), *array = json_object_new_array();

        if (!object || !array)
                return NULL;
        for (size_t i = 0; i < overrides->n_rows; i++)
                if (json_append(array, info_json(&override_table, (Override *) overrides->rows + i)) < 0)
                        return NULL;

        if (json_add(object, "version", json_object_new_int(OVERRIDES_VERSION)) < 0 ||
                json_add(object, "overrides", json_object_get(array)) < 0)
                return NULL;
        return TAKE_PTR(object);
}

/* A slice can have no limit. */
static bool is_in_range(int64_t n, const char *kind, const char *key) {
        return (n >= 0 && n <= QUOTA_MAX) || (n == LIMIT_NONE && streq(kind, "slice") && streq(key, "quota"));
}

static int parse_values(json_object *values, const char *kind, size_t i, char **ret_error) {
        if (!json_object_is_type(values, json_type_object) || json_object_object_length(values) == 0)
                return error_text(ret_error, "override %zu: \"values\" must be a non-empty object", i + 1);

        json_object_object_foreach(values, key, value) {
                if (!streq(key, "quota") && !streq(key, "watermark"))
                        return error_text(ret_error, "override %zu: the value \"%s\" is missing", i + 1, key);
                if (!json_object_is_type(value, json_type_int) ||
                        !is_in_range(json_object_get_int64(value), kind, key))
                        return error_text(ret_error, "override %zu: %s %s is not a number from 0 to %d",
                                i + 1, key, json_object_to_json_string(value), (int) QUOTA_MAX);
        }
        return 0;
}

static bool is_one_of(const char *s, const char *const *words, size_t n_words) {
        for (size_t i = 0; i < n_words; i++)
                if (streq(s, words[i]))
                        return true;
        return false;
}

static int parse_override(json_object *object, size_t i, Override *ret, char **ret_error) {
        static const char *const layers[] = { "runtime", "persistent" }, *const kinds[] = { "vm", "slice",
                "default" };
        struct {
                const char *key;
                char **member;
        } strings[] = {
                { "layer", &ret->layer },
                { "kind", &ret->kind },
                { "key", &ret->key },
                { "name", &ret->name },
        };
        json_object *value;
        int r;

        if (!json_object_is_type(object, json_type_object))
                return error_text(ret_error, "override %zu is not an object", i + 1);

        for (size_t j = 0; j < ELEMENTSOF(strings); j++) {
                if (!json_object_object_get_ex(object, strings[j].key, &value) ||
                        !json_object_is_type(value, json_type_string))
                        return error_text(
                                ret_error, "override %zu: \"%s\" is not a string", i + 1, strings[j].key);
                *strings[j].member = strdup(json_object_get_string(value));
                if (!*strings[j].member)
                        return -ENOMEM;
        }
        if (!is_one_of(ret->layer, layers, ELEMENTSOF(layers)))
                return error_text(ret_error, "override %zu: the layer \"%s\" must be runtime or persistent",
                        i + 1, ret->layer);
        if (!is_one_of(ret->kind, kinds, ELEMENTSOF(kinds)))
                return error_text(ret_error, "override %zu: the kind \"%s\" must be vm, slice or default",
                        i + 1, ret->kind);

        if (!json_object_object_get_ex(object, "values", &value))
                return error_text(ret_error, "override %zu has no \"values\"", i + 1);
        r = parse_values(value, ret->kind, i, ret_error);
        if (r < 0)
                return r;
        if (json_object_object_length(object) != (int) ELEMENTSOF(strings) + 1)
                return error_text(ret_error, "override %zu has an unknown key", i + 1);
        ret->values = json_object_get(value);
        return 0;
}

DEFINE_CLEANUP_FUNC(json_tokener *, json_tokener_free, json_tokener_freep);

/* Parses one JSON object and rejects trailing data. */
static int parse_object(const char *text, json_object **ret, char **ret_error) {
        _cleanup_(json_tokener_freep) json_tokener *tokener = json_tokener_new();
        _cleanup_json_ json_object *object = NULL;
        enum json_tokener_error error;

        if (!tokener)
                return -ENOMEM;
        /* Not JSON_TOKENER_STRICT: with it, json-c 0.18 treats a non-ASCII letter as a control character. */
        json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
        /* With the final NUL byte, which terminates a number. */
        object = json_tokener_parse_ex(tokener, text, (int) strlen(text) + 1);
        error = json_tokener_get_error(tokener);
        text += json_tokener_get_parse_end(tokener);

        if (error != json_tokener_success)
                return error_text(ret_error, "it is not a JSON object: %s at \"%.20s\"",
                        json_tokener_error_desc(error), text);
        if (!json_object_is_type(object, json_type_object))
                return error_text(ret_error, "it is not a JSON object");
        text += strspn(text, " \t\r\n");
        if (*text)
                return error_text(ret_error, "unexpected data after the JSON object: \"%.20s\"", text);

        *ret = TAKE_PTR(object);
        return 0;
}

/* Adds the override to seen. Returns -EBADMSG if seen has one of the same layer, kind and key. */
static int check_repeated(json_object *seen, const Override *override, size_t i, char **ret_error) {
        _cleanup_free_ char *id = NULL;

        if (asprintf(&id, "%s %s %s", override->layer, override->kind, override->key) < 0) {
                id = NULL;
                return -ENOMEM;
        }
        if (json_object_object_get_ex(seen, id, NULL))
                return error_text(ret_error, "override %zu: duplicate of an earlier override of %s \"%s\"",
                        i + 1, override->kind, override->key);
        return json_add(seen, id, json_object_new_boolean(true));
}

int overrides_parse(const char *text, Rows *ret, char **ret_error) {
        _cleanup_json_ json_object *object = NULL, *seen = json_object_new_object();
        json_object *version, *array;
        int r;

        if (!seen)
                return -ENOMEM;
        r = parse_object(text, &object, ret_error);
        if (r < 0)
                return r;
        if (!json_object_object_get_ex(object, "version", &version) ||
                !json_object_is_type(version, json_type_int))
                return error_text(ret_error, "it has no version");
        if (json_object_get_int64(version) != OVERRIDES_VERSION)
                return error_text(ret_error, "its version %s is not %d", json_object_to_json_string(version),
                        OVERRIDES_VERSION);
        if (!json_object_object_get_ex(object, "overrides", &array) ||
                !json_object_is_type(array, json_type_array))
                return error_text(ret_error, "it has no list of overrides");
        if (json_object_object_length(object) != 2)
                return error_text(ret_error, "it has keys other than version and overrides");

        ret->rows = calloc(json_object_array_length(array) + 1, sizeof(Override));
        if (!ret->rows)
                return -ENOMEM;
        for (size_t i = 0; i < json_object_array_length(array); i++) {
                ret->n_rows++;
                r = parse_override(
                        json_object_array_get_idx(array, i), i, (Override *) ret->rows + i, ret_error);
                if (r >= 0)
                        r = check_repeated(seen, (Override *) ret->rows + i, i, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}
