/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "machine-info.h"
#include "vm.h"

/*
 * The VM of a machine, from its announcement by the libvirt hook (vm-reserve.h)
 * over its registration with machined and the creation of its cgroup to its end.
 */

/*
 * Finds or creates the VM of a machine or a reservation. A new one is not announced. A VM of another kind with this UUID is
 * removed. Returns 0 or a negative errno.
 */
int vm_machine_get(Control *control, const char *uuid, const char *name, VM **ret);

/* To be called when there is a machine. May be called again for the same one. */
void vm_machine_appeared(Control *control, const MachineInfo *info);
void vm_machine_removed(Control *control, const char *machine);

/* Called before and after a full list of machines is processed. The latter removes machines that were not in it. */
void vm_machines_begin(Control *control);
void vm_machines_end(Control *control);

/*
 * To be called when a unit's cgroup has appeared. Limits it if it belongs to a machine; if that is unknown, see early-
 * limit.h.
 */
void vm_machine_cgroup_appeared(Control *control, const char *cgroup);

/* Assigns the cgroup to machines with this unit whose cgroup was unknown so far. */
void vm_machine_claim_cgroup(Control *control, const char *unit, const char *unit_path);

/*
 * Machines that libvirt runs without systemd-machined (libvirt-qemu.h). They are
 * not announced, so these functions search for them when there is a reason to.
 * Their end shows in their cgroup and sets. Both return whether the VM has
 * changed; the second may free the VM. caller: see vm_apply().
 */
bool vm_machine_find_unregistered(VM *vm, const Caller *caller);
bool vm_machine_check_unregistered(VM *vm, const Caller *caller);

/* vm_machine_check_unregistered() for all VMs. */
void vm_machines_check_unregistered(Control *control);

/* Removes the VM of a unit, or of an unregistered machine, if it has ended. */
void vm_unit_check(VM *vm);
/* The same for all of them, when events may have been lost. */
void vm_units_check(Control *control);
