/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "slice-limit.h"
#include "vm.h"

int slice_bus_add(Api *api);

/* The limits above a VM, a(sssutub), outermost first: the host's, then those of its slices. */
int slice_bus_append_limits(Api *api, sd_bus_message *reply, const VM *vm);

/* Is it a slice that can have a limit? Sets InvalidSlice otherwise. */
int slice_bus_check_name(const char *name, sd_bus_error *error);
