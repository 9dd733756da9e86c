/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "file-util.h"
#include "log.h"
#include "messages.h"
#include "state-file.h"
#include "state-transaction.h"

/* *ret_problem: why the file must be left alone, or NULL. */
static int load(const char *path, State **ret, char **ret_problem) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = state_load(path, ret, &error);
        switch (r) {

        case STATE_LOADED:
                return 0;

        case STATE_SET_ASIDE:
                log_context(LOG_WARNING, &(LogContext) { .message_id = MESSAGE_STATE_CORRUPT },
                        "State file %s is unusable and was set aside: %s", path, strempty(error));
                return 0;

        case STATE_LEFT:
                log_context(LOG_ERR, &(LogContext) { .message_id = MESSAGE_STATE_CORRUPT },
                        "State file %s is unusable and stays as it is: %s. "
                        "What it says is not in force, and nothing is saved there. Repair or remove it, then restart pasidd.",
                        path, strempty(error));
                *ret_problem = error ? TAKE_PTR(error) : strdup(path);
                return *ret_problem ? 0 : log_oom();

        default:
                return log_error_errno(r, "Cannot read the state file %s: %m", path);
        }
}

int state_store_load(StateStore *store, const char *root, StateLayers *layers) {
        int r;

        store->layers = layers;
        store->persistent_path = path_under(root, PERSISTENT_STATE_FILE);
        store->runtime_path = path_under(root, RUNTIME_STATE_FILE);
        if (!store->persistent_path || !store->runtime_path)
                return log_oom();

        r = load(store->persistent_path, &store->layers->persistent, &store->persistent_problem);
        if (r < 0)
                return r;

        return load(store->runtime_path, &store->layers->runtime, &store->runtime_problem);
}

void state_store_done(StateStore *store) {
        if (store->layers) {
                state_free(store->layers->persistent);
                state_free(store->layers->runtime);
                *store->layers = (StateLayers) {};
        }
        free(store->persistent_path);
        free(store->runtime_path);
        free(store->persistent_problem);
        free(store->runtime_problem);
        *store = (StateStore) {};
}

static int put_override(
        Transaction *t, const State *state, const char *key, const char *name, const QuotaSetting *setting) {
        QuotaSetting now = state_get_override(state, key);
        StateEntry *entry;
        int r;

        if (setting_equal(&now, setting))
                return 0;

        r = transaction_begin(t, state);
        if (r < 0)
                return r;

        entry = state_get(t->next, key);
        if (!entry)
                return -ENOMEM;

        state_entry_set_override(entry, setting);
        return state_entry_set_name(entry, name);
}

int state_store_plan_override(const StateStore *store, const char *key, const char *name,
        const QuotaSetting *persistent, char **ret) {
        _cleanup_(transaction_done) Transaction t = {};
        int r;

        r = put_override(&t, store->layers->persistent, key, name, persistent);
        return r < 0 ? r : transaction_format(&t, ret);
}

int state_store_set_overrides(StateStore *store, const char *key, const char *name,
        const QuotaSetting *runtime, const QuotaSetting *persistent) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_override(&p, store->layers->persistent, key, name, persistent);
        if (k >= 0)
                k = put_override(&r, store->layers->runtime, key, name, runtime);
        if (k < 0)
                return k;

        return state_store_commit(store, &p, &r, COMMIT_SAVED);
}

static int put_default(Transaction *t, const State *state, const uint32_t *value) {
        int r;

        if (value ? state->default_quota_set && state->default_quota == *value : !state->default_quota_set)
                return 0;

        r = transaction_begin(t, state);
        if (r < 0)
                return r;

        t->next->default_quota_set = value;
        t->next->default_quota = value ? *value : 0;
        return 0;
}

int state_store_plan_default(const StateStore *store, const uint32_t *persistent, char **ret) {
        _cleanup_(transaction_done) Transaction t = {};
        int r;

        r = put_default(&t, store->layers->persistent, persistent);
        return r < 0 ? r : transaction_format(&t, ret);
}

static int change_default(
        StateStore *store, const uint32_t *runtime, const uint32_t *persistent, CommitMode mode) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_default(&p, store->layers->persistent, persistent);
        if (k >= 0)
                k = put_default(&r, store->layers->runtime, runtime);
        if (k < 0)
                return k;

        return state_store_commit(store, &p, &r, mode);
}

