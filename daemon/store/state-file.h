/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state.h"

/*
 * A State as a JSON document with a version. Two such files exist: the
 * persistent one (/var/lib/pasidd/state.json: overrides) and the runtime one
 * (/run/pasidd/state.json: --runtime overrides, reservations and metadata
 * quotas, which outlive the daemon but not the boot).
 */

#define STATE_VERSION 1

/* A larger file is none of ours; in bytes. */
#define STATE_SIZE_MAX (16U * 1024U * 1024U)

/* Pure parts. state_parse(): -EBADMSG with *ret_error (to be freed) for anything not as
 * state_format() writes it: wrong version, type, range, duplicate key. Unknown members are kept. */
int state_parse(const char *text, size_t size, State **ret, char **ret_error);
/* The caller frees *ret. */
int state_format(const State *s, char **ret);

typedef enum StateLoadResult {
        STATE_LOADED, /* or there is no file: *ret is an empty state */
        STATE_SET_ASIDE, /* it did not parse and is PATH.corrupt-N now (the first free N); *ret is an empty state */
        STATE_LEFT, /* it cannot be used, and could not be set aside: it must not be replaced; *ret is an empty state */
} StateLoadResult;

/*
 * Reads a state file. Returns a StateLoadResult; *ret_error (to be freed) says
 * what is wrong with the file unless it is STATE_LOADED. -ENOMEM.
 */
int state_load(const char *path, State **ret, char **ret_error);

/* state_format() for a file: -EFBIG for what state_load() would not take. The caller frees *ret. */
int state_format_file(const State *s, char **ret);

/* Replaces a state file, see replace_file(). */
int state_save(const State *s, const char *path, bool durable);
