/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "announcement.h"
#include "macro.h"
#include "policy.h"

struct json_object;

/*
 * What pasidd must remember: one layer of it, persistent or runtime, as data.
 * state-store.h has the files. Entries and slices are sorted by their keys.
 */

/* What the key of a VM without a UUID begins with. */
#define STATE_UNIT_PREFIX "unit:"

/* The next start of a VM that runs. It takes effect with the end of the VM's machine or with a later machine: libvirt
 * asks the hook about a restore or an incoming migration before it refuses them. */
typedef struct StateNext {
        char *name; /* libvirt's; NULL: no start was announced */
        Announcement announced;
        char *after;         /* the machine that the VM had then, which is not that start; may be NULL */
        uint64_t after_usec; /* when that was made, CLOCK_REALTIME; 0: machined does not know it */
        struct json_object *unknown, *unknown_of_metadata;
} StateNext;

/* Members that this version does not know are kept as they are, for the version that wrote them. */
typedef struct StateEntry {
        char *key;  /* canonical UUID; "unit:NAME" for a VM without one */
        char *name; /* the VM's name when the entry was written, for people; may be NULL */
        QuotaSetting override;
        uint64_t serial; /* runtime layer only: a number of the override's own; 0: it has none */
        uint64_t
                supersedes; /* persistent layer only: the runtime override with this serial is none any more; 0: none */
        Announcement announced; /* runtime file only */
        bool reserved;          /* runtime file only: prepared, not yet seen running */
        bool running;           /* runtime file only: prepared, and seen running: its name is libvirt's */
        StateNext next;         /* runtime file only, and only while running */
        struct json_object *unknown, *unknown_of_override, *unknown_of_metadata;
} StateEntry;

typedef struct StateSlice {
        char *name;
        bool limit_set;
        uint32_t limit; /* the override; LIMIT_NONE for none */
        bool applied; /* runtime file only: pasidd has set a limit, to be taken away once nothing asks for it */
        struct json_object *unknown;
} StateSlice;

typedef struct State {
        StateEntry *entries;
        size_t n_entries;
        StateSlice *slices;
        size_t n_slices;
        uint32_t default_quota;
        bool default_quota_set;
        struct json_object *unknown;
} State;

State *state_free(State *s);
DEFINE_CLEANUP_FUNC(State *, state_free, state_freep);
State *state_new(void);
/* NULL when there is no such entry. The pointer is good until entries are added or removed. */
StateEntry *state_find(const State *s, const char *key);
/* Finds or makes. NULL when out of memory. */
StateEntry *state_get(State *s, const char *key);
/* Room for n more entries. -ENOMEM. */
int state_reserve(State *s, size_t n);
/*
 * Makes an entry in that room, at the end. The caller knows that there is none with the key, and calls state_sort() after
 * the last one. NULL when out of memory.
 */
StateEntry *state_append(State *s, const char *key);
void state_sort(State *s);
/* Is it a UUID in canonical form, or "unit:NAME"? */
bool state_key_is_valid(const char *key);

/* What a later version keeps with an override or an announcement goes with it. */
void state_entry_set_override(StateEntry *e, const QuotaSetting *override);
void state_entry_forget_announced(StateEntry *e);
void state_entry_forget_next(StateEntry *e);
/* The next start, which must exist, is what the entry says of the VM from now on. */
void state_entry_take_next(StateEntry *e);
/* name: NULL for none. -ENOMEM. */
int state_entry_set_name(StateEntry *e, const char *name);

/* Copies of all. after: NULL if there was no machine. *ret is empty on failure. -ENOMEM. */
int state_next_make(const char *name, const Announcement *announced, const char *after, uint64_t after_usec,
        StateNext *ret);
void state_next_clear(StateNext *next);

/* As with entries. */
StateSlice *state_find_slice(const State *s, const char *name);
StateSlice *state_get_slice(State *s, const char *name);
/* Does it say nothing but its key and name? */
bool state_entry_is_empty(const StateEntry *e);
bool state_slice_is_empty(const StateSlice *slice);
/* Removes entries and slices that are empty. */
void state_prune(State *s);

/* Adds a copy of an entry or a slice of another state, which this one does not have yet. NULL when out of memory. */
StateEntry *state_add_copy(State *s, const StateEntry *e);
StateSlice *state_add_slice_copy(State *s, const StateSlice *slice);

/* Room for all entries and slices of the other state. -ENOMEM. */
int state_reserve_for(State *to, const State *from);
/*
 * Moves all entries and slices into another state that has the room: they replace those that it has under the same keys.
 * Those that are empty are removed there. The default quota is left alone.
 */
void state_take(State *to, State *from);

/* What is in force: both layers. The runtime one holds until the next boot, and wins. */
typedef struct StateLayers {
        State *persistent;
        State *runtime;
} StateLayers;

/* The setting of one layer, all unset when there is none. */
QuotaSetting state_get_override(const State *state, const char *key);

/*
 * What the libvirt hook said of a VM's start, as long as it is remembered: NULL if nothing. The pointers are good until
 * the next change.
 */
const Announcement *state_get_announcement(const State *runtime, const char *key);
const StateEntry *state_get_reservation(const State *runtime, const char *key);
const StateNext *state_get_next(const State *runtime, const char *key);
