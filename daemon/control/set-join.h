/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "boot-seed.h"
#include "control.h"
#include "set.h"

/*
 * Assigns a set to a VM and applies quota and watermark. If the set does not
 * belong to a machine, the VM is created; seed is for its UUID if it has none.
 */

/* Assigns the set to an existing VM. */
void set_join(Set *set, VM *vm);

/*
 * Assigns the set to the VM of the unit that the search has found. uuid: the
 * unit's InvocationID; NULL if systemd does not know one. If the VM cannot be
 * created, or several machines share the unit, the set becomes a VM of its own.
 * Failures are logged.
 */
void set_join_unit(Set *set, BootSeed *seed, const char *uuid);

/* Creates a VM for this set alone, so that it can be monitored and limited. Failures are logged. */
void set_join_own_vm(Set *set, BootSeed *seed);
