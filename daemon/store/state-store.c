/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <systemd/sd-id128.h>

#include "bus-names.h"
#include "file-util.h"
#include "log.h"
#include "state-change.h"
#include "state-recover.h"

/* As many are named in the status. */
#define PROBLEMS_SHOWN_MAX 3U

static int load_layer(StateFiles *files, const char *root, const char *directory, bool durable, State **ret) {
        _cleanup_free_ char *old_file = NULL;

        files->durable = durable;
        files->path = path_under(root, "%s", directory);
        old_file = path_under(root, "%s" OLD_STATE_SUFFIX, directory);
        *ret = state_new();
        if (!files->path || !old_file || !*ret)
                return log_oom();

        return state_recover_files(files, old_file, *ret);
}

/* What was superseded at once with the persistent override that did. */
static int apply_superseded(StateStore *store) {
        State *persistent = store->layers->persistent;

        for (size_t i = 0; i < persistent->n_entries; i++) {
                uint64_t serial = persistent->entries[i].supersedes;
                StateEntry *e =
                        serial > 0 ? state_find(store->layers->runtime, persistent->entries[i].key) : NULL;

                persistent->entries[i].supersedes = 0;
                if (!e || e->serial != serial)
                        continue;
                if (state_keys_add(&store->runtime.behind, OVERRIDE_VM, e->key) < 0)
                        return log_oom();
                state_entry_set_override(e, &(QuotaSetting) {});
        }

        state_prune(store->layers->runtime);
        return 0;
}

static int apply(const StatePending *p, State *memory, StateFiles *files) {
        return p->settings && state_pending_apply(p, memory, &files->behind) < 0 ? log_oom() : 0;
}

/* In a layer that was taken over from an old file, a pending change is older than that. */
static bool has_pending(const StateFiles *files) {
        return !files->old_file && !state_files_problem(files, STATE_NAME_PENDING);
}

static int recover_pending(StateStore *store) {
        _cleanup_(state_pending_done) StatePending persistent = {}, joint = {}, runtime = {};
        bool usable = !state_files_problem(&store->persistent, STATE_NAME_PENDING);
        StateLayers *layers = store->layers;
        int r = 0;

        if (has_pending(&store->persistent))
                r = state_recover_pending(&store->persistent, STATE_NAME_PENDING, &persistent);
        if (r >= 0 && has_pending(&store->runtime))
                r = state_recover_pending(&store->runtime, STATE_NAME_PENDING, &runtime);
        /* What becomes of it stands in the persistent layer. */
        if (r >= 0 && usable && has_pending(&store->runtime))
                r = state_recover_pending(&store->runtime, STATE_NAME_JOINT, &joint);

        store->persistent.drop_pending |= persistent.settings != NULL;
        store->runtime.drop_pending |= runtime.settings != NULL;
        store->runtime.drop_joint = joint.settings != NULL;
        if (r >= 0)
                r = apply(&persistent, layers->persistent, &store->persistent);
        if (r >= 0)
                r = apply(&runtime, layers->runtime, &store->runtime);
        if (r >= 0 && joint.id && streq_ptr(joint.id, persistent.id))
                r = apply(&joint, layers->runtime, &store->runtime);
        return r;
}

/* The runtime layer first: its part of a change to both layers must not be there without the other. */
static void write_recovered(StateStore *store) {
        _cleanup_(state_write_freep) StateWrite *w = NULL;
        StateFiles *files = &store->persistent;
        int r;

        if (state_store_save_runtime(store) < 0 || !state_files_are_behind(files))
                return;

        r = state_files_update(files, store->layers->persistent, &w);
        if (r >= 0)
                r = state_write_run(w);
        if (r >= 0)
                state_files_updated(files);
        else
                log_error_errno(r, "Cannot write the state files in %s, trying again: %m", files->path);
}

int state_store_load(StateStore *store, const char *root, StateLayers *layers) {
        int r;

        store->layers = layers;
        r = load_layer(&store->persistent, root, PERSISTENT_STATE_DIRECTORY, true, &layers->persistent);
        if (r >= 0)
                r = load_layer(&store->runtime, root, RUNTIME_STATE_DIRECTORY, false, &layers->runtime);
        if (r >= 0)
                r = apply_superseded(store);
        if (r >= 0)
                r = recover_pending(store);
        if (r < 0)
                return r;

        store->persistent_path = store->persistent.path;
        store->runtime_path = store->runtime.path;
        write_recovered(store);
        return 0;
}

void state_store_done(StateStore *store) {
        if (store->layers) {
                state_free(store->layers->persistent);
                state_free(store->layers->runtime);
                *store->layers = (StateLayers) {};
        }
        state_change_free(store->change);
        state_files_done(&store->persistent);
        state_files_done(&store->runtime);
        *store = (StateStore) {};
}

