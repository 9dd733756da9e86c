/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <json-c/json.h>

#include "log.h"
#include "state-file.h"
#include "state-name.h"
#include "state-pending.h"
#include "state-transaction.h"

void transaction_done(StateTransaction *t) {
        state_free(t->next);
}

static int begin(StateTransaction *t) {
        if (!t->next)
                t->next = state_new();
        return t->next ? 0 : -ENOMEM;
}

int transaction_entry(StateTransaction *t, const State *current, const char *key, StateEntry **ret) {
        const StateEntry *now = state_find(current, key);
        StateEntry *e;

        if (begin(t) < 0)
                return -ENOMEM;

        e = state_find(t->next, key);
        if (!e)
                e = now ? state_add_copy(t->next, now) : state_get(t->next, key);
        if (!e)
                return -ENOMEM;

        *ret = e;
        return 0;
}

int transaction_slice(StateTransaction *t, const State *current, const char *name, StateSlice **ret) {
        const StateSlice *now = state_find_slice(current, name);
        StateSlice *slice;

        if (begin(t) < 0)
                return -ENOMEM;

        slice = state_find_slice(t->next, name);
        if (!slice)
                slice = now ? state_add_slice_copy(t->next, now) : state_get_slice(t->next, name);
        if (!slice)
                return -ENOMEM;

        *ret = slice;
        return 0;
}

int transaction_default(StateTransaction *t, const State *current) {
        if (begin(t) < 0)
                return -ENOMEM;

        if (!t->default_changes) {
                t->default_changes = true;
                t->next->default_quota = current->default_quota;
                t->next->default_quota_set = current->default_quota_set;
                t->next->unknown = current->unknown ? json_object_get(current->unknown) : NULL;
        }
        return 0;
}

size_t transaction_count(const StateTransaction *t) {
        return t->next ? t->next->n_entries + t->next->n_slices + t->default_changes : 0;
}

int transaction_keys(const StateTransaction *t, StateKeys *ret) {
        int r = 0;

        if (!t->next)
                return 0;

        r = state_keys_reserve(ret, transaction_count(t));
        for (size_t i = 0; r >= 0 && i < t->next->n_entries; i++)
                r = state_keys_add(ret, OVERRIDE_VM, t->next->entries[i].key);
        for (size_t i = 0; r >= 0 && i < t->next->n_slices; i++)
                r = state_keys_add(ret, OVERRIDE_SLICE, t->next->slices[i].name);
        if (r >= 0 && t->default_changes)
                r = state_keys_add(ret, OVERRIDE_DEFAULT, "");
        return r;
}

const char *transaction_problem(const StateTransaction *t, const StateFiles *files) {
        _cleanup_(state_keys_done) StateKeys keys = {};
        const char *problem = NULL;

        if (files->n_bad == 0)
                return NULL;
        if (transaction_keys(t, &keys) < 0)
                return strerror(ENOMEM);

        for (size_t i = 0; !problem && i < keys.n_items; i++) {
                _cleanup_free_ char *name = NULL;
                int r;

                r = state_file_name(keys.items[i].kind, keys.items[i].key, &name);
                problem = r < 0 ? strerror(-r) : state_files_problem(files, name);
        }

        return problem;
}

/* Makes sure that there will not be more files than state_store_load() reads, unusable ones included. */
static int check_count(const StateTransaction *t, const StateFiles *files, const State *current) {
        size_t n = current->n_entries + current->n_slices + files->n_bad;

        if (n + transaction_count(t) < STATE_FILES_MAX)
                return 0;

        for (size_t i = 0; i < t->next->n_entries; i++)
                n += !state_entry_is_empty(&t->next->entries[i]) &&
                     !state_find(current, t->next->entries[i].key);
        for (size_t i = 0; i < t->next->n_slices; i++)
                n += !state_slice_is_empty(&t->next->slices[i]) &&
                     !state_find_slice(current, t->next->slices[i].name);

        return n < STATE_FILES_MAX ? 0 : -EFBIG;
}

