/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "fail.h"
#include "json-mode.h"
#include "macro.h"
#include "text-escape.h"

DEFINE_CLEANUP_FUNC(json_object *, json_object_put, json_object_putp);
#define _cleanup_json_ _cleanup_(json_object_putp)

/* Prints the object and a newline. JSON_OFF is treated like JSON_SHORT. */
void json_print(FILE *f, JsonMode mode, json_object *object);

/*
 * Add a value to an object or an array. Always take ownership of the value. A
 * NULL value means out of memory. Return 0 or -ENOMEM.
 */
int json_add(json_object *object, const char *key, json_object *value);
int json_append(json_object *array, json_object *value);
