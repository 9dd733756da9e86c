/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "vm-policy.h"
#include "vm.h"

/*
 * The quota of a VM: determines the policy and applies it to the kernel. caller: who asked for the change, for the event; NULL:
 * nobody.
 */

/* Determines the policy and writes all limits, except where a foreign value is left in place. */
void vm_apply(VM *vm, const Caller *caller);

/* vm_apply() for all VMs. */
void vms_apply(Control *control, const Caller *caller);

/*
 * To be called when changes may have been missed: handles foreign changes, and writes all limits. force: on request of an
 * administrator, also overwrite foreign values.
 */
void vm_reconcile(VM *vm, bool force, const Caller *caller);

/* Writes the limits of one set that has just been added. */
void vm_apply_set(VM *vm, Set *set);

/* vm_apply() for each VM in a unit's cgroup. If VMs share the cgroup, its limit is the sum of their quotas. */
void vm_apply_cgroup(Control *control, const char *unit_path);

/*
 * To be called when the VM's cgroup is gone, which may not be its end; and when there is a cgroup of that name again.
 */
void vm_cgroup_gone(VM *vm);
void vm_cgroup_reappeared(VM *vm);

/* Makes this the policy of the VM and announces the changes. Does not write to the kernel. */
void vm_take_policy(VM *vm, const PolicyResult *policy, const Caller *caller);
