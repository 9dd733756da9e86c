/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "counters.h"

/*
 * Keeps counters growing over restarts of the daemon. They are saved before
 * anybody is told of them: what was lost in between nobody has seen.
 */
typedef struct Counting Counting;

/* Takes up what an earlier run has saved. -ENOMEM. */
int counting_new(const char *root, Counting **ret);
Counting *counting_free(Counting *counting);

/* Gives a new VM what is known of it. */
void counting_take_up(Control *control, VM *vm);

/* All sets are known: those that ended while nobody looked are counted as gone. */
void counting_sets_listed(Control *control);

/* Reads all counters of now, and saves them if they have changed. Trouble with the file is logged. -ENOMEM. */
int counting_save(Control *control, Counters **ret);
