/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"
#include "override-list.h"

/*
 * Kernel, runtime file and memory for a list of overrides: all of them or none.
 * The persistent file has the change already, or is not concerned; where this
 * fails, writing it as it was is the caller's affair.
 *
 * Looks anew at what was before. 0, or a negative errno with error set:
 * NotSaved or NotApplied, which says what the kernel did not take.
 */
int override_list_make(Manager *m, OverrideList *list, sd_bus_error *error);
