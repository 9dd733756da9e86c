/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "set.h"
#include "vm.h"

/* What happens when somebody else changes a VM's quota in the kernel. */

/*
 * Does the kernel show the quota everywhere now? What somebody else has changed is reverted or adopted.
 * Brings vm->in_force up to date. 0 or a negative errno.
 */
int vm_verify(VM *vm);

/*
 * What may have changed unseen: somebody else's value is dealt with as if that had been heard of, all else is written.
 * asked: somebody wants it so, and what was left to somebody else is written, too.
 */
void vm_reconcile(VM *vm, bool asked);

/* The kernel says that a quota was written. Ours is recognised by its value; another's is reverted or adopted. */
void vm_quota_written(VM *vm, Set *set);
void vm_limit_written(VM *vm);
