/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vm.h"

/* Is a VM's quota in force? That is a matter of all its limits: of its cgroup's and of those of its sets. Pure. */

/* How the quota as a whole stands. */
typedef struct VMForce {
        LimitState state;   /* IN_FORCE: in all of them; also where there is nothing to limit */
        const char *reason; /* why it is not in force; NULL: unknown, or it is. The VM's, or static. */
} VMForce;

VMForce vm_force(const VM *vm);
