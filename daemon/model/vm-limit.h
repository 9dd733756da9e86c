/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vm.h"

/* A VM's limits: misc.max of its cgroup, quota and watermark of each of its sets. Pure. */

/* Does pasidd set misc.max for the VM? Lone sets have no cgroup of their own. */
bool vm_has_misc_max(const VM *vm);

/*
 * The desired misc.max. Machines that share a unit share misc.max, which then is the sum of their quotas; the sets limit
 * each machine to its own quota. *ret_shared: are there such machines?
 */
uint64_t vm_misc_max(const VM *vm, bool *ret_shared);
bool vm_cgroup_is_shared(const VM *vm);

/* The state of the VM's quota, over all its limits. */
typedef struct VMEnforcement {
        LimitState state; /* IN_FORCE: all limits are, also if there is nothing to limit */
        const char
                *reason; /* why it is not in force; NULL: in force, or unknown. Owned by the VM, or static. */
} VMEnforcement;

VMEnforcement vm_enforcement(const VM *vm);
