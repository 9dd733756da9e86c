/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy.h"
#include "vm.h"

/* Which quota policy gives a VM, by what is known of it, configuration and state. */

/* Overrides, as they should be from now on. */
typedef struct VMOverrides {
        QuotaSetting runtime;
        QuotaSetting persistent;
} VMOverrides;

void vm_get_overrides(const VM *vm, VMOverrides *ret);

/* What would hold with these overrides; for its next start, or NULL for as it is. */
void vm_resolve(const VM *vm, const VMOverrides *overrides, const StateNext *next, PolicyResult *ret);

/* The same as it is, with another default. */
void vm_resolve_with_default(
        const VM *vm, const VMOverrides *overrides, uint32_t default_quota, PolicyResult *ret);

/* What an announcement would give a VM that need not exist. */
void vm_resolve_announced(
        const World *w, const char *uuid, const char *name, const Announcement *announced, PolicyResult *ret);

/* What will hold with the VM's next start, if one is announced; else what holds now. */
void vm_resolve_next(const VM *vm, PolicyResult *ret);

/* Every source of the quota that holds now, in order, with what became of it. The caller frees *ret. -ENOMEM. */
int vm_explain(const VM *vm, PolicyResult *ret_result, PolicyCandidate **ret, size_t *ret_n);

/* What counts as committed to the VM (commitment.h). Of the sets' counters what was last read or heard. */
uint32_t vm_committed(const VM *vm, MiscResource resource);

/*
 * The sum of vm_committed() of all VMs except one (or NULL), of numbers alone:
 * of what is attached there is no capacity. Counters are as they were read last.
 */
uint64_t world_committed(const World *w, const char *except_uuid);
