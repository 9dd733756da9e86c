/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "turn-taking.h"

struct TurnTaking {
        sd_event_source *others; /* runs when nothing of a higher priority is ready */
        int64_t priority;
        unsigned n, turns_max; /* turns since others had one */
        bool shared;
        TurnTakingHandler set_priority;
        void *userdata;
};

static int on_others(sd_event_source *source, void *userdata) {
        TurnTaking *t = userdata;

        t->n = 0;
        return 0;
}

bool turn_taking_is_shared(const TurnTaking *t) {
        return t->shared;
}

void turn_taking_turn(TurnTaking *t, bool more) {
        bool shared = more;

        if (!t->shared)
                shared = ++t->n >= t->turns_max || more;

        if (shared != t->shared) {
                t->shared = shared;
                t->n = 0;
                t->set_priority(shared ? SD_EVENT_PRIORITY_NORMAL : t->priority, t->userdata);
        }
        /* If it fails, the source only takes turns earlier. */
        (void) sd_event_source_set_enabled(t->others, t->n > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

int turn_taking_new(sd_event *event, int64_t priority, unsigned turns_max, TurnTakingHandler set_priority,
        void *userdata, TurnTaking **ret) {
        _cleanup_(turn_taking_freep) TurnTaking *t = NULL;
        int r;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        t->priority = priority;
        t->turns_max = turns_max;
        t->set_priority = set_priority;
        t->userdata = userdata;
        r = sd_event_add_defer(event, &t->others, on_others, t);
        if (r >= 0)
                r = sd_event_source_set_enabled(t->others, SD_EVENT_OFF);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(t->others, "turn-taking");
        *ret = TAKE_PTR(t);
        return 0;
}

TurnTaking *turn_taking_free(TurnTaking *t) {
        if (!t)
                return NULL;

        sd_event_source_disable_unref(t->others);
        free(t);
        return NULL;
}
