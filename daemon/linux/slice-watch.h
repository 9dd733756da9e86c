/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cgroup-watch.h"
#include "macro.h"

/*
 * Watches the slices that VMs run in. It enables the misc controller in them
 * and in everything above, again whenever one of them comes back, and tells
 * about each unit's cgroup as it appears: machined announces a machine before
 * its cgroup exists.
 */
typedef struct SliceWatch SliceWatch;

/* A unit's cgroup (….scope, ….service) exists at or below one of the slices. May be called again for one known. */
typedef void (*SliceWatchUnitHandler)(const char *cgroup, void *userdata);

/* One of the slices, or one below, exists, with the controller enabled above it. Likewise. */
typedef void (*SliceWatchSliceHandler)(const char *cgroup, void *userdata);

/* A cgroup in one of them, or in one above, is gone with all below it. */
typedef void (*SliceWatchGoneHandler)(const char *cgroup, void *userdata);

typedef struct SliceWatchHandlers {
        SliceWatchUnitHandler unit;
        SliceWatchSliceHandler slice;
        SliceWatchGoneHandler gone;
        void (*enable_failed)(
                void *userdata); /* the controller could not be enabled somewhere, which may change */
        void (*enabled_late)(
                void *userdata); /* by slice_watch_enable_failed(), so that limits can be set now */
} SliceWatchHandlers;

/*
 * slices: names of slice units, NULL-terminated. Nothing is looked at before
 * slice_watch_rescan(). Fails for lack of memory and for slice names that are
 * none.
 */
int slice_watch_new(CgroupWatch *watch, const char *root, char *const *slices,
        const SliceWatchHandlers *handlers, void *userdata, SliceWatch **ret);
SliceWatch *slice_watch_free(SliceWatch *w);
DEFINE_CLEANUP_FUNC(SliceWatch *, slice_watch_free, slice_watch_freep);

/*
 * Looks at everything there is: enables the controller, watches slices, calls
 * the handler for each unit. Problems with single cgroups are logged.
 */
void slice_watch_rescan(SliceWatch *w);

/* Tries again to enable the controller where that failed. Returns true when it fails nowhere any more. */
bool slice_watch_enable_failed(SliceWatch *w);

/* The cgroup of a unit directly in one of the slices watched. -ENOENT if there is none; the caller frees *ret. */
int slice_watch_find_unit(const SliceWatch *w, const char *unit, char **ret);

/* Does a cgroup lie below one of the slices, so that a limit is expected to hold there? */
bool slice_watch_covers(const SliceWatch *w, const char *cgroup);