int transaction_write(const StateTransaction *t, const StateFiles *files, const State *current,
        const char *id, StateWrite *w) {
        _cleanup_(state_keys_done) StateKeys keys = {};
        _cleanup_free_ char *name = NULL, *text = NULL;
        int r;

        r = check_count(t, files, current);
        if (r >= 0)
                r = transaction_keys(t, &keys);
        for (size_t i = 0; r >= 0 && i < keys.n_items; i++) {
                free(TAKE_PTR(name));
                r = state_file_name(keys.items[i].kind, keys.items[i].key, &name);
        }
        if (r < 0)
                return r;

        if (keys.n_items > 1 || id) {
                r = state_pending_format(t->next, t->default_changes, id, &text);
                return r < 0 ? r : state_write_set_change(w, STATE_NAME_PENDING, TAKE_PTR(text));
        }

        r = state_format_file(t->next, keys.items[0].kind, keys.items[0].key, &text);
        return r < 0 ? r : state_write_set_change(w, name, TAKE_PTR(text));
}

static void take(StateTransaction *t, State *memory) {
        if (!t->next)
                return;

        if (t->default_changes) {
                memory->default_quota = t->next->default_quota;
                memory->default_quota_set = t->next->default_quota_set;
        }
        state_take(memory, t->next);
}

/*
 * Writes the files of a change to several files, after its pending change. From here on the change cannot fail: files that
 * cannot be written stay in the pending change and are written later.
 */
static void write_several(StateStore *store, const StateTransaction *t, StateKeys *keys) {
        StateFiles *files = &store->runtime;
        int r;

        state_keys_move(&files->behind, keys);
        files->drop_pending = true;
        r = state_files_write(files, t->next);
        if (r < 0)
                log_error_errno(r, "Cannot write the state files in %s, trying again: %m", files->path);
}

static int save_runtime(StateStore *store, const StateTransaction *t, StateKeys *keys) {
        _cleanup_(state_write_freep) StateWrite *w = NULL;
        StateFiles *files = &store->runtime;
        bool several = transaction_count(t) > 1;
        int r;

        r = transaction_problem(t, files) ? -EUCLEAN : 0;
        if (r >= 0)
                r = state_files_update(files, store->layers->runtime, &w);
        if (r >= 0)
                r = transaction_write(t, files, store->layers->runtime, NULL, w);
        if (r >= 0)
                r = state_write_run(w);
        if (r < 0)
                return log_error_errno(r, "Cannot write the state files in %s: %m", files->path);

        state_files_updated(files, &w->result);
        if (several)
                write_several(store, t, keys);
        return 0;
}

static void runtime_is_behind(StateStore *store, StateKeys *keys) {
        state_keys_move(&store->runtime.behind, keys);
        if (store->stale)
                store->stale(store->stale_userdata);
}

int state_store_commit(
        StateStore *store, StateTransaction *persistent, StateTransaction *runtime, CommitMode mode) {
        _cleanup_(state_keys_done) StateKeys keys = {};
        StateLayers *layers = store->layers;
        int r = 0, k;

        /* Allocate memory first. */
        if (persistent->next)
                r = state_reserve_for(layers->persistent, persistent->next);
        if (r >= 0 && runtime->next)
                r = state_reserve_for(layers->runtime, runtime->next);
        if (r >= 0)
                r = transaction_keys(runtime, &keys);
        if (r >= 0)
                r = state_keys_reserve(&store->runtime.behind, keys.n_items);
        if (r < 0)
                return r;

        k = runtime->next ? save_runtime(store, runtime, &keys) : 0;
        if (k < 0 && mode == COMMIT_SAVED)
                return k;

        take(persistent, layers->persistent);
        take(runtime, layers->runtime);
        if (k < 0 || state_files_are_behind(&store->runtime))
                runtime_is_behind(store, &keys);
        return 0;
}
