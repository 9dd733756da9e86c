/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "state-files.h"

/*
 * What is remembered, in two layers, and the changes that the daemon makes to it. Each layer is a directory with a file for
 * each VM and each slice that there is something to say about, and one for the default quota.
 *
 * The runtime layer is in /run, which is memory: it is written at once, in the event loop, and never synced. The persistent
 * layer is on a disk and is written by the disk writer, before the functions below change what is in memory:
 *
 *     state_store_plan_list() → state_store_begin_change() → the disk → state_store_written()
 *       → state_store_set_list() → state_store_change_made() → state_store_begin_update() where something is behind
 *
 * Killed at any moment, the daemon finds at its next start all of a change or nothing of it. A change to one file is the
 * file's replacement. A change to several is a pending change first (state-pending.h), and when that is on the disk it holds;
 * one to both layers is one in each, with the same id, of which the persistent one decides.
 */

#define PERSISTENT_STATE_DIRECTORY "/var/lib/pasidd/state"
#define RUNTIME_STATE_DIRECTORY    "/run/pasidd/state"

/* All of a layer in a single file, as versions up to 1.0 had it. */
#define OLD_STATE_SUFFIX ".json"

typedef struct StateChange StateChange;

typedef struct StateStore {
        StateLayers *layers; /* where what is in force is kept */
        StateFiles persistent, runtime;
        const char *persistent_path, *runtime_path; /* the directories; belong to the above */

        void (*stale)(
                void *userdata); /* called whenever a file of the runtime layer gets behind; may be NULL */
        void *stale_userdata;

        /* What is on its way to the disk. */
        StateChange *change; /* NULL: none, or it has been made */
        bool joint_holds;    /* it is to both layers, and it is not certain yet what becomes of it */
} StateStore;

/*
 * Reads both layers, makes pending changes, and takes over the single files of older versions. A file that does not parse is
 * set aside. One that cannot be set aside, or not be read, is left alone: what it says counts as nothing, and it is not
 * written. Logs all of it. What is read goes to layers, which the store keeps up to date from then on. Called before the
 * event loop runs: it waits for the disk where it has something to write.
 *
 * -EPROTONOSUPPORT: a newer version has written one of the files. All stays as it is.
 */
int state_store_load(StateStore *store, const char *root, StateLayers *layers);
void state_store_done(StateStore *store);

/* The files that cannot be used, as "; PATH is unusable" for each; "" if there are none. NULL when out of memory. */
char *state_store_describe_problems(const StateStore *store);

/*
 * What has to be written to the disk for the changes of the list, which override_list_compare() has been through, to both
 * layers; NULL if the persistent one stays as it is. Nothing changes. *ret is for state_store_begin_change(), or to be freed.
 * -EFBIG, -ENAMETOOLONG, -ENOMEM.
 */
int state_store_plan_list(const StateStore *store, const OverrideList *list, StateChange **ret);

StateChange *state_change_free(StateChange *change);
DEFINE_CLEANUP_FUNC(StateChange *, state_change_free, state_change_freep);
/* Why it cannot be written; NULL: it can. */
const char *state_change_problem(const StateChange *change);

/*
 * A change that can be written is about to be. Takes it over, also on failure. *ret is for the disk writer; what came of it is
 * for state_store_written(). Then the change is on the disk, and the caller makes it in memory. If he cannot, or if it is not
 * on the disk but the files are changed, he calls state_store_begin_update(). One write at a time can be under way.
 * -EBUSY: what another change has left behind has to be written first. Other errors as state_write_run(), and -ENOMEM.
 */
int state_store_begin_change(StateStore *store, StateChange *change, StateWrite **ret);

/* What came of the write of state_store_begin_change() or state_store_begin_update(), as a DiskWriterHandler is told. */
void state_store_written(StateStore *store, int error, bool changed);

/* The change that was written is made in memory. Some files may be behind after it. */
void state_store_change_made(StateStore *store);

/* Do files of the persistent layer say something else than the memory, or not yet all that it says? */
bool state_store_persistent_is_behind(const StateStore *store);
/* The ones that do are about to be written as the memory has them: as above. A change that was not made is none any more. */
int state_store_begin_update(StateStore *store, StateWrite **ret);

/* The same of the runtime layer, at once. */
bool state_store_runtime_is_behind(const StateStore *store);
int state_store_save_runtime(StateStore *store);

/*
 * Saves the runtime files that the list changes, and then makes all its changes to both layers in memory. On failure everything
 * is as it was before.
 */
int state_store_set_list(StateStore *store, const OverrideList *list);

/*
 * Has pasidd set a limit that it has to take away once nothing asks for it? Until the next boot. A file
 * that cannot be saved is behind: that is no reason to leave a slice without its limit. -ENOMEM.
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

/* The next start, which must exist, is the VM's reservation from now on. A file that cannot be saved is behind. -ENOMEM. */
int state_store_take_next(StateStore *store, const char *key, Reservation reservation);

/* The next start is called off. A file that cannot be saved is behind. Logs failure. */
void state_store_forget_next(StateStore *store, const char *key);

/* The hook's word, reservation and next start go, overrides stay. A file that cannot be saved is behind. Logs failure. */
void state_store_drop_reservation(StateStore *store, const char *key);
