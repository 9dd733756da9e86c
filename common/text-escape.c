/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>

#include "macro.h"
#include "text-escape.h"
#include "utf8.h"

typedef bool (*PlainFunc)(uint32_t c);

/* Excludes C1 controls (0x80 to 0x9f), line separators, and characters that change the text's direction. */
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

/* Escapes each byte of invalid UTF-8 and of characters for which plain() returns false. */
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
