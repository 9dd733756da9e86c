/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "output.h"

#include <stdarg.h>

#include "utf8.h"

static const char *const json_mode_table[_JSON_MODE_MAX] = {
        [JSON_OFF] = "off",
        [JSON_SHORT] = "short",
        [JSON_PRETTY] = "pretty",
};

const char *json_mode_to_string(JsonMode mode) {
        return mode >= 0 && mode < _JSON_MODE_MAX ? json_mode_table[mode] : NULL;
}

JsonMode json_mode_from_string(const char *s) {
        for (int mode = 0; mode < _JSON_MODE_MAX; mode++)
                if (streq_ptr(json_mode_table[mode], s))
                        return mode;
        return _JSON_MODE_INVALID;
}

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

CtlExitStatus fail(CtlExitStatus status, const char *format, ...) {
        _cleanup_free_ char *text = NULL, *escaped = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        /* What somebody gave as an argument does not get at the terminal. */
        escaped = text ? text_escape_lines(text) : NULL;

        /* What was printed so far comes before the complaint also where both go to one file. */
        fflush(stdout);

        fprintf(stderr, "pasidctl: %s\n", escaped ?: "Out of memory.");

        return status;
}

CtlExitStatus fail_oom(void) {
        return fail(CTL_EXIT_FAILURE, "Out of memory.");
}
