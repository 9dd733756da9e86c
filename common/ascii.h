/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * ASCII case and character classes, independent of the locale. The functions
 * of the C library follow the locale: in a Turkish one, 'I' in lower case is not 'i'.
 */

static inline char ascii_tolower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static inline bool ascii_is_xdigit(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static inline bool ascii_is_alnum(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Do a and b match in their first n bytes, or up to a NUL, apart from case? */
static inline bool ascii_strneq_case(const char *a, const char *b, size_t n) {
        for (; n > 0; n--, a++, b++) {
                if (ascii_tolower(*a) != ascii_tolower(*b))
                        return false;
                if (*a == '\0')
                        break;
        }

        return true;
}

static inline bool ascii_streq_case(const char *a, const char *b) {
        return ascii_strneq_case(a, b, (size_t) -1);
}

static inline bool ascii_is_prefix_case(const char *s, const char *prefix) {
        for (; *prefix; s++, prefix++)
                if (ascii_tolower(*s) != ascii_tolower(*prefix))
                        return false;

        return true;
}
