/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "slice-limit.h"
#include "world.h"

/*
 * Admission control: are more PASIDs committed than may be? commitment.h says
 * how much is committed to each running or announced VM. The commit limit is
 * the host's capacity or a slice's limit, multiplied by OvercommitRatio=.
 * Counters are the values last read from the kernel.
 */

/* The number of PASIDs that may be committed. UINT64_MAX for a slice without a limit. */
uint64_t admission_host_commit_limit(const World *w);
uint64_t admission_slice_commit_limit(const SliceLimit *slice);

/* The slice's admission mode: Admission= of its [Slice] section, or the global setting. */
Admission admission_of_slice(const SliceLimit *slice);

/* Can admission_check() refuse any VM in this slice (NULL: slice unknown)? */
bool admission_is_enforced(const World *w, const char *slice);

/*
 * Checks whether a VM with this quota may start in this slice. What is committed
 * to the VM already is not counted. Returns 0, -EDQUOT with a sentence for the
 * user in *ret_reason (freed by the caller; NULL if memory ran out), or -ENOMEM.
 */
int admission_check(const World *w, const char *uuid, const char *name, const char *slice, uint32_t quota,
        char **ret_reason);

/* What is committed on the host (slice is NULL) or in a slice, and the commit limit. */
typedef struct AdmissionBalance {
        uint64_t committed, limit;
        bool overcommitted;
} AdmissionBalance;

AdmissionBalance admission_balance(const World *w, const SliceLimit *slice);
