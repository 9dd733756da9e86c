/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "slice-limit.h"
#include "vm.h"

/* Current usage, read from the kernel. */

/* Reads the counters of the VM's sets, at most once in each iteration of the event loop. */
void vm_refresh_counters(VM *vm);
/* The same, and reads quotas and watermarks. */
void vm_refresh_sets(VM *vm);
/* vm_refresh_counters() for all VMs. */
void control_refresh_counters(Control *control);

/* Refreshes and sums up the counters of the VM. */
void vm_read_counters(VM *vm, VMCounters *ret);

/* Usage of the whole host, including the kernel's own. Returns 0 if it cannot be read. */
uint64_t control_read_current(const Control *control, MiscResource resource);

/* Current and peak usage of a slice and everything below it. Returns 0 if it cannot be read. */
uint32_t slice_read_allocated(const Control *control, const SliceLimit *slice);
uint32_t slice_read_peak(const Control *control, const SliceLimit *slice);
