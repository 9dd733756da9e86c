/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "set.h"
#include "vm.h"

/*
 * The limits of a VM: misc.max of its cgroup, quota and watermark of each of
 * its sets. All follow from a policy, which is vm->policy unless one is given.
 */

/* Writes all limits, but what is to be left to somebody else; with asked also that. Notes in the VM what came of it. */
void vm_limits_set(VM *vm, bool asked);

/* The same for one set that was just added to the VM. */
void vm_limits_set_of_set(VM *vm, Set *set);

/* Looks for changes by somebody else, and deals with them. */
void vm_limits_look(VM *vm);

/*
 * Does the kernel show the quota everywhere now? Deals with changes by somebody
 * else. 0, or a negative errno with *ret_error (to be freed), which says why
 * not.
 */
int vm_limits_verify(VM *vm, char **ret_error);

/* The file of the cgroup's limit is gone, or another one. */
void vm_limits_forget_cgroup(VM *vm);

/*
 * To be called after a change to the VM's numbers was committed: VMs that share its misc.max want the same number then.
 * Settles them.
 */
void vm_limits_committed(VM *vm);

/* To be called after it was taken back. Logs what the kernel did not take. */
void vm_limits_taken_back(VM *vm);

/* Works out anew whether the quota is in force, and logs and announces a change of that. */
void vm_settle(VM *vm);

extern const LimitOps vm_limit_ops, set_quota_ops, set_watermark_ops;
