/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "set.h"
#include "vm.h"

/* The quota of a VM in the kernel: the quota of each of its sets, and the limit of its cgroup. */

/* Notes in *ret_error what went wrong, unless something has before. Returns r. */
int vm_explain_error(char **ret_error, int r, const char *format, ...) _printf_(3, 4);

/* Has it a limit? That holds for the unit's own cgroup; a lone set has none that is its own. */
bool vm_has_limit(const VM *vm);

/*
 * What the cgroup's limit is with this quota of the VM. Machines that share a
 * unit share its limit, which then is the sum: each of them is held to its own
 * quota by its sets.
 */
uint64_t vm_limit_with(const VM *vm, uint32_t quota);
bool vm_cgroup_is_shared(const VM *vm);

/* What a failure with misc.max means: 0 if nothing, else a negative errno, which is explained. */
int vm_limit_error(const VM *vm, int r, char **ret_error);

int vm_write_set(const VM *vm, const Set *set, const PolicyResult *policy, char **ret_error);

/* Limit and sets. Goes on after a failure: the more places have the quota, the better. Returns the first failure. */
int vm_write_all(const VM *vm, const PolicyResult *policy, char **ret_error);
