/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "macro.h"
#include "utf8.h"

/* The length of the well-formed sequence at p and its code point; 0 when there is none. */
static size_t utf8_decode(const unsigned char *p, uint32_t *ret) {
        static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        uint32_t c;
        size_t n;

        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }

        if ((p[0] & 0xe0) == 0xc0)
                n = 2;
        else if ((p[0] & 0xf0) == 0xe0)
                n = 3;
        else if ((p[0] & 0xf8) == 0xf0)
                n = 4;
        else
                return 0;

        c = p[0] & (0x7fU >> n);
        for (size_t i = 1; i < n; i++) {
                /* Stops at the terminating NUL as well. */
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }

        if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret = c;
        return n;
}

bool utf8_is_printable(const char *s) {
        const unsigned char *p = (const unsigned char *) s;

        while (*p) {
                uint32_t c;
                size_t n;

                n = utf8_decode(p, &c);
                if (n == 0)
                        return false;
                if (c < 0x20 || (c >= 0x7f && c < 0xa0))
                        return false;
                p += n;
        }

        return true;
}