char *state_store_describe_problems(const StateStore *store) {
        const StateFiles *files[] = { &store->persistent, &store->runtime };
        size_t n = 0, size;
        char *text = NULL;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                for (size_t k = 0; k < files[i]->n_bad; k++)
                        if (n++ < PROBLEMS_SHOWN_MAX)
                                fprintf(f, "; %s " PASIDD_STATUS_UNUSABLE, files[i]->bad[k].path);
        if (n > PROBLEMS_SHOWN_MAX)
                fprintf(f, "; so are %zu more state files", n - PROBLEMS_SHOWN_MAX);

        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

static int put_override(
        Transaction *t, const State *state, const char *key, const char *name, const QuotaSetting *setting) {
        QuotaSetting now = state_get_override(state, key);
        StateEntry *entry;
        int r;

        if (setting_equal(&now, setting))
                return 0;

        r = transaction_entry(t, state, key, &entry);
        if (r < 0)
                return r;

        state_entry_set_override(entry, setting);
        return state_entry_set_name(entry, name);
}

/* It gets a serial, by which a later persistent one can say that it supersedes this one. */
static int put_runtime_override(
        Transaction *t, const State *state, const char *key, const char *name, const QuotaSetting *setting) {
        sd_id128_t random;
        StateEntry *entry;
        int r;

        r = put_override(t, state, key, name, setting);
        if (r < 0 || !t->next || setting_is_empty(setting))
                return r;

        r = sd_id128_randomize(&random);
        if (r < 0)
                return r;
        entry = state_find(t->next, key);
        entry->serial = (random.qwords[0] & INT64_MAX) | 1;
        return 0;
}

int state_store_plan_override(const StateStore *store, const char *key, const char *name,
        const QuotaSetting *runtime, const QuotaSetting *persistent, StateChange **ret) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_override(&p, store->layers->persistent, key, name, persistent);
        if (k >= 0)
                k = put_runtime_override(&r, store->layers->runtime, key, name, runtime);
        return k < 0 ? k : state_change_new(store, &p, &r, ret);
}

int state_store_set_overrides(StateStore *store, const char *key, const char *name,
        const QuotaSetting *runtime, const QuotaSetting *persistent) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_override(&p, store->layers->persistent, key, name, persistent);
        if (k >= 0)
                k = put_runtime_override(&r, store->layers->runtime, key, name, runtime);
        if (k < 0)
                return k;

        return state_store_commit(store, &p, &r, COMMIT_SAVED);
}

static int put_default(Transaction *t, const State *state, const uint32_t *value) {
        int r;

        if (value ? state->default_quota_set && state->default_quota == *value : !state->default_quota_set)
                return 0;

        r = transaction_default(t, state);
        if (r < 0)
                return r;

        t->next->default_quota_set = value;
        t->next->default_quota = value ? *value : 0;
        return 0;
}

int state_store_plan_default(
        const StateStore *store, const uint32_t *runtime, const uint32_t *persistent, StateChange **ret) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_default(&p, store->layers->persistent, persistent);
        if (k >= 0)
                k = put_default(&r, store->layers->runtime, runtime);
        return k < 0 ? k : state_change_new(store, &p, &r, ret);
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

        r = transaction_slice(t, state, name, &slice);
        if (r < 0)
                return r;

        slice->limit_set = limit;
        slice->limit = limit ? *limit : 0;
        return 0;
}

int state_store_plan_slice_limit(const StateStore *store, const char *name, const uint32_t *runtime,
        const uint32_t *persistent, StateChange **ret) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_slice_limit(&p, store->layers->persistent, name, persistent);
        if (k >= 0)
                k = put_slice_limit(&r, store->layers->runtime, name, runtime);
        return k < 0 ? k : state_change_new(store, &p, &r, ret);
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

/* Brings what the list changes in this layer into the transaction, as it is now. */
static int touch_item(Transaction *t, const State *state, const OverrideItem *item) {
        StateEntry *entry;
        StateSlice *slice;

        switch (item->kind) {

        case OVERRIDE_SLICE:
                return transaction_slice(t, state, item->key, &slice);

        case OVERRIDE_DEFAULT:
                return transaction_default(t, state);

        default:
                return transaction_entry(t, state, item->key, &entry);
        }
}

static int put_list(Transaction *t, const State *state, const OverrideList *list, bool runtime,
        OverrideDirection direction) {
        int r = 0;

        if (!override_list_changes(list, runtime))
                return 0;

        for (size_t i = 0; r >= 0 && i < list->n_items; i++)
                if (list->items[i].changes && list->items[i].runtime == runtime)
                        r = touch_item(t, state, &list->items[i]);
        return r < 0 ? r : override_list_put(list, runtime, direction, t->next);
}

int state_store_plan_list(const StateStore *store, const OverrideList *list, StateChange **ret) {
        _cleanup_(transaction_done) Transaction p = {}, r = {};
        int k;

        k = put_list(&p, store->layers->persistent, list, false, OVERRIDE_FORWARD);
        if (k >= 0)
                k = put_list(&r, store->layers->runtime, list, true, OVERRIDE_FORWARD);
        return k < 0 ? k : state_change_new(store, &p, &r, ret);
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

        r = transaction_slice(&t, store->layers->runtime, name, &slice);
        if (r < 0)
                return r;

        slice->applied = applied;
        (void) state_store_commit(store, &p, &t, COMMIT_FORCED);
        return 0;
}
