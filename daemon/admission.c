/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "admission.h"
#include "bus.h"
#include "cgroup-path.h"
#include "events.h"
#include "vm-quota.h"

static uint64_t times_ratio(uint64_t n, uint32_t ratio) {
        return n * ratio / RATIO_ONE;
}

uint64_t admission_host_commit_limit(const Manager *m) {
        return times_ratio(m->capacity, m->config->overcommit_ratio);
}

static uint32_t ratio_of_slice(const SliceLimit *slice) {
        const ConfigSlice *section = config_find_slice(slice->manager->config, slice->name);

        return section && section->overcommit_ratio_set ? section->overcommit_ratio
                                                        : slice->manager->config->overcommit_ratio;
}

uint64_t admission_slice_commit_limit(const SliceLimit *slice) {
        return slice->limit == LIMIT_NONE ? UINT64_MAX : times_ratio(slice->limit, ratio_of_slice(slice));
}

Admission admission_of_slice(const SliceLimit *slice) {
        const ConfigSlice *section = config_find_slice(slice->manager->config, slice->name);

        return section && section->admission_set ? section->admission : slice->manager->config->admission;
}

void admission_refresh(Manager *m) {
        VM *vm;

        TAILQ_FOREACH (vm, &m->vms, entries)
                vm_refresh_counters(vm);
}

static int refuse(const char *name, uint32_t quota, const char *where, uint64_t committed, uint64_t limit,
        char **ret_why) {
        if (asprintf(ret_why,
                    "VM %s is to have %" PRIu32 " PASIDs, but of the %" PRIu64
                    " that may be promised %s, %" PRIu64 " are left (Admission=enforce).",
                    name, quota, limit, where, committed < limit ? limit - committed : 0) < 0)
                *ret_why = NULL;

        return -EDQUOT;
}

int admission_ask(
        Manager *m, const char *uuid, const char *name, const char *slice, uint32_t quota, char **ret_why) {
        SliceLimit *s;
        uint64_t committed, limit;

        /* Without limits there is nothing to be short of; without numbers, it is only the slices. */
        if (!manager_has_limits(m))
                return 0;

        if (m->capacity > 0 && m->config->admission == ADMISSION_ENFORCE) {
                admission_refresh(m);
                committed = manager_committed(m, uuid);
                limit = admission_host_commit_limit(m);
                if (committed + quota > limit)
                        return refuse(name, quota, "on this host", committed, limit, ret_why);
        }

        TAILQ_FOREACH (s, &m->slice_limits, entries) {
                _cleanup_free_ char *where = NULL;

                if (!slice || admission_of_slice(s) != ADMISSION_ENFORCE || !slice_is_below(slice, s->name))
                        continue;

                admission_refresh(m);
                committed = slice_committed(m, s->name, uuid);
                limit = admission_slice_commit_limit(s);
                if (committed + quota <= limit)
                        continue;

                if (asprintf(&where, "in %s", s->name) < 0) {
                        where = NULL;
                        return -ENOMEM;
                }
                return refuse(name, quota, where, committed, limit, ret_why);
        }

        return 0;
}

/* slice: NULL for the host. */
static void judge(
        Manager *m, const SliceLimit *slice, Admission admission, uint64_t limit, bool *overcommitted) {
        const char *name = slice ? slice->name : "";
        uint64_t committed = 0;
        bool now;

        /* What there is no end to need not be summed up, with each change anew. */
        if (admission != ADMISSION_OFF && limit != UINT64_MAX)
                committed = slice ? slice_limit_committed(slice) : manager_committed(m, NULL);
        now = committed > limit;

        if (now == *overcommitted)
                return;
        *overcommitted = now;

        if (!now) {
                log_info("%s%s is no longer overcommitted.", slice ? "Slice " : "This host", name);
                return;
        }

        const EventDetail details[] = {
                { .name = "slice", .type = 's', .text = name },
                { .name = "committed", .type = 't', .number = committed },
                { .name = "commit-limit", .type = 't', .number = limit },
                { .name = "capacity", .type = 'u', .number = m->capacity },
        };
        events_add(m, EVENT_OVERCOMMITTED,
                &(EventFacts) { .level = LOG_WARNING, .details = details, .n_details = ELEMENTSOF(details) },
                "%s%s is overcommitted: %" PRIu64 " PASIDs are promised to VMs, %" PRIu64 " may be.",
                slice ? "Slice " : "This host", name, committed, limit);
        bus_overcommitted(m, name, committed, limit);
}

void admission_check(Manager *m) {
        SliceLimit *slice;

        if (!manager_has_limits(m))
                return;

        if (m->capacity > 0)
                judge(m, NULL, m->config->admission, admission_host_commit_limit(m), &m->overcommitted);

        TAILQ_FOREACH (slice, &m->slice_limits, entries)
                judge(m, slice, admission_of_slice(slice), admission_slice_commit_limit(slice),
                        &slice->overcommitted);
}
