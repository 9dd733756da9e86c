/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "set.h"

/* What is kept of the search for the VMs of all sets. -ENOMEM. */
int matching_new(Matching **ret);
Matching *matching_free(Matching *matching);

/*
 * Which VM does a set belong to? By the cgroup of its process: a machine's, or
 * else a unit's, which then is a VM in its own right. A set whose unit cannot
 * be found becomes a VM of its own, so that it is seen and can be tuned.
 *
 * The answer may need questions to machined and systemd, and then comes later;
 * quota and watermark are applied with it.
 */
void set_match(Set *set);

/* All sets that wait for an answer which may be known by now. */
void set_match_waiting(Control *control);

/* A machine's cgroup is known: sets that were taken for a plain unit's go over to it. */
void set_match_adopt(VM *machine);
