/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rate-limit.h"

/* At most so many records of one kind in so much time. What more there is to say is a matter for debug. */
#define LOG_LIMIT_INTERVAL_USEC (UINT64_C(10) * 1000 * 1000)
#define LOG_LIMIT_BURST         100U

/* More than the daemon has formats: beyond that they share the last slot. */
#define LOG_LIMIT_SLOTS 512U

/* All zero is a valid start. */
typedef struct LogLimit {
        struct {
                const char *format;
                RateLimit limit;
        } slots[LOG_LIMIT_SLOTS];
} LogLimit;

/*
 * May another record of that format, known by its address, go out now
 * (CLOCK_MONOTONIC, µs)? When it may, *ret_suppressed is how many of its kind
 * were held back since the last that went out.
 */
bool log_limit_below(LogLimit *l, const char *format, uint64_t now_usec, unsigned *ret_suppressed);
