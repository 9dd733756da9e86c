/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "cgroup-watch.h"
#include "limit-control.h"
#include "slice-limit.h"

/*
 * Limits of slices: misc.max of a slice's cgroup, which applies to all VMs in
 * the slice and below it together.
 */

/* Data of the control layer for a slice. */
struct SliceGuard {
        Control *control;
        CgroupSubscription *watch; /* of misc.max */
        RateLimit foreign_log;
};

/*
 * Updates the list of slices from configuration and overrides. slice_limits_apply() writes the limits. Returns 0 or
 * -ENOMEM.
 */
int slice_limits_update(Control *control);
void slice_limits_apply(Control *control);

/*
 * Updates the list and watches the slices in it. Writes nothing before the kernel is present. Returns 0 or a negative
 * errno.
 */
int slice_limits_refresh(Control *control);

/*
 * For a transaction: adds the slice to the list if necessary, and sets its limit, which the state does not have yet.
 * slice_limits_refresh() undoes this. Returns 0, -EINVAL for an invalid name, or -ENOMEM.
 */
int slice_limit_set_desired(Control *control, const char *name, uint32_t limit, SliceSource source);

/* As vm_reconcile(), for all slices. */
void slice_limits_reconcile(Control *control, bool force);

/*
 * Adds events for the limits that have changed since the last call. To be called when a transaction can no longer
 * fail. caller: who asked for it; NULL: nobody.
 */
void slice_limits_announce(Control *control, const Caller *caller);

void slice_limits_free(Control *control);

/*
 * Replaces the set of watched slices by the current list, and writes the limits. Returns 0 or a negative errno, which
 * has been logged.
 */
int slice_limits_watch(Control *control);

/* To be called when a cgroup has appeared, possibly with the same name as before. */
void slice_limit_appeared(Control *control, const char *cgroup);

/* To be called when a cgroup is gone, with everything below it. */
void slice_limits_gone(Control *control, const char *cgroup);

/*
 * Writes the slice's limit, or removes pasidd's limit if no source sets one any more. force: also overwrite a foreign value.
 */
void slice_apply(SliceLimit *slice, bool force);

extern const LimitOps slice_limit_ops;
