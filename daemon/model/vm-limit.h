/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vm.h"

/* A VM's limits: misc.max of its cgroup, quota and watermark of each of its sets. Pure. */

/* Has it a misc.max? That is the unit's own cgroup; a lone set has none that is its own. */
bool vm_has_misc_max(const VM *vm);

/*
 * What misc.max is to be. Machines that share a unit share it, and then it is the sum: each of them is held to its own
 * quota by its sets. *ret_shared: are there such machines?
 */
uint64_t vm_misc_max(const VM *vm, bool *ret_shared);
bool vm_cgroup_is_shared(const VM *vm);

/* How the quota as a whole stands, which is a matter of all limits. */
typedef struct VMForce {
        LimitState state;   /* IN_FORCE: in all of them; also where there is nothing to limit */
        const char *reason; /* why it is not in force; NULL: unknown, or it is. The VM's, or static. */
} VMForce;

VMForce vm_force(const VM *vm);
