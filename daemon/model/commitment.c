/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "commitment.h"

static bool is_full(CommitmentHolder holder, QuotaSource source) {
        switch (holder) {

        case COMMITMENT_MACHINE:
                return true;

        case COMMITMENT_SYSTEM_UNIT:
                return source == QUOTA_SOURCE_RUNTIME || source == QUOTA_SOURCE_PERSISTENT ||
                       source == QUOTA_SOURCE_RULE;

        case COMMITMENT_OTHER:
                return false;
        }

        return false;
}

uint32_t commitment_of(CommitmentHolder holder, const PolicyResult *policy, uint32_t held) {
        return is_full(holder, policy->source) && policy->quota > held ? policy->quota : held;
}
