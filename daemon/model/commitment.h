/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "policy.h"

/*
 * How many PASIDs count as committed to a VM? A quota counts in full only if
 * root or an administrator gave it to this VM. A user can have any number of
 * processes with sets, and each gets the default quota, so those quotas are not
 * committed. Pure.
 */

typedef enum CommitmentHolder {
        COMMITMENT_MACHINE,     /* a system machine, running or announced: only root can create these */
        COMMITMENT_SYSTEM_UNIT, /* a unit of the system manager outside user.slice: only root can create these */
        COMMITMENT_OTHER,       /* a process that any user may have started */
} CommitmentHolder;

/*
 * Returns the quota for machines, and for system units if the quota comes from
 * an override or a rule. Overrides of users' units do not count, because a user
 * can create any number of units with that name. In all other cases, and if it
 * is more than the quota, returns what the VM holds.
 *
 * The quota applies to allocated and to attached PASIDs separately; held is one
 * of the two counts. The caller calls this for each count that matters.
 */
uint32_t commitment_of(CommitmentHolder holder, const PolicyResult *policy, uint32_t held);
