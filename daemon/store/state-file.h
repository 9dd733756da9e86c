/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "override-list.h"

/*
 * A State as a JSON document with a version. Each file of a layer is such a document with one VM, one slice, or the default
 * quota and what a later version keeps in a document. So are pending changes, and the single file of older versions.
 */

#define STATE_VERSION 1

/* A larger file is none of ours; in bytes. */
#define STATE_SIZE_MAX (16U * 1024U * 1024U)

/*
 * Pure parts. state_parse() gives *ret_error (to be freed) with
 *
 *   -EPROTONOSUPPORT  a newer version has written this
 *   -EBADMSG          anything else that is not as state_format() writes it: type, range, duplicate key
 *
 * and -ENOMEM without. Unknown members are kept.
 */
int state_parse(const char *text, size_t size, State **ret, char **ret_error);
/* The caller frees *ret. */
int state_format(const State *s, char **ret);
/*
 * The document of the file that has this entry, slice or default, for the caller to free; NULL if there is nothing to say
 * and so no file. -EFBIG for what state_load() would not take; -ENOMEM.
 */
int state_format_file(const State *s, OverrideKind kind, const char *key, char **ret);

typedef enum StateLoadResult {
        STATE_LOADED,
        STATE_ABSENT,    /* there is no such file */
        STATE_SET_ASIDE, /* it did not parse and was renamed */
        STATE_LEFT,      /* it cannot be used, and could not be set aside: it must not be replaced */
        STATE_NEWER,     /* a newer version has written it, it stays as it is */
} StateLoadResult;

/*
 * Reads a state file. name: the file must be about what has this file name; NULL: about anything. aside: what does not
 * parse is renamed to ASIDE.corrupt-N, with the first free N. Returns a StateLoadResult: with STATE_LOADED *ret is the
 * content; with all but STATE_ABSENT else *ret_error (to be freed) says what is wrong with the file. -ENOMEM.
 */
int state_load(const char *path, const char *name, const char *aside, State **ret, char **ret_error);
