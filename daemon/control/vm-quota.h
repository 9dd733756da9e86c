/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "vm-policy.h"
#include "vm.h"

/*
 * The quota of a VM: what policy says, its way into the kernel, and what
 * happens when somebody else changes it there. caller: who asked for what
 * changes, for the event that says so; NULL: nobody.
 */

/* Works out what should hold and writes it where it does not, but for what is left to somebody else. */
void vm_apply(VM *vm, const Caller *caller);

/* vm_apply() for all VMs. */
void vms_apply(Control *control, const Caller *caller);

/*
 * What may have changed unseen: somebody else's value is dealt with as if that had been heard of, all else is written.
 * asked: somebody wants it so, and what was left to somebody else is written, too.
 */
void vm_reconcile(VM *vm, bool asked, const Caller *caller);

/* Writes the quota of one set that has just been added. */
void vm_apply_set(VM *vm, Set *set);

/* vm_apply() for each VM in a unit's cgroup. The limit of one that several VMs share is the sum of their quotas. */
void vm_apply_cgroup(Control *control, const char *unit_path);

/* The VM's cgroup is gone, which need not be its end; or there is one of that name, maybe another one. */
void vm_cgroup_gone(VM *vm);
void vm_cgroup_reappeared(VM *vm);

/* Makes this the policy of the VM, and announces what that changes. The kernel has it already, or gets it from the caller. */
void vm_take_policy(VM *vm, const PolicyResult *policy, const Caller *caller);
