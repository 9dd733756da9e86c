/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "limit-retry.h"
#include "slice-limit.h"
#include "vm-quota.h"

/* Writes what is not there because of an error. Returns true when nothing of that kind fails any more. */
static bool attempt(Manager *m, LimitKind kind) {
        switch (kind) {

        case LIMIT_KIND_DEFAULT_QUOTA:
                if (manager_apply_default_quota(m) < 0)
                        return false;
                log_info("The kernel has taken the default quota.");
                return true;

        case LIMIT_KIND_CONTROLLER:
                return slice_watch_enable_failed(m->slices);

        case LIMIT_KIND_SLICE:
                return slice_limits_apply_failed(m);

        case LIMIT_KIND_VM:
                return vms_apply_failed(m);

        default:
                return true;
        }
}

static void schedule(Manager *m);

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        for (LimitKind kind = 0; kind < _LIMIT_KIND_MAX; kind++) {
                if (!retry_take(&m->retries[kind], manager_now(m)))
                        continue;
                if (attempt(m, kind))
                        retry_succeeded(&m->retries[kind]);
                else
                        retry_failed(&m->retries[kind], manager_now(m));
        }

        schedule(m);
        return 0;
}

static void schedule(Manager *m) {
        uint64_t next = retry_next(m->retries, _LIMIT_KIND_MAX);
        int r;

        if (next == 0)
                return;

        if (!m->retry_timer) {
                r = sd_event_add_time(m->event, &m->retry_timer, CLOCK_MONOTONIC, next,
                        RETRY_DELAY_MIN_USEC / 4, on_timer, m);
                if (r >= 0)
                        (void) sd_event_source_set_description(m->retry_timer, "limit-retry");
        } else {
                r = sd_event_source_set_time(m->retry_timer, next);
                if (r >= 0)
                        r = sd_event_source_set_enabled(m->retry_timer, SD_EVENT_ONESHOT);
        }
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
}

void limit_retry_failed(Manager *m, LimitKind kind) {
        retry_failed(&m->retries[kind], manager_now(m));
        schedule(m);
}

void limit_retry_stop(Manager *m) {
        m->retry_timer = sd_event_source_disable_unref(m->retry_timer);
}
