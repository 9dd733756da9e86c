/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "override-list.h"

/*
 * The transaction for all changes to overrides: plan (override-plan.h), kernel,
 * runtime layer and memory, all or nothing. If the kernel or the runtime layer
 * refuses the change, the kernel's previous numbers are restored. The persistent
 * layer already has the change, or is not affected; on failure, the caller must
 * restore it.
 *
 * The list must be sorted; it is compared with the current overrides. Numbers
 * without a place in the kernel (of VMs that are off, of slices that do not exist)
 * are skipped. Unless the result is OVERRIDE_DONE, *ret_error (the caller frees
 * it) has the reason. caller: who asked for the change, for events; NULL: nobody.
 */
OverrideResult override_transaction(
        Control *control, OverrideList *list, const Caller *caller, char **ret_error);

/* The error of a change that could not be saved. NULL when out of memory. */
char *override_explain_not_saved(const OverrideList *list, const char *why);
