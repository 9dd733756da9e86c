/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "policy.h"

/*
 * How much of what exists counts as committed to a VM? A quota counts in full
 * only where root or an administrator gave it to this VM. Any user can have as
 * many processes with sets as he likes, and the default quota of each is
 * committed to nobody. Pure.
 */

typedef enum CommitmentHolder {
        COMMITMENT_MACHINE,     /* a machine of the system, running or announced: only root makes these */
        COMMITMENT_SYSTEM_UNIT, /* a unit of the system's manager outside user.slice: only root makes these */
        COMMITMENT_OTHER,       /* a process that a user may have started, as often as he likes */
} CommitmentHolder;

/*
 * The quota in full: for machines; where an override or a rule sets it, for a
 * unit of the system. An override of a user's unit does not count: he can make
 * any number of that name. Otherwise, or if that is more, what the VM holds.
 * The quota holds for numbers and for what is attached alike, each by itself, and
 * held is one of the two: the caller asks for each that can be short.
 */
uint32_t commitment_of(CommitmentHolder holder, const PolicyResult *policy, uint32_t held);
