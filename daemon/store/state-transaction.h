/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-store.h"

/* How the functions of state.h change the state; for them alone. */

/* A layer about to be changed: changes go into next, and take effect all at once. */
typedef struct Transaction {
        State *next; /* NULL: it is not changed */
} Transaction;

typedef enum CommitMode {
        COMMIT_SAVED,  /* memory and file, or neither */
        COMMIT_FORCED, /* the memory in any case; a file that cannot be saved becomes stale */
} CommitMode;

void transaction_done(Transaction *t);

/* next is a copy of the layer. -ENOMEM. */
int transaction_begin(Transaction *t, const State *current);

/* The text of the layer's file, NULL if nothing changes. The caller frees *ret. -EFBIG, -ENOMEM. */
int transaction_format(Transaction *t, char **ret);

/* Either layer may be without changes. Returns the error of the runtime file in both modes, and logs it. */
int state_store_commit(StateStore *store, Transaction *persistent, Transaction *runtime, CommitMode mode);
