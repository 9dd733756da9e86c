/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "default-quota.h"
#include "limit-control.h"
#include "events.h"
#include "quota.h"
#include "log.h"
#include "vm-quota.h"

static void add_event(Control *control, uint32_t quota, DefaultSource source, const Caller *caller) {
        uint32_t previous = control->default_quota.announced;
        const EventDetail details[] = {
                { .name = "previous", .type = 'u', .number = previous },
                { .name = "quota", .type = 'u', .number = quota },
                { .name = "source", .type = 's', .text = default_source_to_string(source) },
        };

        events_add(control, EVENT_DEFAULT_QUOTA_CHANGED,
                &(EventFacts) { .level = LOG_INFO,
                        .details = details,
                        .n_details = ELEMENTSOF(details),
                        .caller = caller },
                "The default quota is now %" PRIu32 " (%s), it was %" PRIu32 ".", quota,
                default_source_to_string(source), previous);
}

/* Announces the default that is in force, if it has changed. */
static void announce(Control *control, const Caller *caller) {
        DefaultQuota *d = &control->default_quota;
        DefaultSource source;
        uint32_t quota = world_default_quota(&control->world, &source);

        if (d->known && d->announced != quota)
                add_event(control, quota, source, caller);
        d->announced = quota;
        d->known = true;
}

static void report_state(Control *control, const Caller *caller) {
        const Limit *limit = &control->default_quota.limit;

        if (limit->state == LIMIT_IN_FORCE)
                announce(control, caller);
        if (limit_take_change(&control->default_quota.limit) && limit->state == LIMIT_FAILED)
                log_warning("Cannot set the default quota of the kernel: %s", strempty(limit->error));
}

static void on_settled(Limit *limit) {
        Control *control = CONTAINER_OF(limit, Control, default_quota.limit);
        bool failed = limit->announced_state == LIMIT_FAILED;

        report_state(control, NULL);
        if (failed && limit->state == LIMIT_IN_FORCE)
                log_info("The default quota is in force in the kernel.");
}

static void describe(const Limit *limit, LimitSubject *ret) {
        Control *control = CONTAINER_OF(limit, Control, default_quota.limit);

        *ret = (LimitSubject) {
                .file = { .kind = LIMIT_DEFAULT_QUOTA },
                .what = "default_quota",
                .owner_kind = "",
                .owner = "the kernel",
                .foreign_log = &control->default_quota.foreign_log,
        };
}

static LimitOutcome judge(const Limit *limit, int r, char **ret_error) {
        *ret_error = strdup(strerror(-r));
        return LIMIT_REFUSED;
}

const LimitOps default_quota_ops = { .describe = describe, .judge = judge, .settled = on_settled };

void default_quota_apply(Control *control, bool force, const Caller *caller) {
        uint32_t quota = world_default_quota(&control->world, NULL);

        if (force)
                limits_set_forced(control, &control->default_quota.limit, quota);
        else
                limits_set(control, &control->default_quota.limit, quota);
        report_state(control, caller);
}

void default_quota_reconcile(Control *control, bool force, const Caller *caller) {
        /* With force, foreign values are overwritten without a check, unless they must be adopted. */
        if (!force || control->world.config->foreign_change == FOREIGN_CHANGE_ADOPT)
                (void) limits_look(control, &control->default_quota.limit);
        default_quota_apply(control, force, caller);
}

void default_quota_commit(Control *control, const Caller *caller) {
        limits_commit(control, &control->default_quota.limit, world_default_quota(&control->world, NULL),
                LIMIT_WRITTEN);
        report_state(control, caller);
        vms_apply(control, caller);
        world_queue_changes(&control->world, WORLD_CHANGED_DEFAULT);
}

void default_quota_take_back(Control *control, const MiscValues *before) {
        limits_take_back(control, &control->default_quota.limit, before);
        report_state(control, NULL);
}
