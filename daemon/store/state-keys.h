/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "override-list.h"

/* Kinds and keys, which identify files of a layer. A key may be there twice; its file then is written twice. */

typedef struct StateKey {
        OverrideKind kind;
        char *key;
} StateKey;

typedef struct StateKeys {
        StateKey *items;
        size_t n_items, n_allocated;
} StateKeys;

void state_keys_done(StateKeys *keys);

/* Removes all keys. The allocation stays. */
void state_keys_clear(StateKeys *keys);

/* Allocates room for n more keys. Returns 0 or -ENOMEM. */
int state_keys_reserve(StateKeys *keys, size_t n);

/* Adds a copy of the key, also if the key is there already. Returns 0 or -ENOMEM. */
int state_keys_add(StateKeys *keys, OverrideKind kind, const char *key);

bool state_keys_intersect(const StateKeys *a, const StateKeys *b);

/* Moves the keys that to does not have yet; the room must have been allocated. Frees the other keys. */
void state_keys_move(StateKeys *to, StateKeys *from);
