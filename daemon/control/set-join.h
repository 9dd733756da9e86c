/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "boot-seed.h"
#include "control.h"
#include "set.h"

/*
 * A set joins a VM, and quota and watermark are applied to it. Where no machine
 * has it, the VM is made for it; seed is for the UUID of one that has none.
 */

/* A VM that exists. */
void set_join(Set *set, VM *vm);

/*
 * The VM of the unit that the search has found. uuid: the unit's InvocationID,
 * NULL when systemd does not know one. Where that VM cannot be made, or several
 * machines share the unit, the set becomes a VM of its own. Logs failure.
 */
void set_join_unit(Set *set, BootSeed *seed, const char *uuid);

/* A VM of its own, so that it is seen and can be tuned. Logs failure. */
void set_join_own_vm(Set *set, BootSeed *seed);
