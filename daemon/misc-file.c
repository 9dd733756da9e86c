/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "macro.h"
#include "misc-file.h"

static int misc_value_parse(const char *s, size_t n, uint64_t *ret) {
        uint64_t value = 0;

        if (n == strlen("max") && memcmp(s, "max", n) == 0) {
                *ret = MISC_MAX;
                return 0;
        }

        if (n == 0)
                return -EBADMSG;

        for (size_t i = 0; i < n; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return -EBADMSG;
                if (__builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, (uint64_t) (s[i] - '0'), &value))
                        return -EBADMSG;
        }

        *ret = value;
        return 0;
}

int misc_file_get(const char *text, const char *key, uint64_t *ret) {
        size_t key_len = strlen(key);

        for (const char *line = text; *line;) {
                size_t n = strcspn(line, "\n");

                if (n >= key_len && memcmp(line, key, key_len) == 0) {
                        if (n == key_len)
                                return -EBADMSG;
                        if (line[key_len] == ' ')
                                return misc_value_parse(line + key_len + 1, n - key_len - 1, ret);
                }

                line += n;
                if (*line == '\n')
                        line++;
        }

        return -ENODATA;
}

const char *misc_max_format(uint64_t value, char buf[static MISC_MAX_LINE_SIZE]) {
        if (value == MISC_MAX)
                return strcpy(buf, MISC_KEY_PASID " max");

        snprintf(buf, MISC_MAX_LINE_SIZE, MISC_KEY_PASID " %" PRIu64, value);
        return buf;
}
