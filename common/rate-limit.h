/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * A rate limit for events that a guest can trigger at will: at most burst
 * records in each interval. Zero-initialised.
 */
typedef struct RateLimit {
        uint64_t begin_usec;
        unsigned n;
        unsigned suppressed;
} RateLimit;

/*
 * Accounts for one record at time now_usec (CLOCK_MONOTONIC, µs). Returns true
 * if it may be sent; *ret_suppressed is then the number of records that were
 * suppressed since the last one that was sent.
 */
bool ratelimit_below(
        RateLimit *rl, uint64_t now_usec, uint64_t interval_usec, unsigned burst, unsigned *ret_suppressed);
