/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* When an operation that failed is tried again. Pure: the caller passes the time, in microseconds. */

#define RETRY_DELAY_MIN_USEC (UINT64_C(500000))
#define RETRY_DELAY_MAX_USEC (UINT64_C(60000000))

/* All zero: nothing has failed. */
typedef struct Retry {
        uint64_t due_usec : 56; /* 0: no attempt is scheduled */
        uint64_t n_delays : 8;  /* delays so far, up to the first of the longest ones */
} Retry;

/*
 * The operation failed. Schedules an attempt after RETRY_DELAY_MIN_USEC, then
 * after twice the last delay, up to RETRY_DELAY_MAX_USEC. An attempt that is
 * already scheduled stays, so that many failures cost one attempt.
 */
void retry_failed(Retry *retry, uint64_t now_usec);

/* Is an attempt due? If so it is no longer scheduled; the caller attempts, and then reports the outcome. */
bool retry_take(Retry *retry, uint64_t now_usec);

/* Nothing fails any more: the next failure begins with the shortest delay. */
void retry_succeeded(Retry *retry);
