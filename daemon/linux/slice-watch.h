/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cgroup-watch.h"
#include "macro.h"

/*
 * Watches the slices that VMs run in. Enables the misc controller in them and in
 * all cgroups above, also when one of them is created again. Reports the cgroup
 * of each unit as it appears: machined announces a machine before its cgroup
 * exists.
 */
typedef struct SliceWatch SliceWatch;

/*
 * The cgroup of a unit (….scope, ….service) exists at or below one of the slices. May be called again for the same
 * one.
 */
typedef void (*SliceWatchUnitHandler)(const char *cgroup, void *userdata);

/*
 * One of the slices, or one below, exists, and the controller is enabled above it. May be called again for the same
 * one.
 */
typedef void (*SliceWatchSliceHandler)(const char *cgroup, void *userdata);

/* A cgroup in or above one of the slices is gone, with everything below it. */
typedef void (*SliceWatchGoneHandler)(const char *cgroup, void *userdata);

typedef struct SliceWatchHandlers {
        SliceWatchUnitHandler unit;
        SliceWatchSliceHandler slice;
        SliceWatchGoneHandler gone;
        void (*enable_failed)(void *userdata); /* enabling the controller failed; it may succeed later */
        void (*enabled_late)(
                void *userdata); /* slice_watch_enable_failed() has enabled it: limits can be set now */
} SliceWatchHandlers;

/*
 * slices: names of slice units, NULL-terminated. Nothing is watched before
 * slice_watch_rescan(). Returns 0, -EINVAL for an invalid slice name, or -ENOMEM.
 */
int slice_watch_new(CgroupWatch *watch, const char *root, char *const *slices,
        const SliceWatchHandlers *handlers, void *userdata, SliceWatch **ret);
SliceWatch *slice_watch_free(SliceWatch *w);
DEFINE_CLEANUP_FUNC(SliceWatch *, slice_watch_free, slice_watch_freep);

/*
 * Scans all cgroups: enables the controller, watches slices, and calls the
 * handler for each unit. Problems with single cgroups are logged.
 */
void slice_watch_rescan(SliceWatch *w);

/* Tries again to enable the controller where that failed. Returns true if there are no failures left. */
bool slice_watch_enable_failed(SliceWatch *w);

/*
 * Finds the cgroup of a unit directly in one of the watched slices. Returns 0, -ENOENT or -ENOMEM. The caller frees
 * *ret.
 */
int slice_watch_find_unit(const SliceWatch *w, const char *unit, char **ret);

/* Is the cgroup at or below one of the slices, so that a limit is expected there? */
bool slice_watch_covers(const SliceWatch *w, const char *cgroup);
