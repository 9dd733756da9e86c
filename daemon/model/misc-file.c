/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "macro.h"
#include "misc-file.h"

const char *misc_resource_to_string(MiscResource resource) {
        static const char *const table[_MISC_RESOURCE_MAX] = {
                [MISC_PASID] = "pasid",
                [MISC_PASID_ATTACH] = "pasid_attach",
        };

        return (unsigned) resource < _MISC_RESOURCE_MAX ? table[resource] : NULL;
}

const char *misc_max_name(MiscResource resource) {
        return resource == MISC_PASID_ATTACH ? "misc.max (pasid_attach)" : "misc.max";
}

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

int misc_file_get_values(const char *text, MiscValues *ret) {
        MiscValues values = {};
        bool found = false;
        int r;

        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++) {
                r = misc_file_get(text, misc_resource_to_string(i), &values.value[i]);
                if (r < 0 && r != -ENODATA)
                        return r;
                values.present[i] = r >= 0;
                found = found || r >= 0;
        }
        if (!found)
                return -ENODATA;

        *ret = values;
        return 0;
}

bool misc_values_differ(const MiscValues *values, uint64_t value, MiscResource *ret) {
        for (MiscResource i = 0; i < _MISC_RESOURCE_MAX; i++)
                if (values->present[i] && values->value[i] != value) {
                        *ret = i;
                        return true;
                }

        return false;
}

const char *misc_value_format(uint64_t value, char buf[static MISC_VALUE_SIZE]) {
        if (value == MISC_MAX)
                return strcpy(buf, "max");

        snprintf(buf, MISC_VALUE_SIZE, "%" PRIu64, value);
        return buf;
}

const char *misc_max_format(MiscResource resource, uint64_t value, char buf[static MISC_MAX_LINE_SIZE]) {
        char text[MISC_VALUE_SIZE];

        snprintf(buf, MISC_MAX_LINE_SIZE, "%s %s", misc_resource_to_string(resource),
                misc_value_format(value, text));
        return buf;
}
