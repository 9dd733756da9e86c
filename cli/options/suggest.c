/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "suggest.h"

#include "ascii.h"
#include "macro.h"

/* Longer than any candidate; bounds the quadratic run time. */
#define LENGTH_MAX ((size_t) 256)

static bool same(char a, char b) {
        return ascii_tolower(a) == ascii_tolower(b);
}

static size_t least(size_t a, size_t b) {
        return a < b ? a : b;
}

size_t edit_distance(const char *a, const char *b) {
        size_t n = strnlen(a, LENGTH_MAX), m = strnlen(b, LENGTH_MAX), width = m + 1;
        _cleanup_free_ size_t *rows = NULL;
        size_t *before, *last, *row;

        /* rows: the last three rows of the distance matrix. */
        rows = calloc(3 * width, sizeof(*rows));
        if (!rows)
                return SIZE_MAX;
        before = rows;
        last = rows + width;
        row = rows + 2 * width;

        for (size_t j = 0; j <= m; j++)
                row[j] = j;

        for (size_t i = 1; i <= n; i++) {
                size_t *unused = before;

                before = last;
                last = row;
                row = unused;

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        row[j] = least(
                                least(last[j], row[j - 1]) + 1, last[j - 1] + !same(a[i - 1], b[j - 1]));
                        if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                                row[j] = least(row[j], before[j - 2] + 1);
                }
        }

        return row[m];
}

const char *suggest(const char *typed, const char *const *words, size_t n_words) {
        size_t best = strlen(typed) / 3, distance;
        const char *found = NULL;

        if (best == 0)
                best = 1;

        for (size_t i = 0; i < n_words; i++) {
                if (isempty(words[i]))
                        continue;
                distance = edit_distance(typed, words[i]);
                /* Every byte of a short word can differ: not a misspelling of it. */
                if (distance < strlen(words[i]) && (found ? distance < best : distance <= best)) {
                        found = words[i];
                        best = distance;
                }
        }

        return found;
}
