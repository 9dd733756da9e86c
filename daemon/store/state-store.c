/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <systemd/sd-id128.h>

#include "bus-names.h"
#include "file-util.h"
#include "log.h"
#include "state-change.h"
#include "state-recover.h"
#include "text-escape.h"

/* Maximum number of files named in the status. */
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

/* Removes runtime overrides that a persistent override supersedes. */
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
                store->runtime.superseded = true;
        }

        state_prune(store->layers->runtime);
        return 0;
}

static int apply(const StatePending *p, State *memory, StateFiles *files) {
        return p->settings && state_pending_apply(p, memory, files) < 0 ? log_oom() : 0;
}

/* If the layer was loaded from an old file, a pending change is older than that and must be ignored. */
static bool has_pending(const StateFiles *files) {
        return !files->old_file && !state_files_problem(files, STATE_NAME_PENDING);
}

static int recover_pending(StateStore *store) {
        _cleanup_(state_pending_done) StatePending persistent = {}, joint = {}, runtime = {};
        StateLayers *layers = store->layers;
        int r = 0;

        if (has_pending(&store->persistent))
                r = state_recover_pending(&store->persistent, STATE_NAME_PENDING, &persistent);
        if (r >= 0 && has_pending(&store->runtime))
                r = state_recover_pending(&store->runtime, STATE_NAME_PENDING, &runtime);
        /* Whether the joint change is applied depends on the persistent layer. */
        if (r >= 0 && !state_files_problem(&store->persistent, STATE_NAME_PENDING) &&
                has_pending(&store->runtime))
                r = state_recover_pending(&store->runtime, STATE_NAME_JOINT, &joint);

        store->persistent.drop_pending |= persistent.settings != NULL;
        store->runtime.drop_pending |= runtime.settings != NULL;
        store->runtime.drop_joint = joint.settings != NULL;
        /* The persistent files may supersede a pending runtime override. A pending persistent change is later than both. */
        if (r >= 0)
                r = apply(&runtime, layers->runtime, &store->runtime);
        if (r >= 0)
                r = apply_superseded(store);
        if (r >= 0)
                r = apply(&persistent, layers->persistent, &store->persistent);
        if (r >= 0 && joint.id && streq_ptr(joint.id, persistent.id))
                r = apply(&joint, layers->runtime, &store->runtime);
        return r;
}

/* Writes the runtime layer first: the persistent part of a joint change, which decides, must be removed last. */
static void write_recovered(StateStore *store) {
        StateFiles *files = &store->persistent;
        int r;

        if (state_store_save_runtime(store) < 0 || !state_files_are_behind(files))
                return;

        r = state_files_write(files, store->layers->persistent);
        if (r < 0)
                log_error_errno(r, "Cannot write the state files in %s, trying again: %m", files->path);
}

int state_store_load(StateStore *store, const char *root, StateLayers *layers) {
        int r;

        store->layers = layers;
        r = load_layer(&store->persistent, root, PERSISTENT_STATE_DIRECTORY, true, &layers->persistent);
        if (r >= 0)
                r = load_layer(&store->runtime, root, RUNTIME_STATE_DIRECTORY, false, &layers->runtime);
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
        state_keys_done(&store->joint_keys);
        state_files_done(&store->persistent);
        state_files_done(&store->runtime);
        *store = (StateStore) {};
}

/* Anybody may have made the file, with any name. */
static void describe_problem(const StateBadFile *bad, FILE *f) {
        _cleanup_free_ char *path = text_escape(bad->path);

        fprintf(f, "; %s " PASIDD_STATUS_UNUSABLE, path ? path : "a state file");
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
                                describe_problem(&files[i]->bad[k], f);
        if (n > PROBLEMS_SHOWN_MAX)
                fprintf(f, "; %zu more state files are unusable", n - PROBLEMS_SHOWN_MAX);

        if (fclose(f) != 0) {
                free(text);
                return NULL;
        }
        return text;
}

/* Copies what the item changes in this layer into the transaction. */
static int touch_item(StateTransaction *t, const State *state, const OverrideItem *item) {
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

/* Gives each runtime override a serial, so that a later persistent override can refer to it in "supersedes". */
static int put_serials(State *runtime, const OverrideList *list) {
        sd_id128_t random;
        int r;

        r = sd_id128_randomize(&random);
        if (r < 0)
                return r;

        for (size_t i = 0; i < list->n_items; i++) {
                const OverrideItem *item = &list->items[i];

                if (item->changes && item->runtime && item->kind == OVERRIDE_VM &&
                        !setting_is_empty(&item->setting))
                        state_find(runtime, item->key)->serial = (random.qwords[0] & INT64_MAX) | 1;
        }

        return 0;
}

static int put_list(StateTransaction *t, const State *state, const OverrideList *list, bool runtime) {
        int r = 0;

        if (!override_list_changes(list, runtime))
                return 0;

        for (size_t i = 0; r >= 0 && i < list->n_items; i++)
                if (list->items[i].changes && list->items[i].runtime == runtime)
                        r = touch_item(t, state, &list->items[i]);
        if (r >= 0)
                r = override_list_put(list, runtime, t->next);
        if (r >= 0 && runtime)
                r = put_serials(t->next, list);
        return r;
}

static int put_both(const StateStore *store, const OverrideList *list, StateTransaction *persistent,
        StateTransaction *runtime) {
        int r;

        r = put_list(persistent, store->layers->persistent, list, false);
        return r < 0 ? r : put_list(runtime, store->layers->runtime, list, true);
}

int state_store_plan_list(const StateStore *store, const OverrideList *list, StateChange **ret) {
        _cleanup_(transaction_done) StateTransaction persistent = {}, runtime = {};
        int r;

        r = put_both(store, list, &persistent, &runtime);
        return r < 0 ? r : state_change_new(store, &persistent, &runtime, ret);
}

int state_store_set_list(StateStore *store, const OverrideList *list) {
        _cleanup_(transaction_done) StateTransaction persistent = {}, runtime = {};
        int r;

        r = put_both(store, list, &persistent, &runtime);
        if (r >= 0)
                r = state_change_check_joint(store, &runtime);
        return r < 0 ? r : state_store_commit(store, &persistent, &runtime, COMMIT_SAVED);
}

int state_store_set_slice_applied(StateStore *store, const char *name, bool applied) {
        _cleanup_(transaction_done) StateTransaction p = {}, t = {};
        const StateSlice *now = state_find_slice(store->layers->runtime, name);
        StateSlice *slice;
        int r;

        if (applied == (now && now->applied))
                return 0;

        r = transaction_slice(&t, store->layers->runtime, name, &slice);
        if (r < 0)
                return r;

        slice->applied = applied;
        return state_store_commit(store, &p, &t, COMMIT_FORCED);
}
