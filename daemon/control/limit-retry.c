/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdlib.h>

#include "limit-retry.h"
#include "log.h"
#include "retry.h"

struct LimitRetry {
        sd_event *event;
        LimitAttempt attempt;
        void *userdata;
        Retry retries[_LIMIT_KIND_MAX];
        sd_event_source *timer; /* for all of them */
};

static void schedule(LimitRetry *retry);

static uint64_t now_usec(const LimitRetry *retry) {
        uint64_t now = 0;

        (void) sd_event_now(retry->event, CLOCK_MONOTONIC, &now);
        return now;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        LimitRetry *retry = userdata;

        for (LimitKind kind = 0; kind < _LIMIT_KIND_MAX; kind++) {
                if (!retry_take(&retry->retries[kind], now_usec(retry)))
                        continue;
                if (retry->attempt(kind, retry->userdata))
                        retry_succeeded(&retry->retries[kind]);
                else
                        retry_failed(&retry->retries[kind], now_usec(retry));
        }

        schedule(retry);
        return 0;
}

static void schedule(LimitRetry *retry) {
        uint64_t next = retry_next(retry->retries, _LIMIT_KIND_MAX);
        int r;

        if (next == 0)
                return;

        if (!retry->timer) {
                r = sd_event_add_time(retry->event, &retry->timer, CLOCK_MONOTONIC, next,
                        RETRY_DELAY_MIN_USEC / 4, on_timer, retry);
                if (r >= 0)
                        (void) sd_event_source_set_description(retry->timer, "limit-retry");
        } else {
                r = sd_event_source_set_time(retry->timer, next);
                if (r >= 0)
                        r = sd_event_source_set_enabled(retry->timer, SD_EVENT_ONESHOT);
        }
        if (r < 0)
                log_warning_errno(r, "Cannot set a timer: %m");
}

void limit_retry_failed(LimitRetry *retry, LimitKind kind) {
        retry_failed(&retry->retries[kind], now_usec(retry));
        schedule(retry);
}

int limit_retry_new(sd_event *event, LimitAttempt attempt, void *userdata, LimitRetry **ret) {
        LimitRetry *retry;

        retry = calloc(1, sizeof(*retry));
        if (!retry)
                return -ENOMEM;

        retry->event = sd_event_ref(event);
        retry->attempt = attempt;
        retry->userdata = userdata;
        *ret = retry;
        return 0;
}

LimitRetry *limit_retry_free(LimitRetry *retry) {
        if (!retry)
                return NULL;

        sd_event_source_disable_unref(retry->timer);
        sd_event_unref(retry->event);
        free(retry);
        return NULL;
}
