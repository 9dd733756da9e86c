/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "file-util.h"
#include "log.h"
#include "messages.h"
#include "state.h"

static int load(const char *path, State **ret) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = state_load(path, ret, &error);
        if (r < 0)
                return log_error_errno(r, "Cannot read the state file %s: %m", path);
        if (r > 0)
                log_context(LOG_WARNING, &(LogContext) { .message_id = MESSAGE_STATE_CORRUPT },
                        "State file %s is unusable and was set aside: %s", path, strempty(error));

        return 0;
}

int state_store_load(StateStore *store, const char *root) {
        int r;

        store->persistent_path = path_under(root, PERSISTENT_STATE_FILE);
        store->runtime_path = path_under(root, RUNTIME_STATE_FILE);
        if (!store->persistent_path || !store->runtime_path)
                return log_oom();

        r = load(store->persistent_path, &store->persistent);
        if (r < 0)
                return r;

        return load(store->runtime_path, &store->runtime);
}

void state_store_done(StateStore *store) {
        state_free(store->persistent);
        state_free(store->runtime);
        free(store->persistent_path);
        free(store->runtime_path);
        *store = (StateStore) {};
}

QuotaSetting state_store_get_override(const State *state, const char *key) {
        const StateEntry *e = state_find(state, key);

        return e ? e->override : (QuotaSetting) {};
}

const Announcement *state_store_get_announcement(const StateStore *store, const char *key) {
        const StateEntry *e = state_find(store->runtime, key);

        return e ? &e->announced : NULL;
}

static int set_name(StateEntry *entry, const char *name) {
        char *copy = NULL;

        if (name) {
                copy = strdup(name);
                if (!copy)
                        return -ENOMEM;
        }

        free(entry->name);
        entry->name = copy;
        return 0;
}

/* A state about to be changed: changes go into next, and take effect all at once. */
typedef struct Transaction {
        State **current;
        const char *path;
        State *next;
} Transaction;

static void transaction_done(Transaction *t) {
        state_free(t->next);
}

static int transaction_begin(Transaction *t, State **current, const char *path) {
        t->current = current;
        t->path = path;
        return state_copy(*current, &t->next);
}

static int transaction_save(Transaction *t) {
        int r;

        state_prune(t->next);
        r = state_save(t->next, t->path);
        if (r < 0)
                return log_error_errno(r, "Cannot write the state file %s: %m", t->path);

        return 0;
}

static void transaction_commit(Transaction *t) {
        state_free(*t->current);
        *t->current = TAKE_PTR(t->next);
}

/* Saves both files or none. Either may be without changes (next is NULL). */
static int transactions_commit(Transaction *persistent, Transaction *runtime) {
        int r;

        if (persistent->next) {
                r = transaction_save(persistent);
                if (r < 0)
                        return r;
        }

        if (runtime->next) {
                r = transaction_save(runtime);
                if (r < 0) {
                        int k;

                        if (persistent->next) {
                                k = state_save(*persistent->current, persistent->path);
                                if (k < 0)
                                        log_error_errno(
                                                k, "Cannot restore the state file %s: %m", persistent->path);
                        }
                        return r;
                }
        }

        if (persistent->next)
                transaction_commit(persistent);
        if (runtime->next)
                transaction_commit(runtime);

        return 0;
}

static int put_override(Transaction *t, State **state, const char *path, const char *key, const char *name,
        const QuotaSetting *setting) {
        QuotaSetting now = state_store_get_override(*state, key);
        StateEntry *entry;
        int r;

        if (setting_equal(&now, setting))
                return 0;

        r = transaction_begin(t, state, path);
        if (r < 0)
                return r;

        entry = state_get(t->next, key);
        if (!entry)
                return -ENOMEM;

        state_entry_set_override(entry, setting);
        return set_name(entry, name);
}

int state_store_set_overrides(StateStore *store, const char *key, const char *name,
        const QuotaSetting *runtime, const QuotaSetting *persistent) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_override(&p, &store->persistent, store->persistent_path, key, name, persistent);
        if (k < 0)
                return k;

        k = put_override(&r, &store->runtime, store->runtime_path, key, name, runtime);
        if (k < 0)
                return k;

        return transactions_commit(&p, &r);
}

