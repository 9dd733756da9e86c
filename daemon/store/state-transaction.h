/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-store.h"

/* How the functions of state-store.h change the state; for them alone. */

/* A change to a layer: what it touches, as it is to be. It takes effect all at once. */
typedef struct Transaction {
        State *next; /* nothing but what is touched; what is empty there is to be removed. NULL: nothing changes */
        bool default_changes;
} Transaction;

typedef enum CommitMode {
        COMMIT_SAVED,  /* memory and file, or neither */
        COMMIT_FORCED, /* the memory in any case; a file that cannot be saved is behind */
} CommitMode;

void transaction_done(Transaction *t);

/*
 * What the layer has under the key, or nothing but the key, to be changed. Good until the next of these functions is called.
 * -ENOMEM.
 */
int transaction_entry(Transaction *t, const State *current, const char *key, StateEntry **ret);
int transaction_slice(Transaction *t, const State *current, const char *name, StateSlice **ret);
/* The default quota and what stands beside it are those of the layer, to be changed in t->next. -ENOMEM. */
int transaction_default(Transaction *t, const State *current);

/* How many files are touched. */
size_t transaction_count(const Transaction *t);
/* Which. -ENOMEM. */
int transaction_keys(const Transaction *t, StateKeys *ret);

/* Why one of the files cannot be written; NULL: they all can. */
const char *transaction_problem(const Transaction *t, const StateFiles *files);

/*
 * Adds the change to a write that brings the files up to date: the only file, or the pending change. id: of a change to both
 * layers, which is pending in any case; NULL: of another. -EFBIG, -ENAMETOOLONG, -ENOMEM.
 */
int transaction_write(const Transaction *t, const State *current, const char *id, StateWrite *w);

/* Either layer may be without changes. Returns the error of the runtime files in both modes, and logs it. */
int state_store_commit(StateStore *store, Transaction *persistent, Transaction *runtime, CommitMode mode);
