/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "cgroup-watch.h"
#include "limit-control.h"
#include "slice-limit.h"

/*
 * Limits of slices: misc.max of a slice's cgroup, which holds for all VMs in
 * the slice and in those below it together.
 */

/* What the control layer keeps of a slice. */
struct SliceGuard {
        Control *control;
        CgroupSubscription *watch; /* of misc.max */
        RateLimit foreign_log;
};

/* Brings the list to what configuration and overrides say. The limits are written by slice_limits_apply(). -ENOMEM. */
int slice_limits_update(Control *control);
void slice_limits_apply(Control *control);

/* Updates the list, and watches what is in it then; nothing is written before the kernel is there. */
int slice_limits_refresh(Control *control);

/*
 * For a change to overrides that the state does not have yet: the slice is in the list, and wants this limit from now on.
 * slice_limits_refresh() takes that back. -EINVAL for an invalid name, -ENOMEM.
 */
int slice_limit_want(Control *control, const char *name, uint32_t limit, SliceSource source);

/* As vm_reconcile(). */
void slice_limits_reconcile(Control *control, bool asked);

/*
 * Events for the limits that have changed since the last call, now that it is settled that they stay so. caller: who asked
 * for that; NULL: nobody.
 */
void slice_limits_tell(Control *control, const Caller *caller);

void slice_limits_free(Control *control);

/* Watches the slices that there are to be watched now, in place of those before, and sets their limits. */
int slice_limits_watch(Control *control);

/* The slice's cgroup has appeared, maybe anew. */
void slice_limit_appeared(Control *control, const char *cgroup);

/* A cgroup is gone, with all below it. */
void slice_limits_gone(Control *control, const char *cgroup);

/*
 * Writes the limit of one, or takes it away where nobody has asked for one. asked: somebody wants it so, and what was left
 * to somebody else is written, too.
 */
void slice_apply(SliceLimit *slice, bool asked);

extern const LimitOps slice_limit_ops;
