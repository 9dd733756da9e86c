/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "counters.h"
#include "rate-limit.h"

/* The file of counters that outlive the daemon. */

#define COUNTERS_FILE "/run/pasidd/counters"

typedef struct CounterStore {
        char *path;
        char *saved; /* as it stands in the file */
        RateLimit log;
} CounterStore;

/* Takes up what an earlier run has saved. What is not usable counts as none, and is logged. -ENOMEM. */
int counter_store_load(CounterStore *store, const char *root, Counters **ret);

/* Saves them if they have changed. Trouble with the file is logged. now_usec: CLOCK_MONOTONIC */
void counter_store_save(CounterStore *store, const Counters *counters, uint64_t now_usec);

void counter_store_done(CounterStore *store);
