/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "set.h"
#include "vm.h"

/*
 * The limits of a VM: misc.max of its cgroup, and quota and watermark of each of
 * its sets. All follow from vm->policy.
 */

/* Writes all limits, and updates the VM's QuotaInForce. force: also overwrite foreign values. */
void vm_limits_set(VM *vm, bool force);

/* The same, without force, for one set that was just added to the VM. */
void vm_limits_set_of_set(VM *vm, Set *set);

/* Reads all limits and handles foreign changes. */
void vm_limits_look(VM *vm);

/*
 * Checks whether the quota is in force in all limits of the kernel, and handles
 * foreign changes. Returns 0, or a negative errno with the reason in *ret_error,
 * which the caller frees.
 */
int vm_limits_verify(VM *vm, char **ret_error);

/* To be called when the cgroup is gone or was created again. */
void vm_limits_forget_cgroup(VM *vm);

/*
 * To be called after a transaction has committed the VM's numbers: writes the number of the misc.max that it shares to the
 * other VMs, and updates the enforcement.
 */
void vm_limits_committed(VM *vm);

/* To be called after it was taken back. Logs what the kernel did not take. */
void vm_limits_taken_back(VM *vm);

/* Determines again whether the quota is in force, and logs and announces a change. */
void vm_update_enforcement(VM *vm);

extern const LimitOps vm_limit_ops, set_quota_ops, set_watermark_ops;
