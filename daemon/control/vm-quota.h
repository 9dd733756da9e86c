/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "override-list.h"
#include "vm-policy.h"
#include "vm.h"

/*
 * The quota of a VM: what policy says, its way into the kernel, and what
 * happens when somebody else changes it there.
 */

/* Works out what should hold and writes it where it does not, but for what is left to somebody else. */
void vm_apply(VM *vm);

/* The same, and somebody wants it so: what was left to somebody else is written, too. */
void vm_apply_asked(VM *vm);

/* vm_apply() for all VMs. */
void vms_apply(Control *control);

/*
 * What may have changed unseen: somebody else's value is dealt with as if that had been heard of, all else is written.
 * asked: somebody wants it so, and what was left to somebody else is written, too.
 */
void vm_reconcile(VM *vm, bool asked);

/* Writes the quota of one set that has just been added. */
void vm_apply_set(VM *vm, Set *set);

/* vm_apply() for each VM in a unit's cgroup. The limit of one that several VMs share is the sum of their quotas. */
void vm_apply_cgroup(Control *control, const char *unit_path);

/* The VM's cgroup is gone, which need not be its end; or there is one of that name, maybe another one. */
void vm_cgroup_gone(VM *vm);
void vm_cgroup_reappeared(VM *vm);

/*
 * All or nothing: writes the quota that follows from the overrides to the
 * kernel, then saves them. If either fails the kernel gets the old quota back
 * and *ret_error (to be freed) says what failed, in a sentence. *ret_policy:
 * what holds afterwards.
 */
OverrideResult vm_change_overrides(
        VM *vm, const VMOverrides *overrides, PolicyResult *ret_policy, char **ret_error);

/*
 * vm_change_overrides() in steps, for a change that several VMs are part of. The state has the overrides of all of them
 * already: vm_try_overrides() writes what follows from these to the kernel, and nothing else; 0 or a negative errno with
 * *ret_error (to be freed). vm_take_overrides(), for all that were tried, makes it the VM's quota; vm_limits_take_back()
 * writes the old one again.
 */
int vm_try_overrides(VM *vm, char **ret_error);
void vm_take_overrides(VM *vm);
