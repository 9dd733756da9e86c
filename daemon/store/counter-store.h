/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "counters.h"
#include "rate-limit.h"

/* The file of counters that are kept across restarts of the daemon. */

#define COUNTERS_FILE "/run/pasidd/counters"

typedef struct CounterStore {
        char *path;
        char *saved; /* content of the file */
        RateLimit log;
} CounterStore;

/* Loads the counters of an earlier run. An unusable file is logged and yields zero counters. Returns 0 or -ENOMEM. */
int counter_store_load(CounterStore *store, const char *root, Counters **ret);

/* Saves the counters if they have changed. Failures are logged. now_usec: CLOCK_MONOTONIC */
void counter_store_save(CounterStore *store, const Counters *counters, uint64_t now_usec);

void counter_store_done(CounterStore *store);
