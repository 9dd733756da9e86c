/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "macro.h"
#include "utf8.h"

size_t utf8_decode(const char *s, size_t n, uint32_t *ret) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *p = (const unsigned char *) s;
        uint32_t c;
        size_t len;

        if (n == 0)
                return 0;

        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }

        if ((p[0] & 0xe0) == 0xc0)
                len = 2;
        else if ((p[0] & 0xf0) == 0xe0)
                len = 3;
        else if ((p[0] & 0xf8) == 0xf0)
                len = 4;
        else
                return 0;

        if (len > n)
                return 0;

        c = p[0] & (0x7fU >> len);
        for (size_t i = 1; i < len; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }

        if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret = c;
        return len;
}

bool utf8_is_printable(const char *s) {
        size_t left = strlen(s);

        while (left > 0) {
                uint32_t c;
                size_t n;

                n = utf8_decode(s, left, &c);
                if (n == 0)
                        return false;
                if (c < 0x20 || (c >= 0x7f && c < 0xa0))
                        return false;

                s += n;
                left -= n;
        }

        return true;
}
