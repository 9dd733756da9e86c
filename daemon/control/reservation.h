/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "vm.h"

/*
 * The reservation of a VM: from the announcement of a start to the end of the
 * machine. With it goes the next start, which is announced while the last
 * machine still exists. Both are in the state file, so that they outlive the
 * daemon.
 */

/* The VM is announced: hooks->start_overdue() is called unless this is called again, or the VM's machine comes, in time. */
void reservation_await_start(VM *vm);

/* The VM has a machine from now on: its start came, or its next start if that is a later machine. */
int reservation_begin(VM *vm);

/* The VM's machine has ended: its next start is its reservation now. Without one the VM is freed. caller: see vm_apply(). */
void reservation_end(VM *vm, const Caller *caller);
