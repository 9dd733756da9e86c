/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "change-list.h"
#include "default-quota.h"
#include "events.h"
#include "limit-retry.h"
#include "quota.h"
#include "state-store.h"
#include "sysfs.h"
#include "vm-quota.h"

#define FOREIGN_INTERVAL_USEC (UINT64_C(60000000))
#define FOREIGN_BURST         5U

static void default_has_changed(Control *control, uint32_t quota, DefaultSource source) {
        uint32_t previous = control->default_quota.written;
        const EventDetail details[] = {
                { .name = "previous", .type = 'u', .number = previous },
                { .name = "quota", .type = 'u', .number = quota },
                { .name = "source", .type = 's', .text = default_source_to_string(source) },
        };

        events_add(control, EVENT_DEFAULT_QUOTA_CHANGED,
                &(EventFacts) { .level = LOG_INFO, .details = details, .n_details = ELEMENTSOF(details) },
                "The default quota is %" PRIu32 " now (%s), it was %" PRIu32 ".", quota,
                default_source_to_string(source), previous);
}

int default_quota_apply(Control *control) {
        DefaultQuota *d = &control->default_quota;
        DefaultSource source;
        uint32_t quota = world_default_quota(&control->world, &source);
        int r;

        r = sysfs_write_default_quota(control->root, quota);
        if (r < 0) {
                limit_retry_failed(control->retry, LIMIT_KIND_DEFAULT_QUOTA);
                return r;
        }

        if (d->known && d->written != quota)
                default_has_changed(control, quota, source);
        d->written = quota;
        d->known = true;
        d->foreign = false;
        return 0;
}

OverrideResult default_quota_change(Control *control, const Defaults *defaults, char **ret_error) {
        const State *runtime = control->world.state.runtime, *persistent = control->world.state.persistent;
        uint32_t old_runtime = runtime->default_quota, old_persistent = persistent->default_quota;
        const Defaults old = {
                .runtime = runtime->default_quota_set ? &old_runtime : NULL,
                .persistent = persistent->default_quota_set ? &old_persistent : NULL,
        };
        int r;

        r = state_store_set_default(control->store, defaults->runtime, defaults->persistent);
        if (r < 0) {
                if (asprintf(ret_error, "The default quota could not be saved: %s", strerror(-r)) < 0)
                        *ret_error = NULL;
                return OVERRIDE_NOT_SAVED;
        }

        r = default_quota_apply(control);
        if (r < 0) {
                int k;

                /* The kernel has kept the old one, which was its refusal. */
                k = state_store_undo_default(control->store, old.runtime, old.persistent);
                if (k < 0)
                        log_error_errno(k, "Cannot take the change of the default quota back in a file: %m");
                if (asprintf(ret_error, "The kernel did not take the default quota: %s", strerror(-r)) < 0)
                        *ret_error = NULL;
                return OVERRIDE_NOT_APPLIED;
        }

        vms_apply(control);
        world_queue_changes(&control->world, WORLD_CHANGED_DEFAULT);
        return OVERRIDE_DONE;
}

static void tell_foreign_default(Control *control, uint32_t value, uint32_t quota) {
        const char *action = foreign_change_to_string(control->world.config->foreign_change);
        unsigned suppressed;

        if (!ratelimit_below(&control->default_quota.log, control_now(control), FOREIGN_INTERVAL_USEC,
                    FOREIGN_BURST, &suppressed))
                return;

        const EventDetail details[] = {
                { .name = "what", .type = 's', .text = "default_quota" },
                { .name = "value", .type = 't', .number = value },
                { .name = "quota", .type = 'u', .number = quota },
                { .name = "action", .type = 's', .text = action },
                { .name = "suppressed", .type = 't', .number = suppressed },
        };
        events_add(control, EVENT_FOREIGN_CHANGE,
                &(EventFacts) { .level = LOG_WARNING, .details = details, .n_details = ELEMENTSOF(details) },
                "Somebody else set default_quota of the kernel to %" PRIu32 " instead of %" PRIu32
                ", policy is to %s that (%u more not logged).",
                value, quota, action, suppressed);
}

static int adopt_default(Control *control, uint32_t value) {
        uint32_t runtime = value < QUOTA_MAX ? value : QUOTA_MAX;
        uint32_t persistent = control->world.state.persistent->default_quota;
        int r;

        r = state_store_set_default(control->store, &runtime,
                control->world.state.persistent->default_quota_set ? &persistent : NULL);
        if (r < 0)
                return r;

        world_queue_changes(&control->world, WORLD_CHANGED_DEFAULT);
        r = default_quota_apply(control);
        vms_apply(control);
        return r;
}

/*
 * Nothing announces a write of default_quota: it is compared here. A value that was never written by pasidd is a failure
 * and not a change of somebody's. Returns true when there is nothing left to write.
 */
static bool default_is_foreign(Control *control, uint32_t value, uint32_t quota) {
        int r;

        if (!control->default_quota.known || control->default_quota.written != quota)
                return false;
        if (control->default_quota.foreign)
                return true;

        tell_foreign_default(control, value, quota);
        switch (control->world.config->foreign_change) {

        case FOREIGN_CHANGE_ADOPT:
                r = adopt_default(control, value);
                if (r < 0)
                        log_warning_errno(r, "Cannot adopt the default quota: %m");
                return r >= 0;

        case FOREIGN_CHANGE_REPORT:
                control->default_quota.foreign = true;
                return true;

        default:
                return false;
        }
}

void default_quota_reconcile(Control *control, bool asked) {
        uint32_t quota = world_default_quota(&control->world, NULL), before = 0;
        bool known = sysfs_read_default_quota(control->root, &before) >= 0;

        if (known && before == quota) {
                control->default_quota.foreign = false;
                return;
        }

        if (known && (!asked || control->world.config->foreign_change == FOREIGN_CHANGE_ADOPT) &&
                default_is_foreign(control, before, quota))
                return;

        if (default_quota_apply(control) >= 0)
                change_list_note_number(control->recording, NULL, "default_quota", before, quota);
}
