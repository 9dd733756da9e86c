/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * Parses the argument of --since= into microseconds since the epoch. now is the
 * current time. Formats: "2026-11-22 10:30[:15]", "2026-11-22", "10:30[:15]"
 * (today), "today", "yesterday", "now", "@SECONDS", and a time span before now:
 * "90s", "15min", "2h", "3d", "1w", "-2h" or "2 hours ago". Times are local,
 * except for RFC 3339 with an offset. Returns 0 or -EINVAL.
 */
int since_parse(const char *s, uint64_t now_usec, uint64_t *ret);
