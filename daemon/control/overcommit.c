/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "admission.h"
#include "events.h"
#include "overcommit.h"
#include "usage.h"

int overcommit_admit(Control *control, const char *uuid, const char *name, const char *slice, uint32_t quota,
        char **ret_reason) {
        if (admission_is_enforced(&control->world, slice))
                control_refresh_counters(control);

        return admission_check(&control->world, uuid, name, slice, quota, ret_reason);
}

/* slice: NULL for the host. */
static void check(Control *control, const SliceLimit *slice, bool *overcommitted) {
        AdmissionBalance now = admission_balance(&control->world, slice);
        const char *name = slice ? slice->name : "";

        if (now.overcommitted == *overcommitted)
                return;
        *overcommitted = now.overcommitted;

        if (!now.overcommitted) {
                log_info("%s%s is no longer overcommitted.", slice ? "Slice " : "This host", name);
                return;
        }

        const EventDetail details[] = {
                { .name = "slice", .type = 's', .text = name },
                { .name = "committed", .type = 't', .number = now.committed },
                { .name = "commit-limit", .type = 't', .number = now.limit },
                { .name = "capacity", .type = 'u', .number = control->world.capacity },
        };
        events_add(control, EVENT_OVERCOMMITTED,
                &(EventFacts) { .level = LOG_WARNING, .details = details, .n_details = ELEMENTSOF(details) },
                "%s%s is overcommitted: %" PRIu64 " PASIDs are committed to VMs, the limit is %" PRIu64 ".",
                slice ? "Slice " : "This host", name, now.committed, now.limit);
}

void overcommit_check(Control *control) {
        World *w = &control->world;
        SliceLimit *slice;

        if (!world_has_limits(w))
                return;

        if (w->capacity > 0)
                check(control, NULL, &w->overcommitted);

        TAILQ_FOREACH (slice, &w->slice_limits, entries)
                check(control, slice, &slice->overcommitted);
}
