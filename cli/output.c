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

typedef bool (*PlainFunc)(uint32_t c);

/* 0x80 to 0x9f control terminals, too; from 0x2028 and 0x2066 on are what ends lines and turns text round. */
static bool is_printable(uint32_t c) {
        return c >= 0x20 && (c < 0x7f || c >= 0xa0) && (c < 0x2028 || c > 0x202e) &&
               (c < 0x2066 || c > 0x2069);
}

static bool is_printable_or_newline(uint32_t c) {
        return c == '\n' || is_printable(c);
}

static bool is_printable_ascii(uint32_t c) {
        return c >= 0x20 && c < 0x7f;
}

/* The characters that are not plain, and what is no UTF-8, byte by byte. */
static char *escape(const char *s, PlainFunc plain) {
        static const char hex[] = "0123456789abcdef";
        size_t left = strlen(s);
        char *escaped, *p;

        p = escaped = malloc(left * 4 + 1);
        if (!escaped)
                return NULL;

        while (left > 0) {
                uint32_t c;
                size_t n = utf8_decode(s, left, &c);
                bool as_it_is = n > 0 && plain(c);

                if (n == 0)
                        n = 1;
                for (left -= n; n > 0; n--, s++) {
                        unsigned char byte = *s;

                        if (as_it_is)
                                *p++ = *s;
                        else {
                                *p++ = '\\';
                                *p++ = 'x';
                                *p++ = hex[byte >> 4];
                                *p++ = hex[byte & 15];
                        }
                }
        }
        *p = 0;

        return escaped;
}

char *text_escape(const char *s) {
        return escape(s, is_printable);
}

char *text_escape_lines(const char *s) {
        return escape(s, is_printable_or_newline);
}

char *text_escape_ascii(const char *s) {
        return escape(s, is_printable_ascii);
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
