/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-file.h"
#include "state-files.h"

/*
 * A change to several files of a layer, stored as a file with the new settings. It is written before the first of these
 * files and removed after the last one. After a crash in between, the next start applies it. Applying it twice is
 * harmless.
 */
typedef struct StatePending {
        State *settings; /* entries and slices with their overrides only; an empty one removes the override */
        bool default_changes;
        char *id; /* of a change to both layers, the same in both; NULL: a change to this layer only */
} StatePending;

void state_pending_done(StatePending *p);

/* next: the new entries, slices and default. id may be NULL. The caller frees *ret. Returns 0, -EFBIG or -ENOMEM. */
int state_pending_format(const State *next, bool default_changes, const char *id, char **ret);

/* Loads a pending change. As state_load(). */
int state_pending_load(const char *path, const char *aside, StatePending *ret, char **ret_error);

/*
 * Applies the change to the memory, and adds its files to files->behind. Leaves out what belongs into files that cannot be
 * written. Returns 0 or -ENOMEM.
 */
int state_pending_apply(const StatePending *p, State *memory, StateFiles *files);
