/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "admission.h"
#include "cgroup-path.h"
#include "vm-policy.h"

static uint64_t times_ratio(uint64_t n, uint32_t ratio) {
        return n * ratio / RATIO_ONE;
}

uint64_t admission_host_commit_limit(const World *w) {
        return times_ratio(w->capacity, w->config->overcommit_ratio);
}

static uint32_t ratio_of_slice(const SliceLimit *slice) {
        const ConfigSlice *section = config_find_slice(slice->world->config, slice->name);

        return section && section->overcommit_ratio_set ? section->overcommit_ratio
                                                        : slice->world->config->overcommit_ratio;
}

uint64_t admission_slice_commit_limit(const SliceLimit *slice) {
        return slice->limit == LIMIT_NONE ? UINT64_MAX : times_ratio(slice->limit, ratio_of_slice(slice));
}

Admission admission_of_slice(const SliceLimit *slice) {
        const ConfigSlice *section = config_find_slice(slice->world->config, slice->name);

        return section && section->admission_set ? section->admission : slice->world->config->admission;
}

static int refuse(const char *name, uint32_t quota, const char *where, uint64_t committed, uint64_t limit,
        char **ret_reason) {
        if (asprintf(ret_reason,
                    "VM %s needs %" PRIu32 " PASIDs, but of the %" PRIu64
                    " that may be committed %s, %" PRIu64 " are left (Admission=enforce).",
                    name, quota, limit, where, committed < limit ? limit - committed : 0) < 0)
                *ret_reason = NULL;

        return -EDQUOT;
}

/* Does the limit of s apply to a VM in slice, and is it enforced? */
static bool slice_refuses(const SliceLimit *s, const char *slice) {
        return admission_of_slice(s) == ADMISSION_ENFORCE && slice_is_below(slice, s->name);
}

static bool host_refuses(const World *w) {
        return w->capacity > 0 && w->config->admission == ADMISSION_ENFORCE;
}

bool admission_is_enforced(const World *w, const char *slice) {
        const SliceLimit *s;

        /* Without limits nothing can be short. */
        if (!world_has_limits(w))
                return false;
        if (host_refuses(w))
                return true;

        TAILQ_FOREACH (s, &w->slice_limits, entries)
                if (slice && slice_refuses(s, slice))
                        return true;

        return false;
}

int admission_check(const World *w, const char *uuid, const char *name, const char *slice, uint32_t quota,
        char **ret_reason) {
        uint64_t committed, limit;
        const SliceLimit *s;

        if (!admission_is_enforced(w, slice))
                return 0;

        if (host_refuses(w)) {
                committed = world_committed(w, uuid);
                limit = admission_host_commit_limit(w);
                if (committed + quota > limit)
                        return refuse(name, quota, "on this host", committed, limit, ret_reason);
        }

        TAILQ_FOREACH (s, &w->slice_limits, entries) {
                _cleanup_free_ char *where = NULL;

                if (!slice || !slice_refuses(s, slice))
                        continue;

                committed = slice_committed(w, s->name, uuid);
                limit = admission_slice_commit_limit(s);
                if (committed + quota <= limit)
                        continue;

                if (asprintf(&where, "in %s", s->name) < 0) {
                        where = NULL;
                        return -ENOMEM;
                }
                return refuse(name, quota, where, committed, limit, ret_reason);
        }

        return 0;
}

AdmissionBalance admission_balance(const World *w, const SliceLimit *slice) {
        Admission admission = slice ? admission_of_slice(slice) : w->config->admission;
        AdmissionBalance balance = {
                .limit = slice ? admission_slice_commit_limit(slice) : admission_host_commit_limit(w),
        };

        /* Sum up only if there is a limit: this is called after each change. */
        if (admission != ADMISSION_OFF && balance.limit != UINT64_MAX)
                balance.committed = slice ? slice_limit_committed(slice) : world_committed(w, NULL);
        balance.overcommitted = balance.committed > balance.limit;
        return balance;
}
