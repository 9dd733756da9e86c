/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bus-error.h"

/* In UTF-8 all bytes of a character except the first are 10xxxxxx. */
static bool is_inside_character(char c) {
        return ((unsigned char) c & 0xc0U) == 0x80U;
}

int bus_error_setf(sd_bus_error *error, const char *name, const char *format, ...) {
        static const char mark[] = "...";
        char text[BUS_ERROR_TEXT_MAX];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);

        if (n >= (int) sizeof(text)) {
                size_t end = sizeof(text) - sizeof(mark);

                while (end > 0 && is_inside_character(text[end]))
                        end--;
                memcpy(text + end, mark, sizeof(mark));
        }

        return sd_bus_error_set(error, name, n < 0 ? format : text);
}
