/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "output.h"

void json_print(FILE *f, JsonMode mode, json_object *object) {
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

        if (mode == JSON_PRETTY)
                flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;

        fprintf(f, "%s\n", json_object_to_json_string_ext(object, flags));
}

int json_add(json_object *object, const char *key, json_object *value) {
        if (!value)
                return -ENOMEM;
        if (json_object_object_add(object, key, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

int json_append(json_object *array, json_object *value) {
        if (!value)
                return -ENOMEM;
        if (json_object_array_add(array, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}
