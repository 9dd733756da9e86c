/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "vm.h"

/*
 * The libvirt hook's announcements of VMs; reservation.h has the consequences. caller: who called
 * for it, see vm_apply().
 */

typedef enum ReserveKind {
        RESERVE_START,     /* the VM is about to start */
        RESERVE_RECONNECT, /* the VM runs, according to libvirt */
        RESERVE_UPDATE,    /* the VM runs, and its metadata has changed */
} ReserveKind;

/*
 * Handles an announcement. It is saved before it takes effect; on failure nothing changes. If the VM runs, the announcement
 * of a start is for its next start. Returns 0 with the VM, or a negative errno: -ESRCH for an update of a VM that does not
 * run.
 */
int vm_reserve(Control *control, const char *uuid, const char *name, const Announcement *announced,
        ReserveKind kind, const Caller *caller, VM **ret);

/* Handles the hook's announcement of a VM's end. If the machine still exists, the VM stays until the machine ends. */
void vm_release(Control *control, const char *uuid, const Caller *caller);

/* Restores the reservations from the state at the start. Returns 0 or a negative errno. */
int vm_restore_reservations(Control *control);

/* To be called when machines are known: cleans up reservations of VMs that ended while the daemon did not run. */
void vm_reservations_check(Control *control);

/*
 * To be called when the announced VM has not started in time: drops its reservation, unless the VM is still being
 * started.
 */
void vm_start_overdue(VM *vm);
