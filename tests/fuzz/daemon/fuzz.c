/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "fuzz.h"

char *fuzz_string(const uint8_t *data, size_t size) {
        char *s;

        if (size > 0 && memchr(data, '\0', size))
                return NULL;

        s = malloc(size + 1);
        FUZZ_CHECK(s);
        if (size > 0)
                memcpy(s, data, size);
        s[size] = '\0';
        return s;
}
