/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "vm.h"

/*
 * What the libvirt hook says of VMs, see reservation.h for what follows from it.
 * caller: who has called for it, see vm_apply().
 */

typedef enum ReserveKind {
        RESERVE_START,     /* it is about to start */
        RESERVE_RECONNECT, /* it runs, or so libvirt believes */
        RESERVE_UPDATE,    /* it runs, and something else is said of it now */
} ReserveKind;

/*
 * The hook says something of a VM. Saved before it takes effect, or nothing changes; what is said of the next start of a
 * VM that runs takes effect with that. Gives the VM, or a negative errno: -ESRCH for an update of one that does not run.
 */
int vm_reserve(Control *control, const char *uuid, const char *name, const Announcement *announced,
        ReserveKind kind, const Caller *caller, VM **ret);

/* The hook says that it has ended. A VM whose machine is still there goes with that. */
void vm_release(Control *control, const char *uuid, const Caller *caller);

/* At start: what the state file knows of. */
int vm_restore_reservations(Control *control);

/* Machines are known: deals with what is remembered of VMs that ended while the daemon was away. */
void vm_reservations_check(Control *control);

/* What was announced for the VM has not come in time: its reservation goes, unless the VM is still being started. */
void vm_start_overdue(VM *vm);
