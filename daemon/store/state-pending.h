/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-file.h"
#include "state-keys.h"

/*
 * A change to several files of a layer, as a file: the settings that there are to be. It is written before the first of
 * these files and removed after the last one, so that a crash in between leaves what the next start makes the change from.
 * Making it twice does no harm.
 */
typedef struct StatePending {
        State *settings; /* entries and slices with their overrides alone; an empty one removes the override */
        bool default_changes;
        char *id; /* a change to both layers has the same in both; NULL: it is to this layer only */
} StatePending;

void state_pending_done(StatePending *p);

/* next: the entries, slices and default as they are to be. id may be NULL. The caller frees *ret. -EFBIG, -ENOMEM. */
int state_pending_format(const State *next, bool default_changes, const char *id, char **ret);

/* As state_load(). */
int state_pending_load(const char *path, const char *aside, StatePending *ret, char **ret_error);

/* Makes the change in memory. What its files are is added to *behind. -ENOMEM. */
int state_pending_apply(const StatePending *p, State *memory, StateKeys *behind);
