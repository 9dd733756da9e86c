/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "error-text.h"
#include "state-file.h"
#include "state-json.h"
#include "utf8.h"

#define STATE_DEPTH_MAX 16 /* deeper than needed, for members of later versions */

DEFINE_CLEANUP_FUNC(json_tokener *, json_tokener_free, json_tokener_freep);

/*
 * Rejects what json-c accepts even in strict mode: strings in single quotes,
 * names cut at a NUL, invalid UTF-8, and members with the same name, of which
 * json-c keeps the last. Duplicate members are found by comparing the number of
 * colons outside of strings with the number of members.
 */
static int scan_text(const char *text, size_t size, size_t *ret_colons, char **ret_error) {
        static const char nul[] = "\\u0000";
        bool in_string = false, escaped = false;
        size_t n_colons = 0, n;

        for (size_t i = 0; i < size; i += n) {
                uint32_t c;

                n = utf8_decode(text + i, size - i, &c);
                if (n == 0)
                        return error_text(ret_error, "byte %zu: invalid UTF-8", i);

                if (escaped) {
                        /* Otherwise escape_text() would turn this into a valid escape. */
                        if (c >= 0x80)
                                return error_text(ret_error, "byte %zu: invalid escape", i);
                        escaped = false;
                } else if (c == '"')
                        in_string = !in_string;
                else if (in_string && c == '\\') {
                        if (size - i >= strlen(nul) && memcmp(text + i, nul, strlen(nul)) == 0)
                                return error_text(ret_error, "byte %zu: NUL character in a string", i);
                        escaped = true;
                } else if (!in_string && c == '\'')
                        return error_text(ret_error, "byte %zu: single quote", i);
                else if (!in_string && c == ':')
                        n_colons++;
        }

        *ret_colons = n_colons;
        return 0;
}

/*
 * In strict mode, json-c 0.18 takes all non-ASCII characters of a string for
 * control characters, so this replaces them by \uNNNN. scan_text() must have
 * accepted the text.
 */
static int escape_text(const char *text, size_t size, char **ret, size_t *ret_size) {
        size_t escaped_size;
        FILE *f;

        f = open_memstream(ret, &escaped_size);
        if (!f)
                return -errno;

        for (size_t i = 0, n; i < size; i += n) {
                uint32_t c = 0;

                n = utf8_decode(text + i, size - i, &c);
                if (c < 0x80)
                        putc_unlocked((int) c, f);
                else if (c < 0x10000)
                        fprintf(f, "\\u%04" PRIx32, c);
                else
                        fprintf(f, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((c - 0x10000) >> 10),
                                0xdc00 + ((c - 0x10000) & 0x3ff));
        }

        if (fclose(f) != 0) {
                free(*ret);
                *ret = NULL;
                return -ENOMEM;
        }

        *ret_size = escaped_size;
        return 0;
}

static size_t count_members(json_object *o) {
        size_t n = 0;

        if (json_object_is_type(o, json_type_array))
                for (size_t i = 0; i < json_object_array_length(o); i++)
                        n += count_members(json_object_array_get_idx(o, i));

        if (json_object_is_type(o, json_type_object)) {
                json_object_object_foreach(o, key, value) {
                        (void) key;
                        n += 1 + count_members(value);
                }
        }

        return n;
}

int state_json_parse(const char *text, size_t size, json_object **ret, char **ret_error) {
        _cleanup_(json_tokener_freep) json_tokener *tokener = NULL;
        _cleanup_(json_object_putp) json_object *o = NULL;
        _cleanup_free_ char *escaped = NULL;
        enum json_tokener_error e;
        size_t n_colons = 0, escaped_size = 0, end;
        int r;

        if (size > STATE_SIZE_MAX)
                return error_text(ret_error, "larger than %u bytes", STATE_SIZE_MAX);
        if (size == 0)
                return error_text(ret_error, "empty");

        r = scan_text(text, size, &n_colons, ret_error);
        if (r < 0)
                return r;

        r = escape_text(text, size, &escaped, &escaped_size);
        if (r < 0)
                return r;

        tokener = json_tokener_new_ex(STATE_DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;

        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        o = json_tokener_parse_ex(tokener, escaped, (int) escaped_size);

        e = json_tokener_get_error(tokener);
        end = json_tokener_get_parse_end(tokener);
        if (e == json_tokener_continue)
                return error_text(ret_error, "unexpected end of the document");
        if (e != json_tokener_success)
                return error_text(ret_error, "byte %zu: %s", end, json_tokener_error_desc(e));

        for (; end < escaped_size; end++)
                if (!strchr(" \t\r\n", escaped[end]) || escaped[end] == '\0')
                        return error_text(ret_error, "byte %zu: trailing characters after the document", end);

        if (!json_object_is_type(o, json_type_object))
                return error_text(ret_error, "the document is not an object");

        if (n_colons != count_members(o))
                return error_text(ret_error, "an object has duplicate members");

        *ret = TAKE_PTR(o);
        return 0;
}
