/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "macro.h"

DEFINE_CLEANUP_FUNC(json_object *, json_object_put, json_object_putp);

/*
 * Parses standard JSON, more strictly than json-c: the top level is an object, the text is UTF-8, and member names are
 * unique. Returns 0; -EBADMSG with *ret_error, which the caller frees; or -ENOMEM.
 */
int state_json_parse(const char *text, size_t size, json_object **ret, char **ret_error);
