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
 * The persistent or runtime layer of the state, as data. state-store.h has the
 * files. Entries and slices are sorted by key.
 */

/* Prefix of the key of a VM without a UUID. */
#define STATE_UNIT_PREFIX "unit:"

/*
 * The announced next start of a running VM. It takes effect when the VM's machine ends, or with a later machine: libvirt
 * calls the hook for a restore or an incoming migration even if it then refuses it.
 */
typedef struct StateNext {
        char *name; /* the domain's name; NULL: no start was announced */
        Announcement announced;
        char *after;         /* the VM's machine at that time, which is not that start; may be NULL */
        uint64_t after_usec; /* creation time of that machine, CLOCK_REALTIME; 0: unknown */
        struct json_object *unknown, *unknown_of_metadata;
} StateNext;

/*
 * JSON members unknown to this version are preserved for the version that wrote them. unknown_of_file: those beside the entry,
 * in a file of its own.
 */
typedef struct StateEntry {
        char *key;  /* canonical UUID; "unit:NAME" for a VM without one */
        char *name; /* the VM's name when the entry was written, for the user; may be NULL */
        QuotaSetting override;
        uint64_t serial;     /* runtime layer only: unique number of the override; 0: none */
        uint64_t supersedes; /* persistent layer only: serial of a runtime override that is void; 0: none */
        Announcement announced; /* runtime layer only */
        bool reserved;          /* runtime layer only: prepared, not seen running yet */
        bool running;           /* runtime layer only: prepared, and seen running: name is the domain's */
        StateNext next;         /* runtime layer only, and only with running */
        struct json_object *unknown, *unknown_of_override, *unknown_of_metadata, *unknown_of_file;
} StateEntry;

typedef struct StateSlice {
        char *name;
        bool limit_set;
        uint32_t limit; /* the override; LIMIT_NONE: no limit */
        bool applied; /* runtime layer only: pasidd has set misc.max, and resets it when no source sets a limit */
        struct json_object *unknown, *unknown_of_file;
} StateSlice;

typedef struct State {
        StateEntry *entries;
        size_t n_entries, entries_room;
        StateSlice *slices;
        size_t n_slices;
        uint32_t default_quota;
        bool default_quota_set;
        struct json_object *unknown;
} State;

State *state_free(State *s);
DEFINE_CLEANUP_FUNC(State *, state_free, state_freep);
State *state_new(void);
/* Returns NULL if there is no such entry. The pointer is valid until entries are added or removed. */
StateEntry *state_find(const State *s, const char *key);
/* Finds or makes the entry. Returns NULL when out of memory. */
StateEntry *state_get(State *s, const char *key);
/* Allocates room for n more entries. Returns 0 or -ENOMEM. */
int state_reserve(State *s, size_t n);
/*
 * Appends an entry in that room. The caller makes sure that the key is new, and calls state_sort() after the last entry.
 * Returns NULL when out of memory.
 */
StateEntry *state_append(State *s, const char *key);
void state_sort(State *s);
/* Is key a canonical UUID or "unit:NAME"? */
bool state_key_is_valid(const char *key);

/* These also drop or move the preserved JSON members of the override or announcement. */
void state_entry_set_override(StateEntry *e, const QuotaSetting *override);
void state_entry_forget_announced(StateEntry *e);
void state_entry_forget_next(StateEntry *e);
/* Makes the next start, which must exist, the entry's announcement. */
void state_entry_take_next(StateEntry *e);
/* name may be NULL. Returns 0 or -ENOMEM. */
int state_entry_set_name(StateEntry *e, const char *name);

/* Makes deep copies. after is NULL if there was no machine. Returns 0, or -ENOMEM with *ret untouched. */
int state_next_make(const char *name, const Announcement *announced, const char *after, uint64_t after_usec,
        StateNext *ret);
void state_next_clear(StateNext *next);

/* The same for slices. */
StateSlice *state_find_slice(const State *s, const char *name);
StateSlice *state_get_slice(State *s, const char *name);
/* Is there nothing in it besides key and name? */
bool state_entry_is_empty(const StateEntry *e);
bool state_slice_is_empty(const StateSlice *slice);
/* Removes entries and slices that are empty. */
void state_prune(State *s);

/* Adds a copy of an entry or slice of another state; the key must be new. Returns NULL when out of memory. */
StateEntry *state_add_copy(State *s, const StateEntry *e);
StateSlice *state_add_slice_copy(State *s, const StateSlice *slice);

/* Allocates room in to for all entries and slices of from. Returns 0 or -ENOMEM. */
int state_reserve_for(State *to, const State *from);
/*
 * Moves all entries and slices of from to to, which must have the room. They replace those with the same keys. Empty ones
 * are removed afterwards. The default quota is not moved.
 */
void state_take(State *to, State *from);

/* Both layers. The runtime layer lasts until the next boot and takes precedence. */
typedef struct StateLayers {
        State *persistent;
        State *runtime;
} StateLayers;

/* The override in one layer, empty if there is none. */
QuotaSetting state_get_override(const State *state, const char *key);

/*
 * What the libvirt hook announced about the VM's start, as far as it is stored, or NULL. The pointers are valid until
 * the next change.
 */
const Announcement *state_get_announcement(const State *runtime, const char *key);
const StateEntry *state_get_reservation(const State *runtime, const char *key);
const StateNext *state_get_next(const State *runtime, const char *key);
