/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "retry.h"

void retry_failed(Retry *retry, uint64_t now_usec) {
        uint64_t delay_usec = RETRY_DELAY_MIN_USEC << retry->n_delays;

        if (retry->due_usec > 0)
                return;

        if (delay_usec < RETRY_DELAY_MAX_USEC)
                retry->n_delays++;
        else
                delay_usec = RETRY_DELAY_MAX_USEC;
        retry->due_usec = now_usec + delay_usec;
}

bool retry_take(Retry *retry, uint64_t now_usec) {
        if (retry->due_usec == 0 || now_usec < retry->due_usec)
                return false;

        retry->due_usec = 0;
        return true;
}

void retry_succeeded(Retry *retry) {
        *retry = (Retry) {};
}
