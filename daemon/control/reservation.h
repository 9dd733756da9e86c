/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "vm.h"

/*
 * The reservation of a VM, which lasts from the announcement of a start to the
 * end of the machine. It includes the next start, which can be announced while
 * the last machine still exists. Both are stored in the runtime layer, so that
 * they survive a restart of the daemon.
 */

/*
 * Starts the timer of an announced VM: hooks->start_overdue() is called unless a machine appears or this is called
 * again in time.
 */
void reservation_await_start(VM *vm);

/*
 * To be called when the VM has got a machine: it is the announced start, or the next start if the machine is a later one.
 * Returns 0 or a negative errno.
 */
int reservation_begin(VM *vm);

/*
 * To be called when the VM's machine has ended. Its next start becomes the reservation. Without one, the VM is freed.
 * caller: see vm_apply().
 */
void reservation_end(VM *vm, const Caller *caller);
