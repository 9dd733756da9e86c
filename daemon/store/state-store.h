/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-files.h"

/*
 * The stored state in two layers, and the changes that the daemon makes to it. Each layer is a directory with a file for
 * each VM and each slice for which something is stored, and one for the default quota.
 *
 * The runtime layer is in /run, i.e. in memory: it is written in the event loop and never synced. The persistent layer is on
 * a disk. The disk writer writes it before the functions below change the memory:
 *
 *     state_store_plan_list() → state_store_begin_change() → the disk → state_store_written()
 *       → state_store_set_list() → state_store_change_made() → state_store_begin_update() if files are behind
 *
 * If the daemon is killed at any moment, its next start finds a change completely or not at all. A change to one file
 * replaces that file. A change to several files is first written as a pending change (state-pending.h); it holds once that
 * is on the disk. A change to both layers has a pending change in each, with the same id; the persistent one decides.
 *
 * A file is "behind" if its content is older than the memory.
 */

#define PERSISTENT_STATE_DIRECTORY "/var/lib/pasidd/state"
#define RUNTIME_STATE_DIRECTORY    "/run/pasidd/state"

/* Suffix of the single file with the whole layer that versions up to 1.0 used. */
#define OLD_STATE_SUFFIX ".json"

typedef struct StateChange StateChange;

typedef struct StateStore {
        StateLayers *layers; /* the state in memory */
        StateFiles persistent, runtime;
        const char *persistent_path, *runtime_path; /* the directories; owned by the above */

        void (*stale)(void *userdata); /* called when a file of the runtime layer falls behind; may be NULL */
        void *stale_userdata;

        /* The change that is being written to the disk. */
        StateChange *change; /* NULL: none, or it has been made in memory */
        bool joint_holds; /* it changes both layers, and its outcome is still open, also if it was not made in memory */
        StateKeys joint_keys; /* joint_holds: of the runtime layer */
} StateStore;

/*
 * Reads both layers, applies pending changes, and migrates the single files of older versions. A file that does not parse is
 * set aside. A file that cannot be read or set aside is left alone: its content is ignored, and it is not written. All
 * problems are logged. *layers gets the state; the store keeps it up to date from then on. Must be called before the event
 * loop runs, because it blocks while it writes to the disk.
 *
 * Returns 0; -EPROTONOSUPPORT if a file was written by a newer version, in which case no file is written, but files read
 * before that one may have been set aside; or another negative errno.
 */
int state_store_load(StateStore *store, const char *root, StateLayers *layers);
void state_store_done(StateStore *store);

/*
 * Lists unusable files as "; PATH is unusable" each; "" if there are none. Printable UTF-8, whatever the names. The caller frees
 * it. NULL when out of memory.
 */
char *state_store_describe_problems(const StateStore *store);

/*
 * Plans what must be written to the disk for the changes of the list, which must have been compared, to both layers. *ret is
 * NULL if the persistent layer does not change; otherwise it is for state_store_begin_change(), or to be freed. Changes
 * nothing. Returns 0, -EFBIG or -ENOMEM.
 */
int state_store_plan_list(const StateStore *store, const OverrideList *list, StateChange **ret);

StateChange *state_change_free(StateChange *change);
DEFINE_CLEANUP_FUNC(StateChange *, state_change_free, state_change_freep);
/* The reason why the change cannot be written; NULL: it can. */
const char *state_change_problem(const StateChange *change);

/*
 * Begins to write a change. Takes ownership of it, also on failure. *ret is for the disk writer, and the writer's result is for
 * state_store_written(). If the write succeeded, the caller makes the change in memory. If the caller cannot make it, or if the
 * write failed with the files changed, the caller calls state_store_begin_update(). Only one write can be in progress. Returns 0,
 * -EBUSY if files are behind and must be written first, or another negative errno.
 */
int state_store_begin_change(StateStore *store, StateChange *change, StateWrite **ret);

/* To be called with the result of a write that one of the begin functions started. */
void state_store_written(StateStore *store, const StateWriteResult *result);

/* To be called after the change has been made in memory. Some files may be behind afterwards. */
void state_store_change_made(StateStore *store);

/* Are files of the persistent layer behind? */
bool state_store_persistent_is_behind(const StateStore *store);
/* Begins to write the files that are behind, as above. Cancels a change that was not made in memory. */
int state_store_begin_update(StateStore *store, StateWrite **ret);

/* The same for the runtime layer, synchronously. */
bool state_store_runtime_is_behind(const StateStore *store);
int state_store_save_runtime(StateStore *store);

/*
 * Saves the runtime files that the list changes, and then makes all its changes to both layers in memory. On failure nothing
 * is changed. Returns 0; -EBUSY if an earlier change to both layers is still on the disk although it was not made, so that the
 * next start would put its part of the runtime layer over the new one; or another negative errno.
 */
int state_store_set_list(StateStore *store, const OverrideList *list);

/*
 * Stores whether pasidd has set a limit for the slice, which it must reset when no source sets a limit any more. If the
 * runtime file cannot be saved, it stays behind, and the limit still takes effect. Returns 0 or -ENOMEM.
 */
int state_store_set_slice_applied(StateStore *store, const char *name, bool applied);

/* The progress of a VM that the libvirt hook announced. */
typedef enum Reservation {
        RESERVATION_PREPARED,
        RESERVATION_RUNNING,
} Reservation;

/*
 * Stores an announcement of the libvirt hook. If it cannot be saved, nothing changes. Only a VM with RESERVATION_RUNNING has
 * a next start. Returns 0 or a negative errno.
 */
int state_store_set_reservation(StateStore *store, const char *key, const char *name,
        const Announcement *announced, Reservation reservation);

/*
 * Stores the announcement of a running VM's next start. If it cannot be saved, nothing changes. name: the name of the running
 * VM, used if the hook did not announce its current run. Takes ownership of the content of *next on success. Returns 0 or a
 * negative errno.
 */
int state_store_set_next(StateStore *store, const char *key, const char *name, StateNext *next);

/*
 * Makes the next start, which must exist, the VM's reservation. If the file cannot be saved, it stays behind. Returns
 * 0 or -ENOMEM.
 */
int state_store_take_next(StateStore *store, const char *key, Reservation reservation);

/* Drops the next start. If the file cannot be saved, it stays behind. Failures are logged. */
void state_store_forget_next(StateStore *store, const char *key);

/*
 * Drops announcement, reservation and next start; overrides stay. If the file cannot be saved, it stays behind.
 * Failures are logged.
 */
void state_store_drop_reservation(StateStore *store, const char *key);
