/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "override-list.h"

/* Which files of a layer: a set of kinds and keys. */

typedef struct StateKey {
        OverrideKind kind;
        char *key;
} StateKey;

typedef struct StateKeys {
        StateKey *items;
        size_t n_items, n_allocated;
} StateKeys;

void state_keys_done(StateKeys *keys);

/* Removes all. Room that was reserved stays. */
void state_keys_clear(StateKeys *keys);

/* Room for n more. -ENOMEM. */
int state_keys_reserve(StateKeys *keys, size_t n);

/* Adds a copy of the key, which is not there yet. -ENOMEM. */
int state_keys_add(StateKeys *keys, OverrideKind kind, const char *key);

/* Moves those that are not there yet, for which there is room, and frees the others. */
void state_keys_move(StateKeys *to, StateKeys *from);
