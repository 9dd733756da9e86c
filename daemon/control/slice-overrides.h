/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "override-list.h"
#include "slice-limit.h"

/* Changes to the overrides of slices. */

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
