/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log.h"
#include "state-file.h"
#include "state-transaction.h"

void transaction_done(Transaction *t) {
        state_free(t->next);
}

int transaction_begin(Transaction *t, const State *current) {
        return state_copy(current, &t->next);
}

int transaction_format(Transaction *t, char **ret) {
        if (!t->next) {
                *ret = NULL;
                return 0;
        }

        state_prune(t->next);
        return state_format_file(t->next, ret);
}

static void transaction_commit(Transaction *t, State **current) {
        if (!t->next)
                return;

        state_prune(t->next);
        state_free(*current);
        *current = TAKE_PTR(t->next);
}

static void file_is_stale(StateStore *store, bool *stale) {
        *stale = true;
        if (store->stale)
                store->stale(store->stale_userdata);
}

void state_store_persistent_is_stale(StateStore *store) {
        file_is_stale(store, &store->persistent_stale);
}

static int save_runtime(StateStore *store, const State *state) {
        int r;

        r = store->runtime_problem ? -EUCLEAN : state_save(state, store->runtime_path, false);
        if (r < 0)
                return log_error_errno(r, "Cannot write the state file %s: %m", store->runtime_path);

        /* Whatever it is, it is all that is to be there. */
        store->runtime_stale = false;
        return 0;
}

int state_store_save_runtime(StateStore *store) {
        return store->runtime_stale ? save_runtime(store, store->layers->runtime) : 0;
}

int state_store_commit(StateStore *store, Transaction *persistent, Transaction *runtime, CommitMode mode) {
        int r = 0;

        if (runtime->next) {
                state_prune(runtime->next);
                r = save_runtime(store, runtime->next);
                if (r < 0 && mode == COMMIT_SAVED)
                        return r;
                if (r < 0)
                        file_is_stale(store, &store->runtime_stale);
        }

        transaction_commit(persistent, &store->layers->persistent);
        transaction_commit(runtime, &store->layers->runtime);
        return r;
}
