/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "exit-status.h"
#include "macro.h"

DEFINE_CLEANUP_FUNC(json_object *, json_object_put, json_object_putp);
#define _cleanup_json_ _cleanup_(json_object_putp)

typedef enum JsonMode {
        JSON_OFF,
        JSON_SHORT,  /* one line */
        JSON_PRETTY, /* indented */
        _JSON_MODE_MAX,
        _JSON_MODE_INVALID = -EINVAL,
} JsonMode;

const char *json_mode_to_string(JsonMode mode);
JsonMode json_mode_from_string(const char *s);

/* Prints the object and a newline. JSON_OFF is taken for JSON_SHORT. */
void json_print(FILE *f, JsonMode mode, json_object *object);

/*
 * Add a value to an object or an array and always take it over. A NULL value
 * stands for lack of memory. Return 0 or -ENOMEM.
 */
int json_add(json_object *object, const char *key, json_object *value);
int json_append(json_object *array, json_object *value);

/*
 * A copy of s that is safe to print on a terminal, stays on one line and does
 * not reorder it: the bytes of control characters, and those that are no UTF-8,
 * become \xHH.
 * Backslashes stay as they are, for unit names are full of them. NULL when out
 * of memory.
 */
char *text_escape(const char *s);

/* The same for text of several lines. */
char *text_escape_lines(const char *s);

/* The same with nothing but ASCII in it. */
char *text_escape_ascii(const char *s);

/* Says "pasidctl: MESSAGE" on stderr and returns status, to be returned on. */
CtlExitStatus fail(CtlExitStatus status, const char *format, ...) _printf_(2, 3);
CtlExitStatus fail_oom(void);
