/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "macro.h"

DEFINE_CLEANUP_FUNC(json_object *, json_object_put, json_object_putp);

/* JSON as the standard has it, of which json-c is too generous a reader: an object at the top, UTF-8, no member twice.
 * Returns 0; -EBADMSG with *ret_error (to be freed); or -ENOMEM. */
int state_json_parse(const char *text, size_t size, json_object **ret, char **ret_error);
