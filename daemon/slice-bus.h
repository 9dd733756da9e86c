/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "slice-limit.h"
#include "vm.h"

int slice_bus_add(Manager *m);

/* The limits above a VM, a(sssutub), outermost first: the host's, then those of its slices. */
int slice_bus_append_limits(sd_bus_message *reply, const VM *vm);

/* Is it a slice that can have a limit? Sets InvalidSlice otherwise. */
int slice_bus_check_name(const char *name, sd_bus_error *error);

/* slice_change_overrides() with its failure as the bus error. */
int slice_bus_change(Manager *m, const char *name, const SliceOverrides *overrides, sd_bus_error *error);
