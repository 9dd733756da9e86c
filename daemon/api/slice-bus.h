/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "slice-limit.h"
#include "vm.h"

/* Adds the methods about slices to the manager's object. Returns 0 or a negative errno. */
int slice_bus_add(Api *api);

/*
 * Appends the limits that apply to a VM, a(sssutub), outermost first: the host's, then those of its slices. Returns 0
 * or a negative errno.
 */
int slice_bus_append_limits(Api *api, sd_bus_message *reply, const VM *vm);

/* Can the slice have a limit? Returns 0, or a negative errno with the error set to InvalidSlice. */
int slice_bus_check_name(const char *name, sd_bus_error *error);
