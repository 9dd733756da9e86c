/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "info.h"

/*
 * What "export" writes and "import" reads: a JSON document of all overrides.
 * Pure.
 */

typedef struct Override {
        char *layer; /* "runtime" or "persistent" */
        char *kind;  /* "vm", "slice" or "default" */
        char *key;   /* UUID or "unit:NAME", the slice, or nothing */
        char *name;  /* of the VM when it was set, for people */
        json_object *values;
} Override;

extern const InfoTable override_table;

#define OVERRIDES_VERSION 1

/* A larger document is none of ours; in bytes. */
#define OVERRIDES_SIZE_MAX ((size_t) 16 * 1024 * 1024)

/* NULL when out of memory. */
json_object *overrides_format(const Rows *overrides);

/*
 * Reads one. What it does not know is an error, so that a misspelt key does not
 * become no override. Returns 0; -EBADMSG with *ret_error saying what is wrong
 * (to be freed); -ENOMEM. The caller clears *ret, which has its table, either way.
 */
int overrides_parse(const char *text, Rows *ret, char **ret_error);
