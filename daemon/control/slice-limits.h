/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cgroup-watch.h"
#include "control.h"
#include "override-list.h"
#include "slice-limit.h"

/*
 * Limits of slices: misc.max of a slice's cgroup, which holds for all VMs in
 * the slice and in those below it together.
 */

/* What the control layer keeps of a slice. */
struct SliceGuard {
        Control *control;
        CgroupSubscription *watch; /* of misc.max */
        sd_event_source *revert_holdoff;
        bool revert_again;
        RateLimit foreign_log;
};

/* Brings the list to what configuration and overrides say. The limits are written by slice_limits_apply(). -ENOMEM. */
int slice_limits_update(Control *control);
void slice_limits_apply(Control *control);

/* Only those that are not in force because of an error. Returns true when there are none left. */
bool slice_limits_apply_failed(Control *control);

/* Events for the limits that have changed since the last call, now that it is settled that they stay so. */
void slice_limits_tell(Control *control);

/* As vm_reconcile(). */
void slice_limits_reconcile(Control *control, bool asked);
void slice_limits_free(Control *control);

/* Watches the slices that there are to be watched now, in place of those before, and sets their limits. */
int slice_limits_watch(Control *control);

/* The slice's cgroup has appeared, maybe anew. */
void slice_limit_appeared(Control *control, const char *cgroup);

/* A cgroup is gone, with all below it. */
void slice_limits_gone(Control *control, const char *cgroup);

/*
 * All or nothing, like vm_change_overrides(). A slice that does not exist at
 * present gets its limit when it comes. *ret_error is to be freed.
 */
OverrideResult slice_change_overrides(
        Control *control, const char *name, const SliceOverrides *overrides, char **ret_error);

/*
 * The same in steps, for a change that several slices are part of; the state has the new overrides already. The first
 * brings the list of slices to that: 0 or a negative errno. The second writes one limit: returns false when the kernel
 * refused, with *ret_error (to be freed). Afterwards slice_limits_tell(); or, with the old state,
 * slice_limits_refresh() and slice_limits_apply().
 */
int slice_limits_refresh(Control *control);
bool slice_limit_try(Control *control, const char *name, char **ret_error);
