/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "cgroup.h"
#include "events.h"
#include "quota.h"
#include "slice-foreign.h"
#include "slice-limits.h"
#include "slice-overrides.h"

/* As for VMs: two writers that both insist must not keep each other busy. */
#define REVERT_HOLDOFF_USEC   (UINT64_C(1000000))
#define FOREIGN_INTERVAL_USEC (UINT64_C(60000000))
#define FOREIGN_BURST         5U

static void foreign_change(SliceLimit *slice, MiscResource resource, uint64_t value);

/* Ours is recognised by its value. */
void slice_limit_written(SliceLimit *slice) {
        MiscResource resource;
        MiscValues limits;

        if (slice->source == SLICE_SOURCE_NONE ||
                cgroup_get_limits(slice->guard->control->root, slice->cgroup, &limits) < 0)
                return;

        if (world_limits_differ(slice->world, &limits, slice_to_misc_max(slice->limit), &resource))
                foreign_change(slice, resource, limits.value[resource]);
        else if (slice->foreign) {
                /* Put right by whoever had changed it. */
                slice->foreign = false;
                slice_apply(slice);
        }
}

void slice_limits_reconcile(Control *control, bool asked) {
        MiscResource resource;
        MiscValues limits;
        SliceLimit *slice;

        TAILQ_FOREACH (slice, &control->world.slice_limits, entries) {
                if (asked)
                        slice->foreign = false;
                else if (slice->source != SLICE_SOURCE_NONE && slice->in_force &&
                         cgroup_get_limits(control->root, slice->cgroup, &limits) >= 0 &&
                         world_limits_differ(
                                 &control->world, &limits, slice_to_misc_max(slice->limit), &resource))
                        foreign_change(slice, resource, limits.value[resource]);
                slice_apply(slice);
        }
}

static void revert(SliceLimit *slice);

static int on_revert_holdoff(sd_event_source *source, uint64_t usec, void *userdata) {
        SliceLimit *slice = userdata;

        slice->guard->revert_holdoff = sd_event_source_disable_unref(slice->guard->revert_holdoff);
        if (slice->guard->revert_again) {
                slice->guard->revert_again = false;
                revert(slice);
        }

        return 0;
}

static void revert(SliceLimit *slice) {
        int r;

        if (slice->guard->revert_holdoff) {
                slice->guard->revert_again = true;
                return;
        }

        r = sd_event_add_time_relative(slice->guard->control->event, &slice->guard->revert_holdoff,
                CLOCK_MONOTONIC, REVERT_HOLDOFF_USEC, REVERT_HOLDOFF_USEC / 10, on_revert_holdoff, slice);
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
        else
                (void) sd_event_source_set_description(slice->guard->revert_holdoff, "slice-revert-holdoff");

        slice_apply(slice);
}

static void adopt(SliceLimit *slice, uint64_t value) {
        uint32_t limit = value == MISC_MAX ? LIMIT_NONE : value < QUOTA_MAX ? (uint32_t) value : QUOTA_MAX;
        SliceOverrides overrides = slice_get_overrides(slice->world, slice->name);
        _cleanup_free_ char *error = NULL;

        overrides.runtime = &limit;
        if (slice_change_overrides(slice->guard->control, slice->name, &overrides, &error) != OVERRIDE_DONE)
                log_warning("Cannot adopt the limit of slice %s: %s", slice->name, strempty(error));
}

static void leave(SliceLimit *slice) {
        slice->foreign = true;
        slice_set_force(slice, false, strdup("somebody else has changed it"));
}

static void foreign_change(SliceLimit *slice, MiscResource resource, uint64_t value) {
        Control *control = slice->guard->control;
        ForeignChange policy = control->world.config->foreign_change;
        unsigned suppressed;

        if (ratelimit_below(&slice->guard->foreign_log, control_now(control), FOREIGN_INTERVAL_USEC,
                    FOREIGN_BURST, &suppressed)) {
                const EventDetail details[] = {
                        { .name = "slice", .type = 's', .text = slice->name },
                        { .name = "what", .type = 's', .text = misc_max_name(resource) },
                        { .name = "value", .type = 't', .number = value },
                        { .name = "quota", .type = 'u', .number = slice->limit },
                        { .name = "action", .type = 's', .text = foreign_change_to_string(policy) },
                        { .name = "suppressed", .type = 't', .number = suppressed },
                };
                char text[MISC_MAX_LINE_SIZE];

                events_add(control, EVENT_FOREIGN_CHANGE,
                        &(EventFacts) {
                                .level = LOG_WARNING, .details = details, .n_details = ELEMENTSOF(details) },
                        "Somebody else set %s of slice %s to \"%s\", policy is to %s that (%u more not logged).",
                        misc_max_name(resource), slice->name, misc_max_format(resource, value, text),
                        foreign_change_to_string(policy), suppressed);
        }

        switch (policy) {

        case FOREIGN_CHANGE_ADOPT:
                adopt(slice, value);
                return;

        case FOREIGN_CHANGE_REPORT:
                leave(slice);
                return;

        default:
                revert(slice);
        }
}
