/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"
#include "override-list.h"
#include "state.h"

/*
 * The two state files, and the changes that the daemon makes to them.
 *
 * The runtime file is in /run, which is memory: it is written at once, in the
 * event loop, and never synced. The persistent file is on a disk and is never
 * written here. override-change.c writes it through the disk writer, from
 * state_store_plan_…(), before the functions below change what is in memory.
 */

#define PERSISTENT_STATE_FILE "/var/lib/pasidd/state.json"
#define RUNTIME_STATE_FILE    "/run/pasidd/state.json"

typedef struct StateStore {
        StateLayers *layers; /* where what is in force is kept */
        char *persistent_path;
        char *runtime_path;

        /* The file cannot be used and has to stay as it is, so nothing is saved there; NULL: it can. */
        char *persistent_problem;
        char *runtime_problem;

        /* The file says something else than the memory, which is right; to be written again. */
        bool persistent_stale;
        bool runtime_stale;
        void (*stale)(void *userdata); /* called whenever one of them becomes stale; may be NULL */
        void *stale_userdata;
} StateStore;

/*
 * Reads both. A file that does not parse is set aside. One that cannot be set
 * aside, or not be read, is left alone: its overrides count as none, and
 * nothing is saved there. Logs all of it. What is read goes to layers, which the
 * store keeps up to date from then on.
 */
int state_store_load(StateStore *store, const char *root, StateLayers *layers);
void state_store_done(StateStore *store);

/*
 * The text of the persistent file as it would be with this change, for the
 * caller to save and to free; NULL if the file stays as it is. Nothing changes.
 * -EFBIG, -ENOMEM.
 */
int state_store_plan_override(const StateStore *store, const char *key, const char *name,
        const QuotaSetting *persistent, char **ret);
int state_store_plan_default(const StateStore *store, const uint32_t *persistent, char **ret);
int state_store_plan_slice_limit(
        const StateStore *store, const char *name, const uint32_t *persistent, char **ret);
/* Likewise with all of the list, which override_list_compare() has been through. */
int state_store_plan_list(const StateStore *store, const OverrideList *list, char **ret);

/*
 * Saves the runtime file, if this changes it, and then changes both layers in
 * memory. On failure everything is as it was before.
 */
int state_store_set_overrides(StateStore *store, const char *key, const char *name,
        const QuotaSetting *runtime, const QuotaSetting *persistent);

/* The default quota of both layers, NULL for none; likewise. */
int state_store_set_default(StateStore *store, const uint32_t *runtime, const uint32_t *persistent);
/* The same to take a change back: the memory changes even if the file cannot be saved, which makes that stale. */
int state_store_undo_default(StateStore *store, const uint32_t *runtime, const uint32_t *persistent);

/* The limits of a slice in both layers, NULL for none; likewise. */
int state_store_set_slice_limits(
        StateStore *store, const char *name, const uint32_t *runtime, const uint32_t *persistent);
int state_store_undo_slice_limits(
        StateStore *store, const char *name, const uint32_t *runtime, const uint32_t *persistent);

/* All that the list changes in both layers; and back to what was before it. Likewise. */
int state_store_set_list(StateStore *store, const OverrideList *list);
int state_store_undo_list(StateStore *store, const OverrideList *list);

/*
 * Has pasidd set a limit that it has to take away once nothing asks for it? Until the next boot. A file
 * that cannot be saved becomes stale: that is no reason to leave a slice without its limit. -ENOMEM.
 */
int state_store_set_slice_applied(StateStore *store, const char *name, bool applied);

/* How far a VM has come that the libvirt hook told of. */
typedef enum Reservation {
        RESERVATION_PREPARED,
        RESERVATION_RUNNING,
} Reservation;

/* What the libvirt hook said of a VM. Saved, or nothing changes. There is a next start with RESERVATION_RUNNING only. */
int state_store_set_reservation(StateStore *store, const char *key, const char *name,
        const Announcement *announced, Reservation reservation);

/*
 * What the libvirt hook said of the next start of a VM that runs. Saved, or nothing changes. name: of the VM as it
 * runs, where the hook has said nothing of that. Takes over what is in *next.
 */
int state_store_set_next(StateStore *store, const char *key, const char *name, StateNext *next);

/* The next start, which must exist, is the VM's reservation from now on. A file that cannot be saved becomes stale. -ENOMEM. */
int state_store_take_next(StateStore *store, const char *key, Reservation reservation);

/* The next start is called off. A file that cannot be saved becomes stale. Logs failure. */
void state_store_forget_next(StateStore *store, const char *key);

/* The hook's word, reservation and next start go, overrides stay. A file that cannot be saved becomes stale. Logs failure. */
void state_store_drop_reservation(StateStore *store, const char *key);

/* Saves the memory's content again where the runtime file is stale. */
int state_store_save_runtime(StateStore *store);

/* The persistent file says something else than the memory, until told otherwise. Calls the store's stale(). */
void state_store_persistent_is_stale(StateStore *store);
