/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "override-list.h"

/*
 * Kernel, runtime file and memory for a list of overrides: all of them or none.
 * The persistent file has the change already, or is not concerned; where this
 * fails, writing it as it was is the caller's affair.
 *
 * Looks anew at what was before. *ret_error (to be freed), unless it is
 * OVERRIDE_DONE: why not, and what the kernel did not take.
 */
OverrideResult override_list_make(Control *control, OverrideList *list, char **ret_error);
