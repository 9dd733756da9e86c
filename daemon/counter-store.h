/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "counters.h"
#include "manager.h"

/*
 * Keeps counters growing over restarts of the daemon. They are saved before
 * anybody is told of them: what was lost in between nobody has seen.
 */

#define COUNTERS_FILE "/run/pasidd/counters"

/* Takes up what an earlier run has saved. What is not usable counts as none, and is logged. */
void counter_store_load(Manager *m);

/* Gives a new VM what is known of it. */
void counter_store_take_up(VM *vm);

/* All sets are known: those that ended while nobody looked are counted as gone. */
void counter_store_sets_listed(Manager *m);

/* Reads all counters of now, and saves them if they have changed. Trouble with the file is logged. */
int counter_store_save(Manager *m, Counters **ret);
