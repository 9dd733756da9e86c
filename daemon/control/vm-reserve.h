/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "vm.h"

/*
 * What the libvirt hook says of VMs: reservations, from the announcement of a
 * start to the end of the machine, and next starts, which are announced while
 * the last machine still exists. All of it is in the state file, so that it
 * outlives the daemon.
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
        ReserveKind kind, VM **ret);

/* The hook says that it has ended. A VM whose machine is still there goes with that. */
void vm_release(Control *control, const char *uuid);

/* At start: what the state file knows of. */
int vm_restore_reservations(Control *control);

/* Machines are known: deals with what is remembered of VMs that ended while the daemon was away. */
void vm_reservations_check(Control *control);

/* The VM has a machine from now on: its start came, or its next start if that is a later machine. */
int vm_reservation_begin(VM *vm);

/* The VM's machine has ended: its next start is its reservation now. Without one the VM is freed. */
void vm_reservation_end(VM *vm);
