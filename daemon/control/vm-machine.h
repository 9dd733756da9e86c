/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "machine-info.h"
#include "vm.h"

/*
 * The life of a machine's VM: announced by the libvirt hook (reserved, see
 * vm-reserve.h), seen in machined (running), given a cgroup, gone from machined.
 */

/* The VM of a machine or a reservation; made if there is none, not announced then. The UUID is its own. */
int vm_machine_get(Control *control, const char *uuid, const char *name, VM **ret);

/* A machine is there. May be told again of one that is known. */
void vm_machine_appeared(Control *control, const MachineInfo *info);
void vm_machine_removed(Control *control, const char *machine);

/* Around a full list: what is not in it is gone. */
void vm_machines_begin(Control *control);
void vm_machines_end(Control *control);

/* A unit's cgroup has appeared; if it is a machine's, its limit is set. If that is not known yet, see early-limit.h. */
void vm_machine_cgroup_appeared(Control *control, const char *cgroup);

/* If a unit's cgroup belongs to machines whose cgroup was not known so far, it is from now on. */
void vm_machine_claim_cgroup(Control *control, const char *unit, const char *unit_path);

/*
 * Machines that libvirt runs without systemd-machined (libvirt-qemu.h): nobody
 * announces these, so they are looked for when there is reason to, and their
 * end is seen by their cgroup and sets. Each returns whether that changed
 * something; the VM of the second may be gone then. caller: see vm_apply().
 */
bool vm_machine_find_unregistered(VM *vm, const Caller *caller);
bool vm_machine_check_unregistered(VM *vm, const Caller *caller);

/* The second one for all VMs. */
void vm_machines_check_unregistered(Control *control);

/* Removes the VM of a unit if the unit is gone. */
void vm_unit_check(VM *vm);
/* The same for all of them, and for machines that machined does not know, where the news of that may have been lost. */
void vm_units_check(Control *control);
