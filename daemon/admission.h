/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "manager.h"
#include "slice-limit.h"

/*
 * Are more PASIDs committed than there are? Of every VM that runs or is
 * announced its quota is committed, or what it holds (commitment.h); there are
 * as many as the capacity, or the limit of a slice, times OvercommitRatio=.
 */

/* Reads what VMs hold, once in each turn of the event loop. */
void admission_refresh(Manager *m);

/* What may be promised. UINT64_MAX for a slice without a limit. */
uint64_t admission_host_commit_limit(const Manager *m);
uint64_t admission_slice_commit_limit(const SliceLimit *slice);

/* How strict the slice is: its own Admission=, or the general one. */
Admission admission_of_slice(const SliceLimit *slice);

/*
 * May a VM with this quota start, in this slice (NULL: not known)? What the
 * VM itself has now does not count. 0, or -EDQUOT with a sentence for who
 * starts it (to be freed).
 */
int admission_ask(
        Manager *m, const char *uuid, const char *name, const char *slice, uint32_t quota, char **ret_why);

/* Tells log and bus where more is promised now than there is, and did not use to be. */
void admission_check(Manager *m);
