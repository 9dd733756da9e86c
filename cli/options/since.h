/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * A point in time as --since takes it, in microseconds since the epoch, given
 * that it is now: "2026-11-22 10:30[:15]", "2026-11-22", "10:30[:15]" (today),
 * "today", "yesterday", "now", "@SECONDS", or "90s", "15min", "2h", "3d", "1w"
 * back, also written "-2h" and "2 hours ago". Local time, but for RFC 3339 with
 * an offset. Returns 0 or -EINVAL.
 */
int since_parse(const char *s, uint64_t now_usec, uint64_t *ret);