static int put_default(Transaction *t, State **state, const char *path, const uint32_t *value) {
        int r;

        if (value ? (*state)->default_quota_set && (*state)->default_quota == *value
                  : !(*state)->default_quota_set)
                return 0;

        r = transaction_begin(t, state, path);
        if (r < 0)
                return r;

        t->next->default_quota_set = value;
        t->next->default_quota = value ? *value : 0;
        return 0;
}

int state_store_set_default(StateStore *store, const uint32_t *runtime, const uint32_t *persistent) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_default(&p, &store->persistent, store->persistent_path, persistent);
        if (k < 0)
                return k;

        k = put_default(&r, &store->runtime, store->runtime_path, runtime);
        if (k < 0)
                return k;

        return transactions_commit(&p, &r);
}

static int put_slice_limit(
        Transaction *t, State **state, const char *path, const char *name, const uint32_t *limit) {
        const StateSlice *now = state_find_slice(*state, name);
        StateSlice *slice;
        int r;

        if (limit ? now && now->limit_set && now->limit == *limit : !now || !now->limit_set)
                return 0;

        r = transaction_begin(t, state, path);
        if (r < 0)
                return r;

        slice = state_get_slice(t->next, name);
        if (!slice)
                return -ENOMEM;

        slice->limit_set = limit;
        slice->limit = limit ? *limit : 0;
        return 0;
}

int state_store_set_slice_limits(
        StateStore *store, const char *name, const uint32_t *runtime, const uint32_t *persistent) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_slice_limit(&p, &store->persistent, store->persistent_path, name, persistent);
        if (k >= 0)
                k = put_slice_limit(&r, &store->runtime, store->runtime_path, name, runtime);
        if (k < 0)
                return k;

        return transactions_commit(&p, &r);
}

int state_store_set_slice_applied(StateStore *store, const char *name, bool applied) {
        _cleanup_(transaction_done) Transaction p = {}, t = {};
        const StateSlice *now = state_find_slice(store->runtime, name);
        StateSlice *slice;
        int r;

        if (applied == (now && now->applied))
                return 0;

        r = transaction_begin(&t, &store->runtime, store->runtime_path);
        if (r < 0)
                return r;

        slice = state_get_slice(t.next, name);
        if (!slice)
                return -ENOMEM;

        slice->applied = applied;
        return transactions_commit(&p, &t);
}

/* reservation: NULL for none. */
static int put_reservation(StateStore *store, const char *key, const char *name,
        const Announcement *announced, const Reservation *reservation) {
        _cleanup_(transaction_done) Transaction p = {}, t = {};
        _cleanup_(announcement_clear) Announcement copy = {};
        StateEntry *entry;
        int r;

        r = announcement_copy(announced, &copy);
        if (r < 0)
                return r;

        r = transaction_begin(&t, &store->runtime, store->runtime_path);
        if (r < 0)
                return r;

        entry = state_get(t.next, key);
        if (!entry)
                return -ENOMEM;

        r = set_name(entry, name);
        if (r < 0)
                return r;

        announcement_clear(&entry->announced);
        entry->announced = copy;
        copy = (Announcement) {};
        entry->reserved = reservation && *reservation == RESERVATION_PREPARED;
        entry->running = reservation && *reservation == RESERVATION_RUNNING;
        if (!reservation)
                state_entry_forget_announced(entry);

        return transactions_commit(&p, &t);
}

const StateEntry *state_store_get_reservation(const StateStore *store, const char *key) {
        const StateEntry *e = state_find(store->runtime, key);

        return e && (e->reserved || e->running) ? e : NULL;
}

int state_store_set_reservation(StateStore *store, const char *key, const char *name,
        const Announcement *announced, Reservation reservation) {
        const StateEntry *e = state_store_get_reservation(store, key);

        if (e && e->running == (reservation == RESERVATION_RUNNING) && streq_ptr(e->name, name) &&
                announcement_equal(&e->announced, announced))
                return 0;

        return put_reservation(store, key, name, announced, &reservation);
}

void state_store_drop_reservation(StateStore *store, const char *key) {
        const StateEntry *e = state_store_get_reservation(store, key);
        const Announcement none = {};
        int r;

        if (!e)
                return;

        /* The name stays with an override, for people. */
        r = put_reservation(store, key, e->name, &none, NULL);
        if (r < 0)
                log_warning_errno(r, "Cannot drop the reservation of VM %s: %m", key);
}
