/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rate-limit.h"

/* At most this many records of one format in each interval. With log level debug there is no limit. */
#define LOG_LIMIT_INTERVAL_USEC (UINT64_C(10) * 1000 * 1000)
#define LOG_LIMIT_BURST         100U

/* More slots than the daemon has formats. Formats beyond that share the last slot. */
#define LOG_LIMIT_SLOTS 512U

/* Zero-initialised. */
typedef struct LogLimit {
        struct {
                const char *format;
                RateLimit limit;
        } slots[LOG_LIMIT_SLOTS];
} LogLimit;

/*
 * Accounts for one record of a format, which is identified by its address. Call
 * it with CLOCK_MONOTONIC in µs. Returns true if the record may be logged;
 * *ret_suppressed is then the number of records of this format that were
 * suppressed since the last one that was logged.
 */
bool log_limit_below(LogLimit *l, const char *format, uint64_t now_usec, unsigned *ret_suppressed);
