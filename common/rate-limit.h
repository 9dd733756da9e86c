/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * For what a guest can set off at will: at most burst records per interval.
 * All zero is a valid start.
 */
typedef struct RateLimit {
        uint64_t begin_usec;
        unsigned n;
        unsigned suppressed;
} RateLimit;

/*
 * May another one go out now (CLOCK_MONOTONIC, µs)? When it may,
 * *ret_suppressed is how many were held back since the last that went out.
 */
bool ratelimit_below(
        RateLimit *rl, uint64_t now_usec, uint64_t interval_usec, unsigned burst, unsigned *ret_suppressed);
