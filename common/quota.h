/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * A quota is the most PASIDs that a set may hold. The kernel takes 0 (no new
 * allocations) to 2^20, the width of a PASID in the PCI Express specification
 * (section 6.20). A watermark has the same range; 0 turns it off.
 */
#define QUOTA_MAX     (UINT32_C(1) << 20)
#define QUOTA_DEFAULT UINT32_C(1000) /* the kernel's own default */

/* What stands for "max", no limit at all, where the limit of a slice is a number. A quota always is one. */
#define LIMIT_NONE UINT32_MAX

/*
 * Parses a quota or watermark as the kernel's sysfs files do: decimal digits
 * alone, no sign, no blank, nothing behind them. With ALLOW_MAX in flags the
 * word "max" stands for QUOTA_MAX.
 *
 * Returns 0, -EINVAL (not a decimal number, empty included) or -ERANGE (above
 * QUOTA_MAX). *ret is untouched on failure.
 */
typedef enum QuotaParseFlags {
        QUOTA_ALLOW_MAX = 1 << 0,
} QuotaParseFlags;

int quota_parse(const char *s, QuotaParseFlags flags, uint32_t *ret);

/* One sentence about what quota_parse() found wrong, for a message to the user. */
const char *quota_parse_error(int r);
