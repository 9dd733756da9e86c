/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"
#include "state-file.h"

/* The two state files, and the changes that the daemon makes to them. */

#define PERSISTENT_STATE_FILE "/var/lib/pasidd/state.json"
#define RUNTIME_STATE_FILE    "/run/pasidd/state.json"

typedef struct StateStore {
        State *persistent;
        State *runtime;
        char *persistent_path;
        char *runtime_path;
} StateStore;

/* Reads both. A file that does not parse is set aside and logged. */
int state_store_load(StateStore *store, const char *root);
void state_store_done(StateStore *store);

/* The setting of one layer, all unset when there is none. */
QuotaSetting state_store_get_override(const State *state, const char *key);
/* What the hook has said of it, for as long as it is remembered; NULL if nothing. */
const Announcement *state_store_get_announcement(const StateStore *store, const char *key);

/*
 * Puts the overrides in place and saves the files that this changes. On
 * failure everything is as it was before.
 */
int state_store_set_overrides(StateStore *store, const char *key, const char *name,
        const QuotaSetting *runtime, const QuotaSetting *persistent);

/* The default quota of both layers, NULL for none; likewise. */
int state_store_set_default(StateStore *store, const uint32_t *runtime, const uint32_t *persistent);

/* The limits of a slice in both layers, NULL for none; likewise. */
int state_store_set_slice_limits(
        StateStore *store, const char *name, const uint32_t *runtime, const uint32_t *persistent);

/* Has pasidd set a limit that it has to take away once nothing asks for it? Until the next boot. */
int state_store_set_slice_applied(StateStore *store, const char *name, bool applied);

/* How far a VM has come that the libvirt hook told of. */
typedef enum Reservation {
        RESERVATION_PREPARED,
        RESERVATION_RUNNING,
} Reservation;

/* What the libvirt hook said of a VM. Likewise. */
int state_store_set_reservation(StateStore *store, const char *key, const char *name,
        const Announcement *announced, Reservation reservation);

/* What the hook said, as long as it holds; NULL if nothing. */
const StateEntry *state_store_get_reservation(const StateStore *store, const char *key);

/* The hook's word and reservation go, overrides stay. Logs failure. */
void state_store_drop_reservation(StateStore *store, const char *key);
