/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log-limit.h"

bool log_limit_below(LogLimit *l, const char *format, uint64_t now_usec, unsigned *ret_suppressed) {
        size_t i = (uintptr_t) format % LOG_LIMIT_SLOTS;

        for (size_t n = 0; n + 1 < LOG_LIMIT_SLOTS && l->slots[i].format && l->slots[i].format != format; n++)
                i = (i + 1) % LOG_LIMIT_SLOTS;

        l->slots[i].format = format;
        return ratelimit_below(
                &l->slots[i].limit, now_usec, LOG_LIMIT_INTERVAL_USEC, LOG_LIMIT_BURST, ret_suppressed);
}
