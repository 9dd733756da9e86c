/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "counters.h"

/*
 * Keeps counters increasing across restarts of the daemon. They are saved before
 * they are shown to anyone, so a crash loses only values that were never shown.
 */
typedef struct Counting Counting;

/* Loads the counters that an earlier run has saved. Returns 0 or -ENOMEM. */
int counting_new(const char *root, Counting **ret);
Counting *counting_free(Counting *counting);

/* Restores the counters of a new VM. */
void counting_restore(Control *control, VM *vm);

/* To be called when all sets are known: accounts for saved sets that have ended in the meantime. */
void counting_sets_complete(Control *control);

/* Reads all counters, and saves them if they have changed. A failure to save is logged. Returns 0 or -ENOMEM. */
int counting_save(Control *control, Counters **ret);
