/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-pending.h"
#include "state-store.h"

/*
 * Reads a layer at the start of the daemon. The functions log problems of files, and register unusable ones in *files. They
 * return 0, -EPROTONOSUPPORT if a file was written by a newer version, or -ENOMEM.
 */

/* Reads all entries into *memory, and the single file of an older version, which replaces them. */
int state_recover_files(StateFiles *files, const char *old_file, State *memory);

/* Reads a pending change. name: its file name. *ret is empty if there is none. */
int state_recover_pending(StateFiles *files, const char *name, StatePending *ret);
