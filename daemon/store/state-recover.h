/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-pending.h"
#include "state-store.h"

/*
 * Reading a layer at the start of the daemon. Each function logs what is wrong with a file, and what cannot be used is noted
 * in *files. -EPROTONOSUPPORT when a newer version has written a file; -ENOMEM.
 */

/* All entries, into *memory; and the single file of an older version, which replaces them. */
int state_recover_files(StateFiles *files, const char *old_file, State *memory);

/* A pending change, by the name of its file. *ret is empty if there is none. */
int state_recover_pending(StateFiles *files, const char *name, StatePending *ret);
