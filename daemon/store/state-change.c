/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <systemd/sd-id128.h>

#include "log.h"
#include "state-change.h"
#include "state-pending.h"

struct StateChange {
        StateWrite *write;    /* to the persistent layer */
        StateWrite *joint;    /* to the runtime layer before that, where both change; NULL: only one does */
        StateKeys keys;       /* of the persistent layer */
        StateKeys joint_keys; /* of the runtime layer */
        bool pending;         /* it is written as a pending change */
        char *problem;
};

StateChange *state_change_free(StateChange *change) {
        if (!change)
                return NULL;

        state_write_free(change->write);
        state_write_free(change->joint);
        state_keys_done(&change->keys);
        state_keys_done(&change->joint_keys);
        free(change->problem);
        free(change);
        return NULL;
}

const char *state_change_problem(const StateChange *change) {
        return change->problem;
}

static int plan_joint(
        const StateStore *store, const StateTransaction *runtime, const char *id, StateChange *c) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = state_write_new(store->runtime.path, false, &c->joint);
        if (r >= 0)
                r = transaction_keys(runtime, &c->joint_keys);
        if (r >= 0)
                r = state_pending_format(runtime->next, runtime->default_changes, id, &text);
        return r < 0 ? r : state_write_set_change(c->joint, STATE_NAME_JOINT, TAKE_PTR(text));
}

/*
 * A persistent override in place of a VM's runtime override needs no pending change: that it supersedes the other stands in
 * its own file. Returns whether that is what the change is. Runtime files that are behind may have another serial.
 */
static bool supersede(
        const StateStore *store, const StateTransaction *persistent, const StateTransaction *runtime) {
        const StateEntry *now;
        StateEntry *p, *r;

        if (state_files_are_behind(&store->runtime) || transaction_count(persistent) != 1 ||
                transaction_count(runtime) != 1 || persistent->next->n_entries != 1 ||
                runtime->next->n_entries != 1)
                return false;

        p = &persistent->next->entries[0];
        r = &runtime->next->entries[0];
        now = state_find(store->layers->runtime, p->key);
        if (!streq(p->key, r->key) || setting_is_empty(&p->override) || !setting_is_empty(&r->override) ||
                !now || now->serial == 0)
                return false;

        p->supersedes = now->serial;
        return true;
}

static int plan_writes(const StateStore *store, const StateTransaction *persistent,
        const StateTransaction *runtime, StateChange *c) {
        char id[SD_ID128_STRING_MAX];
        bool joint = runtime->next && !supersede(store, persistent, runtime);
        sd_id128_t random = SD_ID128_NULL;
        int r;

        r = joint ? sd_id128_randomize(&random) : 0;
        if (r < 0)
                return r;

        sd_id128_to_string(random, id);
        c->pending = joint || transaction_count(persistent) > 1;
        r = transaction_keys(persistent, &c->keys);
        if (r >= 0)
                r = state_files_update(&store->persistent, store->layers->persistent, &c->write);
        if (r >= 0)
                r = transaction_write(persistent, &store->persistent, store->layers->persistent,
                        joint ? id : NULL, c->write);
        if (r >= 0 && joint)
                r = plan_joint(store, runtime, id, c);
        return r;
}

