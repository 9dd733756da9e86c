/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "slice-limit.h"
#include "world.h"

/*
 * Are more PASIDs committed than there are? Of every VM that runs or is
 * announced its quota is committed, or what it holds (commitment.h); there are
 * as many as the capacity, or the limit of a slice, times OvercommitRatio=.
 * Counters are as they were read last.
 */

/* How much may be committed. UINT64_MAX for a slice without a limit. */
uint64_t admission_host_commit_limit(const World *w);
uint64_t admission_slice_commit_limit(const SliceLimit *slice);

/* How strict the slice is: its own Admission=, or the general one. */
Admission admission_of_slice(const SliceLimit *slice);

/* Can admission_check() refuse a VM in this slice (NULL: not known)? Else it need not be asked. */
bool admission_is_enforced(const World *w, const char *slice);

/*
 * May a VM with this quota start, in this slice? What the VM itself has now
 * does not count. 0, or -EDQUOT with a sentence for who starts it (to be freed).
 */
int admission_check(const World *w, const char *uuid, const char *name, const char *slice, uint32_t quota,
        char **ret_why);

/* What is committed on the host (slice: NULL) or in a slice, against what may be. */
typedef struct AdmissionBalance {
        uint64_t committed, limit;
        bool overcommitted;
} AdmissionBalance;

AdmissionBalance admission_balance(const World *w, const SliceLimit *slice);
