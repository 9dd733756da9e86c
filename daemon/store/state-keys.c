/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "state-keys.h"

void state_keys_clear(StateKeys *keys) {
        for (size_t i = 0; i < keys->n_items; i++)
                free(keys->items[i].key);
        keys->n_items = 0;
}

void state_keys_done(StateKeys *keys) {
        state_keys_clear(keys);
        free(keys->items);
        *keys = (StateKeys) {};
}

int state_keys_reserve(StateKeys *keys, size_t n) {
        size_t needed = keys->n_items + n, n_new = keys->n_allocated * 2;
        StateKey *items;

        if (needed <= keys->n_allocated)
                return 0;
        if (n_new < needed)
                n_new = needed;

        items = reallocarray(keys->items, n_new, sizeof(*items));
        if (!items)
                return -ENOMEM;

        keys->items = items;
        keys->n_allocated = n_new;
        return 0;
}

static bool has(const StateKeys *keys, OverrideKind kind, const char *key) {
        for (size_t i = 0; i < keys->n_items; i++)
                if (keys->items[i].kind == kind && streq(keys->items[i].key, key))
                        return true;

        return false;
}

int state_keys_add(StateKeys *keys, OverrideKind kind, const char *key) {
        char *copy;

        if (state_keys_reserve(keys, 1) < 0)
                return -ENOMEM;
        copy = strdup(key);
        if (!copy)
                return -ENOMEM;

        keys->items[keys->n_items++] = (StateKey) { .kind = kind, .key = copy };
        return 0;
}

bool state_keys_intersect(const StateKeys *a, const StateKeys *b) {
        for (size_t i = 0; i < a->n_items; i++)
                if (has(b, a->items[i].kind, a->items[i].key))
                        return true;

        return false;
}

/* Compares with the previous items only: usually there are none. */
void state_keys_move(StateKeys *to, StateKeys *from) {
        size_t n_before = to->n_items;

        for (size_t i = 0; i < from->n_items; i++) {
                const StateKeys before = { .items = to->items, .n_items = n_before };

                if (has(&before, from->items[i].kind, from->items[i].key))
                        free(from->items[i].key);
                else
                        to->items[to->n_items++] = from->items[i];
        }
        from->n_items = 0;
}
