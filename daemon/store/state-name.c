/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <limits.h>

#include "sha256.h"
#include "state-name.h"
#include "uuid.h"

/*
 * Prefix for units whose names look like those of other files. No other file name begins with it: "u" is no hex digit.
 */
#define UNIT_PREFIX "%unit-"

/* Prefixes of a digest, for names that would be longer than NAME_MAX. "v" and "s" are no hex digits, either. */
#define LONG_VM_PREFIX    "%vm-"
#define LONG_SLICE_PREFIX "%slice-"

#define SLICE_SUFFIX ".slice"

static bool is_plain(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr(":_-.\\@", c));
}

static bool ends_with(const char *s, const char *suffix) {
        size_t n = strlen(s), k = strlen(suffix);

        return n >= k && streq(s + n - k, suffix);
}

/* Does the unit's name look like that of another kind of file? */
static bool is_ambiguous(const char *unit) {
        char uuid[UUID_STRING_SIZE];

        return streq(unit, STATE_NAME_DEFAULT) || ends_with(unit, SLICE_SUFFIX) ||
               uuid_canonical(unit, uuid) >= 0;
}

static int escape(const char *prefix, const char *s, char **ret) {
        char name[NAME_MAX + 1];
        size_t n = strlen(prefix);

        memcpy(name, prefix, n);
        for (; *s; s++) {
                bool plain = is_plain(*s) && !(n == 0 && *s == '.');

                if (n + (plain ? 1 : 3) > NAME_MAX)
                        return -ENAMETOOLONG;
                if (plain)
                        name[n++] = *s;
                else
                        n += (size_t) sprintf(name + n, "%%%02X", (unsigned char) *s);
        }

        *ret = strndup(name, n);
        return *ret ? 0 : -ENOMEM;
}

static int digest(const char *prefix, const char *key, char **ret) {
        char hex[SHA256_HEX_SIZE];

        sha256_hex(key, strlen(key), hex);
        if (asprintf(ret, "%s%s", prefix, hex) < 0) {
                *ret = NULL;
                return -ENOMEM;
        }
        return 0;
}

int state_file_name(OverrideKind kind, const char *key, char **ret) {
        const size_t n = strlen(STATE_UNIT_PREFIX);
        int r;

        if (kind == OVERRIDE_DEFAULT)
                return escape("", STATE_NAME_DEFAULT, ret);
        if (kind == OVERRIDE_SLICE || strncmp(key, STATE_UNIT_PREFIX, n) != 0)
                r = escape("", key, ret);
        else
                r = escape(is_ambiguous(key + n) ? UNIT_PREFIX : "", key + n, ret);
        if (r != -ENAMETOOLONG)
                return r;

        return digest(kind == OVERRIDE_SLICE ? LONG_SLICE_PREFIX : LONG_VM_PREFIX, key, ret);
}
