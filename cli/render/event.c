/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "event.h"

#include <inttypes.h>
#include <time.h>

/* The arguments of the signals, in the order of org.pasidd1.Manager.xml. */
static const struct {
        const char *signal;
        const char *arguments[9];
} signal_table[] = {
        { "VMAdded", { "uuid", "name", "path" } },
        { "VMRemoved", { "uuid", "name", "path" } },
        { "QuotaExceeded", { "uuid", "name", "path", "set", "reason", "allocated", "quota", "suppressed" } },
        { "Overcommitted", { "slice", "committed", "commit_limit" } },
        { "WatermarkReached", { "uuid", "name", "path", "set", "allocated", "watermark" } },
        { "AttachRefused", { "uuid", "name", "path", "set", "reason", "attached", "quota", "suppressed" } },
        { "AttachWatermarkReached", { "uuid", "name", "path", "set", "attached", "watermark" } },
};

/* Local time with microseconds and offset, RFC 3339. */
json_object *event_time_json(uint64_t usec) {
        char date[64], zone[16], text[128];
        time_t seconds = usec / 1000000;
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0 ||
                strftime(zone, sizeof(zone), "%z", &tm) < 5)
                return NULL;

        /* %z has no colon: +0200 */
        snprintf(text, sizeof(text), "%s.%06" PRIu64 "%.3s:%s", date, usec % 1000000, zone, zone + 3);
        return json_object_new_string(text);
}

json_object *event_new(uint64_t usec, const char *event) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object || json_add(object, "time", event_time_json(usec)) < 0 ||
                json_add(object, "event", json_object_new_string(event)) < 0)
                return NULL;

        return TAKE_PTR(object);
}

int event_add_arguments(json_object *event, const char *signal, json_object *arguments) {
        const char *const *names = NULL;
        size_t n_names = 0;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(signal_table) && !names; i++)
                if (streq(signal_table[i].signal, signal))
                        names = signal_table[i].arguments;
        while (names && names[n_names])
                n_names++;

        for (size_t i = 0; i < json_object_array_length(arguments); i++) {
                json_object *value = json_object_array_get_idx(arguments, i);
                char fallback[32];

                snprintf(fallback, sizeof(fallback), "arg%zu", i);
                r = json_add(event, i < n_names ? names[i] : fallback, json_object_get(value));
                if (r < 0)
                        return r;
        }

        return 0;
}

static const char *get_string(json_object *event, const char *key) {
        json_object *value;

        return json_object_object_get_ex(event, key, &value) ? json_object_get_string(value) : NULL;
}

/*
 * Prints a word unquoted, and an empty string or one with blanks or quotes as JSON. Escapes control
 * characters that JSON allows.
 */
static int print_value(FILE *f, json_object *value) {
        _cleanup_free_ char *escaped = NULL;
        const char *s = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";

        if (!*s || strpbrk(s, " \""))
                s = json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE);
        escaped = text_escape(s);
        if (!escaped)
                return -ENOMEM;
        fputs(escaped, f);
        return 0;
}

static int print_pair(FILE *f, const char *key, json_object *value) {
        int r;

        if (!json_object_is_type(value, json_type_object)) {
                fprintf(f, " %s=", key);
                return print_value(f, value);
        }

        json_object_object_foreach(value, member, member_value) {
                r = print_pair(f, member, member_value);
                if (r < 0)
                        return r;
        }
        return 0;
}

char *event_details_text(json_object *details) {
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;
        json_object_object_foreach(details, key, value) {
                if (print_pair(f, key, value) < 0)
                        return NULL;
        }
        if (fclose(TAKE_PTR(f)) != 0)
                return NULL;

        return strdup(*text ? text + 1 : "-");
}

char *event_text(json_object *event) {
        static const char *const in_front[] = { "time", "event", "name", "path" };
        _cleanup_free_ char *text = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        json_object *name;
        size_t size;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;

        fprintf(f, "%s %s", get_string(event, "time"), get_string(event, "event"));
        if (json_object_object_get_ex(event, "name", &name)) {
                fputc(' ', f);
                if (print_value(f, name) < 0)
                        return NULL;
        }

        json_object_object_foreach(event, key, value) {
                bool done = false;

                for (size_t i = 0; i < ELEMENTSOF(in_front); i++)
                        done = done || streq(in_front[i], key);
                if (done)
                        continue;

                if (print_pair(f, key, value) < 0)
                        return NULL;
        }

        if (fclose(TAKE_PTR(f)) != 0)
                return NULL;
        return TAKE_PTR(text);
}
