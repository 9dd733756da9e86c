/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "override-list.h"

/*
 * A State as a versioned JSON document. Each file of a layer is such a document with one VM, one slice, or the default
 * quota. The unknown members of the document are kept with that. Pending changes and the single file of older versions have the
 * same format.
 */

#define STATE_VERSION 1

/* Maximum size of a file in bytes. */
#define STATE_SIZE_MAX (16U * 1024U * 1024U)

/*
 * Parses a document. Pure. Unknown members are preserved. Returns 0, -ENOMEM without a message, or with a message in
 * *ret_error, which the caller frees:
 *
 *   -EPROTONOSUPPORT  written by a newer version
 *   -EBADMSG          not valid otherwise: type, range, duplicate key
 */
int state_parse(const char *text, size_t size, State **ret, char **ret_error);
/* Formats a document. Pure. The caller frees *ret. Returns 0 or -ENOMEM. */
int state_format(const State *s, char **ret);
/*
 * Formats the document of the file for this entry, slice or default, with the unknown members of that file. *ret is NULL if there is nothing to store and hence
 * no file; the caller frees it. Returns 0, -EFBIG if it is larger than state_load() accepts, or -ENOMEM.
 */
int state_format_file(const State *s, OverrideKind kind, const char *key, char **ret);

typedef enum StateLoadResult {
        STATE_LOADED,
        STATE_ABSENT,    /* there is no such file */
        STATE_SET_ASIDE, /* the file did not parse and was renamed */
        STATE_LEFT,      /* the file is unusable and could not be set aside: it must not be replaced */
        STATE_NEWER,     /* the file was written by a newer version and stays as it is */
} StateLoadResult;

/*
 * Reads a state file. name: the content must belong into a file of this name; NULL: no check. aside: a file that does not
 * parse is renamed to ASIDE.corrupt-N with the first free N. Returns -ENOMEM or a StateLoadResult. With STATE_LOADED *ret
 * is the content; with the other results, except STATE_ABSENT, *ret_error (freed by the caller) describes the problem.
 */
int state_load(const char *path, const char *name, const char *aside, State **ret, char **ret_error);

/*
 * Keeps a file that is about to be removed: gives it a second name, ASIDE.corrupt-N with the first free N. Returns 1 with *ret,
 * which the caller frees; 0 if the file has a second name already; or a negative errno.
 */
int state_keep_aside(const char *path, const char *aside, char **ret);
