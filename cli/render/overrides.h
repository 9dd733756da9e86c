/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "info.h"

/*
 * The JSON document of all overrides, for "export" and "import". Pure functions.
 */

typedef struct Override {
        char *layer; /* "runtime" or "persistent" */
        char *kind;  /* "vm", "slice" or "default" */
        char *key;   /* UUID or "unit:NAME", the slice, or "" */
        char *name;  /* of the VM when the override was set; informational */
        json_object *values;
} Override;

extern const InfoTable override_table;

#define OVERRIDES_VERSION 1

/* Maximum size of a document in bytes. */
#define OVERRIDES_SIZE_MAX ((size_t) 16 * 1024 * 1024)

/* NULL when out of memory. */
json_object *overrides_format(const Rows *overrides);

/*
 * Parses a document. Unknown keys are errors, so that a misspelt key is not
 * ignored. Returns 0; -EBADMSG with a message in *ret_error, which the caller
 * frees; or -ENOMEM. *ret must have its table; the caller clears it either way.
 */
int overrides_parse(const char *text, Rows *ret, char **ret_error);
