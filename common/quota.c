/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "macro.h"
#include "quota.h"

int quota_parse(const char *s, QuotaParseFlags flags, uint32_t *ret) {
        uint32_t value = 0;
        bool above = false;

        if (isempty(s))
                return -EINVAL;

        if ((flags & QUOTA_ALLOW_MAX) && streq(s, "max")) {
                *ret = QUOTA_MAX;
                return 0;
        }

        /* Parse to the end even if the value is too large: "99999999x" is -EINVAL, not -ERANGE. */
        for (; *s; s++) {
                if (*s < '0' || *s > '9')
                        return -EINVAL;

                if (!above)
                        value = value * 10 + (uint32_t) (*s - '0');
                above = value > QUOTA_MAX;
        }

        if (above)
                return -ERANGE;

        *ret = value;
        return 0;
}

const char *quota_parse_error(int r) {
        switch (r) {
        case -EINVAL:
                return "is not a decimal number without sign";
        case -ERANGE:
                return "is above 1048576, the number of PASIDs that can exist";
        default:
                return strerror(-r);
        }
}
