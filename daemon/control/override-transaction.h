/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "override-list.h"

/*
 * The one transaction for all changes to overrides: plan (override-plan.h),
 * kernel, runtime layer and memory. All of it or nothing: where the kernel or
 * the layer refuses, the kernel gets back what it had. The persistent layer has the
 * change already, or is not concerned; where this fails, writing it as it was is
 * the caller's affair.
 *
 * The list must be sorted; it is compared with what is in force now. Numbers
 * that have no place in the kernel, of VMs that are off and slices that do not
 * exist, are no obstacle. *ret_error (to be freed), unless it is OVERRIDE_DONE:
 * why not, and what the kernel did not take. caller: who asked for it, for the
 * events that say so; NULL: nobody.
 */
OverrideResult override_transaction(
        Control *control, OverrideList *list, const Caller *caller, char **ret_error);

/* The error of a change that could not be saved. NULL when out of memory. */
char *override_explain_not_saved(const OverrideList *list, const char *why);
