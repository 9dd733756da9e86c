/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "slice-limit.h"
#include "vm.h"

/* What is held now, read from the kernel. */

/* Reads the sets' counters, once in each turn of the event loop. */
void vm_refresh_counters(VM *vm);
/* The same, and their quotas and watermarks. */
void vm_refresh_sets(VM *vm);
/* The first for all VMs. */
void control_refresh_counters(Control *control);

void vm_read_counters(VM *vm, VMCounters *ret);

/* What the whole host holds, what the kernel has taken for itself included. 0 where that cannot be read. */
uint64_t control_read_current(const Control *control, MiscResource resource);

/* What is held, and was held at most, in a slice and below it. 0 where that cannot be read. */
uint32_t slice_read_allocated(const Control *control, const SliceLimit *slice);
uint32_t slice_read_peak(const Control *control, const SliceLimit *slice);