int state_store_set_default(StateStore *store, const uint32_t *runtime, const uint32_t *persistent) {
        return change_default(store, runtime, persistent, COMMIT_SAVED);
}

int state_store_undo_default(StateStore *store, const uint32_t *runtime, const uint32_t *persistent) {
        return change_default(store, runtime, persistent, COMMIT_FORCED);
}

static int put_slice_limit(Transaction *t, const State *state, const char *name, const uint32_t *limit) {
        const StateSlice *now = state_find_slice(state, name);
        StateSlice *slice;
        int r;

        if (limit ? now && now->limit_set && now->limit == *limit : !now || !now->limit_set)
                return 0;

        r = transaction_begin(t, state);
        if (r < 0)
                return r;

        slice = state_get_slice(t->next, name);
        if (!slice)
                return -ENOMEM;

        slice->limit_set = limit;
        slice->limit = limit ? *limit : 0;
        return 0;
}

int state_store_plan_slice_limit(
        const StateStore *store, const char *name, const uint32_t *persistent, char **ret) {
        _cleanup_(transaction_done) Transaction t = {};
        int r;

        r = put_slice_limit(&t, store->layers->persistent, name, persistent);
        return r < 0 ? r : transaction_format(&t, ret);
}

static int change_slice_limits(StateStore *store, const char *name, const uint32_t *runtime,
        const uint32_t *persistent, CommitMode mode) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_slice_limit(&p, store->layers->persistent, name, persistent);
        if (k >= 0)
                k = put_slice_limit(&r, store->layers->runtime, name, runtime);
        if (k < 0)
                return k;

        return state_store_commit(store, &p, &r, mode);
}

int state_store_set_slice_limits(
        StateStore *store, const char *name, const uint32_t *runtime, const uint32_t *persistent) {
        return change_slice_limits(store, name, runtime, persistent, COMMIT_SAVED);
}

int state_store_undo_slice_limits(
        StateStore *store, const char *name, const uint32_t *runtime, const uint32_t *persistent) {
        return change_slice_limits(store, name, runtime, persistent, COMMIT_FORCED);
}

static int put_list(Transaction *t, const State *state, const OverrideList *list, bool runtime,
        OverrideDirection direction) {
        int r;

        if (!override_list_changes(list, runtime))
                return 0;

        r = transaction_begin(t, state);
        return r < 0 ? r : override_list_put(list, runtime, direction, t->next);
}

int state_store_plan_list(const StateStore *store, const OverrideList *list, char **ret) {
        _cleanup_(transaction_done) Transaction t = {};
        int r;

        r = put_list(&t, store->layers->persistent, list, false, OVERRIDE_FORWARD);
        return r < 0 ? r : transaction_format(&t, ret);
}

static int change_list(
        StateStore *store, const OverrideList *list, OverrideDirection direction, CommitMode mode) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_list(&p, store->layers->persistent, list, false, direction);
        if (k >= 0)
                k = put_list(&r, store->layers->runtime, list, true, direction);
        if (k < 0)
                return k;

        return state_store_commit(store, &p, &r, mode);
}

int state_store_set_list(StateStore *store, const OverrideList *list) {
        return change_list(store, list, OVERRIDE_FORWARD, COMMIT_SAVED);
}

int state_store_undo_list(StateStore *store, const OverrideList *list) {
        return change_list(store, list, OVERRIDE_BACK, COMMIT_FORCED);
}

int state_store_set_slice_applied(StateStore *store, const char *name, bool applied) {
        _cleanup_(transaction_done) Transaction p = {}, t = {};
        const StateSlice *now = state_find_slice(store->layers->runtime, name);
        StateSlice *slice;
        int r;

        if (applied == (now && now->applied))
                return 0;

        r = transaction_begin(&t, store->layers->runtime);
        if (r < 0)
                return r;

        slice = state_get_slice(t.next, name);
        if (!slice)
                return -ENOMEM;

        slice->applied = applied;
        (void) state_store_commit(store, &p, &t, COMMIT_FORCED);
        return 0;
}