int state_change_new(const StateStore *store, const StateTransaction *persistent,
        const StateTransaction *runtime, StateChange **ret) {
        _cleanup_(state_change_freep) StateChange *c = NULL;
        const char *problem;
        int r = 0;

        if (!persistent->next) {
                *ret = NULL;
                return 0;
        }

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        problem = transaction_problem(persistent, &store->persistent);
        if (!problem && runtime->next)
                problem = transaction_problem(runtime, &store->runtime);
        if (problem) {
                c->problem = strdup(problem);
                r = c->problem ? 0 : -ENOMEM;
        } else
                r = plan_writes(store, persistent, runtime, c);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

int state_store_save_runtime(StateStore *store) {
        StateFiles *files = &store->runtime;
        int r;

        if (!state_files_are_behind(files))
                return 0;

        r = state_files_write(files, store->layers->runtime);
        return r < 0 ? log_error_errno(r, "Cannot write the state files in %s: %m", files->path) : 0;
}

bool state_store_runtime_is_behind(const StateStore *store) {
        return state_files_are_behind(&store->runtime);
}

bool state_store_persistent_is_behind(const StateStore *store) {
        return state_files_are_behind(&store->persistent);
}

/*
 * What the start of the daemon made of both layers: the persistent part, which decides, is removed by the next write to the
 * disk, be it a pending change or the file that says what it supersedes. So the runtime files come first.
 */
static int save_recovered(StateStore *store) {
        const StateFiles *runtime = &store->runtime;

        return runtime->drop_joint || runtime->superseded ? state_store_save_runtime(store) : 0;
}

/*
 * The change's part in the runtime layer, which the persistent part then decides on. A part of an earlier change must not be
 * replaced as long as the earlier change is on the disk.
 */
static int write_joint(StateStore *store, StateChange *c) {
        int r;

        r = store->joint_holds ? -EBUSY : state_store_save_runtime(store);
        if (r >= 0)
                r = state_write_run(c->joint);
        if (r < 0)
                return r;

        store->joint_holds = true;
        state_keys_done(&store->joint_keys);
        store->joint_keys = c->joint_keys;
        c->joint_keys = (StateKeys) {};
        return 0;
}

int state_change_check_joint(const StateStore *store, const StateTransaction *runtime) {
        _cleanup_(state_keys_done) StateKeys keys = {};
        int r;

        /* A change to both layers that is in progress makes its own part: it began, so .joint is its own. */
        if (!store->joint_holds || (store->change && store->change->joint))
                return 0;

        r = transaction_keys(runtime, &keys);
        return r < 0 ? r : state_keys_intersect(&keys, &store->joint_keys) ? -EBUSY : 0;
}

/* The runtime part is over: the persistent part is not on the disk, or the runtime files have all of it. */
static void drop_joint(StateStore *store) {
        if (!store->joint_holds)
                return;

        store->joint_holds = false;
        store->runtime.drop_joint = true;
        if (state_store_save_runtime(store) < 0 && store->stale)
                store->stale(store->stale_userdata);
}

void state_store_written(StateStore *store, const StateWriteResult *result) {
        StateFiles *files = &store->persistent;
        StateChange *c = store->change;

        state_files_updated(files, result);
        if (!c) {
                /* All that was behind, and nothing else. */
                if (result->error >= 0)
                        drop_joint(store);
        } else if (result->changed && c->pending)
                files->drop_pending = true;
        else if (result->changed)
                state_keys_move(&files->behind, &c->keys);
        else if (c->joint)
                drop_joint(store);
}

int state_store_begin_change(StateStore *store, StateChange *change, StateWrite **ret) {
        int r;

        state_change_free(store->change);
        store->change = change;
        r = state_keys_reserve(&store->persistent.behind, change->keys.n_items);
        if (r >= 0)
                r = save_recovered(store);
        if (r >= 0 && change->joint)
                r = write_joint(store, change);
        if (r < 0) {
                store->change = state_change_free(change);
                return r;
        }

        *ret = TAKE_PTR(change->write);
        return 0;
}

void state_store_change_made(StateStore *store) {
        StateChange *c = TAKE_PTR(store->change);
        StateFiles *files = &store->persistent;

        if (!c)
                return;

        /* A single file says now what the memory says. */
        if (c->pending)
                state_keys_move(&files->behind, &c->keys);
        else
                state_keys_clear(&files->behind);
        state_change_free(c);

        /* All of it is in the runtime files. Another change to them may come before the pending change is gone. */
        drop_joint(store);
}

int state_store_begin_update(StateStore *store, StateWrite **ret) {
        int r;

        store->change = state_change_free(store->change);

        r = save_recovered(store);
        return r < 0 ? r : state_files_update(&store->persistent, store->layers->persistent, ret);
}
