/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log.h"
#include "state-transaction.h"

/* Adds the VM's entry to the transaction, and creates it if there is none. */
static int begin(const StateStore *store, const char *key, StateTransaction *t, StateEntry **ret) {
        return transaction_entry(t, store->layers->runtime, key, ret);
}

static int commit(StateStore *store, StateTransaction *t, CommitMode mode) {
        _cleanup_(transaction_done) StateTransaction none = {};

        return state_store_commit(store, &none, t, mode);
}

/* Only a running VM can have a next start. */
static void set_reservation(StateEntry *e, Reservation reservation) {
        e->reserved = reservation == RESERVATION_PREPARED;
        e->running = reservation == RESERVATION_RUNNING;
        if (!e->running)
                state_entry_forget_next(e);
}

int state_store_set_reservation(StateStore *store, const char *key, const char *name,
        const Announcement *announced, Reservation reservation) {
        _cleanup_(transaction_done) StateTransaction t = {};
        _cleanup_(announcement_clear) Announcement copy = {};
        const StateEntry *now = state_get_reservation(store->layers->runtime, key);
        StateEntry *e;
        int r;

        if (now && now->running == (reservation == RESERVATION_RUNNING) && streq_ptr(now->name, name) &&
                announcement_equal(&now->announced, announced))
                return 0;

        /* Copy first, because announced may be the entry's own. */
        r = announcement_copy(announced, &copy);
        if (r >= 0)
                r = begin(store, key, &t, &e);
        if (r >= 0)
                r = state_entry_set_name(e, name);
        if (r < 0)
                return r;

        announcement_clear(&e->announced);
        e->announced = copy;
        copy = (Announcement) {};
        set_reservation(e, reservation);
        return commit(store, &t, COMMIT_SAVED);
}

/* If the entry has an override, it keeps the name for the user. */
static int drop_reservation(StateStore *store, const char *key) {
        _cleanup_(transaction_done) StateTransaction t = {};
        StateEntry *e;
        int r;

        r = begin(store, key, &t, &e);
        if (r < 0)
                return r;

        e->reserved = e->running = false;
        state_entry_forget_announced(e);
        state_entry_forget_next(e);
        return commit(store, &t, COMMIT_FORCED);
}

void state_store_drop_reservation(StateStore *store, const char *key) {
        int r;

        if (!state_get_reservation(store->layers->runtime, key))
                return;

        r = drop_reservation(store, key);
        if (r < 0)
                log_error_errno(r, "Cannot drop the reservation of VM %s: %m", key);
}

static bool next_equal(const StateNext *a, const StateNext *b) {
        return streq(a->name, b->name) && announcement_equal(&a->announced, &b->announced) &&
               streq_ptr(a->after, b->after) && a->after_usec == b->after_usec;
}

int state_store_set_next(StateStore *store, const char *key, const char *name, StateNext *next) {
        _cleanup_(transaction_done) StateTransaction t = {};
        const StateEntry *now = state_get_reservation(store->layers->runtime, key);
        StateEntry *e;
        int r;

        if (now && now->next.name && next_equal(&now->next, next))
                return 0;

        r = begin(store, key, &t, &e);
        /* There may be no announcement for the current run. */
        if (r >= 0 && !now)
                r = state_entry_set_name(e, name);
        if (r < 0)
                return r;

        set_reservation(e, RESERVATION_RUNNING);
        state_entry_forget_next(e);
        e->next = *next;
        *next = (StateNext) {};
        return commit(store, &t, COMMIT_SAVED);
}

int state_store_take_next(StateStore *store, const char *key, Reservation reservation) {
        _cleanup_(transaction_done) StateTransaction t = {};
        StateEntry *e;
        int r;

        r = begin(store, key, &t, &e);
        if (r < 0)
                return r;

        state_entry_take_next(e);
        set_reservation(e, reservation);
        return commit(store, &t, COMMIT_FORCED);
}

static int forget_next(StateStore *store, const char *key) {
        _cleanup_(transaction_done) StateTransaction t = {};
        StateEntry *e;
        int r;

        r = begin(store, key, &t, &e);
        if (r < 0)
                return r;

        state_entry_forget_next(e);
        return commit(store, &t, COMMIT_FORCED);
}

void state_store_forget_next(StateStore *store, const char *key) {
        int r;

        if (!state_get_next(store->layers->runtime, key))
                return;

        r = forget_next(store, key);
        if (r < 0)
                log_error_errno(r, "Cannot drop the next start of VM %s: %m", key);
}
