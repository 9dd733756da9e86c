/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "set.h"

/* State of the search for the VMs of all sets. Returns 0 or -ENOMEM. */
int matching_new(Matching **ret);
Matching *matching_free(Matching *matching);

/*
 * Finds the VM of a set by the cgroup of its process: a machine, or else a unit,
 * for which a VM is created. A set whose unit cannot be found becomes a VM of
 * its own, so that it can be monitored and limited.
 *
 * This may need questions to machined and systemd, and then finishes later.
 * Quota and watermark are applied at the end.
 */
void set_match(Set *set);

/* Matches all waiting sets again. */
void set_match_waiting(Control *control);

/* To be called when a machine's cgroup is known: moves sets from the VM of the plain unit to the machine. */
void set_match_adopt(VM *machine);
