/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * A quota is the maximum number of PASIDs that a set may hold. The kernel
 * accepts 0 (no new allocations) to 2^20, the width of a PASID in the PCI
 * Express specification (section 6.20). A watermark has the same range; 0 turns
 * it off.
 */
#define QUOTA_MAX     (UINT32_C(1) << 20)
#define QUOTA_DEFAULT UINT32_C(1000) /* the kernel's own default */

/* Represents "max" (no limit) for a slice's limit. Quotas have no such value. */
#define LIMIT_NONE UINT32_MAX

/*
 * Parses a quota or watermark by the rules of the kernel's sysfs files: decimal
 * digits only, no sign, no blanks, no suffix. With QUOTA_ALLOW_MAX the word "max"
 * is accepted and means QUOTA_MAX.
 *
 * Returns 0, -EINVAL (not a decimal number, or empty) or -ERANGE (above
 * QUOTA_MAX). *ret is untouched on failure.
 */
typedef enum QuotaParseFlags {
        QUOTA_ALLOW_MAX = 1 << 0,
} QuotaParseFlags;

int quota_parse(const char *s, QuotaParseFlags flags, uint32_t *ret);

/* Describes an error of quota_parse() for the user. The text completes a sentence that begins with the value. */
const char *quota_parse_error(int r);
