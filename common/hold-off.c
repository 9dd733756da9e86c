/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <time.h>

#include "hold-off.h"
#include "log.h"

struct HoldOff {
        sd_event_source *timer; /* made in advance: without descriptors there is no new one */
        uint64_t interval_usec;
        uint64_t next_usec; /* not before */
        HoldOffHandler handler;
        void *userdata;
};

/* Not sd_event_now(), which is the time at which this turn of the event loop began. */
static uint64_t now_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static void run(HoldOff *h) {
        h->handler(h->userdata);
        h->next_usec = now_usec() + h->interval_usec;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        run(userdata);
        return 0;
}

void hold_off_request(HoldOff *h) {
        int r, enabled = SD_EVENT_OFF;

        (void) sd_event_source_get_enabled(h->timer, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        if (now_usec() >= h->next_usec) {
                run(h);
                return;
        }

        r = sd_event_source_set_time(h->timer, h->next_usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
        if (r < 0) {
                log_warning_errno(r, "Cannot set a timer: %m");
                run(h);
        }
}

int hold_off_new(
        sd_event *event, uint64_t interval_usec, HoldOffHandler handler, void *userdata, HoldOff **ret) {
        _cleanup_(hold_off_freep) HoldOff *h = NULL;
        int r;

        h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;

        h->interval_usec = interval_usec;
        h->handler = handler;
        h->userdata = userdata;
        r = sd_event_add_time(event, &h->timer, CLOCK_MONOTONIC, UINT64_MAX, interval_usec / 20, on_timer, h);
        if (r >= 0)
                r = sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(h->timer, "hold-off");
        *ret = TAKE_PTR(h);
        return 0;
}

HoldOff *hold_off_free(HoldOff *h) {
        if (!h)
                return NULL;

        sd_event_source_disable_unref(h->timer);
        free(h);
        return NULL;
}
