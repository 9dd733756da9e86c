/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-store.h"

/* Internal to the functions of state-store.h. */

/* An atomic change to a layer. */
typedef struct StateTransaction {
        State *next; /* the touched entries and slices with their new content; empty: remove. NULL: nothing changes */
        bool default_changes;
} StateTransaction;

typedef enum CommitMode {
        COMMIT_SAVED,  /* change memory and file, or neither */
        COMMIT_FORCED, /* change the memory; a file that cannot be saved stays behind */
} CommitMode;

void transaction_done(StateTransaction *t);

/*
 * Add a copy of the entry or slice to the transaction, or an empty one if the layer has none, for the caller to modify. *ret
 * is valid until the next of these calls. Returns 0 or -ENOMEM.
 */
int transaction_entry(StateTransaction *t, const State *current, const char *key, StateEntry **ret);
int transaction_slice(StateTransaction *t, const State *current, const char *name, StateSlice **ret);
/* Adds the default quota and the document's unknown members to t->next, for the caller to modify. Returns 0 or -ENOMEM. */
int transaction_default(StateTransaction *t, const State *current);

/* The number of touched files. */
size_t transaction_count(const StateTransaction *t);
/* Adds the keys of the touched files to *ret. Returns 0 or -ENOMEM. */
int transaction_keys(const StateTransaction *t, StateKeys *ret);

/* The reason why one of the files cannot be written; NULL: all can. */
const char *transaction_problem(const StateTransaction *t, const StateFiles *files);

/*
 * Adds the change to a write that brings the files up to date: as the file, if only one is touched, or as the pending change.
 * id: of a change to both layers, which always becomes a pending change; NULL: of a change to one layer. Returns 0, -EFBIG or
 * -ENOMEM.
 */
int transaction_write(const StateTransaction *t, const StateFiles *files, const State *current,
        const char *id, StateWrite *w);

/*
 * Commits the changes to both layers, either of which may be empty. Logs the error of the runtime files in both modes. Returns 0
 * if the changes were made, or a negative errno if nothing has changed; with COMMIT_FORCED only -ENOMEM.
 */
int state_store_commit(
        StateStore *store, StateTransaction *persistent, StateTransaction *runtime, CommitMode mode);
