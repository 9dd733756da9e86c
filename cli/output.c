/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "output.h"

#include <stdarg.h>

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

static bool is_c1(const char *s) {
        return (uint8_t) s[0] == 0xc2 && (uint8_t) s[1] >= 0x80 && (uint8_t) s[1] <= 0x9f;
}

static char *escape(const char *s, bool lines) {
        static const char hex[] = "0123456789abcdef";
        const char *begin = s;
        char *escaped, *p;

        p = escaped = malloc(strlen(s) * 4 + 1);
        if (!escaped)
                return NULL;

        for (; *s; s++) {
                unsigned char c = *s;

                /* 0x80 to 0x9f, which UTF-8 makes two bytes of, control terminals, too. */
                if ((c < 0x20 && !(c == '\n' && lines)) || c == 0x7f || is_c1(s) ||
                        (c >= 0x80 && s > begin && is_c1(s - 1))) {
                        *p++ = '\\';
                        *p++ = 'x';
                        *p++ = hex[c >> 4];
                        *p++ = hex[c & 15];
                } else
                        *p++ = c;
        }
        *p = 0;

        return escaped;
}

char *text_escape(const char *s) {
        return escape(s, false);
}

char *text_escape_lines(const char *s) {
        return escape(s, true);
}

CtlExitStatus fail(CtlExitStatus status, const char *format, ...) {
        va_list ap;

        /* What was printed so far comes before the complaint also where both go to one file. */
        fflush(stdout);

        fputs("pasidctl: ", stderr);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);

        return status;
}

CtlExitStatus fail_oom(void) {
        return fail(CTL_EXIT_FAILURE, "Out of memory.");
}
