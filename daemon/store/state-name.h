/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "override-list.h"

/* The file of an override kind without a key. */
#define STATE_NAME_DEFAULT "default"

/*
 * The name of the file that has the entry of a VM, of a slice, or the default. Different keys have different names.
 * A name has letters, digits, and ":", "_", "-", ".", "\\", "@" and "%" in it, and does not begin with ".": whatever the
 * key is, it names a file in the directory, and none of those that begin with ".", which are for other purposes.
 *
 * The caller frees *ret. -ENAMETOOLONG, -ENOMEM.
 */
int state_file_name(OverrideKind kind, const char *key, char **ret);
