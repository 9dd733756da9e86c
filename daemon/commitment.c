/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "commitment.h"

static bool is_full(CommitmentHolder holder, QuotaSource source) {
        switch (source) {

        case QUOTA_SOURCE_RUNTIME:
        case QUOTA_SOURCE_PERSISTENT:
                return true;

        case QUOTA_SOURCE_RULE:
                return holder != COMMITMENT_OTHER;

        default:
                return holder == COMMITMENT_MACHINE;
        }
}

uint32_t commitment_of(CommitmentHolder holder, const PolicyResult *policy, uint32_t allocated) {
        return is_full(holder, policy->source) ? policy->quota : allocated;
}
