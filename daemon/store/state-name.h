/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "override-list.h"

/* The file name of the default quota. */
#define STATE_NAME_DEFAULT "default"

/*
 * Determines the name of the file for an entry, a slice, or the default. Different keys have different names. A name
 * consists of letters, digits, and the characters ":_-.\@%", and does not begin with ".". So any key yields a name in the
 * directory, and names that begin with "." are free for other purposes. A digest takes the place of a name that would be
 * longer than names of files can be.
 *
 * The caller frees *ret. Returns 0 or -ENOMEM.
 */
int state_file_name(OverrideKind kind, const char *key, char **ret);
