/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "state.h"

QuotaSetting state_get_override(const State *state, const char *key) {
        const StateEntry *e = state_find(state, key);

        return e ? e->override : (QuotaSetting) {};
}

const Announcement *state_get_announcement(const State *runtime, const char *key) {
        const StateEntry *e = state_find(runtime, key);

        return e ? &e->announced : NULL;
}

const StateEntry *state_get_reservation(const State *runtime, const char *key) {
        const StateEntry *e = state_find(runtime, key);

        return e && (e->reserved || e->running) ? e : NULL;
}

const StateNext *state_get_next(const State *runtime, const char *key) {
        const StateEntry *e = state_find(runtime, key);

        return e && e->next.name ? &e->next : NULL;
}
